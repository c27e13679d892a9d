#include "prism/dp/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace prism::dp {
namespace {

NoiseSeed seed_of(std::uint8_t number) {
  NoiseSeed::Key key = {};
  key[0] = number;
  return NoiseSeed::from_bytes(key);
}

/// P(x) of what the tables draw, as long doubles.
std::map<Int128, long double> distribution(const Noise& noise) {
  std::map<Int128, long double> sum = {{0, 1}};
  for (const auto& component : noise.components()) {
    std::map<Int128, long double> next;
    const std::size_t n = component.thresholds.size();
    long double below = 0;
    for (std::size_t j = 0; j <= n; ++j) {
      const long double upto = j == n ? 1
                                      : std::ldexp(static_cast<long double>(component.thresholds[j][0]), -63) +
                                            std::ldexp(static_cast<long double>(component.thresholds[j][1]), -126);
      const auto step = component.multiplier * static_cast<Int128>(j);
      for (const auto& [x, p] : sum) {
        if (j == 0) {
          next[x] += p * upto;
        } else {
          next[x + step] += p * (upto - below) / 2;
          next[x - step] += p * (upto - below) / 2;
        }
      }
      below = upto;
    }
    sum = std::move(next);
  }
  return sum;
}

TEST(Noise, LaplaceTablesGiveTheDistribution) {
  for (const Rational scale : {Rational{1, 2}, {1, 1}, {5, 2}, {10, 1}, {200, 7}}) {
    const Noise noise = Noise::laplace(scale).value();
    const long double q =
        std::exp(-static_cast<long double>(scale.denominator) / static_cast<long double>(scale.numerator));
    long double distance = 0;
    for (const auto& [x, p] : distribution(noise)) {
      const long double want = (1 - q) / (1 + q) * std::pow(q, static_cast<long double>(x < 0 ? -x : x));
      distance += std::abs(p - want);
    }
    EXPECT_LT(distance, 1e-16L) << to_string(scale);
  }
}

TEST(Noise, GaussianTablesGiveTheDistribution) {
  for (const Rational variance :
       {Rational{1, 2}, {1, 1}, {100, 3}, {320, 1}, {330, 1}, {1100, 1}, {5000, 1}, {6001, 1}, {22000, 1}}) {
    const Noise noise = Noise::gaussian(variance).value();
    const long double v = static_cast<long double>(variance.numerator) / static_cast<long double>(variance.denominator);
    const auto drawn = distribution(noise);
    long double total = 0;
    for (const auto& [x, p] : drawn) total += std::exp(-static_cast<long double>(x * x) / (2 * v));
    long double distance = 0;
    for (const auto& [x, p] : drawn)
      distance += std::abs(p - std::exp(-static_cast<long double>(x * x) / (2 * v)) / total);
    EXPECT_LT(distance, 1e-16L) << to_string(variance) << " " << noise.components().size();
  }
}

TEST(Noise, ManyDrawsAreSingleDrawsInARow) {
  for (const Noise& noise : {Noise::laplace({1000, 7}).value(), Noise::gaussian({1'000'000, 3}).value()}) {
    DrawStream one = seed_of(1).stream(3), many = seed_of(1).stream(3);
    std::vector<Int128> draws(200);
    noise.draw(many, std::span(draws).first(77));
    noise.draw(many, std::span(draws).subspan(77));
    for (const Int128 draw : draws) ASSERT_EQ(draw, noise.draw(one));
  }
}

}  // namespace
}  // namespace prism::dp
