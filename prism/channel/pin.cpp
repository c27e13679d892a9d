#include "prism/channel/pin.h"

#include <algorithm>
#include <charconv>

#include "prism/crypto/key_file.h"

namespace prism::channel {
namespace {

constexpr std::string_view kFirstLine = "prism pins 1";

/// The text up to the next `end`, which is taken off too.
std::string_view cut(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view found = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return found;
}

bool read_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_digest(std::string_view text, Digest& out) {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* const digits = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, out[i], 16);
    if (error != std::errc() || end != digits + 2) return false;
  }
  return true;
}

}  // namespace

Status PinDecision::require_trusted(std::string_view server_name) const {
  if (trusted()) return {};
  const std::string now = crypto::fingerprint_text(offered), before = crypto::fingerprint_text(pinned);
  if (answer == PinAnswer::ask)
    return fail(ErrorCode::unauthorised, server_name, " is not known here; it shows the key ", now,
                ". Compare it with what its operator says, then pin it");
  if (answer == PinAnswer::rollback)
    return fail(ErrorCode::unauthorised, server_name, " shows an older identity than it showed before: key ", now,
                ", pinned ", before, ". Somebody may be replaying an old one; ask its operator");
  return fail(ErrorCode::unauthorised, "the identity of ", server_name, " changed: pinned ", before, ", now ", now,
              ", and no signature of the pinned key leads to the new one. This may be an attack. Only if its operator "
              "confirms the new key: forget the old pin, then pin the new one");
}

PinDecision decide(const Pin& pin, const IdentityBundle& bundle) {
  PinDecision decision{PinAnswer::changed, pin.fingerprint, bundle.fingerprint()};
  const auto previous = bundle.previous();
  if (bundle.fingerprint() == pin.fingerprint)
    decision.answer = PinAnswer::accept;
  else if (std::find(previous.begin(), previous.end(), pin.fingerprint) != previous.end())
    decision.answer = PinAnswer::rotated;
  if (decision.trusted() && bundle.content().epoch < pin.epoch) decision.answer = PinAnswer::rollback;
  return decision;
}

Result<PinStore> PinStore::decode(std::string_view text) {
  const auto bad = [](std::size_t line, std::string_view why) {
    return fail(ErrorCode::malformed, "line ", line, " of the pins: ", why);
  };
  if (text.size() > kMaxFileBytes) return bad(1, "the file is larger than pins are");
  PinStore store;
  if (cut(text, '\n') != kFirstLine) return bad(1, "\"prism pins 1\" wanted");
  for (std::size_t line = 2; !text.empty(); ++line) {
    std::string_view rest = cut(text, '\n');
    if (rest.empty() || rest.front() == '#') continue;
    const std::string_view name = cut(rest, ' ');
    Pin pin;
    std::uint64_t since = 0;
    if (!read_digest(cut(rest, ' '), pin.fingerprint) || !read_number(cut(rest, ' '), pin.epoch) ||
        !read_number(rest, since) || since > INT64_MAX)
      return bad(line, "a name, 64 hexadecimal digits, an epoch and a time wanted, one blank between them");
    pin.since = std::chrono::seconds(static_cast<std::int64_t>(since));
    if (!is_server_name(name)) return bad(line, "a name that is none");
    if (store.pins_.size() == kMaxPins) return bad(line, "more pins than are kept");
    if (!store.pins_.emplace(name, pin).second) return bad(line, "a name that was there before");
  }
  return store;
}

std::string PinStore::encode() const {
  std::string out(kFirstLine);
  out += '\n';
  for (const auto& [name, pin] : pins_)
    out += name + ' ' + to_hex(pin.fingerprint) + ' ' + std::to_string(pin.epoch) + ' ' +
           std::to_string(pin.since.count()) + '\n';
  return out;
}

PinDecision PinStore::decide(std::string_view server_name, const IdentityBundle& bundle) const {
  if (const Pin* const pin = find(server_name)) return channel::decide(*pin, bundle);
  return {PinAnswer::ask, {}, bundle.fingerprint()};
}

Status PinStore::remember(std::string_view server_name, const IdentityBundle& bundle, std::chrono::seconds now) {
  if (!is_server_name(server_name))
    return fail(ErrorCode::invalid_argument, "a server is called by 1 to ", kMaxServerNameBytes,
                " printable ASCII characters, without blanks and not beginning with #");
  const PinDecision decision = decide(server_name, bundle);
  if (decision.answer == PinAnswer::ask) {
    if (pins_.size() == kMaxPins)
      return fail(ErrorCode::exhausted, kMaxPins, " servers are pinned; forget some that are no longer used");
  } else {
    PRISM_CHECKED(decision.require_trusted(server_name));
  }
  const auto found = pins_.find(server_name);
  const bool same_key = found != pins_.end() && found->second.fingerprint == bundle.fingerprint();
  const std::chrono::seconds since = same_key ? found->second.since : std::max(now, std::chrono::seconds(0));
  pins_.insert_or_assign(std::string(server_name), Pin{bundle.fingerprint(), bundle.content().epoch, since});
  return {};
}

bool PinStore::forget(std::string_view server_name) {
  const auto found = pins_.find(server_name);
  if (found == pins_.end()) return false;
  pins_.erase(found);
  return true;
}

const Pin* PinStore::find(std::string_view server_name) const {
  const auto found = pins_.find(server_name);
  return found == pins_.end() ? nullptr : &found->second;
}

bool PinStore::is_server_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxServerNameBytes && name.front() != '#' &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace prism::channel
