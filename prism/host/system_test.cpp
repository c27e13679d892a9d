#include "prism/host/system.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

namespace prism::host {
namespace {

TEST(SystemRandomTest, FillsAllBytesDifferentlyEachTime) {
  Bytes first(1 << 16);
  Bytes second(1 << 16);
  ASSERT_TRUE(SystemRandom{}.fill(first));
  ASSERT_TRUE(SystemRandom{}.fill(second));
  EXPECT_NE(first, second);
  int ones = 0;
  for (const std::uint8_t byte : first) ones += std::popcount(byte);
  // 524,288 fair coins: sigma is 362; 20 sigma never happens.
  EXPECT_NEAR(ones, 4 << 16, 20 * 362);
  // A tail left unfilled would be zeros.
  EXPECT_NE(Bytes(first.end() - 32, first.end()), Bytes(32));
  EXPECT_TRUE(SystemRandom{}.fill({}));
}

TEST(SystemClockTest, NeverGoesBack) {
  const SystemClock clock;
  const auto start = clock.monotonic();
  auto before = start;
  for (int i = 0; i < 1000; ++i) {
    const auto now = clock.monotonic();
    ASSERT_GE(now, before);
    before = now;
  }
  EXPECT_GT(before, start);
  EXPECT_GT(clock.wall(), std::chrono::seconds(1'700'000'000));  // 2023: later than that this was written
}

TEST(MemoryTest, ThePeakGrowsWithWhatIsTouched) {
  const std::uint64_t before = peak_memory_bytes();
  EXPECT_GT(before, 1u << 20);
  {
    std::vector<std::uint8_t> block(before + (64u << 20), 1);
    EXPECT_EQ(block.back(), 1);
  }
  EXPECT_GE(peak_memory_bytes(), before + (64u << 20));
}

}  // namespace
}  // namespace prism::host
