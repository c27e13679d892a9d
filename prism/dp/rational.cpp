#include "prism/dp/rational.h"

#include <cmath>
#include <limits>

#include "prism/base/check.h"
#include "prism/dp/internal/big.h"

namespace prism::dp {
namespace {

/// -2^127, which has no opposite.
bool is_least(Int128 value) { return static_cast<Uint128>(value) == Uint128{1} << 127; }

Uint128 size_of(Int128 value) {
  return value < 0 ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

constexpr mp_bitcnt_t kMostBits = 126;

bool fits(const mpz_class& value) { return mpz_sizeinbase(value.get_mpz_t(), 2) <= kMostBits; }

/// numerator / denominator, both above zero.
Result<Rational> round_up(const mpz_class& numerator, const mpz_class& denominator) {
  mpq_class exact(numerator, denominator);
  exact.canonicalize();
  if (fits(exact.get_num()) && fits(exact.get_den())) {
    return Rational{internal::to_int128(exact.get_num()), internal::to_int128(exact.get_den())};
  }
  for (mp_bitcnt_t places = kMostBits - 1;; --places) {
    const mpz_class units = internal::divide_up(exact.get_num() << places, exact.get_den());
    if (fits(units)) return make_rational(internal::to_int128(units), Int128{1} << places);
    if (places == 0) break;
  }
  return fail(ErrorCode::exhausted, "a fraction of 2^126 or more; use smaller bounds or a larger epsilon");
}

}  // namespace

Result<Rational> make_rational(Int128 numerator, Int128 denominator) {
  if (denominator == 0) return fail(ErrorCode::invalid_argument, "a fraction with denominator 0; use another");
  if (is_least(numerator) || is_least(denominator)) {
    return fail(ErrorCode::invalid_argument, "a fraction with -2^127 in it; members are above that");
  }
  Uint128 a = size_of(numerator), b = size_of(denominator);
  while (b != 0) {
    const Uint128 rest = a % b;
    a = b;
    b = rest;
  }
  const auto divisor = static_cast<Int128>(denominator < 0 ? Uint128{0} - a : a);
  return Rational{numerator / divisor, denominator / divisor};
}

std::strong_ordering compare(const Rational& a, const Rational& b) {
  const mpz_class left = internal::to_big(a.numerator) * internal::to_big(b.denominator);
  const mpz_class right = internal::to_big(b.numerator) * internal::to_big(a.denominator);
  return cmp(left, right) <=> 0;
}

Result<Rational> multiply_up(const Rational& a, const Rational& b) {
  if (a.numerator <= 0 || b.numerator <= 0 || a.denominator <= 0 || b.denominator <= 0) {
    return fail(ErrorCode::invalid_argument, "fractions must be above 0; found ", to_string(a), " and ", to_string(b));
  }
  return round_up(internal::to_big(a.numerator) * internal::to_big(b.numerator),
                  internal::to_big(a.denominator) * internal::to_big(b.denominator));
}

Result<Rational> divide_up(const Rational& a, const Rational& b) {
  return multiply_up(a, Rational{b.denominator, b.numerator});
}

double value_up(const Rational& value) {
  const double near =
      static_cast<double>(static_cast<long double>(value.numerator) / static_cast<long double>(value.denominator));
  return value.numerator == 0 ? 0 : std::nextafter(near, std::numeric_limits<double>::infinity());
}

double value_down(const Rational& value) {
  const double near =
      static_cast<double>(static_cast<long double>(value.numerator) / static_cast<long double>(value.denominator));
  return value.numerator == 0 ? 0 : std::nextafter(near, -std::numeric_limits<double>::infinity());
}

std::string to_string(const Rational& value) {
  std::string text = prism::to_string(value.numerator);
  if (value.denominator != 1) text += "/" + prism::to_string(value.denominator);
  return text;
}

}  // namespace prism::dp
