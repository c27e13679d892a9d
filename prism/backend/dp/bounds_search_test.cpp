#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "prism/backend/dp/internal/answering.h"
#include "prism/backend/dp/internal/test_world.h"

namespace prism::backend::dp::test {
namespace {

using prism::dp::ApproximateBounds;

/// People whose score is what `score` says of their number.
std::string scores(int people, const std::function<std::string(int)>& score) {
  std::string csv = "id,age,weight,score,sex,city\n";
  for (int i = 1; i <= people; ++i)
    csv += std::to_string(i) + ",40,70," + score(i) + "," + (i % 2 == 0 ? "F" : "M") + ",Ulm\n";
  return csv;
}

std::string notes_of(const Answer& answer) {
  std::string out;
  for (const Note& note : answer.notes) out += note.text + "\n";
  return out;
}

double number(const Answer& answer, std::size_t column) {
  return std::strtod(std::get<table::Number>(answer.table.rows[0][column]).text.c_str(), nullptr);
}

TEST(DpSearch, WhateverItFindsCanBePlannedAndAnswered) {
  // Ends of the bins, the limits of squares and products, and their neighbours; all of them in long runs.
  std::vector<std::size_t> bins = {0, 1, 22, 24, 25, 44, 63, 64, 65, 66, 84, 103, 104, 106, 126, 127};
  if (std::getenv("PRISM_LONG") != nullptr) {
    bins.clear();
    for (std::size_t bin = 0; bin < ApproximateBounds::kBins; ++bin) bins.push_back(bin);
  }
  struct Case {
    const char* sql;
    const char* epsilon;
    std::uint64_t rows;
  };
  for (const Case& c :
       {Case{"SELECT SUM(score), COUNT(*) FROM people", "0.001", 1}, Case{"SELECT AVG(score) FROM people", "1", 1'000},
        Case{"SELECT STDDEV(score), AVG(score), COUNT(score) FROM people", "1", 1},
        Case{"SELECT VAR_POP(score) FROM people", "0.5", 1'000'000},
        Case{"SELECT SUM(score * score), MAX(score) FROM people", "0.001", 3},
        Case{"SELECT city, AVG(score * age), SUM(score) FROM people GROUP BY city", "0.3", 5},
        Case{"SELECT MIN(score), MEDIAN(score), SUM(age) FROM people", "1", 2}}) {
    const policy::Grant grant = people_grant(c.rows);
    const auto prepared = dp::prepare(grant, c.sql, World::options(c.epsilon));
    ASSERT_TRUE(prepared) << c.sql << ": " << prepared.error().message;
    const Prepared::State& state = prepared->state();
    ASSERT_TRUE(state.search) << c.sql;
    const auto seed = prism::dp::NoiseSeed::from_bytes({});
    for (const std::size_t first : bins) {
      for (const std::size_t last : bins) {
        if (last < first) continue;
        SCOPED_TRACE(std::string(c.sql) + " bins " + std::to_string(first) + " to " + std::to_string(last));
        const ApproximateBounds::Bounds found{ApproximateBounds::edges(first).low, ApproximateBounds::edges(last).high};
        const sql::Interval used = internal::usable_bounds(state.search->columns[0], found, state.search->level);
        EXPECT_LT(used.low, used.high);
        std::vector<Note> notes;
        const auto planned = internal::plan_found(state, {found}, notes);
        // As held, and not as the last resort.
        EXPECT_EQ(*planned->facts.columns[state.search->columns[0].column].bounds, used);
        EXPECT_LE(planned->releases.delta, state.charge.delta);
        const auto answer = internal::answer_from(*planned, seed, {});
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_FALSE(to_json(*answer).empty());
        EXPECT_FALSE(table::to_text_table(readable(*answer)).empty());
      }
    }
  }
}

TEST(DpSearch, HugeSpreadsAreAnsweredAndSaidToBeHeld) {
  World world(people_grant());
  world.put("people", scores(3'000, [](int i) { return std::string(i % 2 == 0 ? "-" : "") + "4000000000000000000"; }));
  const auto answer = world.ask("SELECT STDDEV(score) FROM people", "2");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_NE(notes_of(*answer).find("score seems to have values that are too large"), std::string::npos);
  // Sums alone need no such limits.
  const auto sum = world.ask("SELECT AVG(score) FROM people WHERE id > 1500 AND score > 0", "2");
  ASSERT_TRUE(sum) << sum.error().message;
  EXPECT_EQ(notes_of(*sum).find("too large"), std::string::npos);
  EXPECT_GT(number(*sum, 0), 3.9e18);
}

TEST(DpSearch, FoundBoundsAreNeverOnePoint) {
  World world(people_grant());
  // A yes of one in eight stays below the threshold: only 0 is found.
  world.put("people", scores(200, [](int i) { return std::string(i % 8 == 0 ? "1" : "0"); }));
  const auto answer = world.ask("SELECT AVG(score) FROM people", "1");
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(answer->intervals[0][0]) << "a number without an interval reads as exact";
  EXPECT_GT(number(*answer, 0), 0);
  EXPECT_NE(notes_of(*answer).find("above 1 as 1"), std::string::npos) << notes_of(*answer);
}

TEST(DpSearch, OrderStatisticsUseItToo) {
  World world(people_grant());
  world.put("people", scores(5'000, [](int i) { return std::to_string(i % 1'000); }));
  const auto prepared = world.prepare("SELECT MIN(score), MAX(score), MEDIAN(score) FROM people", "2");
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Preview shown = preview(*prepared);
  ASSERT_EQ(shown.releases.size(), 2U);
  EXPECT_EQ(shown.releases[0].what, "bounds of score");
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto answer = world.run(*prepared, seed);
    ASSERT_TRUE(answer);
    EXPECT_LT(number(*answer, 0), 100);
    EXPECT_GT(number(*answer, 1), 900);
    EXPECT_LE(number(*answer, 1), 1'023);
    EXPECT_NEAR(number(*answer, 2), 500, 60);
  }
}

TEST(DpPrepare, ConditionsThatNeverHoldCostNothing) {
  World world(people_grant());
  for (const char* sql : {"SELECT COUNT(*) FROM people WHERE age = 65.5",
                          "SELECT COUNT(*) FROM people WHERE sex = 'where' AND age = 3.04999995231628"}) {
    const auto prepared = world.prepare(sql);
    ASSERT_FALSE(prepared) << sql;
    EXPECT_EQ(prepared.error().message.rfind("1:29: ", 0), 0U) << prepared.error().message;
    EXPECT_NE(prepared.error().message.find("[dp/never]"), std::string::npos);
  }
  EXPECT_FALSE(world.prepare("SELECT COUNT(*) FROM (SELECT id FROM people WHERE age = 65.5 GROUP BY id) t"));
  EXPECT_TRUE(world.prepare("SELECT COUNT(*) FROM people WHERE age > 65.5"));
}

TEST(DpPreview, SaysThatWholeNumbersDivideToWholeNumbers) {
  World world(people_grant());
  world.put("people", scores(10, [](int) { return std::string("1"); }));
  const auto said = [&](const char* sql) {
    const auto prepared = world.prepare(sql);
    EXPECT_TRUE(prepared) << (prepared ? "" : prepared.error().message);
    const bool before = to_text(preview(*prepared)).find("whole numbers divide") != std::string::npos;
    const auto answer = world.run(*prepared);
    EXPECT_TRUE(answer);
    EXPECT_EQ(before, notes_of(*answer).find("whole numbers divide") != std::string::npos) << sql;
    return before;
  };
  EXPECT_TRUE(said("SELECT COUNT(weight) / COUNT(*) FROM people"));
  EXPECT_TRUE(said("SELECT 1 + SUM(score) / COUNT(*) FROM people"));
  EXPECT_TRUE(said("SELECT COUNT(*) FROM people HAVING COUNT(weight) / COUNT(*) < 7"));
  EXPECT_FALSE(said("SELECT 1.0 * COUNT(weight) / COUNT(*) FROM people"));
  EXPECT_FALSE(said("SELECT AVG(age) FROM people"));
}

TEST(DpPrepare, TooWideForTheirEpsilonHasAPlaceAndNoNumbers) {
  policy::Grant grant = people_grant(1'000'000);
  grant.query_least = prism::dp::Epsilon::from_nano(1'000);
  grant.tables[0].columns[1].bounds = policy::Bounds{INT64_MIN, INT64_MAX};
  const auto prepared = dp::prepare(grant, "SELECT COUNT(*), SUM(age) FROM people", World::options("0.000001"));
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().message.rfind("1:18: ", 0), 0U) << prepared.error().message;
  EXPECT_NE(prepared.error().message.find("declare narrower bounds or a smaller scale"), std::string::npos);
  EXPECT_EQ(prepared.error().message.find("0000"), std::string::npos);
}

}  // namespace
}  // namespace prism::backend::dp::test
