#include "prism/channel/replay_window.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace prism::channel {
namespace {

using Verdict = ReplayWindow::Verdict;

TEST(ReplayWindow, AgreesWithASetOfAllThatWasSeen) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    ReplayWindow window;
    std::set<std::uint64_t> seen;
    std::uint64_t around = 0;
    for (int i = 0; i < 10'000; ++i) {
      // Mostly near the front, now and then a jump of up to three windows.
      if (random() % 50 == 0) around += random() % (3 * ReplayWindow::kWidth);
      const std::uint64_t back = random() % (ReplayWindow::kWidth + 200);
      const std::uint64_t sequence = around + random() % 64 > back ? around + random() % 64 + 64 - back % 64 : 0;
      const std::uint64_t chosen = random() % 2 == 0 ? sequence : (around > back ? around - back : back);
      const std::uint64_t highest = seen.empty() ? 0 : *seen.rbegin();
      Verdict expected = seen.contains(chosen) ? Verdict::seen : Verdict::fresh;
      if (!seen.empty() && chosen + ReplayWindow::kWidth <= highest) expected = Verdict::too_old;
      ASSERT_EQ(window.check(chosen), expected) << chosen << " after " << highest;
      ASSERT_EQ(window.accept(chosen), expected == Verdict::fresh);
      if (expected == Verdict::fresh) seen.insert(chosen);
    }
  }
}

TEST(ReplayWindow, HoldsExactlyTheLast1024) {
  ReplayWindow window;
  ASSERT_TRUE(window.accept(5000));
  EXPECT_EQ(window.check(5000), Verdict::seen);
  EXPECT_EQ(window.check(5000 - 1023), Verdict::fresh);
  EXPECT_EQ(window.check(5000 - 1024), Verdict::too_old);
  EXPECT_TRUE(window.accept(5000 - 1023));
  EXPECT_FALSE(window.accept(5000 - 1023));
  EXPECT_FALSE(window.accept(5000 - 1024));
}

TEST(ReplayWindow, TakesTheLargestNumbers) {
  ReplayWindow window;
  const std::uint64_t last = UINT64_MAX - 1;
  EXPECT_TRUE(window.accept(last));
  EXPECT_FALSE(window.accept(last));
  EXPECT_TRUE(window.accept(last - 1));
}

}  // namespace
}  // namespace prism::channel
