// prism/policy/ledger.h - the privacy budget of one dataset as a state machine: reserve, then commit or roll back.
//
// A charge is reserved before the data is touched, and counts from then on. Commit says that the answer was computed
// and changes no amount. Rollback gives the charge back and is right only when the data was never touched. A
// reservation that is neither (the program died) stays charged for ever: nobody can know what it saw.
//
// The dataset's limit binds. Analysts' and rooms' limits lie inside it and are counted by adding up epsilons, whatever
// the accounting of the dataset. All amounts are exact integers under basic accounting; zcdp rounds against the
// spender.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/dp/filter.h"
#include "prism/policy/grant.h"
#include "prism/policy/ledger_event.h"

namespace prism::policy {

/// One limit and what happened to it. spent + left = limit, except for a dataset under zcdp: there `spent` is what all
/// charges together convert to, and `left` the largest query that still fits, so that the two can be more or less.
struct Account {
  dp::Epsilon limit;
  dp::Epsilon spent;
  dp::Epsilon left;
  bool operator==(const Account&) const = default;
};

struct Balance {
  Account dataset;
  dp::Delta delta_limit;
  dp::Delta delta_spent;
  dp::Delta delta_left;
  std::optional<Account> analyst;  ///< when the grant limits the analyst that was asked for
  std::optional<Account> room;
  /// The largest epsilon that the next query of this analyst in this room can have with its default_delta; zero when
  /// nothing fits that the grant allows a query.
  dp::Epsilon fits;
  bool operator==(const Balance&) const = default;
};

enum class ReservationState { reserved, committed, rolled_back };
/// `reserved`, `committed`, `rolled back`.
std::string_view name_of(ReservationState state);

struct Reservation {
  ReservationId id;
  std::chrono::seconds at;
  Charge charge;
  ReservationState state;
};

/// What a chain of events amounts to. Copies are independent.
class Ledger {
 public:
  /// The first event of a new ledger. Errors: those of check_grant.
  static Result<LedgerEvent> first_event(const Grant& grant, const LedgerId& id, std::chrono::seconds now);
  /// From its first event. Errors: integrity when it is none, or its grant does not read.
  static Result<Ledger> begin(const LedgerEvent& granted);

  /// What to append for each command; nothing changes before apply().
  /// Errors of reserve: quota when a limit is in the way, saying what is left and what would fit; refused when the
  /// epsilon is outside of what one query may have, or the analyst or room is not in the grant; mismatch for another
  /// grant's charge, or for mechanisms that cost more than the charge says; invalid_argument for a charge that makes no
  /// sense; exhausted when the ledger is full.
  Result<LedgerEvent> reserve(const Charge& charge, std::chrono::seconds now) const;
  /// Errors: not_found for a reservation that is not there, refused for one that is committed or rolled back.
  Result<LedgerEvent> commit(ReservationId reservation, std::chrono::seconds now) const;
  Result<LedgerEvent> rollback(ReservationId reservation, std::chrono::seconds now) const;
  /// `marked` is the sequence number of the high-water mark for `restored`, 0 for the others.
  Result<LedgerEvent> acknowledge(Acknowledged::Kind kind, std::uint64_t marked, std::chrono::seconds now) const;

  /// Takes the next event of the chain, from above or from a file. Errors: integrity when it cannot follow what is
  /// there: a wrong number, a charge beyond the limits, a reservation ended twice. Nothing has changed then.
  Status apply(const LedgerEvent& event);

  const LedgerId& id() const { return id_; }
  const Grant& grant() const { return grant_; }
  std::uint64_t sequence() const { return chain_.back().sequence; }
  const Digest& head() const { return chain_.back().digest; }
  std::size_t events() const { return chain_.size(); }
  /// The chain digest at an event, if there is one with this number. O(log events).
  std::optional<Digest> chain_at(std::uint64_t sequence) const;

  Balance balance(std::string_view analyst = {}, std::string_view room = {}) const;
  /// In the order of their numbers.
  const std::vector<Reservation>& reservations() const { return reservations_; }
  /// Whether somebody acknowledged a ledger that lost charges, or may have, after which nothing is left.
  bool forfeited() const { return forfeited_; }
  std::size_t times_moved() const { return times_moved_; }

 private:
  struct Link {
    std::uint64_t sequence;
    Digest digest;
  };
  Ledger(Grant grant, dp::Filter filter) : grant_(std::move(grant)), filter_(std::move(filter)) {}
  LedgerEvent next(std::chrono::seconds now) const;
  Status check_charge(const Charge& charge) const;
  Status check_limits(const Charge& charge) const;
  /// Its index, or the number of reservations when there is none.
  std::size_t place_of(ReservationId id) const;
  Status check_open(ReservationId id) const;
  void spend(const Charge& charge);
  void give_back(const Charge& charge);
  dp::Epsilon largest_that_fits(const Balance& now) const;

  LedgerId id_{};
  Grant grant_;
  Digest grant_digest_{};
  std::vector<Link> chain_;
  std::vector<Reservation> reservations_;
  dp::Filter filter_;
  std::map<std::string, dp::Epsilon, std::less<>> analysts_;  ///< spent so far, for each that the grant limits
  std::map<std::string, dp::Epsilon, std::less<>> rooms_;
  bool forfeited_ = false;
  std::size_t times_moved_ = 0;
};

}  // namespace prism::policy
