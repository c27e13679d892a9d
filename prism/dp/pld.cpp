#include "prism/dp/pld.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "prism/base/check.h"
#include "prism/dp/internal/curves.h"

namespace prism::dp {

namespace {

/// Tails below this are cut. A delta of 10^-12 after 10^6 compositions still does not see it.
constexpr double kTail = 1e-25;
/// P(standard normal > kSigmas) < kTail.
constexpr double kSigmas = 10.5;
/// Laplace ladders have at most so many rungs; finer ones are rounded up to rungs.
constexpr double kMostRungs = 65536;
/// All masses are sums and products of non-negative numbers: rounding moves a result by less than this part of it.
constexpr double kRounding = 1e-9;
/// Losses are computed within this part of them.
constexpr double kLossRounding = 1e-13;

/// Gauss-Legendre on [-1, 1] with eight nodes: exact to the last places on intervals of a quarter of a deviation.
constexpr std::array<double, 4> kNodes = {0.18343464249564980494, 0.52553240991632898582, 0.79666647741362673959,
                                          0.96028985649753623168};
constexpr std::array<double, 4> kWeights = {0.36268378337836198297, 0.31370664587788728734, 0.22238103445337447054,
                                            0.10122853629037625915};

double normal_tail(double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); }

}  // namespace

PrivacyLoss::PrivacyLoss(double step) : step_(step), mass_{1.0} { check(step > 0, "PrivacyLoss: a step of zero"); }

void PrivacyLoss::add(double loss, double mass) {
  const double position = std::floor(loss / step_);
  const auto index = static_cast<std::int64_t>(position) - first_;
  check(index >= 0 && index + 1 < static_cast<std::int64_t>(mass_.size()), "PrivacyLoss: a loss outside its grid");
  const auto i = static_cast<std::size_t>(index);
  // With lower + upper = mass and the mean of exp(-loss) kept, lower / mass = (e^above - 1) / (e^step - 1); written so
  // that coarse grids do not overflow.
  const double above = std::max(0.0, (position + 1) * step_ - loss);
  const double lower = mass * std::min(1.0, std::exp(above - step_) * std::expm1(-above) / std::expm1(-step_));
  mass_[i] += lower;
  mass_[i + 1] += mass - lower;
}

PrivacyLoss PrivacyLoss::laplace(double step, double epsilon, double steps) {
  check(epsilon > 0 && steps >= 1, "PrivacyLoss: a Laplace mechanism without loss");
  PrivacyLoss out(step);
  out.first_ = static_cast<std::int64_t>(std::floor(-epsilon / step)) - 1;
  out.mass_.assign(static_cast<std::size_t>(-2 * out.first_) + 2, 0.0);
  // With r = exp(-epsilon / steps), P(x > t) = r^(t + 1) / (1 + r) for t = 0, 1, ...; x loses epsilon (1 - 2 x /
  // steps).
  const bool exact = steps <= kMostRungs;
  const double rungs = exact ? steps : kMostRungs;
  const double r = std::exp(-epsilon / steps);
  double above = r / (1 + r);
  out.add(epsilon, 1 / (1 + r));
  const double fraction = -std::expm1(-epsilon / rungs);
  const double factor = std::exp(-epsilon / rungs);
  for (double j = 1; j <= rungs; ++j) {
    // The noise in (j - 1, j] rungs; a coarse rung counts with its largest loss.
    const double loss = epsilon * (1 - 2 * (exact ? j : j - 1) / rungs);
    out.add(loss, above * fraction);
    above *= factor;
  }
  out.add(-epsilon, above);
  out.trim();
  return out;
}

PrivacyLoss PrivacyLoss::gaussian(double step, double mu) {
  check(mu > 0, "PrivacyLoss: a Gaussian mechanism without loss");
  // The loss is normal with mean mu^2 / 2 and deviation mu.
  PrivacyLoss out(step);
  const double mean = mu * mu / 2;
  const double low = std::floor((mean - kSigmas * mu) / step), high = std::ceil((mean + kSigmas * mu) / step);
  out.first_ = static_cast<std::int64_t>(low);
  out.mass_.assign(static_cast<std::size_t>(high - low) + 2, 0.0);
  const double pieces = std::max(1.0, std::ceil(step / (mu / 4)));
  const double half = step / pieces / 2;
  const double scale = half / (mu * std::sqrt(2 * std::numbers::pi));
  for (double cell = low; cell < high; ++cell) {
    for (double piece = 0; piece < pieces; ++piece) {
      const double centre = cell * step + (2 * piece + 1) * half;
      for (std::size_t n = 0; n < kNodes.size(); ++n) {
        for (const double sign : {-1.0, 1.0}) {
          const double loss = centre + sign * half * kNodes[n];
          const double z = (loss - mean) / mu;
          out.add(loss, kWeights[n] * scale * std::exp(-z * z / 2));
        }
      }
    }
  }
  out.infinite_ = normal_tail((high * step - mean) / mu);
  out.mass_.front() += normal_tail((mean - low * step) / mu);
  return out;
}

void PrivacyLoss::trim() {
  std::size_t from = 0, to = mass_.size();
  double low = 0, high = 0;
  while (from + 1 < to && low + mass_[from] <= kTail) low += mass_[from++];
  while (to > from + 1 && high + mass_[to - 1] <= kTail) high += mass_[--to];
  mass_.erase(mass_.begin() + static_cast<std::ptrdiff_t>(to), mass_.end());
  mass_.erase(mass_.begin(), mass_.begin() + static_cast<std::ptrdiff_t>(from));
  first_ += static_cast<std::int64_t>(from);
  mass_.front() += low;
  infinite_ += high;
}

PrivacyLoss PrivacyLoss::composed_with(const PrivacyLoss& other) const {
  check(step_ == other.step_, "PrivacyLoss: two grids in one composition");
  PrivacyLoss out(step_);
  out.first_ = first_ + other.first_;
  out.infinite_ = infinite_ + other.infinite_ - infinite_ * other.infinite_;
  out.mass_.assign(mass_.size() + other.mass_.size() - 1, 0.0);
  const auto& inner = mass_.size() < other.mass_.size() ? other.mass_ : mass_;
  const auto& outer = mass_.size() < other.mass_.size() ? mass_ : other.mass_;
  for (std::size_t i = 0; i < outer.size(); ++i) {
    const double weight = outer[i];
    if (weight == 0) continue;
    double* const to = out.mass_.data() + i;
    const double* const from = inner.data();
    for (std::size_t j = 0; j < inner.size(); ++j) to[j] += weight * from[j];
  }
  out.trim();
  return out;
}

PrivacyLoss PrivacyLoss::repeated(std::uint64_t count) const {
  check(count >= 1, "PrivacyLoss: nothing to repeat");
  PrivacyLoss out(step_);
  PrivacyLoss power = *this;
  for (;;) {
    if ((count & 1) != 0) out = out.composed_with(power);
    count >>= 1;
    if (count == 0) return out;
    power = power.composed_with(power);
  }
}

double PrivacyLoss::total() const {
  double sum = infinite_;
  for (const double mass : mass_) sum += mass;
  return sum;
}

double PrivacyLoss::delta(double epsilon) const {
  const double asked = epsilon * (1 - kLossRounding);
  double sum = 0;
  for (std::size_t i = mass_.size(); i-- > 0;) {
    const double loss = static_cast<double>(first_ + static_cast<std::int64_t>(i)) * step_;
    if (loss <= asked) break;
    sum += mass_[i] * -std::expm1(asked - loss);
  }
  return std::min(1.0, (infinite_ + sum) * (1 + kRounding));
}

double PrivacyLoss::epsilon(double delta) const {
  if (delta >= 1) return 0;
  if (infinite_ * (1 + kRounding) > delta) return std::numeric_limits<double>::infinity();
  const double last = static_cast<double>(first_ + static_cast<std::int64_t>(mass_.size()) - 1) * step_;
  const double most = std::max(0.0, internal::up(last) * (1 + 2 * kLossRounding));
  return internal::least_argument([this](double epsilon) { return this->delta(epsilon); }, delta, most);
}

}  // namespace prism::dp
