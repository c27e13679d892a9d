// What comes out of the samplers, by statistics on fixed seeds: against the definitions and against the rejection
// samplers of Canonne, Kamath and Steinke. A right sampler fails any of these with probability below 10^-9 on a fresh
// seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "prism/dp/internal/rejection_samplers.h"
#include "prism/dp/noise.h"

namespace prism::dp {
namespace {

std::size_t draws_wanted() { return std::getenv("PRISM_LONG") != nullptr ? 10'000'000 : 200'000; }

std::vector<Int128> draws(const Noise& noise, std::uint8_t seed, std::size_t count) {
  NoiseSeed::Key key = {};
  key[5] = seed;
  DrawStream stream = NoiseSeed::from_bytes(key).stream(0);
  std::vector<Int128> out(count);
  noise.draw(stream, out);
  return out;
}

/// What a chi-square of so many degrees of freedom exceeds with probability 10^-9 (Wilson and Hilferty).
double chi_square_limit(double degrees) {
  const double s = 2 / (9 * degrees);
  return degrees * std::pow(1 - s + 6.0 * std::sqrt(s), 3);
}

/// P(x) for |x| <= 300.
std::map<long, double> exact(const Noise& noise) {
  const double parameter = value_up(noise.parameter());
  std::map<long, double> out;
  double total = 0;
  for (long x = -3000; x <= 3000; ++x) {
    const auto size = static_cast<double>(std::abs(x));
    const double weight =
        std::exp(noise.kind() == Noise::Kind::laplace ? -size / parameter : -size * size / (2 * parameter));
    total += weight;
    if (std::abs(x) <= 300) out[x] = weight;
  }
  for (auto& [x, p] : out) p /= total;
  return out;
}

TEST(NoiseSamples, AreDistributedAsDefined) {
  std::uint8_t seed = 0;
  for (const Noise& noise :
       {Noise::laplace({1, 2}).value(), Noise::laplace({7, 3}).value(), Noise::laplace({25, 1}).value(),
        Noise::gaussian({2, 3}).value(), Noise::gaussian({50, 1}).value(), Noise::gaussian({2000, 1}).value()}) {
    const auto sample = draws(noise, ++seed, draws_wanted());
    std::map<long, double> counts;
    for (const Int128 x : sample) ++counts[static_cast<long>(x)];
    double statistic = 0, cells = 0, in = 0, in_expected = 0;
    const auto size = static_cast<double>(sample.size());
    for (const auto& [x, p] : exact(noise)) {
      const double expected = p * size;
      if (expected < 10) continue;
      const double seen = counts[x];
      statistic += (seen - expected) * (seen - expected) / expected;
      in += seen;
      in_expected += expected;
      ++cells;
    }
    const double rest = std::max(size - in_expected, 1.0);
    statistic += (size - in - rest) * (size - in - rest) / rest;
    EXPECT_LT(statistic, chi_square_limit(cells)) << to_string(noise.parameter()) << " " << name_of(noise.kind());
  }
}

TEST(NoiseSamples, OfLargeParametersFollowTheContinuousForm) {
  // Kolmogorov and Smirnov: the largest distance times sqrt(n) exceeds 3.3 with probability 2 exp(-2 * 3.3^2) < 10^-9.
  for (const Noise& noise :
       {Noise::laplace({123'456'789, 100}).value(), Noise::laplace({Int128{1} << 90, 3}).value(),
        Noise::gaussian({Int128{1} << 50, 7}).value(), Noise::gaussian({Int128{1} << 100, 1}).value()}) {
    auto sample = draws(noise, 77, draws_wanted());
    std::ranges::sort(sample);
    const auto n = static_cast<double>(sample.size());
    const double sd = noise.standard_deviation();
    double largest = 0;
    for (std::size_t i = 0; i < sample.size(); ++i) {
      const double z = static_cast<double>(sample[i]) / sd;
      const double tail = noise.kind() == Noise::Kind::laplace ? std::exp(-std::abs(z) * std::sqrt(2.0)) / 2
                                                               : std::erfc(std::abs(z) / std::sqrt(2.0)) / 2;
      const double below = z < 0 ? tail : 1 - tail;
      largest = std::max(
          {largest, std::abs(below - static_cast<double>(i) / n), std::abs(below - static_cast<double>(i + 1) / n)});
    }
    EXPECT_LT(largest * std::sqrt(n), 3.3) << to_string(noise.parameter());
    // All of the value is random, not only its leading part: the lowest byte is uniform.
    std::vector<double> bytes(256);
    for (const Int128 x : sample) ++bytes[static_cast<std::size_t>(static_cast<Uint128>(x) & 255)];
    double statistic = 0;
    for (const double seen : bytes) statistic += (seen - n / 256) * (seen - n / 256) / (n / 256);
    EXPECT_LT(statistic, chi_square_limit(255)) << to_string(noise.parameter());
  }
}

TEST(NoiseSamples, AgreeWithTheRejectionSamplers) {
  testing::RejectionSampler oracle(2020);
  const std::size_t size = draws_wanted() / 4;
  struct Case {
    Noise::Kind kind;
    std::int64_t n, d;
  };
  for (const auto& [kind, n, d] : {Case{Noise::Kind::laplace, 1, 2},
                                   {Noise::Kind::laplace, 30, 7},
                                   {Noise::Kind::laplace, 100, 1},
                                   {Noise::Kind::gaussian, 3, 2},
                                   {Noise::Kind::gaussian, 40, 1},
                                   {Noise::Kind::gaussian, 1200, 1}}) {
    const bool laplace = kind == Noise::Kind::laplace;
    const Noise noise = (laplace ? Noise::laplace({n, d}) : Noise::gaussian({n, d})).value();
    std::map<long, std::array<double, 2>> counts;
    for (const Int128 x : draws(noise, 9, size)) ++counts[static_cast<long>(x)][0];
    for (std::size_t i = 0; i < size; ++i) ++counts[laplace ? oracle.laplace(n, d) : oracle.gaussian(n, d)][1];
    // Two samples of one size: (a - b)^2 / (a + b) per cell; thin cells together.
    double statistic = 0, cells = 0;
    std::array<double, 2> thin = {};
    for (const auto& [x, pair] : counts) {
      if (pair[0] + pair[1] < 20) {
        thin[0] += pair[0];
        thin[1] += pair[1];
        continue;
      }
      statistic += (pair[0] - pair[1]) * (pair[0] - pair[1]) / (pair[0] + pair[1]);
      ++cells;
    }
    if (thin[0] + thin[1] > 0) {
      statistic += (thin[0] - thin[1]) * (thin[0] - thin[1]) / (thin[0] + thin[1]);
      ++cells;
    }
    EXPECT_LT(statistic, chi_square_limit(cells - 1)) << name_of(kind) << " " << n << "/" << d;
  }
}

TEST(NoiseSamples, HaveIndependentNeighbours) {
  // The correlation of successive draws, and of a draw with its component-wise neighbour, is within six deviations of
  // 0.
  for (const Noise& noise : {Noise::laplace({1000, 1}).value(), Noise::gaussian({1'000'000, 1}).value()}) {
    const auto sample = draws(noise, 3, draws_wanted());
    for (const std::size_t lag : {1U, 2U, 16U, 64U}) {
      double sum = 0;
      for (std::size_t i = 0; i + lag < sample.size(); ++i)
        sum += static_cast<double>(sample[i]) * static_cast<double>(sample[i + lag]);
      const double n = static_cast<double>(sample.size() - lag);
      EXPECT_LT(std::abs(sum / n) / std::pow(noise.standard_deviation(), 2) * std::sqrt(n), 6.0) << lag;
    }
  }
}

}  // namespace
}  // namespace prism::dp
