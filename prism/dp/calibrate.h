// prism/dp/calibrate.h - how much noise each release of a query needs, so that all of them together stay in its budget.
//
// A query makes n releases of integers, each with an L1 and an L2 sensitivity; calibrate() chooses discrete Laplace or
// discrete Gaussian noise for each so that everything together is (epsilon, delta)-DP, by a proof that the accountant
// repeats, and so that intervals are narrow. With delta 0 it is the plain split: a share of epsilon for each.
// With delta > 0 it may give several releases Gaussian noise whose privacy is counted jointly (variances add up in the
// exact curve of Balle and Wang 2018); it does so only where that is narrower, so it is never worse than the split.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "prism/dp/event.h"

namespace prism::dp {

/// Over neighbours, for the vector of integers of one release. 1 <= l1 < 2^100.
struct Sensitivity {
  Int128 l1 = 1;
  /// At least the squared L2 sensitivity; at most l1^2 is ever useful. Absent: too large to write; Laplace only.
  std::optional<Int128> l2_squared;
  /// This release's share of the budget among the others: weight / sum of weights. 1..1000.
  std::uint32_t weight = 1;
};

enum class NoiseChoice : std::uint8_t {
  narrowest,  ///< whichever gives the narrower 95 % interval
  laplace,    ///< Laplace for all: pure epsilon
  gaussian,   ///< Gaussian for all; needs delta > 0
};

struct CalibratedRelease {
  Event::Kind kind;    ///< laplace or gaussian
  Rational parameter;  ///< the scale, or the variance; the numerator is below 2^120, the denominator at most 2^40
  Event event;
  double half_width;  ///< of the 95 % interval of one coordinate, about: for choosing and for previews
};

struct Calibration {
  std::vector<CalibratedRelease> releases;  ///< in the order asked
  Epsilon epsilon;                          ///< what all of them together claim: the epsilon asked
  Delta delta;                              ///< 0 when all are Laplace, else the delta asked
};

/// At most 256 releases. ErrorCode::invalid_argument for sensitivities out of bounds, or gaussian without delta or
/// without l2_squared. Noise::truncation() of samplers is not part of this; charge it on top.
Result<Calibration> calibrate(std::span<const Sensitivity> releases, Epsilon epsilon, Delta delta,
                              NoiseChoice choice = NoiseChoice::narrowest);

}  // namespace prism::dp
