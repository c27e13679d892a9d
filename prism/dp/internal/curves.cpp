#include "prism/dp/internal/curves.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace prism::dp::internal {

namespace {

constexpr double kUlp = std::numeric_limits<double>::epsilon();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// P(standard normal > x).
double normal_tail(double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); }

/// log((1 - 1/alpha)^alpha / (alpha - 1)), the part of the conversion that knows no epsilon.
double log_conversion(double alpha) { return alpha * std::log1p(-1 / alpha) - std::log(alpha - 1); }

/// The least value of `f` over alpha - 1 = exp(t): a coarse grid, then golden sections around its best point. Every
/// order gives a valid bound, so that missing the best one costs accuracy only.
template <class Function>
double least_over_orders(double low, double high, const Function& f) {
  constexpr int kCoarse = 64;
  const double step = (high - low) / kCoarse;
  int best = 0;
  double least = kInfinity;
  for (int i = 0; i <= kCoarse; ++i) {
    const double value = f(1 + std::exp(low + step * i));
    if (value < least) {
      least = value;
      best = i;
    }
  }
  double a = low + step * (best - 1), b = low + step * (best + 1);
  constexpr double kGolden = 0.6180339887498949;
  for (int i = 0; i < 60; ++i) {
    const double x = b - kGolden * (b - a), y = a + kGolden * (b - a);
    const double at_x = f(1 + std::exp(x)), at_y = f(1 + std::exp(y));
    least = std::min({least, at_x, at_y});
    if (at_x < at_y) {
      b = y;
    } else {
      a = x;
    }
  }
  return least;
}

}  // namespace

double gaussian_delta_up(double mu, double epsilon) {
  const double a = mu / 2 - epsilon / mu;
  const double b = mu / 2 + epsilon / mu;
  const double first = normal_tail(-a);
  // Leaving the second term out is pessimistic; beyond these it over- or underflows.
  const double second = b < 37 && epsilon < 700 ? std::exp(epsilon) * normal_tail(b) : 0;
  // A relative error e in x moves erfc(x) by about 2 x^2 e of itself.
  const double slack = kUlp * ((8 + 4 * a * a) * first + (8 + 4 * b * b + 2 * epsilon) * second);
  return std::clamp(first - second + slack + std::numeric_limits<double>::min(), 0.0, 1.0);
}

double gaussian_epsilon_up(double mu, double delta) {
  if (delta >= 1) return 0;
  if (!(delta > 0)) return kInfinity;
  // P(loss > epsilon) is above delta(epsilon), and 40 standard deviations leave less than any double.
  const double most = mu * mu / 2 + 40 * mu;
  if (gaussian_delta_up(mu, most) > delta) return kInfinity;
  return least_argument([&](double epsilon) { return gaussian_delta_up(mu, epsilon); }, delta, most);
}

double gaussian_mu_down(double epsilon, double delta) {
  double high = 1;
  while (gaussian_delta_up(high, epsilon) <= delta && high < 1e9) high *= 2;
  double low = 0;
  for (int i = 0; i < 200 && high - low > 1e-14 * high; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (gaussian_delta_up(middle, epsilon) <= delta ? low : high) = middle;
  }
  return low;
}

double rdp_epsilon_up(double alpha, double divergence, double delta) {
  const double logarithms = log_conversion(alpha) - std::log(delta);
  const double slack = 1e-14 * (1 + std::abs(std::log(delta)) + std::abs(log_conversion(alpha)));
  return std::max(0.0, up(divergence) + (logarithms + slack) / (alpha - 1));
}

double zcdp_epsilon_up(double rho, double delta) {
  if (rho <= 0 || delta >= 1) return 0;
  if (!(delta > 0)) return kInfinity;
  // The best order is near 1 + sqrt(log(1 / delta) / rho).
  const double centre = 0.5 * std::log(std::max(1e-3, -std::log(delta)) / rho);
  return least_over_orders(centre - 5, centre + 5,
                           [&](double alpha) { return rdp_epsilon_up(alpha, alpha * rho, delta); });
}

double zcdp_rho_down(double epsilon, double delta) {
  // For each order the conversion is linear in rho, so that the best rho of each order, and of all, has a closed form.
  // The best order is near 1 + 2 log(1 / delta) / epsilon.
  const double logarithm = std::max(1e-3, -std::log(delta));
  const double centre = std::log(2 * logarithm / epsilon);
  const double least = least_over_orders(
      centre - 5, centre + 5, [&](double alpha) { return -(epsilon - rdp_epsilon_up(alpha, 0, delta)) / alpha; });
  double rho = down(std::max(0.0, -least));
  // Rounding on the way there and back: a little less each time until the proof holds.
  for (double less = 1e-13; rho > 0 && zcdp_epsilon_up(rho, delta) > epsilon; less *= 2) rho *= std::max(0.0, 1 - less);
  return rho;
}

double laplace_divergence_up(double alpha, double epsilon, double steps) {
  // E = exp((alpha - 1) loss) in three parts: x <= 0 loses epsilon, x >= steps gains it, and in between the loss falls
  // by 2 epsilon / steps a step, a geometric sum. Everything is divided by exp((alpha - 1) epsilon).
  const double r = std::exp(-epsilon / steps);
  const double order = 2 * alpha - 1;
  const double s = std::exp(-epsilon / steps * order);
  const double ends = (1 + std::exp(-order * epsilon)) / (1 + r);
  double middle = 0;
  if (steps > 1) {
    const double ratio = std::expm1(-epsilon / steps) / std::expm1(-epsilon / steps * order);  // (1 - r) / (1 - s)
    middle = ratio / (1 + r) * (s - std::exp(-order * epsilon));
  }
  const double logarithm = (alpha - 1) * epsilon + std::log(ends + middle);
  const double slack = 16 * kUlp * (1 + (alpha - 1) * epsilon);
  const double exact = (logarithm + slack) / (alpha - 1);
  // All epsilon-DP mechanisms are within both of these (Bun and Steinke 2016, proposition 3.3); they win when the
  // logarithm cancels.
  return up(std::max(0.0, std::min({exact, epsilon, alpha * epsilon * epsilon / 2})));
}

double optimal_delta_up(double each, std::uint64_t count, double epsilon) {
  const double k = static_cast<double>(count);
  if (epsilon >= k * each) return 0;
  // Outcome l: count - l answers favour the one neighbour, l the other, so that the loss is (count - 2 l) each.
  const double log_base = std::log1p(std::exp(-each));  // log((1 + e^each) / e^each)
  double total = 0;
  for (std::uint64_t l = 0; l <= count; ++l) {
    const double losses = static_cast<double>(l);
    const double loss = (k - 2 * losses) * each;
    if (loss <= epsilon) break;
    const double log_probability =
        std::lgamma(k + 1) - std::lgamma(losses + 1) - std::lgamma(k - losses + 1) - losses * each - k * log_base;
    total += std::exp(log_probability) * -std::expm1(epsilon - loss);
  }
  // lgamma of k is about k log k: its rounding is the largest.
  return std::min(1.0, total * (1 + 64 * kUlp * (16 + k * (each + std::log(k + 1)))));
}

}  // namespace prism::dp::internal
