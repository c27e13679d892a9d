// Scales as numbers: against natural numbers of any size.
#include "prism/ckks/scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "prism/math/natural.h"

namespace prism::ckks {
namespace {

using math::Natural;

constexpr std::uint64_t kP = 1125899906840833, kQ = 1099511480321, kR = 65537;

Natural power(std::uint64_t base, unsigned exponent) {
  Natural out(1);
  for (unsigned i = 0; i < exponent; ++i) out *= base;
  return out;
}

TEST(ScaleTest, EqualityIsThatOfNumbers) {
  const Scale a = Scale::power_of_two(40);
  const Scale square = a * a;
  const std::uint64_t both[] = {kP, kQ};
  const Scale x = square.divided_by(both),
              y = Scale::power_of(kQ, -1) * Scale::power_of(kP, -1) * Scale::power_of_two(80);
  EXPECT_EQ(x, y);
  EXPECT_EQ(x * Scale::power_of(kP, 1) * Scale::power_of(kQ, 1), square);
  EXPECT_TRUE((x / y).is_power_of_two());
  EXPECT_EQ(x / y, Scale());
  // Nearest to each other but not equal, where doubles see no difference.
  const Scale near = Scale::power_of(kP, 1), next = Scale::power_of(kP, 2) / Scale::power_of(1125899906838529, 1);
  EXPECT_NE(near, next);
}

TEST(ScaleTest, ApproximationLiesBelowByNoMoreThanItSays) {
  std::mt19937_64 engine(11);
  for (int round = 0; round < 200; ++round) {
    const auto a = static_cast<int>(engine() % 41) - 20, b = static_cast<int>(engine() % 41) - 20;
    const auto two = static_cast<int>(engine() % 300) - 150;
    const Scale s = Scale::power_of_two(two) * Scale::power_of(kP, a) * Scale::power_of(kR, b);
    // s = numerator / denominator, times powers of two on either side.
    Natural numerator =
        power(kP, static_cast<unsigned>(std::max(a, 0))) * power(kR, static_cast<unsigned>(std::max(b, 0)));
    Natural denominator =
        power(kP, static_cast<unsigned>(std::max(-a, 0))) * power(kR, static_cast<unsigned>(std::max(-b, 0)));
    const Scale::Approximation found = s.approximate();
    ASSERT_EQ(static_cast<unsigned>(found.mantissa >> 127), 1U);
    Natural mantissa = (Natural(static_cast<std::uint64_t>(found.mantissa >> 64)) << 64);
    mantissa += Natural(static_cast<std::uint64_t>(found.mantissa));
    const auto shift = static_cast<int>(found.exponent) - two;  // mantissa * 2^shift against numerator / denominator
    Natural left = mantissa * denominator;
    (shift >= 0 ? left : numerator) <<= static_cast<unsigned>(std::abs(shift));
    ASSERT_LE(left, numerator) << a << " " << b << " " << two;
    const double gap = left == numerator ? -1e9 : (numerator - left).log2() - numerator.log2();
    EXPECT_LE(gap, std::log2(s.relative_error() + 1e-300)) << a << " " << b;
    EXPECT_NEAR(s.log2(), a * std::log2(static_cast<double>(kP)) + b * std::log2(static_cast<double>(kR)) + two, 1e-9);
  }
}

TEST(ScaleTest, FactorsStaySortedAndCancel) {
  std::mt19937_64 engine(12);
  // Three primes in any order and multiplicity, against a map.
  const std::uint64_t primes[] = {kP, kQ, kR};
  for (int round = 0; round < 200; ++round) {
    Scale s;
    int exponents[3] = {};
    for (int step = 0; step < 20; ++step) {
      const auto which = engine() % 3;
      const int by = static_cast<int>(engine() % 5) - 2;
      s = by < 0 ? s / Scale::power_of(primes[which], -by) : s * Scale::power_of(primes[which], by);
      exponents[which] += by;
      std::size_t count = 0;
      for (const int e : exponents) count += e != 0 ? 1U : 0U;
      ASSERT_EQ(s.factors().size(), count);
      for (std::size_t i = 1; i < count; ++i) ASSERT_LT(s.factors()[i - 1].prime, s.factors()[i].prime);
      for (std::size_t i = 0; i < 3; ++i) {
        Int128 found = 0;
        for (const Scale::Factor& f : s.factors()) found += f.prime == primes[i] ? f.exponent : 0;
        ASSERT_TRUE(found == exponents[i]);
      }
      const Scale copy = s;
      ASSERT_EQ(copy, s);
      ASSERT_FALSE(copy == s * Scale::power_of(5, 1));
    }
  }
}

TEST(ScaleTest, MorePrimesThanAScaleHoldsAreNotBounded) {
  Scale many;
  std::uint64_t prime = 3;
  for (std::size_t i = 0; i < Scale::kMostFactors; ++i, prime += 2)
    many = many * Scale::power_of(prime, i % 2 ? 1 : -1);
  EXPECT_TRUE(many.bounded());
  EXPECT_FALSE((many * Scale::power_of(prime, 1)).bounded());
  EXPECT_FALSE((many * Scale::power_of(prime, 1) * Scale::power_of(3, 1)).bounded());
}

TEST(ScaleTest, SixtySquaringsStayExact) {
  const std::uint64_t primes[] = {1099510824961};
  Scale s = Scale::power_of_two(40);
  Int128 exponent = 40, prime = 0;
  for (int i = 0; i < 60; ++i) {
    s = (s * s).divided_by(primes);
    exponent *= 2;
    prime = 2 * prime - 1;
    ASSERT_EQ(s.two(), exponent);
    ASSERT_EQ(s.factors()[0].exponent, prime);
  }
  EXPECT_FALSE((s * Scale::power_of_two(Int128{1} << 81)).bounded());
}

TEST(ConstantTest, RoundsExactlyAtPowersOfTwo) {
  std::mt19937_64 engine(3);
  for (int round = 0; round < 500; ++round) {
    const auto numerator = static_cast<std::int64_t>(engine());
    const std::uint64_t denominator = engine() >> (engine() % 60) | 1;
    const auto bits = static_cast<unsigned>(engine() % 50);
    const auto found = Constant::ratio(numerator, denominator)->times(Scale::power_of_two(bits));
    ASSERT_TRUE(found.has_value());
    // 2*|n|*2^bits + d over 2d, rounded down.
    Natural n(numerator < 0 ? 0 - static_cast<std::uint64_t>(numerator) : static_cast<std::uint64_t>(numerator));
    n <<= bits + 1;
    n += Natural(denominator);
    const auto [quotient, rest] = math::divmod(n, Natural(denominator) << 1);
    const Int128 size = *found < 0 ? -*found : *found;
    Natural value = Natural(static_cast<std::uint64_t>(size >> 64)) << 64;
    value += Natural(static_cast<std::uint64_t>(size));
    EXPECT_EQ(value, quotient);
    EXPECT_TRUE(*found == 0 || (*found < 0) == (numerator < 0));
  }
}

TEST(ConstantTest, RoundingIsWithinItsBoundAtAnyScale) {
  std::mt19937_64 engine(4);
  std::uniform_real_distribution<double> unit(-2, 2);
  for (int round = 0; round < 200; ++round) {
    const double value = unit(engine);
    const Scale scale = Scale::power_of_two(80) * Scale::power_of(kQ, -1) * Scale::power_of(kR, round % 3 - 1);
    const Constant constant = *Constant::from_double(value);
    const auto found = static_cast<long double>(*constant.times(scale));
    const long double wanted = static_cast<long double>(value) * powl(2.0L, 80) / kQ * powl(65537.0L, round % 3 - 1);
    EXPECT_LE(fabsl(found - wanted), 0.5L + fabsl(wanted) * 0x1p-60L) << value;
    EXPECT_LT(constant.rounding(scale).log2(), -scale.log2() - 0.99);
  }
  // Exact where nothing is rounded, and only there.
  EXPECT_TRUE(Constant(3).rounding(Scale()).is_zero());
  EXPECT_TRUE(Constant::from_double(0.75)->rounding(Scale::power_of_two(2)).is_zero());
  EXPECT_FALSE(Constant::from_double(0.75)->rounding(Scale::power_of_two(1)).is_zero());
  EXPECT_FALSE(Constant::ratio(1, 3)->rounding(Scale::power_of_two(40)).is_zero());
  EXPECT_FALSE(Constant(1).rounding(Scale::power_of(kQ, 1)).is_zero());
  EXPECT_TRUE(*Constant(0).times(Scale::power_of_two(200)) == 0);
  EXPECT_TRUE(*Constant::from_double(0x1p-300)->times(Scale::power_of_two(40)) == 0);
  EXPECT_EQ(Constant(1 << 20).times(Scale::power_of_two(100)).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Constant::ratio(1, 0).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(Constant::from_double(std::nan("")).error().code, ErrorCode::invalid_argument);
  // Halves go away from zero; doubles count as what they are.
  EXPECT_TRUE(*Constant::ratio(-5, 2)->times(Scale()) == -3);
  EXPECT_TRUE(*Constant::ratio(5, 2)->times(Scale()) == 3);
  EXPECT_TRUE(*Constant::from_double(0.1)->times(Scale::power_of_two(55)) == Int128{3602879701896397});
}

}  // namespace
}  // namespace prism::ckks
