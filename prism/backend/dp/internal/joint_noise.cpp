#include "prism/backend/dp/internal/joint_noise.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "prism/base/check.h"

namespace prism::backend::dp::internal {
namespace {

constexpr double kSlack = 1e-12;       ///< of probabilities: far above the errors of sums of some thousand doubles
constexpr double kInwards = 1e-10;     ///< of widths: what lies on the edge, up to rounding, counts as outside
constexpr double kMostCells = 200;     ///< of each of two draws, or their product takes too long
constexpr double kBeyondCells = 1e-6;  ///< probability that is left out of the cells, and counts as missed

/// Probabilities of one draw. What is not in the table counts as missed.
class Draw {
 public:
  explicit Draw(const prism::dp::Noise& noise) {
    do tails_.push_back(noise.tail_up(static_cast<Int128>(tails_.size())));
    while (tails_.back() > kSlack / 100);
  }
  double beyond(double magnitude) const {
    return magnitude < 0 ? 1 : tails_[std::min(static_cast<std::size_t>(magnitude), tails_.size() - 1)];
  }
  /// At most P(low <= x <= high); whole numbers, possibly infinite.
  double within(double low, double high) const {
    return low > high ? 0 : std::max(0.0, 1 - at_least(high + 1) - at_least(1 - low));
  }

 private:
  double at_least(double k) const {
    const double top = static_cast<double>(tails_.size());
    if (k >= 1) return beyond(std::min(k - 1, top)) / 2;
    return -k >= top ? 1 : 1 - beyond(-k) / 2;
  }
  std::vector<double> tails_;
};

struct Weights {
  double a, b;
};

/// Neighbouring values of a draw, taken as the one in their middle.
struct Cell {
  double middle, probability;
};

std::vector<Cell> cells_of(const Draw& draw, bool coarse, double& reach) {
  double last = 0;
  while (draw.beyond(last) > (coarse ? kBeyondCells : kBeyondCells / 100)) ++last;
  reach = coarse ? std::max(0.0, std::ceil((2 * last + 1) / kMostCells / 2 - 0.5)) : 0;
  const double size = 2 * reach + 1;
  const double most = std::ceil(std::max(0.0, last - reach) / size);
  std::vector<Cell> out;
  for (double c = -most; c <= most; ++c) out.push_back({c * size, draw.within(c * size - reach, c * size + reach)});
  return out;
}

}  // namespace

double joint_half_width(const prism::dp::Noise& noise, std::span<const double> at_a, std::span<const double> at_b,
                        double coverage) {
  check(at_a.size() == at_b.size() && !at_a.empty() && at_a.size() <= 3, "joint_half_width: one to three draws");
  check(coverage > 0 && coverage < 1 - 10 * kBeyondCells, "joint_half_width: a coverage out of reach");
  std::vector<Weights> weights;
  for (std::size_t k = 0; k < at_a.size(); ++k) weights.push_back({at_a[k], at_b[k]});
  // The last draw is summed exactly whatever the cells; that should be the one that matters most.
  std::ranges::sort(weights, {}, [](const Weights& w) { return std::abs(w.a) + std::abs(w.b); });
  const Weights last = weights.back();
  weights.pop_back();

  const Draw draw(noise);
  double reach = 0;
  const std::vector<Cell> cells = cells_of(draw, weights.size() == 2, reach);
  Weights spread{0, 0};  // how far a cell's values lead from that of its middle
  double size = std::max(std::abs(last.a), std::abs(last.b));
  for (const Weights& w : weights) {
    spread.a += std::abs(w.a) * reach;
    spread.b += std::abs(w.b) * reach;
    size += std::max(std::abs(w.a), std::abs(w.b));
  }

  /// P of the last draw's values that keep both sums within q, given what the others add.
  const auto given = [&](const Weights& others, const Weights& q) {
    double low = -HUGE_VAL, high = HUGE_VAL;
    const auto hold = [&](double weight, double other, double width) {
      if (weight == 0) {
        if (!(std::abs(other) <= width)) high = -HUGE_VAL;
        return;
      }
      const double middle = -other / weight, half = width / std::abs(weight);
      low = std::max(low, std::ceil(middle - half));
      high = std::min(high, std::floor(middle + half));
    };
    hold(last.a, others.a, q.a);
    hold(last.b, others.b, q.b);
    return draw.within(low, high);
  };
  const auto covers = [&](double width) {
    const Weights q{width * (1 - kInwards) - spread.a, width * (1 - kInwards) - spread.b};
    if (q.a < 0 || q.b < 0) return false;
    double sum = 0;
    if (weights.empty()) {
      sum = given({0, 0}, q);
    } else if (weights.size() == 1) {
      for (const Cell& x : cells) sum += x.probability * given({weights[0].a * x.middle, weights[0].b * x.middle}, q);
    } else {
      for (const Cell& x : cells) {
        // x and -x are alike: all draws are symmetric, and so are the events.
        if (x.middle < 0) continue;
        double inner = 0;
        for (const Cell& y : cells)
          inner += y.probability * given({weights[0].a * x.middle + weights[1].a * y.middle,
                                          weights[0].b * x.middle + weights[1].b * y.middle},
                                         q);
        sum += (x.middle == 0 ? 1 : 2) * x.probability * inner;
      }
    }
    return sum >= coverage + kSlack;
  };
  double below = 0, enough = std::max(size * noise.standard_deviation(), 0x1p-1000);
  while (!covers(enough)) {
    below = enough;
    enough *= 2;
    check(std::isfinite(enough), "joint_half_width: no width covers");
  }
  const double precision = weights.size() == 2 ? 1e-6 : 1e-9;
  while (enough - below > enough * precision) {
    const double middle = below + (enough - below) / 2;
    (covers(middle) ? enough : below) = middle;
  }
  return enough;
}

}  // namespace prism::backend::dp::internal
