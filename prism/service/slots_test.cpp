#include "prism/service/slots.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/service.h"

namespace prism::service {
namespace {

using namespace std::chrono_literals;

const Digest kMe = test::digest_of(1), kOther = test::digest_of(2);

TEST(SlotsTest, WhoGetsNoneInTimeIsTold) {
  Slots slots(2);
  auto first = slots.take(kMe, 1, 0ms), second = slots.take(kOther, 1, 0ms);
  ASSERT_TRUE(first && second);
  const auto third = slots.take(kMe, 1, 1ms);
  ASSERT_FALSE(third);
  EXPECT_EQ(problem_of(third.error()), Problem::capacity);
  *first = {};
  EXPECT_TRUE(slots.take(kMe, 1, 0ms));
  EXPECT_TRUE(slots.take(kMe, 1, 0ms)) << "given back when it went";
}

TEST(SlotsTest, UnitsAreBoundedTogetherAndMoreThanAllIsAll) {
  Slots slots(10);
  {
    const auto most = slots.take(kMe, 7, 0ms);
    EXPECT_TRUE(most);
    EXPECT_FALSE(slots.take(kOther, 4, 0ms));
    EXPECT_TRUE(slots.take(kOther, 3, 0ms));
    EXPECT_FALSE(slots.take(kOther, 1000, 0ms));
  }
  EXPECT_TRUE(slots.take(kOther, 1000, 0ms));
}

TEST(SlotsTest, OneAccountHasAShareOfTurns) {
  Slots slots(3, 2);
  auto first = slots.take(kMe, 1, 0ms), second = slots.take(kMe, 1, 0ms);
  ASSERT_TRUE(first && second);
  const auto third = slots.take(kMe, 1, std::nullopt);  // at once, though a unit is free
  ASSERT_FALSE(third);
  EXPECT_EQ(problem_of(third.error()), Problem::capacity);
  EXPECT_TRUE(slots.take(kOther, 1, 0ms));
  *first = {};
  EXPECT_TRUE(slots.take(kMe, 1, 0ms));
}

TEST(SlotsTest, StopWakesWhoeverWaits) {
  Slots slots(1);
  const auto held = slots.take(kMe, 1, 0ms);
  std::thread waiting([&] {
    const auto slot = slots.take(kOther, 1, std::nullopt);
    ASSERT_FALSE(slot);
    EXPECT_EQ(slot.error().code, ErrorCode::interrupted);
  });
  slots.stop();
  waiting.join();
}

}  // namespace
}  // namespace prism::service
