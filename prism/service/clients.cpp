#include "prism/service/clients.h"

#include <utility>

#include "prism/crypto/key_file.h"
#include "prism/host/file.h"
#include "prism/service/names.h"

namespace prism::service {
namespace {

constexpr std::uint64_t kMostListBytes = std::uint64_t{128} << 20;
constexpr std::size_t kLineBytes = 64 + 1 + 64 + 1;

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  return line;
}

}  // namespace

Result<Clients::List> Clients::read_list(const std::string& path) {
  PRISM_TRY(const Bytes bytes, host::read_file(path, kMostListBytes));
  List out;
  std::string_view text = as_text(bytes);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const auto fingerprint = crypto::fingerprint_from(line);
    if (!fingerprint)
      return fail(ErrorCode::malformed, path, ", line ", number,
                  ": not a fingerprint; `prism keys inspect` shows them");
    if (out.size() >= kMostListed)
      return fail(ErrorCode::exhausted, path, " lists more than ", kMostListed, " clients");
    out.insert(*fingerprint);
  }
  return out;
}

Result<std::unique_ptr<Clients>> Clients::open(const std::string& file, Admission admission,
                                               const std::string& list_file) {
  Bytes known;
  if (host::exists(file)) {
    // Some room for lines that crashes left torn.
    PRISM_TRY(known, host::read_file(file, 2 * kMostRotated * kLineBytes));
  }
  PRISM_TRY(host::GrowingFile rotated, host::GrowingFile::open(file));
  // A crash may have left the start of a line, whose handshake was never answered.
  if (rotated.size() % kLineBytes != 0)
    PRISM_CHECKED(rotated.append(Bytes(kLineBytes - rotated.size() % kLineBytes, std::uint8_t{' '})));
  std::unique_ptr<Clients> out(new Clients(admission, list_file, std::move(rotated)));
  PRISM_CHECKED(out->take_up(as_text(known)));
  PRISM_CHECKED(out->reload());
  return out;
}

Status Clients::take_up(std::string_view text) {
  for (; text.size() >= kLineBytes; text.remove_prefix(kLineBytes)) {
    const auto key = digest_from_hex(text.substr(0, 64)), account = digest_from_hex(text.substr(65, 64));
    if (key && account && rotated_.emplace(*key, *account).second) ++rotated_of_[*account];
  }
  return {};
}

Status Clients::reload() {
  if (admission_ == Admission::open) return {};
  PRISM_TRY(List list, read_list(list_file_));
  const std::lock_guard lock(mutex_);
  list_ = std::make_shared<const List>(std::move(list));
  return {};
}

bool Clients::admits(const Digest& fingerprint, std::span<const Digest> previous) const {
  if (admission_ == Admission::open) return true;
  std::shared_ptr<const List> list;
  {
    const std::lock_guard lock(mutex_);
    list = list_;
  }
  bool found = list->contains(fingerprint);
  for (const Digest& older : previous) found = list->contains(older) || found;
  return found;
}

Result<Digest> Clients::account_of(const Digest& fingerprint, std::span<const Digest> previous) {
  const std::lock_guard lock(mutex_);
  if (const auto known = rotated_.find(fingerprint); known != rotated_.end()) return known->second;
  if (previous.empty()) return fingerprint;
  const Digest account = inherited_locked(fingerprint, previous);
  if (account == fingerprint || !worth_keeping_locked(account) || rotated_.size() >= kMostRotated) return account;
  std::size_t& keys = rotated_of_[account];
  if (keys >= kMostRotatedOfOne) return account;
  const std::uint64_t before = file_.size();
  PRISM_CHECKED(file_.append(as_bytes(to_hex(fingerprint) + " " + to_hex(account) + "\n")));
  if (Status synced = file_.sync(); !synced) {
    (void)file_.cut(before);  // the client comes again, and must not be written twice
    return synced.error();
  }
  rotated_.emplace(fingerprint, account);
  ++keys;
  return account;
}

bool Clients::worth_keeping_locked(const Digest& account) const {
  return (list_ && list_->contains(account)) || owns_(account);
}

/// Of a chain of keys that are all unknown, the first with something to keep; of one without, the first.
Digest Clients::inherited_locked(const Digest& fingerprint, std::span<const Digest> previous) const {
  for (const Digest& older : previous)
    if (const auto known = rotated_.find(older); known != rotated_.end()) return known->second;
  for (const Digest& older : previous)
    if (worth_keeping_locked(older)) return older;
  return owns_(fingerprint) ? fingerprint : previous.front();
}

}  // namespace prism::service
