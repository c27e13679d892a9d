// prism/ckks/scale.h - what a message is multiplied by before it is rounded: an exact rational number, so that two
// scales are equal or they are not, on every machine.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/math/bound.h"

namespace prism::ckks {

/// 2^a * p1^e1 * p2^e2 * ... with distinct odd primes and non-zero integer exponents, which is unique: comparing
/// exponents compares numbers. Squaring doubles exponents, so they are 128 bits wide; evaluators refuse scales that are
/// not bounded(). No operation allocates; copies move the factors that are there.
class Scale {
 public:
  /// As many as a parameter set has primes. A scale that would take more is not bounded().
  static constexpr std::size_t kMostFactors = 64;
  struct Factor {
    std::uint64_t prime;
    Int128 exponent;
    bool operator==(const Factor&) const = default;
  };

  Scale() {}  ///< one
  Scale(const Scale& other) noexcept { *this = other; }
  Scale& operator=(const Scale& other) noexcept;
  static Scale power_of_two(Int128 exponent);
  /// The prime must be odd and below 2^63 (checked); that it is a prime is the caller's word.
  static Scale power_of(std::uint64_t prime, Int128 exponent);

  friend Scale operator*(const Scale& a, const Scale& b);
  friend Scale operator/(const Scale& a, const Scale& b);
  Scale divided_by(std::span<const std::uint64_t> primes) const;
  bool operator==(const Scale& other) const;

  Int128 two() const { return two_; }
  /// Ascending primes.
  std::span<const Factor> factors() const { return {factors_.data(), count_}; }
  bool is_power_of_two() const { return count_ == 0; }
  /// Every exponent is below 2^80 in size and the scale between 2^-1000 and 2^4000.
  bool bounded() const;

  /// mantissa * 2^exponent <= scale <= mantissa * 2^exponent * (1 + relative_error()), 2^127 <= mantissa < 2^128. By
  /// integer arithmetic, the same on every machine, and exact for powers of two.
  struct Approximation {
    Uint128 mantissa;
    Int128 exponent;
  };
  Approximation approximate() const;
  double relative_error() const;
  double log2() const;
  /// Upper bound; as a divisor (Bound) it counts as exact.
  math::Bound bound() const { return math::Bound::from_log2(log2()); }

 private:
  void multiply_by(std::uint64_t prime, Int128 exponent);
  Int128 two_ = 0;
  std::size_t count_ = 0;
  std::array<Factor, kMostFactors> factors_;  ///< the first count_ are set
};

/// A public constant of a program: numerator / denominator * 2^exponent, exactly.
class Constant {
 public:
  Constant(std::int64_t value) : numerator_(value) {}  // NOLINT: a number is a number
  /// invalid_argument for a denominator of zero.
  static Result<Constant> ratio(std::int64_t numerator, std::uint64_t denominator);
  /// The double itself, not what it was meant to be: 0.1 is 3602879701896397 / 2^55. invalid_argument when not finite.
  static Result<Constant> from_double(double value);
  /// round(constant * scale), halves away from zero, computed on integers from scale.approximate(): the same bytes on
  /// every machine. invalid_argument when it is not below 2^120 in size.
  Result<Int128> times(const Scale& scale) const;
  math::Bound magnitude() const;
  /// At most this far is times(scale)/scale from the constant; zero where that is seen to be exact.
  math::Bound rounding(const Scale& scale) const;

 private:
  std::int64_t numerator_;
  std::uint64_t denominator_ = 1;
  int exponent_ = 0;
};

}  // namespace prism::ckks
