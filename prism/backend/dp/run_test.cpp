#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "prism/backend/dp/internal/test_world.h"

namespace prism::backend::dp::test {
namespace {

/// Twelve people; 4 of them live in Ulm.
constexpr const char* kPeople =
    "id,age,weight,score,sex,city\n"
    "1,20,60,1,F,Ulm\n2,30,70,2,M,Ulm\n3,40,80,3,F,Ulm\n4,50,90,4,M,Ulm\n5,60,,5,F,Bern\n6,70,100,6,M,Bern\n"
    "7,25,65,7,F,Bern\n8,35,75,8,M,Bern\n9,45,85,,F,Bern\n10,55,95,10,M,Graz\n11,65,55,11,F,Graz\n12,200,110,12,F,"
    "Graz\n";

std::string show(const Answer& answer) { return table::to_csv(answer.table); }

TEST(DpRun, WithoutNoiseItIsTheClampedTruth) {
  World world(people_grant());
  world.put("people", kPeople);
  // Noise of scale 1/1000 is zero but for a chance of exp(-1000).
  const auto answer = world.ask_exactly(
      "SELECT COUNT(*), COUNT(weight), COUNT(DISTINCT id), SUM(age), AVG(age), SUM(weight) FROM people WHERE age < "
      "1000");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(show(*answer), "count,count,count,sum,avg,sum\n12,11,12,595,49.583333333333333333,885\n");
}

TEST(DpRun, WithoutNoiseItIsTheClampedSpread) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto answer = world.ask_exactly("SELECT VAR_POP(weight), STDDEV_SAMP(weight), COUNT(*) FROM people");
  ASSERT_TRUE(answer) << answer.error().message;
  // weights 60 70 80 90 100 65 75 85 95 55 110: sum 885, squares 74225.
  EXPECT_EQ(show(*answer), "var_pop,stddev_samp,count\n274.79338842975206612,17.385992271732070246,12\n");
}

TEST(DpRun, PublicGroupsAllAppear) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto answer =
      world.ask_exactly("SELECT sex, COUNT(*), MEDIAN(age) FROM people WHERE city = 'Ulm' GROUP BY sex");
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->table.rows.size(), 2U) << show(*answer);
  const auto nobody = world.ask_exactly("SELECT sex, COUNT(*) FROM people WHERE city = 'Nowhere' GROUP BY sex");
  ASSERT_TRUE(nobody) << nobody.error().message;
  EXPECT_EQ(show(*nobody), "sex,count\nF,0\nM,0\n");
}

TEST(DpRun, PrivateGroupsAppearWhenTheyHaveUnits) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto answer = world.ask_exactly("SELECT city, COUNT(*), AVG(age) FROM people GROUP BY city ORDER BY city");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->table.rows.size(), 3U) << show(*answer);
  EXPECT_FALSE(answer->suppressed_groups);
}

TEST(DpRun, EveryCellOfAnAggregateHasAnIntervalAroundItsValue) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto answer = world.ask(
      "SELECT sex, COUNT(*), SUM(age), AVG(age), VAR_POP(age), STDDEV(age), MEDIAN(age), MIN(age), SUM(age) / COUNT(*) "
      "FROM people GROUP BY sex",
      "2");
  ASSERT_TRUE(answer) << answer.error().message;
  for (const auto& row : answer->intervals) {
    EXPECT_FALSE(row[0]);
    for (std::size_t i = 1; i < row.size(); ++i) EXPECT_TRUE(row[i]) << i;
  }
  EXPECT_FALSE(to_json(*answer).empty());
  EXPECT_FALSE(table::to_text_table(readable(*answer)).empty());
  if (std::getenv("PRISM_SHOW") != nullptr)
    std::puts((to_json(*answer) + table::to_text_table(readable(*answer))).c_str());
}

/// Reads the charge that a ledger holds, in billionths of epsilon.
std::int64_t spent(World& world) { return world.book->read()->balance().dataset.spent.nano(); }

TEST(DpCharge, IsDurableBeforeTheFirstTouch) {
  World world(people_grant());
  world.put("people", kPeople);
  world.endless = false;
  std::int64_t at_touch = -1;
  world.source.before_read = [&] { at_touch = spent(world); };
  const auto prepared = world.prepare("SELECT COUNT(*) FROM people", "0.5");
  ASSERT_TRUE(prepared);
  preview(*prepared);
  EXPECT_TRUE(world.source.reads.empty()) << "preparing and previewing read private data";
  EXPECT_EQ(spent(world), 0);
  const auto answer = world.run(*prepared);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(at_touch, 500'000'000);
  EXPECT_EQ(spent(world), 500'000'000);
  ASSERT_TRUE(answer->left);
  EXPECT_EQ(answer->left->epsilon, "999.5");
  // What was read stays.
  ASSERT_TRUE(world.run(*prepared, 2));
  EXPECT_EQ(world.source.reads.size(), 1U);
  EXPECT_EQ(spent(world), 1'000'000'000);
}

/// Every way to fail after the touch; what is done to the world to get there.
struct Failure {
  const char* name;
  std::function<void(World&)> cause;
};
const Failure kFailures[] = {
    {"the file cannot be read", [](World& w) { w.source.failure = fail(ErrorCode::io, "disk on fire"); }},
    {"the data does not fit the schema",
     [](World& w) { w.source.tables["people"] = *table::read_csv_text("people", "id,age\n1,x\n"); }},
    {"a value is no number", [](World& w) { w.source.failure = fail(ErrorCode::malformed, "line 7: not a number"); }},
    {"the time is up", [](World& w) { w.source.before_read = [&w] { w.clock.now += std::chrono::minutes(2); }; }},
    {"somebody cancels", [](World& w) { w.stop = [&w] { return !w.source.reads.empty(); }; }},
    {"memory runs out", [](World& w) { w.source.before_read = [] { throw std::bad_alloc(); }; }},
};

TEST(DpFailure, LooksTheSameWhateverTheCauseAndStaysCharged) {
  std::set<std::string> bodies;
  for (const Failure& failure : kFailures) {
    SCOPED_TRACE(failure.name);
    World world(people_grant());
    world.put("people", kPeople);
    world.endless = false;
    const auto prepared = world.prepare("SELECT AVG(age) FROM people", "0.5");
    ASSERT_TRUE(prepared);
    failure.cause(world);
    const auto answer = world.run(*prepared);
    ASSERT_FALSE(answer);
    const Error& e = answer.error();
    bodies.insert(std::to_string(static_cast<int>(e.code)) + "|" + e.message + "|" + e.detail);
    EXPECT_EQ(spent(world), 500'000'000) << "a failure gave its budget back";
    // Released on the grid of time like an answer.
    ASSERT_EQ(world.sleeper.woken.size(), 1U);
    EXPECT_EQ(world.sleeper.woken[0] % std::chrono::milliseconds(500), std::chrono::nanoseconds(0));
  }
  EXPECT_EQ(bodies.size(), 1U);
}

TEST(DpFailure, AfterwardsTheDataIsReadAgain) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto prepared = world.prepare("SELECT COUNT(*) FROM people");
  world.source.failure = fail(ErrorCode::io, "once");
  EXPECT_FALSE(world.run(*prepared));
  world.source.failure.reset();
  EXPECT_TRUE(world.run(*prepared));
}

TEST(DpCharge, IsGivenBackOnlyWhenNothingWasTouched) {
  World world(people_grant());
  world.put("people", kPeople);
  world.endless = false;
  const auto prepared = world.prepare("SELECT COUNT(*) FROM people");
  SeededRandom random(1);
  random.broken = true;
  EXPECT_FALSE(dp::run(*prepared, world.engine, {*world.book, random, world.clock, world.sleeper, {}}));
  EXPECT_EQ(spent(world), 0);
  random.broken = false;
  const auto stopped =
      dp::run(*prepared, world.engine, {*world.book, random, world.clock, world.sleeper, [] { return true; }});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::interrupted);
  EXPECT_EQ(spent(world), 0);
  EXPECT_TRUE(world.source.reads.empty());
}

TEST(DpCharge, AnExhaustedBudgetTouchesNothing) {
  policy::Grant grant = people_grant();
  grant.epsilon = *prism::dp::Epsilon::parse("1");
  grant.query_most = grant.epsilon;
  World world(grant);
  world.put("people", kPeople);
  world.endless = false;
  const auto prepared = world.prepare("SELECT COUNT(*) FROM people", "0.6");
  ASSERT_TRUE(prepared) << prepared.error().message;
  ASSERT_TRUE(world.run(*prepared));
  const auto refused = world.run(*prepared);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::quota);
  EXPECT_NE(refused.error().message.find("0.4"), std::string::npos) << refused.error().message;
  EXPECT_EQ(world.sleeper.woken.size(), 1U) << "nothing private is behind a refusal, so it need not wait";
}

TEST(DpCharge, AnotherGrantsQueryIsRefused) {
  World world(people_grant());
  policy::Grant other = people_grant();
  other.tables[0].columns[1].bounds = policy::Bounds{0, 1};
  const auto prepared = dp::prepare(other, "SELECT SUM(age) FROM people", World::options("1"));
  ASSERT_TRUE(prepared);
  const auto answer = world.run(*prepared);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::mismatch);
}

/// A test of the number of rows would have no noise: one unit with many rows would decide it.
TEST(DpRun, ManyRowsOfAPrivateTableAreNoError) {
  policy::Grant grant = people_grant();
  grant.most_rows = 5;
  World world(grant);
  world.put("people", kPeople);
  const auto answer = world.ask_exactly("SELECT COUNT(*) FROM people");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(show(*answer), "count\n12\n");
}

policy::Grant towns_grant() {
  policy::Grant grant = people_grant();
  policy::TableRule towns;
  towns.name = "towns";
  towns.path = "towns.csv";
  towns.columns = {text_column("town"), integer_column("code")};
  grant.tables.push_back(towns);
  return grant;
}

/// Noise was chosen for keys that occur so often. If the public table grows afterwards, one unit can have more rows.
TEST(DpPublicTables, AChangeAfterPreparingIsFoundBeforeTheCharge) {
  const std::string once = "town,code\nUlm,1\nBern,2\n", twice = once + "Ulm,3\n";
  const char* const sql = "SELECT COUNT(*) FROM people p JOIN towns t ON p.city = t.town";
  World world(towns_grant());
  world.put("people", kPeople);
  world.put("towns", once);
  world.endless = false;
  const auto narrow = world.prepare(sql);
  ASSERT_TRUE(narrow) << narrow.error().message;
  EXPECT_EQ(preview(*narrow).contribution.rows, 1U);
  world.put("towns", twice);
  const auto refused = world.run(*narrow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::mismatch);
  EXPECT_NE(refused.error().message.find("towns has changed"), std::string::npos) << refused.error().message;
  EXPECT_EQ(spent(world), 0);
  EXPECT_EQ(std::count(world.source.reads.begin(), world.source.reads.end(), "people"), 0);

  // Asked again, it is answered; and so is a third one after the engine has an older copy.
  const auto wide = world.prepare(sql);
  ASSERT_TRUE(wide);
  EXPECT_EQ(preview(*wide).contribution.rows, 2U);
  ASSERT_TRUE(world.run(without_noise(*wide)));
  world.put("towns", once);
  const auto again = world.run(without_noise(*world.prepare(sql)));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(show(*again), "count\n9\n");
  EXPECT_FALSE(world.run(*wide));
}

TEST(DpPublicTables, WhatIsWrongWithOneIsSaidAndCostsNothing) {
  policy::Grant grant = towns_grant();
  grant.most_rows = 2;
  World world(grant);
  world.put("people", kPeople);
  world.put("towns", "town,code\nUlm,1\nBern,2\nUlm,3\n");
  world.endless = false;
  const auto prepared = world.prepare("SELECT COUNT(*) FROM people p JOIN towns t ON p.city = t.town");
  ASSERT_TRUE(prepared);
  const auto answer = world.run(*prepared);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::exhausted);
  EXPECT_EQ(spent(world), 0);
}

TEST(DpBuckets, DataThatIsNotKeptIsGoneBeforeTheBucketEnds) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto prepared = world.prepare("SELECT COUNT(*) FROM people");
  SeededRandom random(1);
  for (const std::size_t reads : {1U, 2U}) {
    ASSERT_TRUE(dp::run(*prepared, world.engine, {*world.book, random, world.clock, world.sleeper, {}, false}));
    EXPECT_EQ(world.source.reads.size(), reads);
  }
}

TEST(DpBuckets, AnswersLeaveAtMultiplesOfTheBucket) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto prepared = world.prepare("SELECT COUNT(*) FROM people");
  world.clock.now = std::chrono::milliseconds(123);
  ASSERT_TRUE(world.run(*prepared));
  world.source.before_read = nullptr;
  ASSERT_EQ(world.sleeper.woken.size(), 1U);
  EXPECT_EQ(world.sleeper.woken[0], std::chrono::milliseconds(623));
  // A slow one takes the next bucket that is left, however little it is late.
  World slow(people_grant());
  slow.put("people", kPeople);
  slow.source.before_read = [&] { slow.clock.now += std::chrono::nanoseconds(1'000'000'001); };
  ASSERT_TRUE(slow.run(*prepared));
  EXPECT_EQ(slow.sleeper.woken[0], std::chrono::milliseconds(1500));
}

TEST(DpRun, NoRowsAtAllAreAQuestionLikeAnyOther) {
  World world(people_grant());
  world.put("people", "id,age,weight,score,sex,city\n");
  for (const char* sql :
       {"SELECT COUNT(*), SUM(age), AVG(age), VAR_SAMP(age), MEDIAN(age), MIN(weight), COUNT(DISTINCT id) FROM people",
        "SELECT sex, AVG(age), MEDIAN(age) FROM people GROUP BY sex",
        "SELECT city, COUNT(*) FROM people GROUP BY city"}) {
    const auto answer = world.ask(sql);
    ASSERT_TRUE(answer) << sql << ": " << answer.error().message;
  }
}

TEST(DpRun, TheSameSeedGivesTheSameAnswerAndAnotherAnother) {
  World world(people_grant());
  world.put("people", kPeople);
  const char* sql = "SELECT sex, COUNT(*), AVG(age) FROM people GROUP BY sex";
  const auto a = world.ask(sql, "1", 7), b = world.ask(sql, "1", 7), c = world.ask(sql, "1", 8);
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(to_json(*a), to_json(*b));
  EXPECT_NE(to_json(*a), to_json(*c));
}

TEST(DpRun, ValuesStayWithinWhatIsPossible) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto prepared = world.prepare("SELECT COUNT(*), AVG(age), VAR_POP(age), MEDIAN(age) FROM people", "0.01");
  ASSERT_TRUE(prepared);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto answer = world.run(*prepared, seed);
    ASSERT_TRUE(answer);
    const double most[] = {1e9, 100, 2500, 100};
    for (std::size_t k = 0; k < 4; ++k) {
      const auto* number = std::get_if<table::Number>(&answer->table.rows[0][k]);
      if (number == nullptr) continue;  // an average over a count of zero
      EXPECT_GE(std::strtod(number->text.c_str(), nullptr), 0) << "seed " << seed << " column " << k;
      EXPECT_LE(std::strtod(number->text.c_str(), nullptr), most[k]) << "seed " << seed << " column " << k;
    }
  }
}

TEST(DpSearch, ColumnsWithoutBoundsGetThemFromTheDataPrivately) {
  World world(people_grant());
  std::string csv = "id,age,weight,score,sex,city\n";
  for (int i = 1; i <= 2'000; ++i)
    csv += std::to_string(i) + ",40,70," + std::to_string(500 + i % 100) + "," + (i % 2 == 0 ? "F" : "M") + ",Ulm\n";
  world.put("people", csv);
  world.endless = false;
  const auto prepared = world.prepare("SELECT sex, AVG(score), SUM(age) FROM people GROUP BY sex", "2");
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_TRUE(world.source.reads.empty());
  const Preview shown = preview(*prepared);
  EXPECT_EQ(shown.releases[0].what, "bounds of score");
  EXPECT_EQ(shown.releases[0].epsilon.text(), "0.5");
  EXPECT_FALSE(shown.columns[1].plus_minus);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto answer = world.run(*prepared, seed);
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->releases.size(), 3U);
    for (const auto& row : answer->table.rows) {
      // Values 500 to 599 lie in the bins 256 to 511 and 512 to 1023; in a thousand rows the mean stays near 549.
      const double mean = std::strtod(std::get<table::Number>(row[1]).text.c_str(), nullptr);
      EXPECT_GT(mean, 530) << "seed " << seed;
      EXPECT_LT(mean, 570) << "seed " << seed;
    }
    std::int64_t shares = 0;
    for (const Release& r : answer->releases) shares += r.epsilon.nano();
    EXPECT_LE(shares, 2'000'000'000);
  }
  EXPECT_EQ(spent(world), 10'000'000'000);
}

TEST(DpSearch, TooFewValuesAreAnsweredToo) {
  World world(people_grant());
  world.put("people", kPeople);
  const auto answer =
      world.ask("SELECT SUM(score), VAR_POP(score), COUNT(*) FROM people WHERE city = 'Nowhere'", "0.5");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_NE(answer->notes[0].text.find("no bounds of score were found"), std::string::npos);
}

}  // namespace
}  // namespace prism::backend::dp::test
