// prism/dp/interval.h - how far noise reaches: the smallest intervals around an estimate with a computed coverage.
//
// Everything here is about public parameters: doubles, rounded outwards. Coverage speaks of the noise alone; clamping
// and dropped rows are the caller's to report.
#pragma once
#include <span>

#include "prism/base/int128.h"
#include "prism/dp/noise.h"

namespace prism::dp {

/// Noise up to this standard deviation is taken value by value in sums; wider noise by its continuous form, which is
/// monotone in every weight.
inline constexpr double kValueByValue = 64;

/// weight * (one draw of *noise), independent of the others in the list. Finite weights; the noise outlives the call.
struct NoiseTerm {
  double weight = 1;
  const Noise* noise = nullptr;
};

/// An upper bound on P(|sum of the terms| > h), at most 1. Exact up to rounding for one term. For sums rigorous and
/// close: two Laplace terms or any number of Gaussian ones cost microseconds (an exact sum when one is small, else
/// closed forms of the continuous distributions widened by the distance of a coupling); other lists are convolved on a
/// grid, a few milliseconds, within about two per cent. To invert a test (Fieller), compare this with 1 - coverage at
/// each candidate.
double tail_up(std::span<const NoiseTerm> terms, double h);

struct Interval {
  double half_width = 0;  ///< |error of the estimate| <= half_width, rounded up
  double coverage = 1;    ///< with at least this probability, rounded down; at least what was asked
};

/// The smallest half width with at least `coverage` in (0, 1), for sums at most 1 - 10^-8 (a broken invariant
/// otherwise): a whole number for one term of weight 1 or -1, within 10^-9 of its size for others. An empty list, or
/// weights of zero, give {0, 1}.
Interval smallest_interval(std::span<const NoiseTerm> terms, double coverage);
/// One unit of weight: the smallest integer h with P(|x| <= h) >= coverage.
Int128 smallest_half_width(const Noise& noise, double coverage);

}  // namespace prism::dp
