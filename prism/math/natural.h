// prism/math/natural.h - unsigned integers of any size: for tests, parameters and the decoding of decrypted results on
// the key holder's machine. Not constant time.
#pragma once
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace prism::math {

/// Little-endian 64-bit limbs without leading zeros; zero has none.
class Natural {
 public:
  Natural() = default;
  Natural(std::uint64_t value);  // NOLINT: a number is a number
  static Natural power_of_two(unsigned exponent);
  static Natural product(std::span<const std::uint64_t> factors);

  bool is_zero() const { return limbs_.empty(); }
  /// 0 for zero.
  unsigned bit_length() const;
  bool bit(unsigned i) const;
  const std::vector<std::uint64_t>& limbs() const { return limbs_; }

  Natural& operator+=(const Natural& b);
  /// b <= *this (checked).
  Natural& operator-=(const Natural& b);
  Natural& operator*=(std::uint64_t b);
  /// *this += a * b without a temporary.
  Natural& add_product(const Natural& a, std::uint64_t b);
  Natural& operator<<=(unsigned bits);
  Natural& operator>>=(unsigned bits);
  /// Divides in place and returns the remainder; divisor > 0 (checked).
  std::uint64_t divide(std::uint64_t divisor);

  friend Natural operator+(Natural a, const Natural& b) { return a += b; }
  friend Natural operator-(Natural a, const Natural& b) { return a -= b; }
  friend Natural operator*(const Natural& a, const Natural& b);
  friend Natural operator<<(Natural a, unsigned bits) { return a <<= bits; }
  friend Natural operator>>(Natural a, unsigned bits) { return a >>= bits; }
  friend std::uint64_t operator%(const Natural& a, std::uint64_t m);
  friend bool operator==(const Natural&, const Natural&) = default;
  friend std::strong_ordering operator<=>(const Natural& a, const Natural& b);

  std::string to_decimal() const;
  /// To double's precision; minus infinity for zero.
  double log2() const;
  /// The nearest double after truncation to 64 significant bits; infinity when too large.
  double to_double() const;
  /// {m, e}: *this is m * 2^e up to 2^-53 relative, m in [1, 2); {0, 0} for zero. For quotients of numbers beyond
  /// double's range.
  std::pair<double, int> scientific() const;

 private:
  void trim();
  std::vector<std::uint64_t> limbs_;
};

/// {quotient, remainder}; divisor > 0 (checked). Schoolbook by bits: quadratic, for parameters and tests.
std::pair<Natural, Natural> divmod(Natural dividend, const Natural& divisor);

/// A signed integer as sign and magnitude; zero is not negative.
struct Integer {
  Natural magnitude;
  bool negative = false;
  bool operator==(const Integer&) const = default;
  double to_double() const { return negative ? -magnitude.to_double() : magnitude.to_double(); }
  /// Canonical residue.
  std::uint64_t operator%(std::uint64_t m) const;
};

/// Chinese remaindering over distinct primes below 2^63: x = sum_j (x_j * (Q/q_j)^-1 mod q_j) * Q/q_j mod Q.
class CrtBasis {
 public:
  /// At least one prime; pairwise coprime (checked).
  explicit CrtBasis(std::span<const std::uint64_t> primes);
  const std::vector<std::uint64_t>& primes() const { return primes_; }
  /// Q, the product.
  const Natural& product() const { return product_; }
  /// The number in [0, Q) with these residues, one per prime, each canonical.
  Natural compose(std::span<const std::uint64_t> residues) const;
  /// The number in (-Q/2, Q/2].
  Integer compose_centred(std::span<const std::uint64_t> residues) const;
  std::vector<std::uint64_t> decompose(const Natural& x) const;

 private:
  std::vector<std::uint64_t> primes_;
  Natural product_, half_;
  std::vector<Natural> cofactors_;
  std::vector<std::uint64_t> inverses_;
};

}  // namespace prism::math
