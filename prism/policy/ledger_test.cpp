#include "prism/policy/ledger.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "prism/policy/book.h"

namespace prism::policy {
namespace {

using table::ColumnType;

constexpr std::chrono::seconds kNow{1'700'000'000};

dp::Epsilon eps(std::string_view text) { return dp::Epsilon::parse(text).value(); }

Grant small_grant(std::string_view epsilon = "1") {
  Grant grant;
  TableRule table{.name = "t", .path = "t.csv", .unit = "id", .columns = {}};
  table.columns.push_back({.schema = {"id", ColumnType::integer}});
  grant.tables = {table};
  grant.epsilon = eps(epsilon);
  return grant;
}

Charge charge_of(const Grant& grant, std::string_view epsilon, std::string analyst = {}, std::string room = {}) {
  Charge charge;
  charge.grant = digest_of(grant);
  charge.epsilon = eps(epsilon);
  charge.delta = default_delta(grant, charge.epsilon);
  charge.events = {dp::Event::approximate(charge.epsilon, charge.delta)};
  charge.analyst = std::move(analyst);
  charge.room = std::move(room);
  return charge;
}

/// A ledger and all its events, as a store would keep them.
struct Kept {
  explicit Kept(const Grant& grant)
      : events{Ledger::first_event(grant, LedgerId{1, 2, 3}, kNow).value()}, ledger(Ledger::begin(events[0]).value()) {}
  Result<ReservationId> reserve(const Charge& charge) {
    PRISM_TRY(const LedgerEvent event, ledger.reserve(charge, kNow));
    keep(event);
    return ReservationId{event.sequence};
  }
  Status commit(ReservationId id) {
    PRISM_TRY(const LedgerEvent event, ledger.commit(id, kNow));
    keep(event);
    return {};
  }
  Status rollback(ReservationId id) {
    PRISM_TRY(const LedgerEvent event, ledger.rollback(id, kNow));
    keep(event);
    return {};
  }
  void keep(const LedgerEvent& event) {
    const Status applied = ledger.apply(event);
    ASSERT_TRUE(applied) << applied.error().message;
    events.push_back(event);
  }
  std::vector<LedgerEvent> events;
  Ledger ledger;
};

TEST(Ledger, ReservingSpendsCommittingKeepsAndRollingBackGivesBack) {
  const Grant grant = small_grant();
  Kept book(grant);
  const auto first = book.reserve(charge_of(grant, "0.3"));
  ASSERT_TRUE(first);
  EXPECT_EQ(book.ledger.balance().dataset, (Account{eps("1"), eps("0.3"), eps("0.7")}));
  ASSERT_TRUE(book.commit(*first));
  EXPECT_EQ(book.ledger.balance().dataset.spent, eps("0.3"));
  const auto second = book.reserve(charge_of(grant, "0.7"));
  ASSERT_TRUE(second);
  EXPECT_EQ(book.ledger.balance().dataset.left.nano(), 0);
  EXPECT_EQ(book.ledger.balance().delta_left.units(), 1U);  // 0.3 and 0.7 of it, each rounded down
  EXPECT_EQ(book.ledger.balance().fits.nano(), 0);
  ASSERT_TRUE(book.rollback(*second));
  EXPECT_EQ(book.ledger.balance().dataset.left, eps("0.7"));
  EXPECT_EQ(book.ledger.balance().fits, eps("0.7"));
  EXPECT_EQ(book.ledger.reservations()[0].state, ReservationState::committed);
  EXPECT_EQ(book.ledger.reservations()[1].state, ReservationState::rolled_back);
}

TEST(Ledger, AReservationEndsOnceAndOnlyWhereItIs) {
  const Grant grant = small_grant();
  Kept book(grant);
  const ReservationId a = book.reserve(charge_of(grant, "0.1")).value();
  const ReservationId b = book.reserve(charge_of(grant, "0.1")).value();
  ASSERT_TRUE(book.commit(a));
  ASSERT_TRUE(book.rollback(b));
  EXPECT_EQ(book.commit(a).error().code, ErrorCode::refused);
  EXPECT_EQ(book.rollback(a).error().code, ErrorCode::refused);
  EXPECT_EQ(book.rollback(b).error().code, ErrorCode::refused);
  EXPECT_EQ(book.commit(b).error().code, ErrorCode::refused);
  EXPECT_EQ(book.commit(ReservationId{1}).error().code, ErrorCode::not_found);  // the grant
  EXPECT_EQ(book.rollback(ReservationId{99}).error().code, ErrorCode::not_found);
}

TEST(Ledger, TheLastBillionthFitsAndNotOneMore) {
  Grant grant = small_grant("1");
  grant.query_least = dp::Epsilon::from_nano(1);
  Kept book(grant);
  ASSERT_TRUE(book.reserve(charge_of(grant, "0.999999999")));
  EXPECT_EQ(book.reserve(charge_of(grant, "0.000000002")).error().code, ErrorCode::quota);
  EXPECT_TRUE(book.reserve(charge_of(grant, "0.000000001")));
  EXPECT_EQ(book.reserve(charge_of(grant, "0.000000001")).error().code, ErrorCode::quota);
}

TEST(Ledger, DeltaBindsToo) {
  const Grant grant = small_grant("3");
  Kept book(grant);
  Charge charge = charge_of(grant, "0.1");
  charge.delta = dp::Delta::from_units(kDefaultDeltaUnits - 5);
  charge.events = {dp::Event::approximate(charge.epsilon, charge.delta)};
  ASSERT_TRUE(book.reserve(charge));
  const auto refused = book.reserve(charge_of(grant, "0.5"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::quota);
  EXPECT_NE(refused.error().message.find("with delta "), std::string::npos) << refused.error().message;
  charge.delta = dp::Delta::from_units(5);
  EXPECT_EQ(book.reserve(charge).error().code, ErrorCode::mismatch);  // its mechanism takes more than it says
  charge.events = {dp::Event::approximate(charge.epsilon, charge.delta)};
  EXPECT_TRUE(book.reserve(charge));
}

TEST(Ledger, SharesAreLimitsInsideTheDatasets) {
  Grant grant = small_grant("1");
  grant.analysts = {{"alice", eps("0.6")}, {"bob", eps("0.6")}};
  grant.rooms = {{"blue", eps("0.7")}, {"red", eps("1")}};
  Kept book(grant);
  ASSERT_TRUE(book.reserve(charge_of(grant, "0.5", "alice", "blue")));
  // The analyst's limit, then the room's, then the dataset's.
  EXPECT_EQ(book.ledger.balance("alice", "red").fits, eps("0.1"));
  EXPECT_EQ(book.ledger.balance("bob", "blue").fits, eps("0.2"));
  EXPECT_EQ(book.ledger.balance("bob", "red").fits, eps("0.5"));
  const auto refused = book.reserve(charge_of(grant, "0.3", "bob", "blue"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::quota);
  EXPECT_EQ(
      refused.error().message,
      "epsilon 0.3 does not fit into the privacy budget: 0.5 of 1 is left for the dataset, 0.6 of 0.6 is left for "
      "analyst bob, 0.2 of 0.7 is left in room blue; a query with epsilon 0.2 or less fits");
  EXPECT_EQ(refused.error().detail.substr(0, 9), "left=0.5 ");
  const ReservationId back = book.reserve(charge_of(grant, "0.2", "bob", "blue")).value();
  EXPECT_EQ(book.ledger.balance("bob", "blue").room->left.nano(), 0);
  ASSERT_TRUE(book.rollback(back));
  EXPECT_EQ(book.ledger.balance("bob", "blue").room->left, eps("0.2"));
  EXPECT_EQ(book.ledger.balance("bob", "blue").analyst->left, eps("0.6"));
}

TEST(Ledger, NobodyGetsRoundADivisionByBeingNobody) {
  Grant grant = small_grant("1");
  grant.analysts = {{"alice", eps("0.6")}};
  grant.rooms = {{"blue", eps("0.7")}};
  Kept book(grant);
  for (const auto& [analyst, room] : std::vector<std::pair<std::string, std::string>>{
           {"", "blue"}, {"alice", ""}, {"eve", "blue"}, {"alice", "green"}, {"Alice", "blue"}, {"alice\n", "blue"}}) {
    const auto refused = book.reserve(charge_of(grant, "0.1", analyst, room));
    ASSERT_FALSE(refused) << analyst << " in " << room;
    EXPECT_NE(refused.error().code, ErrorCode::quota);
  }
  // Without a division, names are only noted.
  const Grant open = small_grant("1");
  Kept other(open);
  ASSERT_TRUE(other.reserve(charge_of(open, "0.1", "eve", "attic")));
  EXPECT_EQ(other.ledger.reservations()[0].charge.analyst, "eve");
  EXPECT_EQ(other.ledger.balance("eve").analyst, std::nullopt);
}

TEST(Ledger, ChargesThatMakeNoSenseAreRefused) {
  const Grant grant = small_grant("3");
  Kept book(grant);
  EXPECT_EQ(book.reserve(charge_of(grant, "0.09")).error().code, ErrorCode::refused);
  EXPECT_EQ(book.reserve(charge_of(grant, "3.000000001")).error().code, ErrorCode::refused);
  EXPECT_EQ(book.reserve(charge_of(small_grant("2"), "1")).error().code, ErrorCode::mismatch);
  Charge charge = charge_of(grant, "1");
  charge.events.clear();
  EXPECT_EQ(book.reserve(charge).error().code, ErrorCode::invalid_argument);
  charge.events.assign(dp::kMostEvents + 1, dp::Event::pure(eps("0.1")));
  EXPECT_EQ(book.reserve(charge).error().code, ErrorCode::invalid_argument);
  charge = charge_of(grant, "1");
  charge.delta = dp::Delta::from_units(kMostDeltaUnits);
  EXPECT_EQ(book.reserve(charge).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(book.ledger.events(), 1U);
}

TEST(Ledger, ZcdpLetsMoreSmallQueriesInThanAddingUpAndStopsToo) {
  Grant grant = small_grant("1");
  const auto admitted = [&] {
    Kept book(grant);
    int n = 0;
    for (;; ++n) {
      Charge charge = charge_of(grant, "0.1");
      charge.delta = {};
      charge.events = {dp::Event::pure(charge.epsilon)};
      const auto id = book.reserve(charge);
      if (!id) {
        EXPECT_EQ(id.error().code, ErrorCode::quota);
        EXPECT_NE(id.error().message.find("left for the dataset"), std::string::npos);
        break;
      }
      // A refund gives back just what was taken: the count below does not change by it.
      if (n % 2 == 0) {
        EXPECT_TRUE(book.rollback(*id));
        EXPECT_TRUE(book.reserve(charge));
      }
      if (n > 1000) break;
    }
    return n;
  };
  EXPECT_EQ(admitted(), 10);
  grant.epsilon = eps("3");
  EXPECT_EQ(admitted(), 30);
  grant.accounting = dp::Method::zcdp;
  const int with_zcdp = admitted();
  EXPECT_GT(with_zcdp, 30);
  EXPECT_LT(with_zcdp, 60);  // (rho of 0.1)-queries: each 0.005; epsilon 3 at delta 5e-6 allows about 0.17
}

TEST(Ledger, WhatIsSaidToFitFits) {
  const std::uint64_t seed = 20'240'517;
  std::mt19937_64 random(seed);
  for (const dp::Method method : {dp::Method::basic, dp::Method::zcdp}) {
    for (int round = 0; round < 8; ++round) {
      Grant grant = small_grant("2");
      grant.accounting = method;
      grant.analysts = {{"alice", eps("1.5")}};
      Kept book(grant);
      for (int step = 0; step < 40; ++step) {
        const dp::Epsilon fits = book.ledger.balance("alice").fits;
        Charge charge = charge_of(grant, "0.1", "alice");
        if (fits.nano() == 0) {
          EXPECT_EQ(book.reserve(charge).error().code, ErrorCode::quota) << "seed " << seed;
          break;
        }
        EXPECT_GE(fits, grant.query_least);
        const auto claim = [&](dp::Epsilon epsilon) {
          charge.epsilon = epsilon;
          charge.delta = default_delta(grant, epsilon);
          charge.events = {dp::Event::approximate(epsilon, charge.delta)};
          return charge;
        };
        if (fits < grant.query_most) {
          EXPECT_FALSE(book.ledger.reserve(claim(fits + dp::Epsilon::from_nano(1)), kNow)) << "seed " << seed;
        }
        EXPECT_TRUE(book.ledger.reserve(claim(fits), kNow)) << "seed " << seed;
        const std::int64_t nano = 100'000'000 + static_cast<std::int64_t>(random() % 300'000'000);
        (void)book.reserve(claim(dp::Epsilon::from_nano(nano)));
      }
    }
  }
}

TEST(Ledger, ARestoredLedgerThatWasAcknowledgedHasNothingLeft) {
  Grant grant = small_grant("1");
  grant.analysts = {{"alice", eps("0.5")}};
  Kept book(grant);
  ASSERT_TRUE(book.reserve(charge_of(grant, "0.1", "alice")));
  book.keep(book.ledger.acknowledge(Acknowledged::Kind::moved, 0, kNow).value());
  EXPECT_EQ(book.ledger.times_moved(), 1U);
  EXPECT_EQ(book.ledger.balance("alice").dataset.left, eps("0.9"));
  book.keep(book.ledger.acknowledge(Acknowledged::Kind::restored, 40, kNow).value());
  EXPECT_EQ(book.ledger.sequence(), 41U);
  EXPECT_TRUE(book.ledger.forfeited());
  const Balance balance = book.ledger.balance("alice");
  EXPECT_EQ(balance.dataset.left.nano(), 0);
  EXPECT_EQ(balance.analyst->left.nano(), 0);
  EXPECT_EQ(balance.delta_left.units(), 0U);
  const auto refused = book.reserve(charge_of(grant, "0.1", "alice"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::quota);
  EXPECT_NE(refused.error().message.find("given up"), std::string::npos);
  // Giving back what was reserved before changes nothing about that.
  ASSERT_TRUE(book.rollback(ReservationId{2}));
  EXPECT_EQ(book.ledger.balance("alice").dataset.left.nano(), 0);
  EXPECT_EQ(book.ledger.acknowledge(Acknowledged::Kind::restored, UINT64_MAX, kNow).error().code, ErrorCode::integrity);
}

TEST(Ledger, ALedgerAcknowledgedWithoutMarkOrClaimHasNothingLeft) {
  Kept book(small_grant("1"));
  book.keep(book.ledger.acknowledge(Acknowledged::Kind::unmarked, 0, kNow).value());
  EXPECT_EQ(book.ledger.sequence(), 2U);
  EXPECT_TRUE(book.ledger.forfeited());
  EXPECT_EQ(book.ledger.times_moved(), 0U);
  EXPECT_EQ(book.ledger.balance().dataset.left.nano(), 0);
}

TEST(Ledger, EventsThatCannotFollowAreRefusedAndChangeNothing) {
  const Grant grant = small_grant("0.3");
  Kept book(grant);
  const ReservationId a = book.reserve(charge_of(grant, "0.2")).value();
  ASSERT_TRUE(book.commit(a));
  const Digest head = book.ledger.head();
  Charge foreign = charge_of(grant, "0.1");
  foreign.grant[0] ^= 1;
  for (const LedgerEvent& event : std::vector<LedgerEvent>{
           {3, kNow, Committed{a}},
           {5, kNow, Reserved{charge_of(grant, "0.1")}},
           {4, kNow, Reserved{charge_of(grant, "0.2")}},  // beyond the limit
           {4, kNow, Reserved{foreign}},
           {4, kNow, Committed{a}},
           {4, kNow, RolledBack{a}},
           {4, kNow, RolledBack{ReservationId{4}}},
           {4, kNow, Committed{ReservationId{1}}},
           {5, kNow, Acknowledged{Acknowledged::Kind::moved}},
           {UINT64_MAX, kNow, Acknowledged{Acknowledged::Kind::restored}},
           {4, kNow, Granted{{}, to_json(grant)}},
       }) {
    const Status applied = book.ledger.apply(event);
    ASSERT_FALSE(applied) << event.sequence << " of kind " << event.what.index();
    EXPECT_EQ(applied.error().code, ErrorCode::integrity);
  }
  EXPECT_EQ(book.ledger.head(), head);
  EXPECT_EQ(book.ledger.balance().dataset.left, eps("0.1"));
  EXPECT_TRUE(book.reserve(charge_of(grant, "0.1")));
  EXPECT_EQ(Ledger::begin(book.events[1]).error().code, ErrorCode::integrity);
}

// Random commands against a model that is nothing but a list: amounts agree after every step, the budget is never
// passed, and folding the events again gives the same ledger.
TEST(Ledger, RandomHistoriesNeverSpendMoreThanTheBudget) {
  const int rounds = std::getenv("PRISM_LONG") != nullptr ? 2'000 : 30;
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t seed = 977 + static_cast<std::uint64_t>(round);
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Grant grant = small_grant("2");
    const bool zcdp = round % 3 == 2;
    if (zcdp) grant.accounting = dp::Method::zcdp;
    grant.query_least = dp::Epsilon::from_nano(1);
    grant.analysts = {{"alice", eps("1.1")}, {"bob", eps("1.3")}};
    Kept book(grant);
    std::map<std::uint64_t, std::pair<Charge, ReservationState>> model;
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t id =
          model.empty() ? 7 : std::next(model.begin(), static_cast<std::ptrdiff_t>(random() % model.size()))->first;
      switch (random() % 5) {
        case 0:
        case 1:
        case 2: {
          Charge charge = charge_of(grant, "1", random() % 2 == 0 ? "alice" : "bob");
          charge.epsilon = dp::Epsilon::from_nano(1 + static_cast<std::int64_t>(random() % 400'000'000));
          charge.delta = dp::Delta::from_units(random() % 4 == 0 ? kDefaultDeltaUnits / 3 : 0);
          charge.events = {dp::Event::approximate(charge.epsilon, charge.delta)};
          if (const auto reserved = book.reserve(charge))
            model.insert({reserved->value, {charge, ReservationState::reserved}});
          break;
        }
        case 3:
          if (book.commit(ReservationId{id})) model.at(id).second = ReservationState::committed;
          break;
        default:
          if (book.rollback(ReservationId{id})) model.at(id).second = ReservationState::rolled_back;
      }
      std::map<std::string, std::int64_t> spent;
      Uint128 delta = 0;
      for (const auto& [number, entry] : model) {
        if (entry.second == ReservationState::rolled_back) continue;
        spent["all"] += entry.first.epsilon.nano();
        spent[entry.first.analyst] += entry.first.epsilon.nano();
        delta += entry.first.delta.units();
      }
      const Balance alice = book.ledger.balance("alice");
      ASSERT_EQ(alice.analyst->spent.nano(), spent["alice"]);
      ASSERT_EQ(book.ledger.balance("bob").analyst->spent.nano(), spent["bob"]);
      ASSERT_LE(spent["alice"], 1'100'000'000);
      ASSERT_LE(spent["bob"], 1'300'000'000);
      ASSERT_LE(delta, kDefaultDeltaUnits);
      if (!zcdp) {
        ASSERT_EQ(alice.dataset.spent.nano(), spent["all"]);
        ASSERT_LE(spent["all"], 2'000'000'000);
        ASSERT_EQ(alice.delta_spent.units(), delta);
      }
    }
    Ledger again = Ledger::begin(decode_ledger_event(encode(book.events[0])).value()).value();
    for (std::size_t i = 1; i < book.events.size(); ++i)
      ASSERT_TRUE(again.apply(decode_ledger_event(encode(book.events[i])).value()));
    EXPECT_EQ(again.head(), book.ledger.head());
    EXPECT_EQ(again.balance("alice"), book.ledger.balance("alice"));
  }
}

TEST(MemoryBook, TakesBackOnlyItsOwnReservations) {
  const Grant grant = small_grant();
  MemoryBook book = MemoryBook::make(grant).value();
  const ReservationId id = book.reserve(charge_of(grant, "0.5"), kNow).value();
  EXPECT_EQ(book.rollback(ReservationId{id.value + 1}, kNow).error().code, ErrorCode::refused);
  ASSERT_TRUE(book.rollback(id, kNow));
  EXPECT_EQ(book.read()->balance().dataset.left, eps("1"));
}

}  // namespace
}  // namespace prism::policy
