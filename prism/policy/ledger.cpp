#include "prism/policy/ledger.h"

#include <algorithm>
#include <array>

#include "prism/base/check.h"
#include "prism/policy/internal/names.h"

namespace prism::policy {
namespace {

/// Numbers end here, so that one more always fits.
constexpr std::uint64_t kMostSequence = std::uint64_t{1} << 62;

template <class... Parts>
Error broken(std::uint64_t sequence, const Parts&... parts) {
  return fail(ErrorCode::integrity, "the ledger is damaged or was edited: event ", sequence, " ", parts...,
              "; bring back the ledger as it was");
}

const SubLimit* find_share(const std::vector<SubLimit>& shares, std::string_view name) {
  const auto found =
      std::find_if(shares.begin(), shares.end(), [&](const SubLimit& share) { return share.name == name; });
  return found == shares.end() ? nullptr : &*found;
}

/// None when the grant does not limit this name.
template <class Spent>
std::optional<Account> account_of(const std::vector<SubLimit>& shares, const Spent& spent, std::string_view name) {
  const SubLimit* share = find_share(shares, name);
  if (share == nullptr) return {};
  const auto found = spent.find(name);
  const dp::Epsilon so_far = found == spent.end() ? dp::Epsilon{} : found->second;
  check(so_far <= share->epsilon, "a limit of the ledger was passed");
  return Account{share->epsilon, so_far, share->epsilon - so_far};
}

/// Whether this name may charge at all: once a grant divides the budget, nobody gets round the division by being
/// nobody.
Status check_share(const std::vector<SubLimit>& shares, const std::string& name, std::string_view kind) {
  if (!name.empty()) PRISM_CHECKED(internal::check_name(name, kind));
  if (shares.empty() || find_share(shares, name) != nullptr) return {};
  std::string known;
  for (std::size_t i = 0; i < shares.size() && i < 10; ++i) known += (i == 0 ? "" : ", ") + shares[i].name;
  if (shares.size() > 10) known += ", ...";
  if (name.empty())
    return fail(ErrorCode::refused, "the grant divides its budget by ", kind, "; say which one asks, with --", kind,
                ": ", known);
  return fail(ErrorCode::refused, "the grant has no ", kind, " ", name, "; it has ", known);
}

/// The charge as the filter of the dataset counts it. Under basic accounting only the claim counts, and whether the
/// mechanisms keep to it was looked into when it was reserved: reading a ledger must not depend on how some later
/// program rounds that question.
struct Counted {
  Counted(const Charge& charge, dp::Method method)
      : sum{dp::Event::approximate(charge.epsilon, charge.delta)},
        claim{method == dp::Method::basic ? std::span<const dp::Event>(sum) : std::span<const dp::Event>(charge.events),
              charge.epsilon, charge.delta} {}
  Counted(const Counted&) = delete;
  std::array<dp::Event, 1> sum;
  dp::Claim claim;
};

std::string left_text(std::string_view whose, const Account& account) {
  return account.left.text() + " of " + account.limit.text() + " is left " + std::string(whose);
}

}  // namespace

std::string_view name_of(ReservationState state) {
  switch (state) {
    case ReservationState::reserved:
      return "reserved";
    case ReservationState::committed:
      return "committed";
    case ReservationState::rolled_back:
      return "rolled back";
  }
  return "unknown";
}

Result<LedgerEvent> Ledger::first_event(const Grant& grant, const LedgerId& id, std::chrono::seconds now) {
  PRISM_CHECKED(check_grant(grant));
  std::string json = to_json(grant);
  if (json.size() > kMostGrantBytes)
    return fail(ErrorCode::exhausted, "the grant takes more than the ", kMostGrantBytes, " bytes allowed");
  return LedgerEvent{1, now, Granted{id, std::move(json)}};
}

Result<Ledger> Ledger::begin(const LedgerEvent& event) {
  const auto* granted = std::get_if<Granted>(&event.what);
  if (granted == nullptr || event.sequence != 1) return broken(event.sequence, "is not the grant that comes first");
  auto grant = grant_from_json(granted->grant);
  if (!grant) return broken(event.sequence, "holds a grant that does not read (", grant.error().message, ")");
  PRISM_TRY(dp::Filter filter, dp::Filter::make(grant->accounting, grant->epsilon, grant->delta));
  Ledger ledger(*std::move(grant), std::move(filter));
  ledger.id_ = granted->ledger;
  ledger.grant_digest_ = internal::digest_of_grant_text(granted->grant);
  ledger.chain_.push_back({1, chain_digest(Digest{}, encode(event))});
  return ledger;
}

LedgerEvent Ledger::next(std::chrono::seconds now) const { return {sequence() + 1, now, Committed{ReservationId{0}}}; }

std::size_t Ledger::place_of(ReservationId id) const {
  const auto at = std::lower_bound(reservations_.begin(), reservations_.end(), id,
                                   [](const Reservation& one, ReservationId wanted) { return one.id < wanted; });
  return at != reservations_.end() && at->id == id ? static_cast<std::size_t>(at - reservations_.begin())
                                                   : reservations_.size();
}

Status Ledger::check_open(ReservationId id) const {
  const std::size_t place = place_of(id);
  if (place == reservations_.size()) return fail(ErrorCode::not_found, "the ledger has no reservation ", id.value);
  const ReservationState state = reservations_[place].state;
  if (state != ReservationState::reserved)
    return fail(ErrorCode::refused, "reservation ", id.value, " is ", name_of(state), " already");
  return {};
}

Status Ledger::check_charge(const Charge& charge) const {
  if (charge.grant != grant_digest_)
    return fail(ErrorCode::mismatch, "the query was prepared under another grant than this ledger's; prepare it again");
  if (charge.epsilon < grant_.query_least || charge.epsilon > grant_.query_most)
    return fail(ErrorCode::refused, "--epsilon ", charge.epsilon.text(),
                " is outside of what the grant lets one query have: ", grant_.query_least.text(), " to ",
                grant_.query_most.text());
  if (charge.delta.units() >= kMostDeltaUnits)
    return fail(ErrorCode::invalid_argument, "delta ", charge.delta.text(), " protects nobody; below 0.1 is wanted");
  if (charge.events.empty() || charge.events.size() > dp::kMostEvents)
    return fail(ErrorCode::invalid_argument, "a charge has 1 to ", dp::kMostEvents, " mechanisms, not ",
                charge.events.size());
  PRISM_CHECKED(check_share(grant_.analysts, charge.analyst, "analyst"));
  return check_share(grant_.rooms, charge.room, "room");
}

Status Ledger::check_limits(const Charge& charge) const {
  const auto analyst = account_of(grant_.analysts, analysts_, charge.analyst);
  const auto room = account_of(grant_.rooms, rooms_, charge.room);
  if (!forfeited_ && filter_.fits(Counted(charge, grant_.accounting).claim) &&
      (!analyst || charge.epsilon <= analyst->left) && (!room || charge.epsilon <= room->left))
    return {};

  const Balance now = balance(charge.analyst, charge.room);
  std::string text = "epsilon " + charge.epsilon.text();
  if (charge.delta > now.delta_left) text += " with delta " + charge.delta.text();
  text += " does not fit into the privacy budget: " + left_text("for the dataset", now.dataset);
  if (charge.delta > now.delta_left) text += ", of delta " + now.delta_left.text() + " of " + now.delta_limit.text();
  if (now.analyst) text += ", " + left_text("for analyst " + charge.analyst, *now.analyst);
  if (now.room) text += ", " + left_text("in room " + charge.room, *now.room);
  if (forfeited_) text += "; what was left was given up when a ledger that lost its mark or charges was acknowledged";
  text += now.fits.nano() > 0 ? "; a query with epsilon " + now.fits.text() + " or less fits"
                              : "; no query fits any more, as one needs at least epsilon " + grant_.query_least.text();
  Error error{ErrorCode::quota, std::move(text), {}};
  error.detail =
      "left=" + now.dataset.left.text() + " delta_left=" + now.delta_left.text() + " fits=" + now.fits.text();
  if (now.analyst) error.detail += " analyst_left=" + now.analyst->left.text();
  if (now.room) error.detail += " room_left=" + now.room->left.text();
  return error;
}

Result<LedgerEvent> Ledger::reserve(const Charge& charge, std::chrono::seconds now) const {
  PRISM_CHECKED(check_charge(charge));
  PRISM_CHECKED(dp::consistent({charge.events, charge.epsilon, charge.delta}));
  PRISM_CHECKED(check_limits(charge));
  // Each reservation needs room for its end.
  if (reservations_.size() >= kMostLedgerEvents / 2 || chain_.size() >= kMostLedgerEvents)
    return fail(ErrorCode::exhausted, "the ledger is full: it holds ", chain_.size(), " events");
  LedgerEvent event = next(now);
  event.what = Reserved{charge};
  return event;
}

Result<LedgerEvent> Ledger::commit(ReservationId reservation, std::chrono::seconds now) const {
  PRISM_CHECKED(check_open(reservation));
  LedgerEvent event = next(now);
  event.what = Committed{reservation};
  return event;
}

Result<LedgerEvent> Ledger::rollback(ReservationId reservation, std::chrono::seconds now) const {
  PRISM_CHECKED(check_open(reservation));
  LedgerEvent event = next(now);
  event.what = RolledBack{reservation};
  return event;
}

Result<LedgerEvent> Ledger::acknowledge(Acknowledged::Kind kind, std::uint64_t marked, std::chrono::seconds now) const {
  if (marked >= kMostSequence)
    return fail(ErrorCode::integrity, "the high-water mark points past any event; it is not one of ours");
  if (chain_.size() >= 2 * kMostLedgerEvents)
    return fail(ErrorCode::exhausted, "the ledger is full: it holds ", chain_.size(), " events");
  LedgerEvent event = next(now);
  // Past the events that were lost, so that a mark only ever goes up.
  if (kind == Acknowledged::Kind::restored) event.sequence = std::max(event.sequence, marked + 1);
  event.what = Acknowledged{kind};
  return event;
}

Status Ledger::apply(const LedgerEvent& event) {
  const auto* acknowledged = std::get_if<Acknowledged>(&event.what);
  const bool may_skip = acknowledged != nullptr && acknowledged->kind == Acknowledged::Kind::restored;
  if (event.sequence <= sequence() || event.sequence > kMostSequence || (event.sequence != sequence() + 1 && !may_skip))
    return broken(event.sequence, "does not follow event ", sequence());
  if (std::holds_alternative<Granted>(event.what)) return broken(event.sequence, "is a second grant");

  if (const auto* reserved = std::get_if<Reserved>(&event.what)) {
    Status sound = check_charge(reserved->charge);
    if (sound) sound = check_limits(reserved->charge);
    if (!sound) return broken(event.sequence, "charges what the ledger does not let in");
    spend(reserved->charge);
    reservations_.push_back({ReservationId{event.sequence}, event.at, reserved->charge, ReservationState::reserved});
  } else if (const auto* committed = std::get_if<Committed>(&event.what)) {
    if (!check_open(committed->reservation)) return broken(event.sequence, "commits what is not reserved");
    reservations_[place_of(committed->reservation)].state = ReservationState::committed;
  } else if (const auto* rolled_back = std::get_if<RolledBack>(&event.what)) {
    if (!check_open(rolled_back->reservation)) return broken(event.sequence, "rolls back what is not reserved");
    Reservation& reservation = reservations_[place_of(rolled_back->reservation)];
    give_back(reservation.charge);
    reservation.state = ReservationState::rolled_back;
  } else if (acknowledged->kind == Acknowledged::Kind::moved) {
    ++times_moved_;
  } else {
    forfeited_ = true;
  }
  chain_.push_back({event.sequence, chain_digest(head(), encode(event))});
  return {};
}

void Ledger::spend(const Charge& charge) {
  check(filter_.admit(Counted(charge, grant_.accounting).claim).has_value(), "a charge was checked and then refused");
  if (find_share(grant_.analysts, charge.analyst) != nullptr)
    analysts_[charge.analyst] = analysts_[charge.analyst] + charge.epsilon;
  if (find_share(grant_.rooms, charge.room) != nullptr) rooms_[charge.room] = rooms_[charge.room] + charge.epsilon;
}

void Ledger::give_back(const Charge& charge) {
  check(filter_.refund(Counted(charge, grant_.accounting).claim).has_value(), "a charge was given back twice");
  if (const auto found = analysts_.find(charge.analyst); found != analysts_.end())
    found->second = found->second - charge.epsilon;
  if (const auto found = rooms_.find(charge.room); found != rooms_.end())
    found->second = found->second - charge.epsilon;
}

std::optional<Digest> Ledger::chain_at(std::uint64_t sequence) const {
  const auto at = std::lower_bound(chain_.begin(), chain_.end(), sequence,
                                   [](const Link& link, std::uint64_t wanted) { return link.sequence < wanted; });
  if (at == chain_.end() || at->sequence != sequence) return {};
  return at->digest;
}

Balance Ledger::balance(std::string_view analyst, std::string_view room) const {
  Balance now;
  now.dataset = {grant_.epsilon, filter_.spent(), filter_.room()};
  now.delta_limit = grant_.delta;
  now.delta_spent = filter_.spent_delta();
  now.delta_left = filter_.room_delta();
  now.analyst = account_of(grant_.analysts, analysts_, analyst);
  now.room = account_of(grant_.rooms, rooms_, room);
  if (forfeited_) {
    const auto forfeit = [](Account& account) { account = {account.limit, account.limit, dp::Epsilon{}}; };
    forfeit(now.dataset);
    if (now.analyst) forfeit(*now.analyst);
    if (now.room) forfeit(*now.room);
    now.delta_spent = now.delta_limit;
    now.delta_left = {};
    return now;  // nothing fits
  }
  now.fits = largest_that_fits(now);
  return now;
}

dp::Epsilon Ledger::largest_that_fits(const Balance& now) const {
  const auto fits = [&](std::int64_t nano) {
    const dp::Epsilon epsilon = dp::Epsilon::from_nano(nano);
    const dp::Delta delta = default_delta(grant_, epsilon);
    const std::array<dp::Event, 1> events{dp::Event::approximate(epsilon, delta)};
    return filter_.fits({events, epsilon, delta}).has_value();
  };
  std::int64_t most = std::min(grant_.query_most, now.dataset.left).nano();
  if (now.analyst) most = std::min(most, now.analyst->left.nano());
  if (now.room) most = std::min(most, now.room->left.nano());
  std::int64_t least = grant_.query_least.nano();
  if (most < least || !fits(least)) return {};
  if (fits(most)) return dp::Epsilon::from_nano(most);
  // What fits is a range that starts at `least`: both costs grow with epsilon.
  while (most - least > 1) {
    const std::int64_t middle = least + (most - least) / 2;
    (fits(middle) ? least : most) = middle;
  }
  return dp::Epsilon::from_nano(least);
}

}  // namespace prism::policy
