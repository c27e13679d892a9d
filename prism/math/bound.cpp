#include "prism/math/bound.h"

#include <algorithm>
#include <cmath>

#include "prism/base/check.h"

namespace prism::math {
namespace {

constexpr double kSlack = 0x1p-40;
constexpr double kLog2E = 1.4426950408889634074;

/// `scale` is the largest logarithm that went in: cancellation must not cancel its error away.
double upwards(double log2, double scale) {
  if (std::isinf(log2)) return log2;
  return log2 + kSlack * std::max({1.0, std::fabs(log2), scale});
}
double upwards(double log2) { return upwards(log2, 0); }

}  // namespace

Bound Bound::from_log2(double log2) {
  check(!std::isnan(log2), "Bound from a logarithm that is not a number");
  return Bound(upwards(log2));
}

Bound Bound::from_integer(std::uint64_t value) { return from_double(static_cast<double>(value)); }

Bound Bound::from_double(double value) {
  check(value >= 0 && std::isfinite(value), "Bound from a number that is negative or not finite");
  return value == 0 ? Bound() : Bound(upwards(std::log2(value)));
}

bool Bound::is_zero() const { return std::isinf(log2_) && log2_ < 0; }
double Bound::to_double() const { return std::exp2(log2_) * (1 + kSlack); }

Bound operator+(Bound a, Bound b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  const double high = std::max(a.log2_, b.log2_);
  const double low = std::min(a.log2_, b.log2_);
  return Bound(upwards(high + std::log1p(std::exp2(low - high)) * kLog2E));
}

Bound operator*(Bound a, Bound b) {
  if (a.is_zero() || b.is_zero()) return {};
  return Bound(upwards(a.log2_ + b.log2_, std::max(std::fabs(a.log2_), std::fabs(b.log2_))));
}

Bound operator/(Bound a, Bound b) {
  check(!b.is_zero(), "Bound divided by zero");
  if (a.is_zero()) return {};
  // Twice the divisor's scale: once for its own upward rounding, once for this operation.
  return Bound(upwards(a.log2_ - b.log2_, 2 * std::max({1.0, std::fabs(a.log2_), std::fabs(b.log2_)})));
}

Bound sqrt(Bound a) { return a.is_zero() ? a : Bound(upwards(a.log2_ / 2)); }

Bound power(Bound a, double exponent) {
  check(exponent >= 0, "Bound to a negative power");
  if (exponent == 0) return Bound::one();
  return a.is_zero() ? a : Bound(upwards(a.log2_ * exponent));
}

}  // namespace prism::math
