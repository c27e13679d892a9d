#include "prism/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace prism {
namespace {

Result<int> half(int x) {
  if (x % 2 != 0) return fail(ErrorCode::invalid_argument, x, " is odd; pass an even number");
  return x / 2;
}
Result<int> quarter(int x) {
  PRISM_TRY(const int once, half(x));
  PRISM_TRY(const int twice, half(once));
  return twice;
}
Status even(int x) {
  PRISM_CHECKED(half(x));
  return {};
}

TEST(ResultTest, HoldsAValueOrAnError) {
  const Result<int> good = half(8);
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 4);
  const Result<int> bad = half(7);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(bad.error().message, "7 is odd; pass an even number");
}

TEST(ResultTest, TryReturnsTheFirstError) {
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_EQ(quarter(6).error().message, "3 is odd; pass an even number");
}

TEST(ResultTest, CheckedReturnsTheErrorOfAStatus) {
  EXPECT_TRUE(even(2));
  EXPECT_EQ(even(3).error().code, ErrorCode::invalid_argument);
}

TEST(ResultTest, MovesValuesThatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = *std::move(made);
  EXPECT_EQ(*taken, 5);
}

TEST(ResultDeathTest, TheValueOfAnErrorStopsTheProcess) {
  EXPECT_DEATH(static_cast<void>(*half(1)), "broken invariant.*Result::value\\(\\) on an error");
  EXPECT_DEATH(static_cast<void>(half(2).error()), "broken invariant");
}

TEST(ErrorCodeTest, EveryCodeHasItsOwnName) {
  std::string seen = ",";
  for (int i = 0; i <= static_cast<int>(ErrorCode::configuration); ++i) {
    const std::string name = "," + std::string(name_of(static_cast<ErrorCode>(i))) + ",";
    EXPECT_EQ(seen.find(name), std::string::npos) << name;
    EXPECT_GT(name.size(), 2u);
    seen += name.substr(1);
  }
}

TEST(ResultDeathTest, TakingTheValueOfAnErrorSaysWhichError) {
  const Result<int> wrong = fail(ErrorCode::mismatch, "two and three");
  EXPECT_DEATH((void)wrong.value(), "prism: two and three");
}

}  // namespace
}  // namespace prism
