#include "prism/dp/partition.h"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include <cmath>

#include "prism/dp/internal/big.h"

namespace prism::dp {
namespace {

constexpr mp_bitcnt_t kBits = 500;

/// exp(x) * 2^kBits from below and from above, by its series; independent of what the mechanism computes with.
struct ExpBounds {
  mpz_class below, above;
};
ExpBounds exp_bounds(const mpq_class& x) {
  mpz_class term_below = mpz_class(1) << kBits, term_above = term_below, below = term_below, above = term_above;
  for (int k = 1; k < 400; ++k) {
    const mpz_class divisor = x.get_den() * k;
    term_below = term_below * x.get_num() / divisor;
    term_above = (term_above * x.get_num() + divisor - 1) / divisor;
    below += term_below;
    above += term_above;
  }
  return {below, above + 400};  // what is left is below the last term, which has long been one unit
}

struct Case {
  const char* epsilon;
  const char* delta;
  std::uint64_t groups;
};
constexpr Case kCases[] = {{"0.1", "1e-5", 1}, {"1", "1e-5", 4}, {"3", "1e-10", 1},   {"0.5", "1e-3", 7},
                           {"8", "0.3", 1},    {"1", "0.9", 1},  {"0.02", "1e-4", 2}, {"40", "1e-9", 1}};

PartitionSelection selection_of(const Case& c) {
  return PartitionSelection::make(Epsilon::parse(c.epsilon).value(), Delta::parse(c.delta).value(), c.groups).value();
}

// Between n and n + 1 units: P(n+1) <= e^eps P(n) + delta for "kept" and P(n) <= e^eps P(n+1) + delta for "not kept";
// the other two follow from probabilities that grow. All with the share of one group and exact integers.
TEST(PartitionSelectionTest, EveryStepKeepsPrivacyExactlyAndIsAsLargeAsPrivacyAllows) {
  for (const Case& c : kCases) {
    const PartitionSelection selection = selection_of(c);
    const Epsilon epsilon = Epsilon::parse(c.epsilon).value();
    mpq_class share(mpz_class(std::to_string(epsilon.nano())), mpz_class(1'000'000'000) * c.groups);
    share.canonicalize();
    const ExpBounds exp = exp_bounds(share);
    const mpz_class one = mpz_class(1) << 128;
    // delta of one group in units of 2^-128, not rounded: compare after multiplying everything by groups.
    const mpz_class delta = internal::to_big(Delta::parse(c.delta).value().units()) << 8;
    ASSERT_EQ(selection.keep_threshold(0), 0U);
    for (std::uint64_t n = 0; n <= selection.sure_from() + 2; ++n) {
      const mpz_class p = internal::to_big(selection.keep_threshold(n));
      const mpz_class q = internal::to_big(selection.keep_threshold(n + 1));
      ASSERT_LE(p, q);
      const auto scaled = [&](const mpz_class& x) { return mpz_class((x * c.groups) << kBits); };
      const mpz_class scaled_delta = delta << kBits;
      ASSERT_LE(scaled(q), exp.below * p * c.groups + scaled_delta) << c.epsilon << ' ' << c.delta << " n " << n;
      ASSERT_LE(scaled(one - p), exp.below * (one - q) * c.groups + scaled_delta) << c.epsilon << " n " << n;
      // Optimal: a few units of 2^-128 more would break one of the two, unless there is no more.
      const mpz_class more = q + 4;
      const bool breaks_kept = scaled(more) > exp.above * p * c.groups + scaled_delta;
      const bool breaks_dropped = scaled(one - p) > exp.above * (one - more) * c.groups + scaled_delta;
      ASSERT_TRUE(breaks_kept || breaks_dropped || q == one - 1) << c.epsilon << ' ' << c.delta << " n " << n;
    }
    EXPECT_EQ(internal::to_big(selection.keep_threshold(~std::uint64_t{0})), one - 1);
  }
}

// Theorem 1 of Desfontaines, Voss, Gipson, Mandayam 2020, in its closed form.
TEST(PartitionSelectionTest, AgreesWithTheClosedFormOfThePaper) {
  for (const Case& c : kCases) {
    const double e = Epsilon::parse(c.epsilon).value().value_up() / static_cast<double>(c.groups);
    const double d = Delta::parse(c.delta).value().value_up() / static_cast<double>(c.groups);
    const double turn = 1 + std::floor(std::log((std::exp(e) + 2 * d - 1) / (d * (std::exp(e) + 1))) / e);
    const auto before = [&](double n) { return std::expm1(n * e) / std::expm1(e) * d; };
    const PartitionSelection selection = selection_of(c);
    for (std::uint64_t n = 0; n <= selection.sure_from(); ++n) {
      const double m = static_cast<double>(n) - turn;
      const double closed =
          m <= 0 ? before(static_cast<double>(n))
                 : std::min(1.0, -std::expm1(-m * e) * (1 + d / std::expm1(e)) + std::exp(-m * e) * before(turn));
      ASSERT_NEAR(selection.keep_probability(n), closed, 1e-9 * closed + 1e-15)
          << c.epsilon << ' ' << c.delta << ' ' << n;
    }
  }
}

// A million trials of a group with one unit: the count is within 6.5 standard deviations of a thousand (two sides,
// failure probability below 1e-10), so neither above delta nor trivially zero.
TEST(PartitionSelectionTest, ASingletonGroupIsShownWithProbabilityDelta) {
  const PartitionSelection selection =
      PartitionSelection::make(Epsilon::parse("1").value(), Delta::parse("1e-3").value(), 1).value();
  const NoiseSeed seed = NoiseSeed::from_bytes({1});
  DrawStream stream = seed.stream(1);
  int shown = 0;
  for (int i = 0; i < 1'000'000; ++i) shown += selection.keep(1, stream) ? 1 : 0;
  EXPECT_LE(shown, 1000 + 206);
  EXPECT_GE(shown, 1000 - 206);
}

TEST(PartitionSelectionTest, FrequenciesAreTheStatedProbabilities) {
  const PartitionSelection selection = selection_of({"0.5", "1e-3", 2});
  const NoiseSeed seed = NoiseSeed::from_bytes({2});
  for (const std::uint64_t units : {0ULL, 10ULL, 25ULL, 27ULL, 30ULL, 40ULL, 100ULL, 1ULL << 63}) {
    DrawStream stream = seed.stream(units);
    const int trials = 20000;
    int shown = 0;
    for (int i = 0; i < trials; ++i) shown += selection.keep(units, stream) ? 1 : 0;
    const double p = selection.keep_probability(units);
    EXPECT_NEAR(shown, trials * p, 6.5 * std::sqrt(trials * p * (1 - p)) + 1e-6) << units << " units, seed 2";
  }
}

TEST(PartitionSelectionTest, APreThresholdShiftsTheProbabilities) {
  const Epsilon epsilon = Epsilon::parse("1").value();
  const Delta delta = Delta::parse("1e-5").value();
  const auto plain = PartitionSelection::make(epsilon, delta, 1).value();
  const auto shifted = PartitionSelection::make(epsilon, delta, 1, 10).value();
  for (std::uint64_t n = 0; n < 60; ++n) {
    EXPECT_EQ(shifted.keep_threshold(n), n < 10 ? Uint128{0} : plain.keep_threshold(n - 9)) << n;
  }
  EXPECT_EQ(shifted.sure_from(), plain.sure_from() + 9);
  EXPECT_EQ(shifted.units_for(0.5), plain.units_for(0.5) + 9);
}

TEST(PartitionSelectionTest, UnitsForIsTheFirstThatIsLikelyEnough) {
  const auto selection = selection_of({"0.5", "1e-5", 3});
  for (const double wanted : {1e-9, 0.01, 0.5, 0.95, 0.999999}) {
    const std::uint64_t units = selection.units_for(wanted);
    EXPECT_GE(selection.keep_probability(units), wanted);
    EXPECT_LT(selection.keep_probability(units - 1), wanted);
  }
}

TEST(PartitionSelectionTest, RefusesWhatCouldNeverShowAGroup) {
  const Epsilon epsilon = Epsilon::parse("0.5").value();
  const Delta delta = Delta::parse("1e-5").value();
  EXPECT_FALSE(PartitionSelection::make(epsilon, Delta(), 1));
  EXPECT_FALSE(PartitionSelection::make(Epsilon(), delta, 1));
  EXPECT_FALSE(PartitionSelection::make(epsilon, delta, 0));
  EXPECT_FALSE(PartitionSelection::make(epsilon, delta, 1, 0));
  EXPECT_FALSE(PartitionSelection::make(Epsilon::from_nano(1), Delta::parse("1e-30").value(), 1));
  EXPECT_FALSE(PartitionSelection::make(epsilon, Delta::from_units(1), ~std::uint64_t{0}));
}

// P(contribution + noise >= threshold) in closed form: q^k / (1 + q) for Laplace noise of at least k >= 1.
TEST(ThresholdSelectionTest, ASingletonPassesWithAtMostDeltaAndTheThresholdIsTheLeast) {
  for (const int scale : {1, 2, 10, 300}) {
    const Noise noise = Noise::laplace({scale, 1}).value();
    for (const char* delta_text : {"1e-3", "1e-5", "1e-9"}) {
      for (const std::uint64_t groups : {1ULL, 20ULL}) {
        for (const std::uint64_t contribution : {1ULL, 5ULL}) {
          const Delta delta = Delta::parse(delta_text).value();
          const auto selection = ThresholdSelection::make(noise, delta, groups, contribution).value();
          const double q = std::exp(-1.0 / scale);
          const auto shown = [&](Int128 threshold) {
            const auto k = static_cast<double>(threshold - static_cast<Int128>(contribution));
            return static_cast<double>(groups) * std::pow(q, k) / (1 + q);
          };
          EXPECT_LE(shown(selection.threshold()), delta.value_up() * (1 + 1e-12));
          EXPECT_GT(shown(selection.threshold() - 1), delta.value_up() * (1 - 1e-12));
          EXPECT_TRUE(selection.keep(selection.threshold()));
          EXPECT_FALSE(selection.keep(selection.threshold() - 1));
        }
      }
    }
  }
}

TEST(ThresholdSelectionTest, WorksForGaussianNoiseAndRefusesTheImpossible) {
  const Noise noise = Noise::gaussian({25, 1}).value();
  const auto selection = ThresholdSelection::make(noise, Delta::parse("1e-5").value(), 1).value();
  EXPECT_EQ(static_cast<int>(selection.threshold()), 23);  // 1 + 5 * 4.27, and half a step of continuity
  EXPECT_FALSE(ThresholdSelection::make(noise, Delta(), 1));
  EXPECT_FALSE(ThresholdSelection::make(noise, Delta::parse("1e-5").value(), 0));
}

}  // namespace
}  // namespace prism::dp
