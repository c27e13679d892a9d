#include "prism/dp/internal/quantile_plan.h"

#include <algorithm>
#include <numeric>

#include "prism/dp/accumulator.h"
#include "prism/dp/rational.h"

namespace prism::dp::internal {
namespace {

constexpr Int128 kMostRows = Int128{1} << 40;
/// Epsilon of one quantile in sixths.
constexpr std::int64_t kParts = 6, kValueParts = 4, kEndParts = 1;

/// The loss of a cell that holds the ranks from `below` to `through`, all in units of 1 / scale.
Int128 loss_of(Int128 below, Int128 through, Int128 target, std::int64_t below_weight, std::int64_t above_weight) {
  const Int128 short_of = std::max(Int128{0}, target - through);
  const Int128 beyond = std::max(Int128{0}, below - target);
  return short_of * below_weight + beyond * above_weight;
}

}  // namespace

std::vector<std::uint64_t> steps_to(std::uint64_t reach) {
  std::vector<std::uint64_t> steps;
  for (std::uint64_t step = 0; step < reach;) {
    const std::uint64_t further = std::max<std::uint64_t>(1, step / 5);
    step = reach - step <= further ? reach : step + further;
    steps.push_back(step);
  }
  return steps;
}

double cells_on_the_wrong_side(std::uint64_t last_leaf) {
  // Cell 0 weighs one; `nearer` is what all cells before a step weigh. The last step may be anything above the one
  // before it, and then come the cells beyond the domain, which weigh as much.
  double nearer = 1, most = 1, previous = 0;
  for (const std::uint64_t step : steps_to(last_leaf)) {
    most = std::max(most, 1 + nearer / (previous + 1));
    previous = static_cast<double>(step);
    nearer += previous;
  }
  return most * (1 + 1e-9);
}

Int128 range_of(std::int64_t slope, std::int64_t scale, std::int64_t below, std::int64_t above) {
  const Int128 rise = std::max(Int128{slope} * below, Int128{scale - slope} * above);
  const Int128 fall = std::max(Int128{slope} * above, Int128{scale - slope} * below);
  return rise + fall;
}

Result<QuantilePlan> plan_quantile(const QuantileRelease::Options& options, std::size_t i, std::uint64_t last_leaf) {
  constexpr std::int64_t kNanos = QuantileRelease::kNanos;
  const std::int64_t fraction_nano = options.fractions_nano[i];
  const std::int64_t divisor = std::gcd(fraction_nano, kNanos);
  const std::int64_t scale = 2 * (kNanos / divisor), slope = 2 * (fraction_nano / divisor);
  const bool first = slope == 0, last = slope == scale;

  const auto mechanism = [&](std::int64_t parts, Int128 range) -> Result<ExponentialMechanism> {
    // epsilon / fractions * parts / kParts / (range of one row * rows)
    const Int128 fractions = static_cast<Int128>(options.fractions_nano.size());
    PRISM_TRY(const Rational rate, make_rational(Int128{options.epsilon.nano()} * parts,
                                                 Int128{Epsilon::kNanos} * fractions * kParts * range *
                                                     static_cast<Int128>(options.rows_per_unit)));
    return ExponentialMechanism::make(rate, options.epsilon);
  };

  // The value. In the middle half of ranks it aims at the wanted rank itself. Outside, a small dataset has so few rows
  // beyond the wanted rank that the many empty leaves there would outweigh them: it then stays `margin` ranks inside,
  // towards the median when there are not even twice as many rows. Such a target has slopes from 0 to 1/2, or 1/2 to 1.
  // Extremes lose four times as much for each rank on the empty side, so that they need not stay so far inside.
  const bool low_side = 4 * slope < scale, high_side = 4 * slope > 3 * scale;
  const std::int64_t below_weight = first ? 4 : 1, above_weight = last ? 4 : 1;
  Int128 range = range_of(slope, scale, below_weight, above_weight);
  if (low_side) range = std::max(range, range_of(0, scale, below_weight, above_weight));
  if (high_side) range = std::max(range, range_of(scale, scale, below_weight, above_weight));
  if (low_side || high_side) range = std::max(range, range_of(scale / 2, scale, below_weight, above_weight));
  PRISM_TRY(ExponentialMechanism for_value, mechanism(kValueParts, range));
  // How many times wider the empty side may be than the room between two rows at the target; more would need to be
  // known about the data to do better. An extreme is nothing without such a guard, a quantile inside needs little of
  // it.
  const double wider = std::min(static_cast<double>(last_leaf) + 1, first || last ? 1024.0 : 16.0);
  const std::int64_t outer_weight = low_side ? below_weight : above_weight;
  const Int128 inside = for_value.loss_margin(wider, 0.5) / outer_weight + 1;
  QuantilePlan plan{slope, scale, {std::move(for_value), below_weight, above_weight, inside}, {}, {}};

  // The ends. A cell on the wrong side of the true quantile is at least `margin` from the target, one cell is at no
  // distance, and those nearer to the value weigh at most so many times what that one weighs. When one end is the
  // domain's own, the other has its share too.
  const bool one_end = first || last;
  const double failure = (1 - options.coverage) / (one_end ? 1 : 2) * (1 - 1e-12);
  const double cells = cells_on_the_wrong_side(last_leaf);
  const auto end = [&](bool low) -> Result<Aim> {
    // Weights of the wrong and of the safe side: what reaches least far, when wrong cells are held to some e^-6 of the
    // right one, and a safe one lies within e^-1 or so.
    std::optional<Aim> best;
    double best_reach = 0;
    for (const std::int64_t wrong : {1, 2, 4}) {
      const std::int64_t below = low ? 1 : wrong, above = low ? wrong : 1;
      const Int128 spread = range_of(slope, scale, below, above);
      const double reach = static_cast<double>(spread) * (6.0 / static_cast<double>(wrong) + 1.0);
      if (best && reach >= best_reach) continue;
      PRISM_TRY(ExponentialMechanism for_end, mechanism(one_end ? 2 * kEndParts : kEndParts, spread));
      const Int128 margin = for_end.loss_margin(cells, failure) / wrong + 1;
      best.emplace(Aim{std::move(for_end), below, above, margin});
      best_reach = reach;
    }
    return *std::move(best);
  };
  if (!first) {
    PRISM_TRY(plan.low, end(true));
  }
  if (!last) {
    PRISM_TRY(plan.high, end(false));
  }
  return plan;
}

Ranks::Ranks(std::span<const LeafCount> histogram, std::uint64_t last_leaf) {
  check(histogram.size() <= std::size_t{1} << 30, "quantiles: too many leaves");
  std::vector<LeafCount> sorted(histogram.begin(), histogram.end());
  for (LeafCount& entry : sorted) entry.leaf = std::min(entry.leaf, last_leaf);
  sorted.push_back({last_leaf, 0});
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
  leaves_.reserve(sorted.size());
  for (std::size_t i = 0; i < sorted.size();) {
    Accumulator count;
    const std::uint64_t leaf = sorted[i].leaf;
    for (; i < sorted.size() && sorted[i].leaf == leaf; ++i) count.add(Int128{sorted[i].count});
    const Int128 below = rows_;
    rows_ += std::min(count.total(), kMostRows);
    leaves_.push_back({leaf, below, rows_});
  }
}

const Ranks::Leaf& Ranks::first_from(std::uint64_t leaf) const {
  check(leaf <= last_leaf(), "quantiles: a leaf outside the domain");
  return *std::partition_point(leaves_.begin(), leaves_.end(), [leaf](const Leaf& entry) { return entry.leaf < leaf; });
}

Int128 Ranks::below(std::uint64_t leaf) const { return first_from(leaf).below; }

Int128 Ranks::through(std::uint64_t leaf) const {
  const Leaf& at = first_from(leaf);
  return at.leaf == leaf ? at.through : at.below;
}

ValueCandidates value_candidates(const QuantilePlan& plan, const LeafGrid& grid, const Ranks& ranks) {
  const std::int64_t slope = plan.slope, scale = plan.scale;
  const Aim& aim = plan.value;
  const Int128 wanted = ranks.rows() * slope, middle = ranks.rows() * (scale / 2), whole = ranks.rows() * scale;
  Int128 target = wanted;
  if (4 * slope < scale) target = std::max(wanted, std::min(aim.margin, middle));
  if (4 * slope > 3 * scale) target = std::min(wanted, std::max(whole - aim.margin, middle));

  ValueCandidates result;
  result.candidates.reserve(2 * ranks.leaves().size());
  result.starts.reserve(2 * ranks.leaves().size());
  const auto candidate = [&](std::uint64_t start, Int128 below, Int128 through, std::uint64_t weight) {
    result.starts.push_back(start);
    result.candidates.push_back(
        {loss_of(below * scale, through * scale, target, aim.below_weight, aim.above_weight), weight});
  };
  std::uint64_t next = 0;
  for (const auto& [leaf, below, through] : ranks.leaves()) {
    candidate(next, below, below, leaf == next ? 0 : grid.weight(next, leaf - 1));
    candidate(leaf, below, through, grid.weight(leaf, leaf));
    next = leaf + 1;
  }
  return result;
}

std::vector<Candidate> end_cells(const QuantilePlan& plan, const Ranks& ranks, std::uint64_t leaf, bool low,
                                 std::span<const std::uint64_t> steps) {
  const Aim& aim = low ? *plan.low : *plan.high;
  const Int128 wanted = ranks.rows() * plan.slope;
  const Int128 target = low ? wanted - aim.margin : wanted + aim.margin;
  std::vector<Candidate> cells;
  cells.reserve(steps.size() + 2);
  // A cell weighs the distance of its far edge: so the many cells nearer to the value than the right one are few to it.
  const auto cell = [&](Int128 below, Int128 through, std::uint64_t distance) {
    const Int128 loss = loss_of(below * plan.scale, through * plan.scale, target, aim.below_weight, aim.above_weight);
    cells.push_back({loss, std::max<std::uint64_t>(1, distance)});
  };
  std::uint64_t previous = 0;
  if (low) {
    cell(ranks.below(leaf), ranks.rows(), 0);
    for (const std::uint64_t step : steps) {
      cell(ranks.below(leaf - step), ranks.below(leaf - previous), step);
      previous = step;
    }
    cell(0, 0, previous);
    cells.back().loss = std::max(Int128{0}, target) * aim.below_weight;  // holds all ranks below zero
  } else {
    cell(0, ranks.through(leaf), 0);
    for (const std::uint64_t step : steps) {
      cell(ranks.through(leaf + previous), ranks.through(leaf + step), step);
      previous = step;
    }
    cell(0, 0, previous);
    cells.back().loss = std::max(Int128{0}, ranks.rows() * plan.scale - target) * aim.above_weight;
  }
  return cells;
}

}  // namespace prism::dp::internal
