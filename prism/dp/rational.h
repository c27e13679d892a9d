// prism/dp/rational.h - exact fractions: scales and variances as the ratio of two integers.
#pragma once
#include <compare>
#include <cstdint>
#include <string>

#include "prism/base/int128.h"
#include "prism/base/result.h"

namespace prism::dp {

/// numerator / denominator. Those of make_rational are in lowest terms with a denominator above zero, so equal numbers
/// have equal members; functions below also take others as long as the denominator is above zero.
struct Rational {
  Int128 numerator = 0;
  Int128 denominator = 1;
  bool operator==(const Rational&) const = default;
};

/// In lowest terms. invalid_argument: the denominator is zero, or a member is -2^127.
Result<Rational> make_rational(Int128 numerator, Int128 denominator);

/// The exact order of two fractions.
std::strong_ordering compare(const Rational& a, const Rational& b);

/// a * b and a / b in lowest terms when they fit, else rounded up to the finest power of two that fits: above the exact
/// value by less than 2^-100 of it when that is 2^-25 or more. Operands above zero (else invalid_argument); exhausted
/// when the result is 2^126 or more.
Result<Rational> multiply_up(const Rational& a, const Rational& b);
Result<Rational> divide_up(const Rational& a, const Rational& b);

/// The nearest doubles not below and not above, give or take one unit in the last place.
double value_up(const Rational& value);
double value_down(const Rational& value);

/// `7`, `-3/2`.
std::string to_string(const Rational& value);

}  // namespace prism::dp
