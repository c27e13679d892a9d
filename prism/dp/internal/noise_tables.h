// prism/dp/internal/noise_tables.h - what Noise draws from: multipliers and thresholds, computed in 320-bit fixed
// point.
#pragma once
#include <vector>

#include "prism/dp/noise.h"

namespace prism::dp::internal {

struct NoiseTables {
  std::vector<Noise::Component> components;
  Delta truncation;  ///< total variation distance from the exact distribution, rounded up
};

/// Scale and variance in (0, 2^100], in lowest terms.
NoiseTables laplace_tables(const Rational& scale);
NoiseTables gaussian_tables(const Rational& variance);

}  // namespace prism::dp::internal
