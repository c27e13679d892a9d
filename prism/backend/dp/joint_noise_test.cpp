#include "prism/backend/dp/internal/joint_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "prism/dp/interval.h"

namespace prism::backend::dp::internal {
namespace {

using prism::dp::Noise;

double at(const std::vector<double>& weights, const std::vector<Int128>& draws) {
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * static_cast<double>(draws[k]);
  return std::abs(sum);
}

TEST(DpJointNoise, OneDrawIsItsSmallestHalfWidth) {
  for (const Noise& noise : {*Noise::laplace({7, 3}), *Noise::laplace({40, 1}), *Noise::gaussian({90, 1})}) {
    const auto half = static_cast<double>(prism::dp::smallest_half_width(noise, 0.95));
    const std::vector<double> one{1}, two{-2}, zero{0};
    EXPECT_NEAR(joint_half_width(noise, one, one, 0.95), half, 1e-6);
    EXPECT_NEAR(joint_half_width(noise, one, two, 0.95), 2 * half, 1e-6);
    EXPECT_NEAR(joint_half_width(noise, zero, two, 0.95), 2 * half, 1e-6);
  }
}

TEST(DpJointNoise, TwoDrawsAreTheLeastThatCovers) {
  const Noise noise = *Noise::laplace({1, 1});
  const std::vector<double> a{1, 0.25}, b{0.75, -0.5};
  // By hand: all pairs in order of the larger of both magnitudes.
  const auto p = [](int k) {
    const double q = std::exp(-1.0);
    return (1 - q) / (1 + q) * std::pow(q, std::abs(k));
  };
  std::vector<std::pair<double, double>> all;
  for (int x = -40; x <= 40; ++x) {
    for (int y = -40; y <= 40; ++y) all.push_back({std::max(at(a, {x, y}), at(b, {x, y})), p(x) * p(y)});
  }
  std::sort(all.begin(), all.end());
  for (const double coverage : {0.5, 0.9, 0.95, 0.999}) {
    double sum = 0, least = 0;
    for (const auto& [size, chance] : all) {
      if (sum >= coverage) break;
      sum += chance;
      least = size;
    }
    EXPECT_NEAR(joint_half_width(noise, a, b, coverage), least, 1e-6) << coverage;
  }
}

TEST(DpJointNoise, ThreeDrawsAreCoveredAndHardlyMore) {
  const int draws = std::getenv("PRISM_LONG") != nullptr ? 1'000'000 : 20'000;
  const std::vector<double> a{1, 0.5, 0}, b{0.9, 0.4, -0.1};
  prism::dp::NoiseSeed::Key key{};
  for (const Noise& noise :
       {*Noise::laplace({1, 2}), *Noise::laplace({6, 1}), *Noise::laplace({45, 1}), *Noise::gaussian({4000, 1})}) {
    const double q = joint_half_width(noise, a, b, 0.95);
    ++key[0];
    auto stream = prism::dp::NoiseSeed::from_bytes(key).stream(1);
    std::vector<Int128> x(3);
    int within = 0, within_less = 0;
    for (int i = 0; i < draws; ++i) {
      noise.draw(stream, x);
      const double size = std::max(at(a, x), at(b, x));
      within += size <= q ? 1 : 0;
      within_less += size <= 0.93 * q - 0.1 ? 1 : 0;
    }
    const double four_errors = 4 * std::sqrt(0.95 * 0.05 / draws);
    EXPECT_GE(within / double(draws), 0.95 - four_errors) << "seed " << int{key[0]};
    EXPECT_LT(within_less / double(draws), 0.95 + four_errors) << "seed " << int{key[0]};
  }
}

}  // namespace
}  // namespace prism::backend::dp::internal
