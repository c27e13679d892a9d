#include "prism/dp/internal/parts.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "prism/dp/internal/curves.h"

namespace prism::dp::internal {

double smoothing(double coordinates) {
  constexpr double kTwoPiSquared = 2 * std::numbers::pi * std::numbers::pi;
  return std::max(1.0, std::log(4.5e10 * coordinates) / kTwoPiSquared);
}

double smoothing_kappa(double smoothing, double coordinates) {
  constexpr double kTwoPiSquared = 2 * std::numbers::pi * std::numbers::pi;
  // eta = 2 sum_j exp(-2 pi^2 s j^2) < 2.0001 exp(-2 pi^2 s) for s >= 1, and each coordinate's factor is within
  // (1 + eta) / (1 - eta) of the exact one.
  return up(2.1 * coordinates * 2.0001 * std::exp(-kTwoPiSquared * smoothing));
}

double quotient_up(double a, double b) { return up(a / b); }

Parts parts_of(std::span<const Event> events, Gaussians gaussians) {
  Parts parts;
  const auto ladder = [&](double epsilon, double steps, std::uint64_t count) {
    if (epsilon <= 0) return;
    parts.ladders.push_back({epsilon, steps, count});
    parts.pure = up(parts.pure + epsilon * static_cast<double>(count));
  };
  for (const Event& event : events) {
    const auto count = static_cast<double>(event.count());
    const double sensitivity = up(static_cast<double>(event.sensitivity()));
    switch (event.kind()) {
      case Event::Kind::pure:
      case Event::Kind::approximate:
        ladder(event.epsilon().value_up(), 1, event.count());
        break;
      case Event::Kind::laplace:
        ladder(quotient_up(sensitivity, value_down(event.parameter())), static_cast<double>(event.sensitivity()),
               event.count());
        break;
      case Event::Kind::gaussian: {
        const double variance = down(value_down(event.parameter()));
        // Integers differ by at least 1 where they differ, so that l2^2 coordinates differ at most.
        const double coordinates = sensitivity * count;
        const double smooth = smoothing(coordinates);
        if (gaussians == Gaussians::continuous && variance > 2 * smooth) {
          parts.mu_squared = up(parts.mu_squared + quotient_up(count * sensitivity, down(variance - up(smooth))));
          parts.kappa += smoothing_kappa(smooth, coordinates);
        } else {
          parts.rho = up(parts.rho + quotient_up(count * sensitivity, 2 * variance));
        }
        break;
      }
      case Event::Kind::zcdp:
        parts.rho = up(parts.rho + count * value_up(event.parameter()));
        break;
    }
    parts.delta = up(parts.delta + count * event.delta().value_up());
  }
  return parts;
}

}  // namespace prism::dp::internal
