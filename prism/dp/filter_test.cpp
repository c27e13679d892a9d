#include "prism/dp/filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "prism/dp/calibrate.h"

namespace prism::dp {
namespace {

Epsilon epsilon_of(std::string_view text) { return Epsilon::parse(text).value(); }
Delta delta_of(std::string_view text) { return Delta::parse(text).value(); }

struct Query {
  std::vector<Event> events;
  Epsilon epsilon;
  Delta delta;
  Claim claim() const { return {events, epsilon, delta}; }
};

Query pure(std::string_view text) { return {{Event::pure(epsilon_of(text))}, epsilon_of(text), Delta()}; }

TEST(Filter, BasicAdmitsUpToTheLastBillionth) {
  Filter filter = Filter::make(Method::basic, epsilon_of("1"), Delta()).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(filter.admit(pure("0.333333333").claim()));
  EXPECT_EQ(filter.room(), epsilon_of("0.000000001"));
  EXPECT_EQ(filter.admit(pure("0.000000002").claim()).error().code, ErrorCode::quota);
  ASSERT_TRUE(filter.admit(pure("0.000000001").claim()));
  EXPECT_EQ(filter.room(), Epsilon());
  EXPECT_EQ(filter.spent(), filter.total());
  const Error refused = filter.admit(pure("0.1").claim()).error();
  EXPECT_EQ(refused.code, ErrorCode::quota);
  EXPECT_NE(refused.message.find("epsilon 0 and delta 0 are left"), std::string::npos) << refused.message;
}

TEST(Filter, DeltaIsALimitOfItsOwn) {
  Filter filter = Filter::make(Method::basic, epsilon_of("10"), delta_of("1e-5")).value();
  const auto query = [](std::string_view delta) {
    return Query{{Event::approximate(epsilon_of("0.1"), delta_of(delta))}, epsilon_of("0.1"), delta_of(delta)};
  };
  ASSERT_TRUE(filter.admit(query("6e-6").claim()));
  EXPECT_EQ(filter.admit(query("6e-6").claim()).error().code, ErrorCode::quota);
  ASSERT_TRUE(filter.admit(query("3e-6").claim()));
  EXPECT_EQ(filter.spent_delta(), delta_of("6e-6") + delta_of("3e-6"));
}

TEST(Filter, AClaimBelowItsEventsIsRefused) {
  Filter filter = Filter::make(Method::basic, epsilon_of("10"), delta_of("1e-5")).value();
  Query query = pure("0.5");
  query.epsilon = epsilon_of("0.499999999");
  EXPECT_EQ(filter.admit(query.claim()).error().code, ErrorCode::mismatch);
  query = {{Event::approximate(epsilon_of("0.5"), delta_of("1e-6"))}, epsilon_of("0.5"), Delta()};
  EXPECT_EQ(filter.admit(query.claim()).error().code, ErrorCode::mismatch);
  query = {{Event::laplace({2, 1}, 1).value().times(2).value()}, epsilon_of("0.999999999"), Delta()};
  EXPECT_EQ(filter.admit(query.claim()).error().code, ErrorCode::mismatch);
  query.epsilon = epsilon_of("1");
  EXPECT_TRUE(filter.admit(query.claim()));
  // sigma = 4 costs about epsilon 1 at delta 10^-5.
  query = {{Event::gaussian({16, 1}, 1).value()}, epsilon_of("0.9"), delta_of("1e-6")};
  EXPECT_EQ(filter.admit(query.claim()).error().code, ErrorCode::mismatch);
  query.epsilon = epsilon_of("1.3");
  EXPECT_TRUE(filter.admit(query.claim()));
  EXPECT_EQ(filter.spent(), epsilon_of("2.3"));
}

TEST(Filter, OverflowingClaimsAreRefusedNotWrapped) {
  for (const Method method : {Method::basic, Method::zcdp}) {
    Filter filter = Filter::make(method, epsilon_of("3"), delta_of("1e-5")).value();
    const Epsilon huge = Epsilon::from_nano(std::numeric_limits<std::int64_t>::max());
    const Query query{{Event::pure(huge).with_count(1)}, huge, Delta::from_units(Uint128{1} << Delta::kBits)};
    EXPECT_EQ(filter.admit(query.claim()).error().code, ErrorCode::quota);
    const Query many{
        {Event::pure(huge).with_count(Event::kMostCount), Event::laplace({1, 1'000'000}, Int128{1} << 119).value()},
        huge,
        Delta()};
    EXPECT_FALSE(filter.admit(many.claim()));
    EXPECT_EQ(filter.spent(), Epsilon());
  }
}

TEST(Filter, RefundGivesBackWhatWasChargedAndNoMore) {
  for (const Method method : {Method::basic, Method::zcdp}) {
    Filter filter = Filter::make(method, epsilon_of("3"), delta_of("1e-5")).value();
    const Epsilon before = filter.room();
    ASSERT_TRUE(filter.admit(pure("0.2").claim()));
    EXPECT_LT(filter.room(), before);
    EXPECT_EQ(filter.refund(pure("0.3").claim()).error().code, ErrorCode::mismatch);
    ASSERT_TRUE(filter.refund(pure("0.2").claim()));
    EXPECT_EQ(filter.room(), before);
    EXPECT_EQ(filter.refund(pure("0.2").claim()).error().code, ErrorCode::mismatch);
  }
}

TEST(Filter, ZcdpRoomIsExactlyWhatFits) {
  Filter filter = Filter::make(Method::zcdp, epsilon_of("3"), delta_of("1e-5")).value();
  std::mt19937_64 random(5);
  for (int i = 0; i < 40 && filter.room() > Epsilon(); ++i) {
    const Epsilon room = filter.room();
    const auto query = [](Epsilon e) { return Query{{Event::pure(e)}, e, Delta()}; };
    EXPECT_TRUE(filter.fits(query(room).claim()));
    EXPECT_FALSE(filter.fits(query(room + Epsilon::from_nano(1)).claim()));
    const Epsilon some =
        Epsilon::from_nano(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(room.nano())));
    ASSERT_TRUE(filter.admit(query(some).claim()));
  }
}

TEST(Filter, ZcdpNeverAdmitsMoreThanTheAccountantCanProve) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    std::mt19937_64 random(seed);
    const Epsilon total = epsilon_of("2");
    const Delta delta = delta_of("1e-6");
    Filter filter = Filter::make(Method::zcdp, total, delta).value();
    Accountant accountant(Method::zcdp);
    int admitted = 0;
    for (int i = 0; i < 400; ++i) {
      Query query;
      switch (random() % 3) {
        case 0:
          query.events = {Event::laplace({static_cast<Int128>(random() % 100 + 5), 1}, 1).value()};
          break;
        case 1:
          query.events = {Event::gaussian({static_cast<Int128>(random() % 9000 + 30), 1}, 2).value()};
          break;
        default:
          query.events = {Event::approximate(epsilon_of("0.01"), delta_of("1e-9"))};
      }
      if (!filter.admit(query.claim())) continue;
      ++admitted;
      accountant.compose(query.events);
    }
    EXPECT_GT(admitted, 5);
    EXPECT_LE(accountant.epsilon(delta), total.value_down() * (1 + 1e-9)) << "seed " << seed;
    EXPECT_LE(filter.spent(), total);
    EXPECT_LE(filter.spent_delta(), delta);
  }
}

TEST(Filter, ChargesAreNeverRoundedAway) {
  // A rho of 1 / 3 unit costs a whole one, so that however many small queries come, they end.
  Filter filter = Filter::make(Method::zcdp, epsilon_of("1"), delta_of("1e-5")).value();
  const Epsilon before = filter.room();
  const Query tiny{{Event::zcdp({1, 3 * (Int128{1} << 64)}, Delta()).value()}, Epsilon(), Delta()};
  const Query third{{Event::zcdp({1, (Int128{1} << 64)}, Delta()).value()}, Epsilon(), Delta()};
  Filter whole = filter;
  ASSERT_TRUE(filter.admit(tiny.claim()));
  ASSERT_TRUE(whole.admit(third.claim()));
  EXPECT_EQ(filter.room(), whole.room());
  EXPECT_LE(filter.room(), before);
  EXPECT_FALSE(filter.refund(Query{{Event::zcdp({2, Int128{1} << 64}, Delta()).value()}, {}, {}}.claim()));
  EXPECT_TRUE(filter.refund(third.claim()));
}

TEST(Filter, OrderDoesNotMatter) {
  std::mt19937_64 random(9);
  std::vector<Query> queries;
  for (int i = 0; i < 30; ++i) {
    const Epsilon e = Epsilon::from_nano(static_cast<std::int64_t>(random() % 30'000'000) + 1);
    queries.push_back({{Event::pure(e)}, e, Delta()});
  }
  for (const Method method : {Method::basic, Method::zcdp}) {
    std::vector<Epsilon> rooms;
    for (int order = 0; order < 3; ++order) {
      Filter filter = Filter::make(method, epsilon_of("3"), delta_of("1e-5")).value();
      for (const Query& query : queries) ASSERT_TRUE(filter.admit(query.claim()));
      rooms.push_back(filter.room());
      std::shuffle(queries.begin(), queries.end(), random);
    }
    EXPECT_EQ(rooms[0], rooms[1]);
    EXPECT_EQ(rooms[0], rooms[2]);
  }
}

TEST(Filter, ManySmallGaussianQueriesGoFurtherUnderZcdp) {
  const Epsilon each = epsilon_of("0.1");
  const Delta delta = delta_of("1e-5"), share = delta_of("1e-8");
  const Sensitivity count{1, 1, 1};
  const Calibration made = calibrate({&count, 1}, each, share, NoiseChoice::gaussian).value();
  const std::vector<Event> events = {made.releases[0].event};
  int admitted[2] = {0, 0};
  int at = 0;
  for (const Method method : {Method::basic, Method::zcdp}) {
    Filter filter = Filter::make(method, epsilon_of("3"), delta).value();
    while (filter.admit({events, each, share})) ++admitted[at];
    ++at;
  }
  EXPECT_EQ(admitted[0], 30);
  EXPECT_GT(admitted[1], 300);
}

TEST(Filter, OtherMethodsAreRefused) {
  for (const Method method : {Method::advanced, Method::rdp, Method::pld}) {
    EXPECT_EQ(Filter::make(method, epsilon_of("1"), delta_of("1e-5")).error().code, ErrorCode::unsupported);
  }
  EXPECT_EQ(Filter::make(Method::zcdp, epsilon_of("1"), Delta()).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace prism::dp
