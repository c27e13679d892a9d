// Inverse and square roots against plain arithmetic: to the stated error, at the stated depth and cost.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "prism/circuits/internal/real_world.h"
#include "prism/circuits/inverse.h"
#include "prism/circuits/square_root.h"

namespace prism::circuits {
namespace {

using ckks::Ciphertext;
using testing::must;
using testing::RealWorld;

std::vector<double> points(Interval interval, std::size_t count) {
  std::vector<double> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(interval.low +
                  (interval.high - interval.low) * static_cast<double>(i) / static_cast<double>(count - 1));
  out.back() = interval.high;
  return out;
}

template <class Circuit>
void expect_keeps_its_word(RealWorld& s, const Circuit& circuit, Interval interval, int precision,
                           const std::function<double(double)>& f) {
  const std::vector<double> x = points(interval, s.parameters->slots());
  const Ciphertext c = s.encrypt(x, interval.high);
  Cost count;
  const Ciphertext y = must(circuit.evaluate(s.evaluator, c, s.keys, &count));
  EXPECT_EQ(count, circuit.cost());
  EXPECT_EQ(c.level.value - y.level.value, circuit.depth());
  EXPECT_EQ(y.scale, s.parameters->scale(y.level));
  EXPECT_LE(circuit.error(), std::exp2(-precision));
  const std::vector<double> found = s.decrypt(y);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, std::fabs(found[i] - f(x[i])));
    EXPECT_LE(std::fabs(f(x[i])), y.noise.magnitude.to_double() * (1 + 1e-12)) << x[i];
  }
  EXPECT_LE(worst, y.noise.error.to_double());
  // The low end of the interval is the worst point, and tested: what is stated is nearly what happens. Of roots, the
  // relative error is largest there and the root at the other end.
  if (circuit.error() > std::exp2(-22)) {
    EXPECT_GE(worst * 1.2 * std::sqrt(interval.high / interval.low), circuit.error());
  }
  EXPECT_LE(y.noise.error.to_double(), circuit.error() + std::exp2(-18) / interval.low);
}

TEST(InverseTest, ToTheStatedErrorOnItsInterval) {
  RealWorld s({.depth = 12});
  for (const Interval interval : {Interval{0.5, 1.5}, Interval{0.25, 1}, Interval{1, 8}, Interval{3, 5}}) {
    for (const int precision : {3, 8, 16}) {
      const Inverse inverse = must(Inverse::make(interval, precision));
      expect_keeps_its_word(s, inverse, interval, precision, [](double x) { return 1 / x; });
    }
  }
  EXPECT_EQ(must(Inverse::make({0.5, 1.5}, 8)).factors(), 4) << "2^-(2^4) is the first square of 1/2 below 2^-9";
  EXPECT_EQ(must(Inverse::make({0.5, 1.5}, 8)).depth(), 5);
}

TEST(SquareRootTest, ToTheStatedErrorOnItsInterval) {
  RealWorld s({.depth = 12});
  for (const Interval interval : {Interval{0.5, 1.5}, Interval{0.25, 1}, Interval{1, 8}, Interval{3, 5}}) {
    for (const int precision : {3, 8, 16}) {
      expect_keeps_its_word(s, must(SquareRoot::make(interval, precision)), interval, precision,
                            [](double x) { return std::sqrt(x); });
      expect_keeps_its_word(s, must(SquareRoot::make(interval, precision, SquareRoot::Kind::inverse)), interval,
                            precision, [](double x) { return 1 / std::sqrt(x); });
    }
  }
}

TEST(IterationTest, RefusesWithTheWayOut) {
  RealWorld s({.depth = 3});
  const Ciphertext c = s.encrypt(std::vector<double>(s.parameters->slots(), 0.5), 1);
  const auto deep = must(Inverse::make({0.1, 1}, 10)).evaluate(s.evaluator, c, s.keys);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::level_exhausted);
  EXPECT_NE(deep.error().message.find("levels, and the ciphertext has 3"), std::string::npos);
  EXPECT_EQ(must(SquareRoot::make({0.1, 1}, 10)).evaluate(s.evaluator, c, s.keys).error().code,
            ErrorCode::level_exhausted);
  for (const Interval bad : {Interval{-1, 1}, Interval{0, 1}, Interval{2, 1}}) {
    EXPECT_FALSE(Inverse::make(bad, 10));
    EXPECT_FALSE(SquareRoot::make(bad, 10));
  }
  EXPECT_EQ(Inverse::make({1e-15, 1}, 10).error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace prism::circuits
