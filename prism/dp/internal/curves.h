// prism/dp/internal/curves.h - privacy curves in closed form: delta for an epsilon and back, never too small.
//
// Every function ending in _up returns a double that is not below the exact value; the slack covers the rounding of
// the few operations and library functions in it (erfc, exp and log are taken to be right to four units in the last
// place, and their arguments' rounding is counted).
#pragma once
#include <cstdint>

namespace prism::dp::internal {

/// A little more than `value` >= 0: pays for a few dozen roundings.
inline double up(double value) { return value * (1 + 1e-14); }
/// A little less.
inline double down(double value) { return value * (1 - 1e-14); }

/// The Gaussian mechanism with sigma = l2 / mu (Balle and Wang 2018, theorem 8). mu > 0, epsilon >= 0.
double gaussian_delta_up(double mu, double epsilon);
/// delta in (0, 1]; 0 for 1.
double gaussian_epsilon_up(double mu, double delta);
/// The largest mu, rounded down, with gaussian_delta_up(mu, epsilon) <= delta. delta in (0, 1).
double gaussian_mu_down(double epsilon, double delta);

/// Given that the mechanism is (alpha, divergence)-RDP: Canonne, Kamath and Steinke 2020, proposition 12. alpha > 1.
double rdp_epsilon_up(double alpha, double divergence, double delta);
/// rho-zCDP through the best order. rho >= 0.
double zcdp_epsilon_up(double rho, double delta);
/// The largest rho, rounded down, with zcdp_epsilon_up(rho, delta) <= epsilon. delta in (0, 1), epsilon > 0.
double zcdp_rho_down(double epsilon, double delta);

/// The Renyi divergence of order alpha > 1 of discrete Laplace noise between two centres that are `steps` >= 1 apart,
/// with scale steps / epsilon; one step is randomised response, the worst of all epsilon-DP mechanisms.
double laplace_divergence_up(double alpha, double epsilon, double steps);

/// `count` times randomised response with `each` > 0, its exact curve: the optimal composition of pure mechanisms
/// (Kairouz, Oh and Viswanath 2015, theorem 3.3).
double optimal_delta_up(double each, std::uint64_t count, double epsilon);

/// The least x in [0, most], up to one part in 10^13, at which the falling function is at most `bound`; `most` when it
/// is nowhere. The function holds at what is returned unless that is `most`.
template <class Function>
double least_argument(const Function& falling, double bound, double most) {
  double low = 0, high = most;
  if (falling(low) <= bound) return low;
  for (int i = 0; i < 200 && high - low > 1e-13 * high; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (falling(middle) <= bound ? high : low) = middle;
  }
  return high;
}

}  // namespace prism::dp::internal
