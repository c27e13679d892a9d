// Composite sign polynomials: proven in the clear on the whole interval, then run under encryption.
#include "prism/circuits/sign.h"

#include <gtest/gtest.h>

#include <cmath>

#include "prism/circuits/comparison.h"
#include "prism/circuits/internal/real_world.h"

namespace prism::circuits {
namespace {

using ckks::Ciphertext;
using testing::must;
using testing::RealWorld;

/// The smallest and the largest value of an odd series on [from, 1], and that it rises from 0 to `from`: its derivative
/// has at most (degree - 1)/2 positive zeros, and that many are found between sign changes in [from, 1].
struct Reach {
  double low, high;
  bool proven;
};
Reach reach_of(const std::vector<double>& c, double from) {
  const std::vector<double> slope = chebyshev_derivative(c);
  const std::size_t zeros = (c.size() - 2) / 2;
  double size = 0;
  for (const double x : c) size += std::fabs(x);
  std::vector<double> grid;
  // In x^2, where these polynomials' extremes are spread like Chebyshev points.
  const std::size_t points = 400 * c.size();
  for (std::size_t j = 0; j <= points; ++j) {
    const double sine = std::sin(static_cast<double>(j) / static_cast<double>(points) * std::acos(-1) / 2);
    grid.push_back(std::sqrt(from * from + (1 - from * from) * sine * sine));
  }
  grid.back() = 1;
  Reach out{std::min(chebyshev_value(c, from), chebyshev_value(c, 1)),
            std::max(chebyshev_value(c, from), chebyshev_value(c, 1)), false};
  std::size_t found = 0;
  for (std::size_t j = 0; j + 1 < grid.size(); ++j) {
    double low = grid[j], high = grid[j + 1];
    const bool rises = chebyshev_value(slope, low) > 0;
    if (rises == (chebyshev_value(slope, high) > 0)) continue;
    ++found;
    for (int i = 0; i < 60; ++i) {
      const double middle = (low + high) / 2;
      ((chebyshev_value(slope, middle) > 0) == rises ? low : high) = middle;
    }
    out.low = std::min(out.low, chebyshev_value(c, low));
    out.high = std::max(out.high, chebyshev_value(c, low));
  }
  const double rounding = 1e-14 * size;
  out.low -= rounding;
  out.high += rounding;
  out.proven = found == zeros && chebyshev_value(slope, 0) > 0;
  return out;
}

TEST(SignTest, EveryCompositionIsAsGoodAsItSays) {
  std::size_t count = 0;
  for (const auto& [dead_zone, precision] : sign_compositions()) {
    const Sign sign = must(Sign::make(dead_zone, precision));
    SCOPED_TRACE(std::to_string(dead_zone) + " bits of dead zone, " + std::to_string(precision) + " of precision");
    EXPECT_LE(sign.dead_zone(), std::exp2(-dead_zone));
    double low = sign.dead_zone();
    for (std::size_t i = 0; i < sign.stages().size(); ++i) {
      const Sign::Stage& stage = sign.stages()[i];
      EXPECT_GE(low, stage.from) << "stage " << i << " is promised what the one before leaves";
      const Reach reach = reach_of(stage.polynomial.coefficients(), stage.from);
      EXPECT_TRUE(reach.proven);
      low = reach.low;
      if (i + 1 < sign.stages().size()) {
        EXPECT_LE(reach.high, 1);
      } else {
        EXPECT_LE(std::max(1 - reach.low, reach.high - 1), sign.error());
        EXPECT_GE(std::max(1 - reach.low, reach.high - 1), sign.error() / 1024) << "a shallower one would do";
      }
    }
    ++count;
  }
  EXPECT_GE(count, 40U);
}

TEST(SignTest, TheShallowestCompositionIsTaken) {
  int depth = 0;
  for (const int bits : {4, 8, 12, 16, 20}) {
    const Sign sign = must(Sign::make(bits, bits));
    EXPECT_GT(sign.depth(), depth);
    depth = sign.depth();
    EXPECT_EQ(must(Sign::make(bits, bits, 2)).depth(), depth + 1);
  }
  EXPECT_EQ(must(Sign::make(8, 8)).depth(), 12);
  EXPECT_EQ(Sign::make(21, 8).error().code, ErrorCode::unsupported);
  EXPECT_EQ(Sign::make(8, 21).error().code, ErrorCode::unsupported);
  EXPECT_FALSE(Sign::make(8, 8, 0));
}

/// Both ends, the dead zone's edges, points inside it and zero, and the rest evenly.
std::vector<double> hard_points(const Sign& sign, std::size_t count) {
  const double e = sign.dead_zone(), r = sign.range();
  std::vector<double> out{e, -e, r, -r, 0, e / 2, -e / 3, e * 1.01, -e * 1.01, e * 2};
  while (out.size() < count)
    out.push_back(r * (2 * static_cast<double>(out.size() - 10) / static_cast<double>(count - 10) - 1));
  return out;
}

TEST(SignTest, SignsUnderEncryptionAtTheStatedDepthAndCost) {
  RealWorld s({.depth = 18});
  for (const auto& [dead_zone, precision, range] :
       {std::tuple{4, 8, 1.0}, std::tuple{8, 8, 1.0}, std::tuple{8, 16, 1.0}, std::tuple{10, 20, 1.0},
        std::tuple{6, 10, 12.0}}) {
    const Sign sign = must(Sign::make(dead_zone, precision, range));
    const std::vector<double> x = hard_points(sign, s.parameters->slots());
    const Ciphertext c = s.encrypt(x, range);
    for (const bool step : {false, true}) {
      Cost count;
      const Ciphertext y =
          step ? must(sign.step(s.evaluator, c, s.keys, &count)) : must(sign.sign(s.evaluator, c, s.keys, &count));
      EXPECT_EQ(count, sign.cost());
      EXPECT_EQ(c.level.value - y.level.value, sign.depth());
      EXPECT_EQ(y.scale, s.parameters->scale(y.level));
      const std::vector<double> found = s.decrypt(y);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double wanted = step ? (x[i] > 0 ? 1 : 0) : (x[i] > 0 ? 1 : -1);
        if (std::fabs(x[i]) >= sign.dead_zone()) {
          EXPECT_LE(std::fabs(found[i] - wanted), y.noise.error.to_double()) << x[i];
        } else {
          EXPECT_LE(std::fabs(found[i] - (step ? 0.5 : 0)), (step ? 0.5 : 1) * 1.01) << x[i];
        }
      }
      EXPECT_LE(y.noise.error.to_double(), 1.5 * sign.error()) << "noise is below the error of the polynomials";
    }
  }
}

TEST(ComparisonTest, GreaterMaximumMinimumBetween) {
  RealWorld s({.depth = 14});
  const Comparison comparison = must(Comparison::make(8, 10));
  const std::size_t n = s.parameters->slots();
  std::vector<double> x(n), y(n);
  const double e = comparison.sign().dead_zone();
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = -0.5 + static_cast<double>(i) / static_cast<double>(n - 1);
    y[i] = i % 4 == 0   ? x[i]
           : i % 4 == 1 ? -x[i]
           : i % 4 == 2 ? x[i] + (x[i] > 0 ? -e : e)
                        : x[i] + (x[i] > 0 ? -e : e) / 2;
  }
  const Ciphertext cx = s.encrypt(x, 0.5), cy = s.encrypt(y, 0.5);
  Cost count;
  const Ciphertext greater = must(comparison.greater(s.evaluator, cx, cy, s.keys, &count));
  EXPECT_EQ(count, comparison.greater_cost());
  const std::vector<double> g = s.decrypt(greater);
  for (std::size_t i = 0; i < n; ++i) {
    if (std::fabs(x[i] - y[i]) >= e * 0.999999) {
      EXPECT_LE(std::fabs(g[i] - (x[i] > y[i])), greater.noise.error.to_double());
    }
  }
  count = {};
  const Ciphertext maximum = must(comparison.maximum(s.evaluator, cx, cy, s.keys, &count));
  EXPECT_EQ(count, comparison.maximum_cost());
  EXPECT_EQ(cx.level.value - maximum.level.value, comparison.maximum_cost().levels);
  const Ciphertext minimum = must(comparison.minimum(s.evaluator, cx, s.at(cy, 13), s.keys));
  const std::vector<double> larger = s.decrypt(maximum), smaller = s.decrypt(minimum);
  EXPECT_LE(maximum.noise.error.to_double(), 1.5 * e);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_LE(std::fabs(larger[i] - std::max(x[i], y[i])), maximum.noise.error.to_double()) << x[i] << " " << y[i];
    EXPECT_LE(std::fabs(smaller[i] - std::min(x[i], y[i])), minimum.noise.error.to_double()) << x[i] << " " << y[i];
  }
  count = {};
  const Ciphertext between = must(comparison.between(s.evaluator, cx, -0.25, 0.125, s.keys, &count));
  EXPECT_EQ(count, comparison.between_cost());
  const std::vector<double> b = s.decrypt(between);
  for (std::size_t i = 0; i < n; ++i) {
    if (std::min(std::fabs(x[i] + 0.25), std::fabs(x[i] - 0.125)) < e) continue;
    EXPECT_LE(std::fabs(b[i] - (x[i] > -0.25 && x[i] < 0.125)), between.noise.error.to_double()) << x[i];
  }
}

TEST(ComparisonTest, RefusesWithTheWayOut) {
  RealWorld s({.depth = 4});
  const Comparison comparison = must(Comparison::make(8, 10));
  const Ciphertext c = s.encrypt(std::vector<double>(s.parameters->slots(), 0.25), 0.5);
  const auto deep = comparison.greater(s.evaluator, c, c, s.keys);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::level_exhausted);
  EXPECT_NE(deep.error().message.find("takes 12 levels, and the ciphertext has 4"), std::string::npos);
  EXPECT_EQ(comparison.maximum(s.evaluator, c, c, s.keys).error().code, ErrorCode::level_exhausted);
  EXPECT_FALSE(comparison.between(s.evaluator, c, 0.5, 0.5, s.keys));
}

}  // namespace
}  // namespace prism::circuits
