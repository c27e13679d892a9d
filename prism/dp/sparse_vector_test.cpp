#include "prism/dp/sparse_vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "prism/dp/accumulator.h"

namespace prism::dp {
namespace {

constexpr std::size_t kValues = 4;
using Values = std::vector<int>;
using Answers = std::vector<bool>;

SparseVector mechanism(const char* epsilon, std::uint64_t most_above, bool monotonic) {
  SparseVector::Options options;
  options.epsilon = Epsilon::parse(epsilon).value();
  options.most_above = most_above;
  options.most_values = kValues;
  options.monotonic = monotonic;
  return SparseVector::make(options).value();
}

/// The probability of every possible list of answers for values against the threshold 0, from the distributions of the
/// noise: the sum over the threshold's noise of a product over values.
std::map<Answers, double> distribution(const SparseVector& of, const Values& values, std::uint64_t most_above) {
  const double threshold_q = std::exp(-1 / value_up(of.threshold_noise().parameter()));
  const double value_q = std::exp(-1 / value_up(of.value_noise().parameter()));
  const auto at_least = [&](int k) {  // P(value noise >= k)
    return k > 0 ? std::pow(value_q, k) / (1 + value_q) : 1 - std::pow(value_q, 1 - k) / (1 + value_q);
  };
  const int reach = static_cast<int>(40 * value_up(of.threshold_noise().parameter())) + 1;
  std::map<Answers, double> result;
  for (int noise = -reach; noise <= reach; ++noise) {
    const double weight = (1 - threshold_q) / (1 + threshold_q) * std::pow(threshold_q, std::abs(noise));
    for (unsigned bits = 0; bits < 1U << kValues; ++bits) {
      Answers answers;
      double probability = weight;
      std::uint64_t above = 0;
      for (std::size_t i = 0; i < kValues && above < most_above; ++i) {
        const bool answer = (bits >> i & 1) != 0;
        const double p = at_least(noise - values[i]);
        probability *= answer ? p : 1 - p;
        answers.push_back(answer);
        above += answer ? 1 : 0;
      }
      // Bits behind the end belong to the same list of answers: count it once.
      if (bits >> answers.size() == 0) result[answers] += probability;
    }
  }
  return result;
}

double largest_log_ratio(const std::map<Answers, double>& a, const std::map<Answers, double>& b) {
  double largest = 0;
  for (const auto& [answers, probability] : a) {
    largest = std::max(largest, std::abs(std::log(probability / b.at(answers))));
  }
  return largest;
}

/// The largest privacy loss over some datasets and all their neighbours: values that differ by at most one each, all in
/// the same direction when monotonic.
double worst_loss(const SparseVector& of, std::uint64_t most_above, bool monotonic) {
  double worst = 0;
  for (const Values& values : {Values{0, 0, 0, 0}, Values{2, -1, 3, 0}, Values{-3, -3, 5, 5}}) {
    const auto here = distribution(of, values, most_above);
    double total = 0;
    for (const auto& [answers, probability] : here) total += probability;
    EXPECT_NEAR(total, 1, 1e-12);
    for (int neighbour = 0; neighbour < 81; ++neighbour) {
      Values moved = values;
      bool up = false, down = false;
      for (int i = 0, digits = neighbour; i < static_cast<int>(kValues); ++i, digits /= 3) {
        moved[static_cast<std::size_t>(i)] += digits % 3 - 1;
        up |= digits % 3 == 2;
        down |= digits % 3 == 0;
      }
      if (monotonic && up && down) continue;
      worst = std::max(worst, largest_log_ratio(here, distribution(of, moved, most_above)));
    }
  }
  return worst;
}

TEST(SparseVectorTest, LosesNoMoreThanEpsilonOnAnyNeighbour) {
  for (const bool monotonic : {false, true}) {
    for (const std::uint64_t most_above : {1U, 2U}) {
      const double worst = worst_loss(mechanism("1", most_above, monotonic), most_above, monotonic);
      EXPECT_LE(worst, 1 + 1e-9) << most_above << (monotonic ? " monotonic" : "");
      EXPECT_GE(worst, 0.6) << "the check would not notice much: " << most_above;
    }
  }
}

// The same check finds the mechanism for monotonic values wanting when values move either way.
TEST(SparseVectorTest, MonotonicNoiseIsTooLittleForOtherValues) {
  EXPECT_GT(worst_loss(mechanism("1", 1, true), 1, false), 1.05);
}

TEST(SparseVectorTest, AnswersHaveTheComputedFrequencies) {
  const SparseVector of = mechanism("2", 2, false);
  const Values values = {1, 0, -2, 3};
  const NoiseSeed seed = NoiseSeed::from_bytes({5});
  std::map<Answers, int> seen;
  const int trials = 20000;
  DrawStream stream = seed.stream(1);
  for (int i = 0; i < trials; ++i) {
    SparseVector::Search search = of.start(stream);
    Answers answers;
    for (const int value : values) {
      if (search.ended()) break;
      answers.push_back(search.above(value, 0).value());
    }
    ++seen[answers];
  }
  for (const auto& [answers, probability] : distribution(of, values, 2)) {
    EXPECT_NEAR(seen[answers], trials * probability, 6.5 * std::sqrt(trials * probability) + 1) << "seed 5";
  }
}

TEST(SparseVectorTest, EndsAfterTheAgreedPositiveAnswersAndValues) {
  const SparseVector of = mechanism("1", 2, false);
  const NoiseSeed seed = NoiseSeed::from_bytes({6});
  DrawStream stream = seed.stream(1);
  SparseVector::Search high = of.start(stream);
  EXPECT_TRUE(high.above(1'000'000, 0).value());
  EXPECT_FALSE(high.above(-1'000'000, 0).value());
  EXPECT_TRUE(high.above(1'000'000, 0).value());
  EXPECT_TRUE(high.ended());
  const auto refused = high.above(1'000'000, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);

  SparseVector::Search low = of.start(stream);
  for (std::size_t i = 0; i < kValues; ++i) EXPECT_FALSE(low.above(-1'000'000, 0).value());
  EXPECT_FALSE(low.above(-1'000'000, 0));
}

TEST(SparseVectorTest, ExtremeValuesNeitherOverflowNorWrap) {
  const SparseVector of = mechanism("1", 2, false);
  const NoiseSeed seed = NoiseSeed::from_bytes({7});
  DrawStream stream = seed.stream(1);
  SparseVector::Search search = of.start(stream);
  EXPECT_TRUE(search.above(kInt128Most, kInt128Least).value());
  EXPECT_FALSE(search.above(kInt128Least, kInt128Most).value());
}

TEST(SparseVectorTest, RefusesWhatMakesNoSense) {
  SparseVector::Options options;
  EXPECT_FALSE(SparseVector::make(options));  // epsilon zero
  options.epsilon = Epsilon::parse("1").value();
  ASSERT_TRUE(SparseVector::make(options));
  options.sensitivity = 0;
  EXPECT_FALSE(SparseVector::make(options));
  options.sensitivity = 1;
  options.most_above = 0;
  EXPECT_FALSE(SparseVector::make(options));
}

}  // namespace
}  // namespace prism::dp
