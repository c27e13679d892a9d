#include "prism/dp/interval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "prism/base/check.h"

namespace prism::dp {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRelative = 1e-11, kAbsolute = 1e-13;  ///< far above the errors of sums of some thousand doubles

double up(double x) { return std::nextafter(x, kInfinity); }

/// One term with the weight's sign dropped: all distributions here are symmetric.
struct Part {
  double weight;
  const Noise* noise;
  bool small;
  double size;                  ///< scale of Laplace, deviation of Gaussian; of the continuous form of weight 1
  std::vector<double> survive;  ///< small: P(x >= k) for k = 1, 2, ...; what lies beyond is below kAbsolute / 100
};

/// How far a draw x can be from the value y that it is coupled with: both have the same sign and quantile.
/// Laplace: |x| = k exactly when |y| is in [k - c, k + 1 - c), where exp(-(k - c)/t) = 2 q^k / (1 + q), so that
/// c = t ln(2 / (1 + q)), which is in (0, 1/2]. Gaussian: P(|x| >= k) lies between P(|y| >= k), because the density
/// falls, and P(|y| >= k - 1/2), because it is concave up to the deviation and convex beyond; |x| - |y| is in (-1,
/// 1/2].
double reach_of(const Part& part) {
  if (part.noise->kind() == Noise::Kind::gaussian) return 1;
  const double c = part.size * std::log1p(std::tanh(0.5 / part.size));  // 2 / (1 + q) = 1 + tanh(1 / 2t)
  return up(1 - c * (1 - 1e-12));
}

/// P(|y| >= a) of the continuous form, a >= 0.
double continuous(const Part& part, double a) {
  if (part.noise->kind() == Noise::Kind::gaussian) return std::erfc(a / (part.size * std::sqrt(2.0)));
  return std::exp(-a / part.size);
}

Part part_of(const NoiseTerm& term) {
  check(term.noise != nullptr && std::isfinite(term.weight), "NoiseTerm: no noise, or a weight that is not finite");
  const double value = value_up(term.noise->parameter());
  Part part{std::abs(term.weight),
            term.noise,
            term.noise->standard_deviation() <= kValueByValue,
            term.noise->kind() == Noise::Kind::laplace ? value : up(std::sqrt(value)),
            {}};
  if (!part.small) return part;
  if (term.noise->kind() == Noise::Kind::laplace) {
    const double q = std::exp(-1 / value);
    for (double tail = q / (1 + q); tail > kAbsolute / 100; tail *= q) part.survive.push_back(tail);
  } else {
    for (double x = 1, p = 1; p > kAbsolute / 1e4; ++x) {
      p = std::exp(-x * x / (2 * value));
      part.survive.push_back(p);
    }
    for (std::size_t k = part.survive.size() - 1; k-- > 0;) part.survive[k] += part.survive[k + 1];
    const double total = 1 + 2 * part.survive[0];
    for (double& tail : part.survive) tail /= total;
  }
  return part;
}

/// P(x >= k) of a small part.
double survives(const Part& part, double k) {
  if (k < 1) return 1 - survives(part, 1 - k);
  return k <= static_cast<double>(part.survive.size()) ? part.survive[static_cast<std::size_t>(k) - 1] : 0;
}

/// P(weight * x > y) of a small part, or of the continuous form.
double exceeds(const Part& part, double y) {
  const double at = y / part.weight;
  if (part.small) return survives(part, std::floor(at) + 1);
  return at >= 0 ? continuous(part, at) / 2 : 1 - continuous(part, -at) / 2;
}

/// P(|sum| > h), made for many h.
class SumTail {
 public:
  explicit SumTail(std::span<const NoiseTerm> terms) {
    for (const NoiseTerm& term : terms) {
      Part part = part_of(term);
      if (part.weight == 0) continue;
      slack_ += term.noise->truncation().value_up();
      const double deviation = part.weight * term.noise->standard_deviation();
      variance_ += deviation * deviation;
      if (!part.small) reach_ += part.weight * reach_of(part);
      parts_.push_back(std::move(part));
    }
    std::ranges::sort(parts_, {}, [](const Part& part) { return part.noise->standard_deviation(); });
    if (parts_.size() < 2) return;
    slack_ += kAbsolute * static_cast<double>(parts_.size());
    const bool large = std::ranges::none_of(parts_, &Part::small);
    const auto is = [](Noise::Kind kind) { return [kind](const Part& part) { return part.noise->kind() == kind; }; };
    if (large && std::ranges::all_of(parts_, is(Noise::Kind::gaussian))) {
      way_ = Way::gaussians;
    } else if (large && parts_.size() == 2 && std::ranges::all_of(parts_, is(Noise::Kind::laplace))) {
      way_ = Way::two_laplace;
    } else if (parts_.size() == 2 && parts_[0].small) {
      way_ = Way::two_with_small;
    } else {
      way_ = Way::grid;
      convolve();
    }
  }

  std::span<const Part> parts() const { return parts_; }
  double deviation() const { return std::sqrt(variance_); }

  double operator()(double h) const {
    if (parts_.empty()) return h < 0 ? 1 : 0;
    if (h < 0) return 1;
    if (parts_.size() == 1) {
      double whole = std::floor(h / parts_[0].weight);
      if (std::fma(whole, parts_[0].weight, -h) > 0) --whole;  // the quotient was rounded up to it
      return parts_[0].noise->tail_up(whole < 0x1p120 ? static_cast<Int128>(whole) : Int128{1} << 120);
    }
    const double least = h * (1 - 1e-13) - reach_;  // sums on the edge count as beyond it
    if (least < 0) return 1;
    return std::min(1.0, tail(least) * (1 + kRelative) + slack_);
  }

 private:
  enum class Way { gaussians, two_laplace, two_with_small, grid };

  double tail(double h) const {
    switch (way_) {
      case Way::gaussians: {
        double variance = 0;
        for (const Part& part : parts_) variance += part.weight * part.size * part.weight * part.size;
        return std::erfc(h / std::sqrt(2 * variance));
      }
      case Way::two_laplace: {
        const double a = parts_[0].weight * parts_[0].size, b = parts_[1].weight * parts_[1].size;
        const double wide = std::max(a, b), narrow = std::min(a, b);
        // Widening the narrower one only widens the sum, and keeps the difference below from cancelling.
        if (narrow > wide * (1 - 1e-4)) return std::exp(-h / wide) * (1 + h / (2 * wide));
        const double ratio = narrow / wide, square = ratio * ratio;
        return (std::exp(-h / wide) - square * std::exp(-h / narrow)) / (1 - square);
      }
      case Way::two_with_small: {
        // By symmetry twice P(sum > h), over the values of the first.
        const Part& first = parts_[0];
        const auto last = static_cast<double>(first.survive.size());
        double sum = 0;
        for (double x = -last; x <= last; ++x) {
          const double p = survives(first, x) - survives(first, x + 1);
          sum += p * exceeds(parts_[1], h - first.weight * x);
        }
        return 2 * sum;
      }
      case Way::grid: {
        // Every part was moved to the nearest point of the grid, by at most half a step.
        const double from = h / step_ - static_cast<double>(parts_.size()) / 2 - 1e-6;
        const auto middle = static_cast<double>(grid_.size() / 2);
        double sum = 0;
        for (std::size_t i = grid_.size(); i-- > 0 && static_cast<double>(i) - middle > from;) sum += grid_[i];
        return from < 0 ? 1 : 2 * sum;
      }
    }
    return 1;
  }

  void convolve() {
    constexpr double kStepsPerDeviation = 64, kCut = 1e-10;
    step_ = deviation() / kStepsPerDeviation;
    grid_ = {1};
    for (const Part& part : parts_) {
      std::vector<double> upper;  // mass of the points 0, 1, ...
      double above = exceeds(part, -step_ / 2);
      for (double i = 0; upper.empty() || above > kCut; ++i) {
        const double beyond = exceeds(part, (i + 0.5) * step_);
        upper.push_back(above - beyond);
        above = beyond;
      }
      slack_ += 2 * above;
      // The half open cells of the two sides differ on their edges; one side mirrored is the same distribution up to
      // moves by half a step, which are counted.
      upper[0] = 0;
      double sides = 0;
      for (const double mass : upper) sides += mass;
      upper[0] = std::max(0.0, 1 - 2 * (sides + above));
      const std::size_t reach = upper.size() - 1;
      std::vector<double> next(grid_.size() + 2 * reach);
      for (std::size_t j = 0; j <= 2 * reach; ++j) {
        const double mass = upper[j < reach ? reach - j : j - reach];
        for (std::size_t i = 0; i < grid_.size(); ++i) next[i + j] += mass * grid_[i];
      }
      grid_ = std::move(next);
    }
  }

  std::vector<Part> parts_;
  Way way_ = Way::grid;
  double slack_ = 0, reach_ = 0, variance_ = 0;
  double step_ = 0;
  std::vector<double> grid_;
};

/// Rounded up to a double, for sizes past 2^53 too.
double above(Int128 value) {
  const auto near = static_cast<double>(value);
  return static_cast<Int128>(near) < value ? up(near) : near;
}

}  // namespace

double tail_up(std::span<const NoiseTerm> terms, double h) { return SumTail(terms)(h); }

Int128 smallest_half_width(const Noise& noise, double coverage) {
  check(coverage > 0 && coverage < 1, "smallest_half_width: coverage outside (0, 1)");
  const double missed = 1 - coverage;
  Int128 below = -1, enough = noise.largest() + 1;  // tail_up(below) is too much
  while (enough - below > 1) {
    const Int128 middle = below + (enough - below) / 2;
    (noise.tail_up(middle) <= missed ? enough : below) = middle;
  }
  return enough;
}

Interval smallest_interval(std::span<const NoiseTerm> terms, double coverage) {
  check(coverage > 0 && coverage < 1, "smallest_interval: coverage outside (0, 1)");
  const SumTail tail(terms);
  if (tail.parts().empty()) return {0, 1};
  const auto covers = [&](double h) { return std::nextafter(1 - tail(h), 0.0); };
  if (tail.parts().size() == 1) {
    const Part& part = tail.parts()[0];
    const Int128 whole = smallest_half_width(*part.noise, coverage);
    const double missed = part.noise->tail_up(whole);
    return {part.weight == 1 ? above(whole) : up(part.weight * above(whole)), 1 - missed};
  }
  check(coverage <= 1 - 1e-8, "smallest_interval: a coverage that doubles cannot show for a sum");
  double below = 0, enough = tail.deviation();
  while (covers(enough) < coverage) {
    below = enough;
    enough *= 2;
    check(std::isfinite(enough), "smallest_interval: no width covers");
  }
  while (enough - below > enough * 1e-9) {
    const double middle = below + (enough - below) / 2;
    (covers(middle) >= coverage ? enough : below) = middle;
  }
  return {enough, covers(enough)};
}

}  // namespace prism::dp
