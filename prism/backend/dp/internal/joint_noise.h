// prism/backend/dp/internal/joint_noise.h - how far the noise of S - t N reaches for all t between two ends at once.
//
// Noise on a lattice is not wider for every larger weight: |x + y / 2| can pass a bound more often than |x + y|, for
// the values it can take differ. What does hold is that the noise of S - t N is linear in t, so that between a and b
// its magnitude is at most the larger of those at a and b.
#pragma once
#include <span>

#include "prism/dp/noise.h"

namespace prism::backend::dp::internal {

/// A q, rounded up, with P(|sum at_a[k] x_k| <= q and |sum at_b[k] x_k| <= q) >= coverage for independent draws x_k of
/// `noise`. Value by value, so for noise of small deviation (interval.h: kValueByValue); the least q for one or two
/// draws, within some per cent of it for three, the most there may be. As many weights at both ends; coverage in (0, 1
/// - 10^-5).
double joint_half_width(const prism::dp::Noise& noise, std::span<const double> at_a, std::span<const double> at_b,
                        double coverage);

}  // namespace prism::backend::dp::internal
