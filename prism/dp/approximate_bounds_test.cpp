#include "prism/dp/approximate_bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace prism::dp {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(ApproximateBoundsTest, BinsCutTheIntegersIntoNeighbouringPieces) {
  EXPECT_EQ(ApproximateBounds::edges(0).low, kLeast);
  EXPECT_EQ(ApproximateBounds::edges(ApproximateBounds::kBins - 1).high, kMost);
  for (std::size_t bin = 0; bin < ApproximateBounds::kBins; ++bin) {
    const auto edges = ApproximateBounds::edges(bin);
    EXPECT_LE(edges.low, edges.high);
    EXPECT_EQ(ApproximateBounds::bin_of(edges.low), bin);
    EXPECT_EQ(ApproximateBounds::bin_of(edges.high), bin);
    if (bin > 0) {
      EXPECT_EQ(ApproximateBounds::edges(bin - 1).high + 1, edges.low);
    }
  }
  std::mt19937_64 random(30);
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<std::int64_t>(random() >> (random() % 64)) * (random() % 2 == 0 ? 1 : -1);
    const auto edges = ApproximateBounds::edges(ApproximateBounds::bin_of(value));
    EXPECT_TRUE(edges.low <= value && value <= edges.high) << value;
  }
}

ApproximateBounds::Histogram histogram_of(std::initializer_list<std::pair<std::int64_t, std::uint64_t>> values) {
  ApproximateBounds::Histogram histogram{};
  for (const auto& [value, count] : values) histogram[ApproximateBounds::bin_of(value)] += count;
  return histogram;
}

TEST(ApproximateBoundsTest, FindsTheEdgesOfWellFilledBins) {
  const auto bounds = ApproximateBounds::make(Epsilon::parse("1").value(), 1).value();
  const auto enough = static_cast<std::uint64_t>(2 * bounds.threshold());
  const NoiseSeed seed = NoiseSeed::from_bytes({3});
  int right = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    DrawStream stream = seed.stream(i);
    const auto found = bounds.find(histogram_of({{-5, enough}, {100, enough}, {1, 3}, {1 << 20, 1}}), stream);
    right += found == ApproximateBounds::Bounds{-7, 127} ? 1 : 0;
  }
  EXPECT_GE(right, 195);  // each fails with probability below 0.002
  DrawStream stream = seed.stream(1000);
  EXPECT_EQ(bounds.find(histogram_of({{kLeast, enough}, {kMost, enough}}), stream),
            (ApproximateBounds::Bounds{kLeast, kMost}));
}

// Noise alone passes anywhere with at most the stated probability; 6.5 standard deviations.
TEST(ApproximateBoundsTest, EmptyDataRarelyHasBounds) {
  const double failure = 0.02;
  const auto bounds = ApproximateBounds::make(Epsilon::parse("0.5").value(), 3, failure).value();
  const NoiseSeed seed = NoiseSeed::from_bytes({4});
  const int trials = 3000;
  int found = 0;
  DrawStream stream = seed.stream(0);
  for (int i = 0; i < trials; ++i) found += bounds.find({}, stream).has_value() ? 1 : 0;
  EXPECT_LE(found, trials * failure + 6.5 * std::sqrt(trials * failure));
  EXPECT_GE(found, 1);  // and the threshold is not needlessly high: 3000 trials without one have probability 1e-24
}

TEST(ApproximateBoundsTest, TheThresholdIsTheLeastThatKeepsTheFailureProbability) {
  const double failure = 1e-3;
  const auto bounds = ApproximateBounds::make(Epsilon::parse("0.25").value(), 2, failure).value();
  const double q = std::exp(-0.25 / 2);
  const auto passes = [&](Int128 h) {
    return static_cast<double>(ApproximateBounds::kBins) * std::pow(q, static_cast<double>(h)) / (1 + q);
  };
  EXPECT_LE(passes(bounds.threshold()), failure * (1 + 1e-12));
  EXPECT_GT(passes(bounds.threshold() - 1), failure * (1 - 1e-12));
  // One unit moves the histogram by its rows, so the noise has their number over epsilon as scale.
  EXPECT_EQ(bounds.noise().parameter(), (Rational{8, 1}));
}

TEST(ApproximateBoundsTest, RefusesWhatMakesNoSense) {
  EXPECT_FALSE(ApproximateBounds::make(Epsilon(), 1));
  EXPECT_FALSE(ApproximateBounds::make(Epsilon::parse("1").value(), 0));
  EXPECT_FALSE(ApproximateBounds::make(Epsilon::parse("1").value(), 1, 0));
  EXPECT_FALSE(ApproximateBounds::make(Epsilon::parse("1").value(), 1, 1));
  EXPECT_FALSE(ApproximateBounds::make(Epsilon::parse("1").value(), 1, std::nan("")));
}

}  // namespace
}  // namespace prism::dp
