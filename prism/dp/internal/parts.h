// prism/dp/internal/parts.h - events sorted into what accountants add up.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "prism/dp/event.h"

namespace prism::dp::internal {

/// `count` times discrete Laplace noise between two centres `steps` apart, with a largest loss of epsilon (rounded up).
/// Pure events are one step: randomised response, the worst epsilon-DP mechanism.
struct Ladder {
  double epsilon;
  double steps;
  std::uint64_t count;
};

struct Parts {
  std::vector<Ladder> ladders;
  double pure = 0;        ///< sum of count * epsilon over the ladders, rounded up
  double mu_squared = 0;  ///< of one continuous Gaussian mechanism worth all the Gaussian events
  double kappa = 0;       ///< that claim's error: delta is to be multiplied by exp(kappa), epsilon raised by 2 kappa
  double rho = 0;         ///< of zCDP events, and of Gaussian ones that are not in mu_squared
  double delta = 0;       ///< sum of the events' own deltas, rounded up
};

enum class Gaussians {
  as_zcdp,     ///< exactly l2^2 / (2 variance) each (Canonne, Kamath and Steinke 2020, theorem 4)
  continuous,  ///< as continuous Gaussian noise with a variance smaller by smoothing(); those too small as zCDP
};
Parts parts_of(std::span<const Event> events, Gaussians gaussians);

/// Discrete Gaussian noise of variance v in k coordinates is a post-processing of continuous Gaussian noise of variance
/// v - s, up to a factor exp(+-kappa) on every probability (README.md). Returns s such that kappa is below 10^-10 for
/// `coordinates` in all.
double smoothing(double coordinates);
double smoothing_kappa(double smoothing, double coordinates);

/// a / b with b > 0, not below.
double quotient_up(double a, double b);

}  // namespace prism::dp::internal
