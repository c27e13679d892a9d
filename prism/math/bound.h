// prism/math/bound.h - upper bounds on magnitudes from zero to 2^4000 and beyond, kept as logarithms and always rounded
// upwards: two machines whose exp2 and log2 differ in the last bits may differ in a bound, but neither is too small.
#pragma once
#include <compare>
#include <cstdint>

namespace prism::math {

/// A non-negative real number, or an upper bound on one. Every operation adds a relative slack of 2^-40 to the
/// logarithm (absolute below 1), orders of magnitude above the errors of any libm and of nobody's interest in a noise
/// budget.
class Bound {
 public:
  /// Zero.
  Bound() = default;
  static Bound zero() { return {}; }
  static Bound one() { return from_integer(1); }
  static Bound from_log2(double log2);
  static Bound from_integer(std::uint64_t value);
  /// value >= 0 and finite.
  static Bound from_double(double value);

  bool is_zero() const;
  /// Minus infinity for zero.
  double log2() const { return log2_; }
  /// May overflow to infinity.
  double to_double() const;

  friend Bound operator+(Bound a, Bound b);
  friend Bound operator*(Bound a, Bound b);
  /// The divisor counts as exact (an upper bound on it would make the quotient too small) and came from at most one
  /// rounding: a constant or a modulus. It is not zero (checked).
  friend Bound operator/(Bound a, Bound b);
  Bound& operator+=(Bound b) { return *this = *this + b; }
  Bound& operator*=(Bound b) { return *this = *this * b; }
  friend Bound sqrt(Bound a);
  friend Bound max(Bound a, Bound b) { return a.log2_ < b.log2_ ? b : a; }
  friend Bound min(Bound a, Bound b) { return a.log2_ < b.log2_ ? a : b; }
  /// a^exponent, exponent >= 0.
  friend Bound power(Bound a, double exponent);

  friend bool operator==(Bound a, Bound b) { return a.log2_ == b.log2_; }
  friend std::partial_ordering operator<=>(Bound a, Bound b) { return a.log2_ <=> b.log2_; }

 private:
  explicit Bound(double log2) : log2_(log2) {}
  double log2_ = -__builtin_huge_val();
};

}  // namespace prism::math
