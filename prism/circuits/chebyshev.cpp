#include "prism/circuits/chebyshev.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "prism/circuits/polynomial_plan.h"

namespace prism::circuits {

double chebyshev_value(std::span<const double> coefficients, double y) {
  double next = 0, after = 0;
  for (std::size_t k = coefficients.size(); k-- > 1;) {
    const double here = coefficients[k] + 2 * y * next - after;
    after = next;
    next = here;
  }
  return (coefficients.empty() ? 0 : coefficients[0]) + y * next - after;
}

std::vector<double> chebyshev_derivative(std::span<const double> coefficients) {
  const std::size_t n = coefficients.size();
  if (n < 2) return {0};
  // c'_{k-1} = c'_{k+1} + 2k c_k, and half of it for k - 1 = 0.
  std::vector<double> out(n + 1, 0);
  for (std::size_t k = n - 1; k >= 1; --k) out[k - 1] = out[k + 1] + 2 * static_cast<double>(k) * coefficients[k];
  out[0] /= 2;
  out.resize(n - 1);
  return out;
}

double chebyshev_growth(std::uint32_t k, double distance) {
  // arccosh(1 + d), also where 1 + d is 1 in double precision.
  const double angle = std::log1p(distance + std::sqrt(distance * (2 + distance)));
  return std::cosh(k * angle) * (1 + 0x1p-40);
}

double chebyshev_reach(std::span<const double> coefficients, double distance) {
  double sum = 0;
  for (std::uint32_t k = 0; k < coefficients.size(); ++k)
    sum += std::fabs(coefficients[k]) * chebyshev_growth(k, distance);
  return sum * (1 + 0x1p-40);
}

double chebyshev_largest(std::span<const double> coefficients, Interval part) {
  double all = 0;
  for (const double c : coefficients) all += std::fabs(c);
  if (coefficients.size() < 2) return all;
  const std::size_t degree = coefficients.size() - 1, points = 8 * degree;
  double largest = 0;
  for (std::size_t j = 0; j < points; ++j) {
    const double angle = (static_cast<double>(j) + 0.5) * std::numbers::pi / static_cast<double>(points);
    const double y = (part.low + part.high) / 2 + (part.high - part.low) / 2 * std::cos(angle);
    largest = std::max(largest, std::fabs(chebyshev_value(coefficients, y)));
  }
  // Clenshaw's recurrence: every step adds at most a few units of the values that it carries, which are at most
  // (k + 1) times the sum of coefficients; the point itself is off by a unit, which counts by at most degree^2.
  const double n = static_cast<double>(degree + 1);
  const double bound = largest / std::cos(std::numbers::pi / 16) + 8 * n * n * 0x1p-53 * all;
  return std::min(all, bound);
}

Result<ChebyshevApproximation> chebyshev_interpolate(const std::function<double(double)>& f, Interval interval,
                                                     std::uint32_t degree, const Smoothness& smoothness) {
  const double middle = (interval.low + interval.high) / 2, half = (interval.high - interval.low) / 2;
  if (!(half > 0) || !std::isfinite(half) || !std::isfinite(middle)) {
    return fail(ErrorCode::invalid_argument, "an interval from ", interval.low, " to ", interval.high,
                "; the first must be below the second, and both finite");
  }
  if (degree < 1 || degree > PolynomialPlan::kLargestDegree) {
    return fail(ErrorCode::invalid_argument, "an interpolation of degree ", degree, "; degrees are 1 to ",
                PolynomialPlan::kLargestDegree);
  }
  const std::size_t n = std::size_t{degree} + 1;
  std::vector<double> angles(n), values(n);
  double largest = 0;
  for (std::size_t j = 0; j < n; ++j) {
    angles[j] = (static_cast<double>(j) + 0.5) * std::numbers::pi / static_cast<double>(n);
    values[j] = f(middle + half * std::cos(angles[j]));
    if (!std::isfinite(values[j]))
      return fail(ErrorCode::invalid_argument, "the function is not finite everywhere in the interval");
    largest = std::max(largest, std::fabs(values[j]));
  }
  ChebyshevApproximation out;
  out.interval = interval;
  for (std::size_t k = 0; k < n; ++k) {
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += values[j] * std::cos(static_cast<double>(k) * angles[j]);
    out.coefficients.push_back(sum * (k == 0 ? 1.0 : 2.0) / static_cast<double>(n));
  }
  const std::size_t grid = 16 * n;
  for (std::size_t j = 0; j <= grid; ++j) {
    const double y = std::cos(static_cast<double>(j) * std::numbers::pi / static_cast<double>(grid));
    const double x = j == 0 ? interval.high : j == grid ? interval.low : middle + half * y;
    const double error = std::fabs(f(x) - chebyshev_value(out.coefficients, y));
    out.grid_error = std::max(out.grid_error, std::isnan(error) ? std::numeric_limits<double>::infinity() : error);
  }
  const double m = static_cast<double>(n);
  const double by_derivative = 2 * std::exp(m * std::log(half / 2) - std::lgamma(m + 1)) * smoothness.derivative;
  const double by_ellipse = smoothness.rho > 1
                                ? 4 * smoothness.reach * std::pow(smoothness.rho, 1 - m) / (smoothness.rho - 1)
                                : std::numeric_limits<double>::infinity();
  // Each of n coefficients adds n samples up (2n units of the largest), times cosines of angles up to n*pi (n*pi more).
  out.proven_error =
      (by_derivative < by_ellipse ? by_derivative : by_ellipse) * (1 + 0x1p-30) + 0x1p-50 * m * m * largest;
  return out;
}

}  // namespace prism::circuits
