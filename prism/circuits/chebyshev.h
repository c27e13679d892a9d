// prism/circuits/chebyshev.h - Chebyshev series in the clear: values, derivatives, largest values with proof, and
// interpolation of functions.
//
// Public arithmetic in double precision: it makes coefficients and bounds, never touches what is encrypted. Cosines may
// differ in the last bit between machines, and with them interpolated coefficients: who needs equal ciphertexts
// everywhere makes coefficients once and passes them on.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "prism/base/result.h"

namespace prism::circuits {

struct Interval {
  double low = -1, high = 1;
  bool operator==(const Interval&) const = default;
};

/// sum_k c_k T_k(y), by Clenshaw's recurrence.
double chebyshev_value(std::span<const double> coefficients, double y);
/// The series of the derivative: one coefficient less, at least one.
std::vector<double> chebyshev_derivative(std::span<const double> coefficients);
/// T_k(1 + distance) = cosh(k arccosh(1 + distance)), rounded up: no |T_k| is larger at complex points within
/// `distance` of [-1, 1]. (Their distances to -1 and 1 add up to at most 2 + 2*distance: the ellipse on which |T_k| <=
/// T_k(1 + distance).)
double chebyshev_growth(std::uint32_t k, double distance);
/// sum_k |c_k| chebyshev_growth(k, distance): what the series does not exceed there.
double chebyshev_reach(std::span<const double> coefficients, double distance);
/// An upper bound on |series| over part of [-1, 1], at most 2 % too large: the largest value at M = 8*degree Chebyshev
/// points of that part, divided by cos(pi*degree/(2M)) (Ehlich-Zeller, Math. Z. 86, 1964), and the rounding of the
/// evaluation.
double chebyshev_largest(std::span<const double> coefficients, Interval part = {});

/// f on an interval as a series in y = (2x - low - high)/(high - low).
struct ChebyshevApproximation {
  Interval interval;
  std::vector<double> coefficients;
  /// The largest |f - series| on a grid of 16 points per coefficient, and the ends. No proof between grid points.
  double grid_error = 0;
  /// Proven, when `Smoothness` was given: the remainder, and 2^-50 (degree + 1)^2 of the largest sample for rounding
  /// (that of f itself, and of where it is sampled, is not in it); infinity otherwise.
  double proven_error = std::numeric_limits<double>::infinity();
};

/// What is known of f. With n = degree + 1:
///   derivative >= |f^(n)| on the interval:  remainder 2 ((high - low)/4)^n derivative / n!
///   rho > 1 and reach >= |f| on the ellipse with foci low, high and axes (rho +- 1/rho)(high - low)/4, inside which f
///   is analytic:  remainder 4 reach rho^-degree / (rho - 1)  (Trefethen, Approximation Theory, Theorem 8.2)
/// Both given: the smaller one.
struct Smoothness {
  double derivative = std::numeric_limits<double>::infinity();
  double rho = 0, reach = 0;
};

/// Interpolates f at degree + 1 Chebyshev points of the interval. invalid_argument for an empty interval, a degree that
/// is 0 or above 4095, or an f that is not finite there.
Result<ChebyshevApproximation> chebyshev_interpolate(const std::function<double(double)>& f, Interval interval,
                                                     std::uint32_t degree, const Smoothness& smoothness = {});

}  // namespace prism::circuits
