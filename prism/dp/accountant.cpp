#include "prism/dp/accountant.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "prism/dp/internal/curves.h"
#include "prism/dp/internal/exact_cost.h"
#include "prism/dp/internal/parts.h"
#include "prism/dp/pld.h"

namespace prism::dp {

namespace {

using internal::Gaussians;
using internal::Parts;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Method::pld adds this much. Its answers are right to about 10^-5 of themselves, and so are those of other
/// pessimistic accountants, which differ by what their grids cost; with the margin, ours is not below theirs.
constexpr double kMargin = 1e-4;
/// How a delta is shared between two conversions: any share is valid, the best is taken.
constexpr std::array<double, 5> kShares = {0.5, 0.1, 0.9, 0.01, 0.99};

/// The least of f over shares of delta for a first part, the rest for the second.
template <class First, class Second>
double least_sum(double delta, const First& first, const Second& second) {
  double least = kInfinity;
  for (const double share : kShares) {
    least = std::min(least, first(internal::down(share * delta)) + second(internal::down((1 - share) * delta)));
  }
  return internal::up(least);
}

/// Gaussian and zCDP parts together.
double joint_epsilon(const Parts& parts, double delta) {
  const bool gaussian = parts.mu_squared > 0, zcdp = parts.rho > 0;
  const auto gaussians = [&](double d) {
    const double mu = internal::up(std::sqrt(parts.mu_squared));
    return internal::up(internal::gaussian_epsilon_up(mu, internal::down(d * std::exp(-parts.kappa))) +
                        2 * parts.kappa);
  };
  const auto rest = [&](double d) { return internal::zcdp_epsilon_up(parts.rho, d); };
  if (gaussian && zcdp) return least_sum(delta, gaussians, rest);
  if (gaussian) return gaussians(delta);
  return zcdp ? rest(delta) : 0;
}

double basic_epsilon(const Parts& parts, double delta) {
  return internal::up(parts.pure + joint_epsilon(parts, delta));
}

double advanced_epsilon(const Parts& parts, double delta) {
  if (parts.ladders.empty()) return joint_epsilon(parts, delta);
  double mean = 0, squares = 0;
  bool equal = true;
  std::uint64_t count = 0;
  for (const auto& ladder : parts.ladders) {
    const auto n = static_cast<double>(ladder.count);
    mean = internal::up(mean + n * ladder.epsilon * std::tanh(ladder.epsilon / 2));
    squares = internal::up(squares + n * ladder.epsilon * ladder.epsilon);
    equal = equal && ladder.epsilon == parts.ladders.front().epsilon;
    count += ladder.count;
  }
  const auto composed = [&](double d) {
    if (!(d > 0)) return parts.pure;
    const double root = std::sqrt(squares);
    // The two ways of theorem 3.5 to write the deviation; the second one wins for a delta above root / e.
    const double log_term = std::min(-std::log(d), std::log(std::numbers::e + root / d));
    const double bound = internal::up(mean + std::sqrt(2 * squares * log_term));
    double least = std::min(parts.pure, bound);
    constexpr std::uint64_t kMostExact = 20'000;
    if (equal && count <= kMostExact) {
      const double each = parts.ladders.front().epsilon;
      const auto curve = [&](double epsilon) { return internal::optimal_delta_up(each, count, epsilon); };
      least = std::min(least, internal::least_argument(curve, d, parts.pure));
    }
    return least;
  };
  if (parts.mu_squared <= 0 && parts.rho <= 0) return composed(delta);
  return least_sum(delta, composed, [&](double d) { return joint_epsilon(parts, d); });
}

double zcdp_epsilon(const Parts& parts, double delta) {
  double rho = parts.rho;
  for (const auto& ladder : parts.ladders) {
    rho = internal::up(rho + static_cast<double>(ladder.count) * ladder.epsilon * ladder.epsilon / 2);
  }
  return internal::zcdp_epsilon_up(rho, delta);
}

double rdp_epsilon(const Parts& parts, double delta) {
  const auto divergence = [&](double alpha) {
    double sum = alpha * parts.rho;
    for (const auto& ladder : parts.ladders) {
      sum += static_cast<double>(ladder.count) * internal::laplace_divergence_up(alpha, ladder.epsilon, ladder.steps);
    }
    return internal::up(sum);
  };
  double least = parts.rho > 0 ? kInfinity : parts.pure;  // order infinity
  if (!(delta > 0)) return least;
  // Orders 1.001 to 10^7, eighty to a decade: neighbours differ by 3 %, and the optimum is flat.
  for (int i = -240; i <= 560; ++i) {
    const double alpha = 1 + std::pow(10.0, i / 80.0);
    least = std::min(least, internal::rdp_epsilon_up(alpha, divergence(alpha), delta));
  }
  return least;
}

/// Past so many releases a grid of any sensible size adds more than the convolution saves; RDP is close by then.
constexpr std::uint64_t kMostConvolved = 1'000'000;

/// The distribution of everything but the zCDP part; nothing where closed forms are exact, or releases too many.
std::optional<PrivacyLoss> distribution(const Parts& parts) {
  if (parts.ladders.empty()) return std::nullopt;
  double squares = parts.mu_squared, most = std::sqrt(parts.mu_squared), all = 0;
  std::uint64_t count = 0;
  bool equal = parts.mu_squared <= 0;
  for (const auto& ladder : parts.ladders) {
    squares += static_cast<double>(ladder.count) * ladder.epsilon * ladder.epsilon;
    most = std::max(most, ladder.epsilon);
    all += static_cast<double>(ladder.count) * ladder.epsilon;
    count += ladder.count;
    equal = equal && ladder.epsilon == parts.ladders.front().epsilon;
  }
  if (count > kMostConvolved) return std::nullopt;
  // The grid covers what the sum reaches within ten deviations. It adds at most step^2 / 4 of variance a release: more
  // points for more releases keep that below one per cent of what is there.
  constexpr double kPoints = 8192;
  const double points = count > 2000 ? 2 * kPoints : kPoints;
  const double reach =
      parts.mu_squared > 0 ? 21 * std::sqrt(squares) + 2 * most : std::min(2 * all, 21 * std::sqrt(squares) + 2 * most);
  double step = reach / points;
  // Randomised response composed with itself falls onto grid points exactly.
  if (equal) step = parts.ladders.front().epsilon / std::ceil(parts.ladders.front().epsilon / step);
  PrivacyLoss out(step);
  if (parts.mu_squared > 0) out = PrivacyLoss::gaussian(step, internal::up(std::sqrt(parts.mu_squared)));
  for (const auto& ladder : parts.ladders) {
    out = out.composed_with(PrivacyLoss::laplace(step, ladder.epsilon, ladder.steps).repeated(ladder.count));
  }
  return out;
}

double pld_epsilon(const Parts& parts, double delta) {
  const auto found = distribution(parts);
  if (!found) return parts.ladders.empty() ? joint_epsilon(parts, delta) : kInfinity;
  const auto composed = [&](double d) {
    return internal::up(found->epsilon(internal::down(d * std::exp(-parts.kappa))) + 2 * parts.kappa);
  };
  if (parts.rho <= 0) return composed(delta);
  return least_sum(delta, composed, [&](double d) { return internal::zcdp_epsilon_up(parts.rho, d); });
}

/// The least delta with curve(delta) <= epsilon for a falling curve, found on a logarithmic scale.
template <class Curve>
double least_delta(const Curve& curve, double epsilon) {
  if (curve(0.0) <= epsilon) return 0;
  double low = -700, high = 0;  // natural logarithms
  if (curve(std::exp(low)) <= epsilon) return std::exp(low);
  for (int i = 0; i < 100 && high - low > 1e-13; ++i) {
    const double middle = low + (high - low) / 2;
    (curve(std::exp(middle)) <= epsilon ? high : low) = middle;
  }
  return std::min(1.0, internal::up(std::exp(high)));
}

/// With nothing but pure events, epsilon(0) is their sum; with others there is none.
double at_zero(const Parts& parts) { return parts.mu_squared > 0 || parts.rho > 0 ? kInfinity : parts.pure; }

/// What is cheap, and better than convolutions where hardly anything or very much is composed.
double other_epsilon(const Parts& parts, double delta) {
  double least = std::min(basic_epsilon(parts, delta), advanced_epsilon(parts, delta));
  if (parts.mu_squared <= 0 && !parts.ladders.empty()) least = std::min(least, rdp_epsilon(parts, delta));
  return least;
}

double epsilon_of(Method method, const Parts& parts, double delta) {
  if (!(delta > 0)) return at_zero(parts);
  switch (method) {
    case Method::basic:
      return basic_epsilon(parts, delta);
    case Method::advanced:
      return std::min(basic_epsilon(parts, delta), advanced_epsilon(parts, delta));
    case Method::zcdp:
      return std::min(at_zero(parts), zcdp_epsilon(parts, delta));
    case Method::rdp:
      return rdp_epsilon(parts, delta);
    case Method::pld:
      return std::min(at_zero(parts), (1 + kMargin) * std::min(other_epsilon(parts, delta), pld_epsilon(parts, delta)));
  }
  return kInfinity;
}

double delta_of(Method method, const Parts& parts, double asked) {
  if (method != Method::pld) {
    return least_delta([&](double d) { return epsilon_of(method, parts, d); }, asked);
  }
  if (at_zero(parts) <= asked) return 0;
  const double epsilon = internal::down(asked / (1 + kMargin));
  double least = least_delta([&](double d) { return d > 0 ? basic_epsilon(parts, d) : at_zero(parts); }, epsilon);
  const auto found = distribution(parts);
  if (!found) {
    if (parts.ladders.empty() || parts.mu_squared > 0) return least;
    return std::min(least, least_delta([&](double d) { return rdp_epsilon(parts, d); }, epsilon));
  }
  const auto composed = [&](double e) {
    return internal::up(found->delta(std::max(0.0, e - 2 * parts.kappa)) * std::exp(parts.kappa));
  };
  if (parts.rho <= 0) return std::min(least, composed(epsilon));
  for (double share = 0.5; share > 1e-30; share /= 2) {
    const double spent = internal::zcdp_epsilon_up(parts.rho, share);
    if (spent <= epsilon) least = std::min(least, internal::up(share + composed(internal::down(epsilon - spent))));
  }
  return least;
}

/// Both ways to see Gaussian noise are valid; the better one is taken. RDP and zCDP know one way only.
bool one_way(Method method) { return method == Method::zcdp || method == Method::rdp; }

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::basic:
      return "basic";
    case Method::advanced:
      return "advanced";
    case Method::zcdp:
      return "zcdp";
    case Method::rdp:
      return "rdp";
    case Method::pld:
      return "pld";
  }
  return "unknown";
}

Result<Method> parse_method(std::string_view name) {
  for (const Method method : {Method::basic, Method::advanced, Method::zcdp, Method::rdp, Method::pld}) {
    if (name == name_of(method)) return method;
  }
  return fail(ErrorCode::invalid_argument, "no accounting is called '", name,
              "'; there are basic, advanced, zcdp, rdp and pld");
}

void Accountant::compose(const Event& event) {
  for (Event& known : events_) {
    // Equal but for the count: with the counts set aside they compare equal.
    const bool same = known.kind() == event.kind() && known.epsilon() == event.epsilon() &&
                      known.delta() == event.delta() && known.parameter() == event.parameter() &&
                      known.sensitivity() == event.sensitivity();
    if (!same || event.count() > Event::kMostCount - known.count()) continue;
    known = known.with_count(known.count() + event.count());
    return;
  }
  events_.push_back(event);
}

void Accountant::compose(std::span<const Event> events) {
  for (const Event& event : events) compose(event);
}

double Accountant::epsilon_beyond_own(double delta) const {
  const Parts exact = internal::parts_of(events_, Gaussians::as_zcdp);
  double least = epsilon_of(method_, exact, delta);
  if (exact.rho > 0 && !one_way(method_)) {
    least = std::min(least, epsilon_of(method_, internal::parts_of(events_, Gaussians::continuous), delta));
  }
  return least;
}

double Accountant::epsilon(Delta delta) const {
  const Delta own = internal::own_delta(events_);
  return own > delta ? kInfinity : epsilon_beyond_own((delta - own).value_down());
}

double Accountant::epsilon(double delta) const {
  const Delta own = internal::own_delta(events_);
  if (own == Delta()) return epsilon_beyond_own(delta);
  return delta < own.value_up() ? kInfinity : epsilon_beyond_own(internal::down(delta - own.value_up()));
}

double Accountant::delta(double epsilon) const {
  const Parts exact = internal::parts_of(events_, Gaussians::as_zcdp);
  double least = delta_of(method_, exact, epsilon);
  if (exact.rho > 0 && !one_way(method_)) {
    least = std::min(least, delta_of(method_, internal::parts_of(events_, Gaussians::continuous), epsilon));
  }
  return std::min(1.0, exact.delta > 0 ? internal::up(least + exact.delta) : least);
}

}  // namespace prism::dp
