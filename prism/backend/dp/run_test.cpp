#include <gtest/gtest.h>

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

}  // namespace
}  // namespace prism::backend::dp::test
