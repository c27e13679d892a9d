#include "prism/math/natural.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "prism/base/check.h"
#include "prism/base/int128.h"
#include "prism/math/modular.h"

namespace prism::math {
namespace {

unsigned bit_length_of(std::uint64_t x) { return x == 0 ? 0 : 64U - static_cast<unsigned>(__builtin_clzll(x)); }

}  // namespace

Natural::Natural(std::uint64_t value) {
  if (value != 0) limbs_.push_back(value);
}

Natural Natural::power_of_two(unsigned exponent) { return Natural(1) <<= exponent; }

Natural Natural::product(std::span<const std::uint64_t> factors) {
  Natural result(1);
  for (const std::uint64_t factor : factors) result *= factor;
  return result;
}

void Natural::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

unsigned Natural::bit_length() const {
  return limbs_.empty() ? 0 : static_cast<unsigned>(limbs_.size() - 1) * 64 + bit_length_of(limbs_.back());
}

bool Natural::bit(unsigned i) const { return i / 64 < limbs_.size() && ((limbs_[i / 64] >> (i % 64)) & 1) != 0; }

Natural& Natural::operator+=(const Natural& b) { return add_product(b, 1); }

Natural& Natural::add_product(const Natural& a, std::uint64_t b) {
  // a may be *this: then nothing is resized before the end, and each limb is read before it is written.
  if (limbs_.size() < a.limbs_.size()) limbs_.resize(a.limbs_.size());
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    if (i >= a.limbs_.size() && carry == 0) break;
    // (2^64-1)^2 + 2*(2^64-1) = 2^128 - 1: the sum fits.
    const Uint128 sum = Uint128{i < a.limbs_.size() ? a.limbs_[i] : 0} * b + limbs_[i] + carry;
    limbs_[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<std::uint64_t>(sum >> 64);
  }
  if (carry != 0) limbs_.push_back(carry);
  trim();
  return *this;
}

Natural& Natural::operator-=(const Natural& b) {
  check(*this >= b, "Natural: a difference below zero");
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    const std::uint64_t subtrahend = i < b.limbs_.size() ? b.limbs_[i] : 0;
    const Uint128 difference = Uint128{limbs_[i]} - subtrahend - borrow;
    limbs_[i] = static_cast<std::uint64_t>(difference);
    borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
  }
  trim();
  return *this;
}

Natural& Natural::operator*=(std::uint64_t b) {
  std::uint64_t carry = 0;
  for (std::uint64_t& limb : limbs_) {
    const Uint128 product = Uint128{limb} * b + carry;
    limb = static_cast<std::uint64_t>(product);
    carry = static_cast<std::uint64_t>(product >> 64);
  }
  if (carry != 0) limbs_.push_back(carry);
  trim();
  return *this;
}

Natural operator*(const Natural& a, const Natural& b) {
  Natural result;
  for (std::size_t i = b.limbs_.size(); i-- > 0;) {
    if (!result.limbs_.empty()) result.limbs_.insert(result.limbs_.begin(), 0);
    result.add_product(a, b.limbs_[i]);
  }
  return result;
}

Natural& Natural::operator<<=(unsigned bits) {
  if (limbs_.empty()) return *this;
  const unsigned shift = bits % 64;
  if (shift != 0) {
    std::uint64_t carry = 0;
    for (std::uint64_t& limb : limbs_) {
      const std::uint64_t high = limb >> (64 - shift);
      limb = (limb << shift) | carry;
      carry = high;
    }
    if (carry != 0) limbs_.push_back(carry);
  }
  limbs_.insert(limbs_.begin(), bits / 64, 0);
  return *this;
}

Natural& Natural::operator>>=(unsigned bits) {
  if (bits / 64 >= limbs_.size()) {
    limbs_.clear();
    return *this;
  }
  limbs_.erase(limbs_.begin(), limbs_.begin() + bits / 64);
  const unsigned shift = bits % 64;
  if (shift != 0) {
    for (std::size_t i = 0; i < limbs_.size(); ++i) {
      const std::uint64_t above = i + 1 < limbs_.size() ? limbs_[i + 1] : 0;
      limbs_[i] = (limbs_[i] >> shift) | (above << (64 - shift));
    }
  }
  trim();
  return *this;
}

std::uint64_t Natural::divide(std::uint64_t divisor) {
  check(divisor != 0, "Natural: division by zero");
  std::uint64_t remainder = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    const Uint128 dividend = (Uint128{remainder} << 64) | limbs_[i];
    limbs_[i] = static_cast<std::uint64_t>(dividend / divisor);
    remainder = static_cast<std::uint64_t>(dividend % divisor);
  }
  trim();
  return remainder;
}

std::uint64_t operator%(const Natural& a, std::uint64_t m) {
  check(m != 0, "Natural: division by zero");
  std::uint64_t remainder = 0;
  for (std::size_t i = a.limbs_.size(); i-- > 0;) {
    remainder = static_cast<std::uint64_t>(((Uint128{remainder} << 64) | a.limbs_[i]) % m);
  }
  return remainder;
}

std::strong_ordering operator<=>(const Natural& a, const Natural& b) {
  if (a.limbs_.size() != b.limbs_.size()) return a.limbs_.size() <=> b.limbs_.size();
  for (std::size_t i = a.limbs_.size(); i-- > 0;) {
    if (a.limbs_[i] != b.limbs_[i]) return a.limbs_[i] <=> b.limbs_[i];
  }
  return std::strong_ordering::equal;
}

std::string Natural::to_decimal() const {
  if (is_zero()) return "0";
  constexpr std::uint64_t kChunk = 1'000'000'000'000'000'000;  // 18 digits at a time
  Natural rest = *this;
  std::string reversed;
  while (!rest.is_zero()) {
    std::uint64_t chunk = rest.divide(kChunk);
    for (int digit = 0; digit < 18 && (chunk != 0 || !rest.is_zero()); ++digit) {
      reversed.push_back(static_cast<char>('0' + chunk % 10));
      chunk /= 10;
    }
  }
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::pair<double, int> Natural::scientific() const {
  if (is_zero()) return {0, 0};
  const unsigned length = bit_length();
  const Natural top = length > 64 ? *this >> (length - 64) : *this << (64 - length);
  // Rounding 64 bits to 53 may carry up to 2.0 exactly.
  const double mantissa = std::ldexp(static_cast<double>(top.limbs_[0]), -63);
  return mantissa >= 2 ? std::pair{mantissa / 2, static_cast<int>(length)}
                       : std::pair{mantissa, static_cast<int>(length) - 1};
}

double Natural::log2() const {
  if (is_zero()) return -std::numeric_limits<double>::infinity();
  const auto [mantissa, exponent] = scientific();
  return std::log2(mantissa) + exponent;
}

double Natural::to_double() const {
  const auto [mantissa, exponent] = scientific();
  return std::ldexp(mantissa, exponent);
}

std::pair<Natural, Natural> divmod(Natural dividend, const Natural& divisor) {
  check(!divisor.is_zero(), "Natural: division by zero");
  Natural quotient;
  const unsigned length = dividend.bit_length();
  const unsigned divisor_length = divisor.bit_length();
  if (length < divisor_length) return {quotient, std::move(dividend)};
  for (unsigned shift = length - divisor_length + 1; shift-- > 0;) {
    quotient <<= 1;
    const Natural shifted = divisor << shift;
    if (shifted <= dividend) {
      dividend -= shifted;
      quotient += 1;
    }
  }
  return {std::move(quotient), std::move(dividend)};
}

std::uint64_t Integer::operator%(std::uint64_t m) const {
  const std::uint64_t residue = magnitude % m;
  return negative ? negate_mod(residue, m) : residue;
}

CrtBasis::CrtBasis(std::span<const std::uint64_t> primes)
    : primes_(primes.begin(), primes.end()), product_(Natural::product(primes)), half_(product_ >> 1) {
  check(!primes_.empty(), "CrtBasis of no primes");
  for (const std::uint64_t prime : primes_) {
    Natural cofactor = product_;
    check(prime > 1 && cofactor.divide(prime) == 0, "CrtBasis: not a factor of its product");
    auto inverse = inverse_mod(cofactor % prime, prime);
    check(inverse.has_value(), "CrtBasis: moduli that are not coprime");
    inverses_.push_back(*inverse);
    cofactors_.push_back(std::move(cofactor));
  }
}

Natural CrtBasis::compose(std::span<const std::uint64_t> residues) const {
  check(residues.size() == primes_.size(), "CrtBasis: one residue per prime");
  Natural sum;
  for (std::size_t j = 0; j < primes_.size(); ++j) {
    check(residues[j] < primes_[j], "CrtBasis: a residue that is not canonical");
    sum.add_product(cofactors_[j], multiply_mod(residues[j], inverses_[j], primes_[j]));
  }
  // Each term is below Q, so this ends after fewer rounds than there are primes.
  while (sum >= product_) sum -= product_;
  return sum;
}

Integer CrtBasis::compose_centred(std::span<const std::uint64_t> residues) const {
  Natural x = compose(residues);
  if (x <= half_) return {std::move(x), false};
  return {product_ - x, true};
}

std::vector<std::uint64_t> CrtBasis::decompose(const Natural& x) const {
  std::vector<std::uint64_t> residues;
  residues.reserve(primes_.size());
  for (const std::uint64_t prime : primes_) residues.push_back(x % prime);
  return residues;
}

}  // namespace prism::math
