#include "prism/policy/ledger_event.h"

#include "prism/base/check.h"
#include "prism/hash/sha256.h"
#include "prism/policy/grant.h"
#include "prism/policy/internal/names.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::policy {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kWhat = "a ledger's event";

/// In files; never renumbered.
enum class Tag : std::uint8_t {
  granted = 1,
  reserved = 2,
  committed = 3,
  rolled_back = 4,
  moved = 5,
  restored = 6,
  unmarked = 7
};

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

void write_charge(wire::Writer& out, const Charge& charge) {
  out.digest(charge.grant);
  out.digest(charge.plan);
  out.i64(charge.epsilon.nano());
  out.u64(static_cast<std::uint64_t>(charge.delta.units() >> 64));
  out.u64(static_cast<std::uint64_t>(charge.delta.units()));
  auto events = dp::encode_events(charge.events);
  check(events.has_value(), "a charge with more mechanisms than check_charge lets through");
  out.bytes(*events);
  out.string(charge.analyst);
  out.string(charge.room);
}

Result<Charge> read_charge(wire::Reader& in) {
  Charge charge;
  PRISM_TRY(charge.grant, in.digest());
  PRISM_TRY(charge.plan, in.digest());
  PRISM_TRY(const std::int64_t nano, in.i64());
  if (nano <= 0 || nano > dp::Epsilon::kMostParsed)
    return fail(ErrorCode::malformed, kWhat, " charges an epsilon that no query can have");
  charge.epsilon = dp::Epsilon::from_nano(nano);
  PRISM_TRY(const std::uint64_t high, in.u64());
  PRISM_TRY(const std::uint64_t low, in.u64());
  const Uint128 units = Uint128{high} << 64 | low;
  if (units >= kMostDeltaUnits) return fail(ErrorCode::malformed, kWhat, " charges a delta that no query can have");
  charge.delta = dp::Delta::from_units(units);
  PRISM_TRY(const ByteView events, in.bytes_view(kMostEventBytes));
  PRISM_TRY(charge.events, dp::decode_events(events));
  PRISM_TRY(charge.analyst, in.string(kMostNameBytes));
  PRISM_TRY(charge.room, in.string(kMostNameBytes));
  for (const std::string* name : {&charge.analyst, &charge.room}) {
    if (!name->empty() && !internal::check_name(*name, ""))
      return fail(ErrorCode::malformed, kWhat, " holds a name that is none");
  }
  return charge;
}

}  // namespace

Bytes encode(const LedgerEvent& event) {
  wire::Writer out;
  const auto begin = [&](Tag tag) {
    out.u8(kVersion);
    out.u8(static_cast<std::uint8_t>(tag));
    out.u64(event.sequence);
    out.i64(event.at.count());
  };
  std::visit(Overloaded{
                 [&](const Granted& granted) {
                   begin(Tag::granted);
                   out.raw(granted.ledger);
                   out.string(granted.grant);
                 },
                 [&](const Reserved& reserved) {
                   begin(Tag::reserved);
                   write_charge(out, reserved.charge);
                 },
                 [&](const Committed& committed) {
                   begin(Tag::committed);
                   out.u64(committed.reservation.value);
                 },
                 [&](const RolledBack& rolled_back) {
                   begin(Tag::rolled_back);
                   out.u64(rolled_back.reservation.value);
                 },
                 [&](const Acknowledged& acknowledged) {
                   begin(acknowledged.kind == Acknowledged::Kind::moved      ? Tag::moved
                         : acknowledged.kind == Acknowledged::Kind::restored ? Tag::restored
                                                                             : Tag::unmarked);
                 },
             },
             event.what);
  return std::move(out).take();
}

Result<LedgerEvent> decode_ledger_event(ByteView bytes) {
  wire::Reader in(bytes, kWhat);
  PRISM_TRY(const std::uint8_t version, in.u8());
  if (version != kVersion)
    return fail(ErrorCode::unsupported, kWhat, " has version ", version, "; this program reads version ", kVersion);
  PRISM_TRY(const std::uint8_t tag, in.u8());
  LedgerEvent event;
  PRISM_TRY(event.sequence, in.u64());
  PRISM_TRY(const std::int64_t at, in.i64());
  event.at = std::chrono::seconds(at);
  switch (static_cast<Tag>(tag)) {
    case Tag::granted: {
      Granted granted;
      PRISM_TRY(granted.ledger, in.array<16>());
      PRISM_TRY(granted.grant, in.string(kMostGrantBytes));
      event.what = std::move(granted);
      break;
    }
    case Tag::reserved: {
      PRISM_TRY(Charge charge, read_charge(in));
      event.what = Reserved{std::move(charge)};
      break;
    }
    case Tag::committed: {
      PRISM_TRY(const std::uint64_t id, in.u64());
      event.what = Committed{ReservationId{id}};
      break;
    }
    case Tag::rolled_back: {
      PRISM_TRY(const std::uint64_t id, in.u64());
      event.what = RolledBack{ReservationId{id}};
      break;
    }
    case Tag::moved:
      event.what = Acknowledged{Acknowledged::Kind::moved};
      break;
    case Tag::restored:
      event.what = Acknowledged{Acknowledged::Kind::restored};
      break;
    case Tag::unmarked:
      event.what = Acknowledged{Acknowledged::Kind::unmarked};
      break;
    default:
      return fail(ErrorCode::malformed, kWhat, " is of the unknown kind ", tag);
  }
  PRISM_CHECKED(in.finish());
  return event;
}

Digest chain_digest(const Digest& before, ByteView encoded) {
  return hash::tagged_sha256("prism budget ledger v1").update(before).update(encoded).finish();
}

}  // namespace prism::policy
