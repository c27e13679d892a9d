#include "prism/ckks/scale.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace prism::ckks {
namespace {

using Approximation = Scale::Approximation;

constexpr Int128 kLargestExponent = Int128{1} << 120;
constexpr Int128 kBoundedExponent = Int128{1} << 80;

Int128 size_of(Int128 x) { return x < 0 ? -x : x; }

std::uint64_t high(Uint128 x) { return static_cast<std::uint64_t>(x >> 64); }
std::uint64_t low(Uint128 x) { return static_cast<std::uint64_t>(x); }

/// 256 bits, lowest first: enough for constants times scales, without memory from anywhere.
using Limbs = std::array<std::uint64_t, 4>;

Limbs shifted_left(const Limbs& x, unsigned by) {
  Limbs out{};
  const unsigned words = by / 64, bits = by % 64;
  for (std::size_t i = words; i < out.size(); ++i) {
    out[i] = x[i - words] << bits;
    if (bits != 0 && i > words) out[i] |= x[i - words - 1] >> (64 - bits);
  }
  return out;
}
Limbs shifted_left(Uint128 x, unsigned by) { return shifted_left(Limbs{low(x), high(x), 0, 0}, by); }

Limbs shifted_right(const Limbs& x, unsigned by) {
  Limbs out{};
  const unsigned words = by / 64, bits = by % 64;
  for (std::size_t i = 0; i + words < out.size(); ++i) {
    out[i] = x[i + words] >> bits;
    if (bits != 0 && i + words + 1 < out.size()) out[i] |= x[i + words + 1] << (64 - bits);
  }
  return out;
}

void multiply(Limbs& x, std::uint64_t by) {
  Uint128 carry = 0;
  for (std::uint64_t& limb : x) {
    carry += Uint128{limb} * by;
    limb = low(carry);
    carry >>= 64;
  }
}

void add(Limbs& x, const Limbs& y) {
  Uint128 carry = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    carry += Uint128{x[i]} + y[i];
    x[i] = low(carry);
    carry >>= 64;
  }
}

void divide(Limbs& x, std::uint64_t by) {
  Uint128 rest = 0;
  for (std::size_t i = x.size(); i-- > 0;) {
    rest = rest << 64 | x[i];
    x[i] = low(rest / by);
    rest %= by;
  }
}

/// x * 2^exponent with the top bit moved up; x is not zero.
Approximation normalised(Uint128 x, Int128 exponent) {
  const int zeros = high(x) != 0 ? std::countl_zero(high(x)) : 64 + std::countl_zero(low(x));
  return {x << zeros, exponent - zeros};
}

/// Truncates to 128 bits: at most 2^-127 too small, relatively.
Approximation product(const Approximation& a, const Approximation& b) {
  const Uint128 ll = Uint128{low(a.mantissa)} * low(b.mantissa), lh = Uint128{low(a.mantissa)} * high(b.mantissa);
  const Uint128 hl = Uint128{high(a.mantissa)} * low(b.mantissa), hh = Uint128{high(a.mantissa)} * high(b.mantissa);
  const Uint128 middle = Uint128{high(ll)} + low(lh) + low(hl);
  const Uint128 top = hh + high(lh) + high(hl) + high(middle);
  // Both mantissas have their top bit set, so the product has its own at bit 255 or 254.
  if ((top >> 127) != 0) return {top, a.exponent + b.exponent + 128};
  return {(top << 1) | ((middle >> 63) & 1), a.exponent + b.exponent + 127};
}

/// floor(2^(127 + bits) / prime): an odd prime is no power of two, so the quotient has 128 bits.
Approximation inverse(std::uint64_t prime) {
  const unsigned bits = static_cast<unsigned>(std::bit_width(prime));
  // Long division by digits of 64 bits: 2^(bits - 1) is below the prime, so neither digit overflows.
  const Uint128 first = Uint128{1} << (63 + bits), second = first % prime << 64;
  const Uint128 quotient = (first / prime) << 64 | second / prime;
  check(quotient >> 127 == 1, "the inverse of an odd number above 1");
  return {quotient, -static_cast<Int128>(127 + bits)};
}

Approximation power(Approximation base, Int128 exponent) {
  Approximation result = normalised(1, 0);
  for (auto rest = static_cast<Uint128>(exponent); rest != 0; rest >>= 1) {
    if ((rest & 1) != 0) result = product(result, base);
    if (rest > 1) base = product(base, base);
  }
  return result;
}

}  // namespace

Scale Scale::power_of_two(Int128 exponent) {
  check(size_of(exponent) < kLargestExponent, "the exponent of a scale");
  Scale s;
  s.two_ = exponent;
  return s;
}

Scale Scale::power_of(std::uint64_t prime, Int128 exponent) {
  Scale s;
  s.multiply_by(prime, exponent);
  return s;
}

Scale& Scale::operator=(const Scale& other) noexcept {
  two_ = other.two_;
  count_ = other.count_;
  std::copy_n(other.factors_.begin(), other.count_, factors_.begin());  // onto itself, too
  return *this;
}

bool Scale::operator==(const Scale& other) const {
  const auto a = factors(), b = other.factors();
  return two_ == other.two_ && std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void Scale::multiply_by(std::uint64_t prime, Int128 exponent) {
  check(prime > 2 && prime % 2 == 1 && prime >> 63 == 0, "a factor of a scale is an odd prime");
  Factor* const end = factors_.data() + count_;
  Factor* const at =
      std::lower_bound(factors_.data(), end, prime, [](const Factor& f, std::uint64_t p) { return f.prime < p; });
  if (at != end && at->prime == prime) {
    at->exponent += exponent;
    check(size_of(at->exponent) < kLargestExponent, "the exponent of a scale");
    if (at->exponent == 0) {
      std::copy(at + 1, end, at);
      --count_;
    }
  } else if (exponent != 0) {
    check(size_of(exponent) < kLargestExponent, "the exponent of a scale");
    if (count_ == kMostFactors) {
      two_ = kBoundedExponent;  // not bounded(): refused where it would be used
      return;
    }
    std::copy_backward(at, end, end + 1);
    *at = {prime, exponent};
    ++count_;
  }
}

Scale operator*(const Scale& a, const Scale& b) {
  Scale out = a;
  out.two_ += b.two_;
  check(size_of(out.two_) < kLargestExponent, "the exponent of a scale");
  for (const Scale::Factor& f : b.factors()) out.multiply_by(f.prime, f.exponent);
  return out;
}

Scale operator/(const Scale& a, const Scale& b) {
  Scale out = a;
  out.two_ -= b.two_;
  check(size_of(out.two_) < kLargestExponent, "the exponent of a scale");
  for (const Scale::Factor& f : b.factors()) out.multiply_by(f.prime, -f.exponent);
  return out;
}

Scale Scale::divided_by(std::span<const std::uint64_t> primes) const {
  Scale out = *this;
  for (const std::uint64_t prime : primes) out.multiply_by(prime, -1);
  return out;
}

bool Scale::bounded() const {
  if (size_of(two_) >= kBoundedExponent) return false;
  for (const Factor& f : factors()) {
    if (size_of(f.exponent) >= kBoundedExponent) return false;
  }
  const double size = log2();
  return size > -1000 && size < 4000;
}

Scale::Approximation Scale::approximate() const {
  Approximation result = normalised(1, two_);
  for (const Factor& f : factors()) {
    const Approximation base = f.exponent > 0 ? normalised(f.prime, 0) : inverse(f.prime);
    result = product(result, power(base, size_of(f.exponent)));
  }
  return result;
}

double Scale::relative_error() const {
  // power(e) makes fewer than 2*log2(e) products, whose errors, and the base's, are multiplied by at most e in all: 4*e
  // units of 2^-127 cover it, with the product that joins it to the rest.
  double units = 0;
  for (const Factor& f : factors()) units += static_cast<double>(size_of(f.exponent));
  return units * 0x1p-124;
}

double Scale::log2() const {
  const Approximation a = approximate();
  const double mantissa = static_cast<double>(high(a.mantissa)) * 0x1p-63;
  return std::log2(mantissa) + static_cast<double>(a.exponent + 127);
}

Result<Constant> Constant::ratio(std::int64_t numerator, std::uint64_t denominator) {
  if (denominator == 0) return fail(ErrorCode::invalid_argument, "a constant with a denominator of zero");
  Constant c(numerator);
  c.denominator_ = denominator;
  return c;
}

Result<Constant> Constant::from_double(double value) {
  if (!std::isfinite(value)) return fail(ErrorCode::invalid_argument, "a constant that is not a finite number");
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  Constant c(static_cast<std::int64_t>(std::ldexp(fraction, 53)));  // a double has 53 significant bits
  c.exponent_ = exponent - 53;
  return c;
}

math::Bound Constant::magnitude() const {
  if (numerator_ == 0) return {};
  const double size =
      std::log2(std::fabs(static_cast<double>(numerator_))) - std::log2(static_cast<double>(denominator_)) + exponent_;
  return math::Bound::from_log2(size);
}

math::Bound Constant::rounding(const Scale& scale) const {
  // Numbers that the scale makes whole are not rounded.
  if (numerator_ == 0) return {};
  const int zeros = std::countr_zero(static_cast<std::uint64_t>(numerator_));
  if (denominator_ == 1 && scale.is_power_of_two() && scale.two() + exponent_ + zeros >= 0) return {};
  return math::Bound::from_double(0.5) / scale.bound() + magnitude() * math::Bound::from_double(scale.relative_error());
}

Result<Int128> Constant::times(const Scale& scale) const {
  if (numerator_ == 0) return Int128{0};
  const double size = magnitude().log2() + scale.log2();
  if (!(size < 119.5)) {
    return fail(ErrorCode::invalid_argument, "a constant of 2^", std::lround(magnitude().log2()), " at the scale 2^",
                std::lround(scale.log2()), "; their product must stay below 2^120, so rescale first");
  }
  if (size < -2) return Int128{0};
  const Scale::Approximation s = scale.approximate();
  const bool negative = numerator_ < 0;
  const auto numerator = negative ? 0 - static_cast<std::uint64_t>(numerator_) : static_cast<std::uint64_t>(numerator_);
  // floor((2n + d) / 2d) for n/d = numerator * mantissa * 2^shift / denominator. |shift| is small, because the quotient
  // lies between 2^-2 and 2^120; so nothing here reaches 2^196.
  const auto shift = static_cast<int>(s.exponent + exponent_);
  const auto down = static_cast<unsigned>(std::max(0, -shift));
  Limbs n = shifted_left(s.mantissa, 0);
  multiply(n, numerator);
  n = shifted_left(n, static_cast<unsigned>(std::max(0, shift)) + 1);
  add(n, shifted_left(denominator_, down));
  divide(n, denominator_);
  n = shifted_right(n, down + 1);
  check(n[3] == 0 && n[2] == 0 && n[1] >> 57 == 0, "a rounded constant is below 2^120");
  const auto value = static_cast<Int128>(Uint128{n[1]} << 64 | n[0]);
  return negative ? -value : value;
}

}  // namespace prism::ckks
