#include "prism/dp/exponential.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "prism/dp/internal/wide.h"

namespace prism::dp {
namespace {

ExponentialMechanism mechanism(Int128 numerator, Int128 denominator) {
  return ExponentialMechanism::make({numerator, denominator}, Epsilon::parse("1").value()).value();
}

/// The same stream again and again: what is chosen depends on the candidates alone.
ExponentialMechanism::Choice choose(const ExponentialMechanism& of, std::span<const Candidate> candidates,
                                    std::uint64_t draw) {
  const NoiseSeed seed = NoiseSeed::from_bytes({8});
  DrawStream stream = seed.stream(draw);
  return of.choose(candidates, stream);
}

TEST(ExponentialMechanismTest, FrequenciesAreProportionalToTheWeights) {
  const std::vector<std::vector<Candidate>> lists = {
      {{0, 1}, {1, 1}, {2, 1}, {3, 1}, {40, 1}},
      {{7, 2}, {5, 0}, {9, 100}, {6, 1}, {23, 1000}},
      {{1000, 3}, {1001, std::uint64_t{1} << 20}, {1040, ~std::uint64_t{0}}},
  };
  const int trials = 20000;
  const ExponentialMechanism of = mechanism(1, 3);
  const NoiseSeed seed = NoiseSeed::from_bytes({9});
  for (std::size_t which = 0; which < lists.size(); ++which) {
    const auto& list = lists[which];
    std::vector<double> weights;
    for (const Candidate& candidate : list) {
      weights.push_back(static_cast<double>(candidate.multiplicity) *
                        std::exp(-static_cast<double>(candidate.loss) / 3));
    }
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<int> seen(list.size());
    DrawStream stream = seed.stream(which);
    for (int i = 0; i < trials; ++i) {
      const auto choice = of.choose(list, stream);
      ASSERT_LT(choice.offset, list[choice.candidate].multiplicity);
      ++seen[choice.candidate];
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      const double p = weights[i] / total;
      EXPECT_NEAR(seen[i], trials * p, 6.5 * std::sqrt(trials * p * (1 - p)) + 1e-6) << "list " << which << ", " << i;
    }
  }
}

// Losses count relative to the best, so adding the same to all changes no choice, however large.
TEST(ExponentialMechanismTest, OnlyDifferencesOfLossesMatter) {
  const ExponentialMechanism of = mechanism(1, 5);
  std::vector<Candidate> list, moved;
  for (int i = 0; i < 200; ++i) {
    list.push_back({(i * 37) % 101, 1 + static_cast<std::uint64_t>(i % 3)});
    moved.push_back({list.back().loss + (Int128{1} << 125), list.back().multiplicity});
  }
  for (std::uint64_t draw = 0; draw < 100; ++draw) {
    EXPECT_EQ(choose(of, list, draw).candidate, choose(of, moved, draw).candidate) << draw;
  }
}

TEST(ExponentialMechanismTest, AMultiplicityIsSoManyCandidates) {
  const ExponentialMechanism of = mechanism(1, 4);
  std::vector<Candidate> together, apart;
  std::vector<std::size_t> origin;
  for (std::size_t i = 0; i < 60; ++i) {
    together.push_back({static_cast<Int128>((i * 13) % 29), i % 5});
    for (std::size_t copy = 0; copy < i % 5; ++copy) {
      apart.push_back({together.back().loss, 1});
      origin.push_back(i);
    }
  }
  for (std::uint64_t draw = 0; draw < 200; ++draw) {
    EXPECT_EQ(choose(of, together, draw).candidate, origin[choose(of, apart, draw).candidate]) << draw;
  }
}

TEST(ExponentialMechanismTest, WhatCannotBeChosenNeverIs) {
  const ExponentialMechanism of = mechanism(1, 1);
  // The best candidate has no multiplicity, and the others are hopeless but one.
  const std::vector<Candidate> list = {{0, 0}, {(Int128{1} << 126) - 1, 1}, {500, 1}, {700, ~std::uint64_t{0}}, {0, 0}};
  for (std::uint64_t draw = 0; draw < 500; ++draw) EXPECT_EQ(choose(of, list, draw).candidate, 2U);
}

// The smallest and the largest rates: all alike, and the best alone.
TEST(ExponentialMechanismTest, ExtremeRatesAreCorrectLimits) {
  std::vector<Candidate> list;
  for (int i = 0; i < 64; ++i) list.push_back({i == 40 ? 0 : 1, 1});
  std::vector<int> seen(list.size());
  const ExponentialMechanism flat = mechanism(1, Int128{1} << 120), steep = mechanism(Int128{1} << 20, 1);
  for (std::uint64_t draw = 0; draw < 2000; ++draw) {
    ++seen[choose(flat, list, draw).candidate];
    ASSERT_EQ(choose(steep, list, draw).candidate, 40U);
  }
  for (const int count : seen) EXPECT_NEAR(count, 2000.0 / 64, 6.5 * std::sqrt(2000.0 / 64));
}

TEST(ExponentialMechanismTest, TheMarginBoundsTheChanceOfALoss) {
  for (const auto& [numerator, denominator] : {std::pair{1, 1}, {3, 7}, {1, 1000}, {5, 1}}) {
    const ExponentialMechanism of = mechanism(numerator, denominator);
    for (const double candidates : {1.0, 20.0, 1e6}) {
      for (const double probability : {0.5, 0.025, 1e-9}) {
        const auto margin = static_cast<double>(of.loss_margin(candidates, probability));
        const double rate = static_cast<double>(numerator) / denominator;
        EXPECT_LE(candidates * std::exp(-rate * margin), probability * (1 + 1e-9));
        if (margin > 0) {
          EXPECT_GT(candidates * std::exp(-rate * (margin - 1)), probability * (1 - 1e-9));
        }
      }
    }
  }
}

TEST(ExponentialMechanismTest, RefusesRatesOutsideItsRange) {
  const Epsilon epsilon = Epsilon::parse("1").value();
  EXPECT_FALSE(ExponentialMechanism::make({0, 1}, epsilon));
  EXPECT_FALSE(ExponentialMechanism::make({-1, 1}, epsilon));
  EXPECT_FALSE(ExponentialMechanism::make({(Int128{1} << 20) + 1, 1}, epsilon));
  EXPECT_FALSE(ExponentialMechanism::make({1, (Int128{1} << 120) + 1}, epsilon));
}

TEST(WideTest, ProductsSumsAndOrderAgreeWith128BitIntegers) {
  std::mt19937_64 random(40);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t edge[] = {0, 1, ~std::uint64_t{0}, random(), random() >> (random() % 64)};
    const std::uint64_t a = edge[random() % 5], b = edge[random() % 5], c = edge[random() % 5];
    const Uint128 product = static_cast<Uint128>(a) * b;
    const internal::Wide<2> wide = internal::multiply(internal::Wide<1>{a}, internal::Wide<1>{b});
    EXPECT_EQ(static_cast<Uint128>(wide[1]) << 64 | wide[0], product);
    // (a b) c = a (b c), in three words
    const internal::Wide<2> right = internal::multiply(internal::Wide<1>{b}, internal::Wide<1>{c});
    EXPECT_EQ(internal::multiply(wide, internal::Wide<1>{c}), internal::multiply(internal::Wide<1>{a}, right));
    internal::Wide<3> sum{wide[0], wide[1], 0};
    internal::add(sum, right);
    const Uint128 low = product + (static_cast<Uint128>(right[1]) << 64 | right[0]);
    EXPECT_EQ(static_cast<Uint128>(sum[1]) << 64 | sum[0], low);
    EXPECT_EQ(sum[2], low < product ? 1U : 0U);
    const Uint128 other = static_cast<Uint128>(right[1]) << 64 | right[0];
    EXPECT_EQ(internal::not_above(wide, right), product <= other ? 1U : 0U);
  }
}

}  // namespace
}  // namespace prism::dp
