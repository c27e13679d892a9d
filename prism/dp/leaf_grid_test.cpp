#include "prism/dp/internal/leaf_grid.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <vector>

namespace prism::dp::internal {
namespace {

struct Case {
  std::int64_t low, high;
  std::uint64_t most_leaves, most_power;
};
constexpr Case kCases[] = {{0, 998, 5000, 1},           {0, 999, 5000, 10},     {-1234, 777, 5000, 10},
                           {-20'000, -3, 100'000, 100}, {3, 12'345, 1000, 100}, {-15'555, 4'444, 64, 100}};

/// By its definition: 1, and every power of ten up to the largest that divides the value.
std::uint64_t weight_of(std::int64_t value, std::uint64_t most_power) {
  std::uint64_t weight = 1;
  for (std::uint64_t power = 10; power <= most_power; power *= 10) {
    if (value % static_cast<std::int64_t>(power) == 0) weight += power;
  }
  return weight;
}

TEST(LeafGridTest, WeightsAreThoseOfTheDefinition) {
  for (const Case& c : kCases) {
    const LeafGrid grid(c.low, c.high, c.most_leaves);
    std::uint64_t all = 0;
    for (std::uint64_t leaf = 0; leaf <= grid.last(); ++leaf) {
      std::uint64_t weight = 0;
      for (std::int64_t value = grid.low_of(leaf); value <= grid.high_of(leaf); ++value) {
        weight += weight_of(value, c.most_power);
        ASSERT_EQ(grid.leaf_of(value), leaf);
      }
      ASSERT_EQ(grid.weight(leaf, leaf), weight) << c.low << ".." << c.high << " leaf " << leaf;
      all += weight;
    }
    EXPECT_EQ(grid.weight(0, grid.last()), all);
    EXPECT_LE(grid.last(), c.most_leaves - 1);
  }
}

TEST(LeafGridTest, EveryOffsetBelongsToTheLeafWhoseWeightItFallsInto) {
  for (const Case& c : kCases) {
    const LeafGrid grid(c.low, c.high, c.most_leaves);
    for (const std::uint64_t first : {std::uint64_t{0}, grid.last() / 3}) {
      std::uint64_t before = 0;
      for (std::uint64_t leaf = first; leaf <= grid.last(); leaf += 1) {
        const std::uint64_t weight = grid.weight(leaf, leaf);
        ASSERT_EQ(grid.leaf_at(first, before), leaf);
        ASSERT_EQ(grid.leaf_at(first, before + weight - 1), leaf);
        before += weight;
      }
    }
  }
}

TEST(LeafGridTest, TheRoundestValueOfALeafIsTheHeaviestNearestToItsMiddle) {
  for (const Case& c : kCases) {
    const LeafGrid grid(c.low, c.high, c.most_leaves);
    for (std::uint64_t leaf = 0; leaf <= grid.last(); ++leaf) {
      const std::int64_t from = grid.low_of(leaf), to = grid.high_of(leaf), middle = from + (to - from) / 2;
      const std::int64_t found = grid.roundest(leaf);
      ASSERT_TRUE(from <= found && found <= to);
      for (std::int64_t value = from; value <= to; ++value) {
        const std::uint64_t here = weight_of(value, c.most_power), best = weight_of(found, c.most_power);
        ASSERT_LE(here, best);
        if (here == best) {
          ASSERT_LE(std::abs(found - middle), std::abs(value - middle)) << c.low << " leaf " << leaf;
        }
      }
    }
  }
}

TEST(LeafGridTest, TheWidestDomainsHaveOneValueALeafAndOneWeight) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min(),
                         kMost = std::numeric_limits<std::int64_t>::max();
  const LeafGrid grid(kLeast, kMost, 1000);
  EXPECT_EQ(grid.last(), ~std::uint64_t{0});
  EXPECT_EQ(grid.weight(0, grid.last() - 1), ~std::uint64_t{0});
  EXPECT_EQ(grid.leaf_at(5, std::uint64_t{1} << 63), (std::uint64_t{1} << 63) + 5);
  EXPECT_EQ(grid.roundest(grid.last()), kMost);
  const LeafGrid wide(0, (std::int64_t{1} << 40) - 1, std::uint64_t{1} << 20);
  EXPECT_LT(wide.weight(0, wide.last()), std::uint64_t{11} << 41);
  EXPECT_GT(wide.weight(0, wide.last()), std::uint64_t{9} << 40);
}

}  // namespace
}  // namespace prism::dp::internal
