#include "prism/dp/quantile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "prism/dp/accumulator.h"
#include "prism/dp/rational.h"

namespace prism::dp {
namespace {

constexpr std::uint64_t kMostRows = std::uint64_t{1} << 40;
constexpr Uint128 kMeantAsBounds = Uint128{1} << 40;
/// Epsilon of one quantile in sixths.
constexpr std::int64_t kParts = 6, kValueParts = 4, kEndParts = 1;

/// Steps from the chosen leaf outwards: 1, 2, ..., 5, 6, 7, 8, 9, 10, 12, ...: by a fifth, until `reach` is reached.
std::vector<std::uint64_t> steps_to(std::uint64_t reach) {
  std::vector<std::uint64_t> steps;
  for (std::uint64_t step = 0; step < reach;) {
    const std::uint64_t further = std::max<std::uint64_t>(1, step / 5);
    step = reach - step <= further ? reach : step + further;
    steps.push_back(step);
  }
  return steps;
}

/// How far apart the changes of two losses can lie when one row is added or removed: a row moves ranks beyond it by
/// `scale` and the target by `slope` in [0, scale]. Leaves before the row change by slope * below (short of the target)
/// or -slope * above (beyond it), leaves after it by -(scale - slope) * below or (scale - slope) * above, and the row's
/// own leaf by less. Convex in slope: a target whose slope varies is judged by both ends.
Int128 range_of(std::int64_t slope, std::int64_t scale, std::int64_t below, std::int64_t above) {
  const Int128 rise = std::max(Int128{slope} * below, Int128{scale - slope} * above);
  const Int128 fall = std::max(Int128{slope} * above, Int128{scale - slope} * below);
  return rise + fall;
}

}  // namespace

/// The rows before, in and after each leaf that holds any, as candidates for a rank.
struct QuantileRelease::Ranks {
  struct Leaf {
    std::uint64_t leaf;
    Int128 below, through;  ///< rows in leaves before it; and including it
  };
  std::vector<Leaf> leaves;  ///< ascending; the last leaf of the domain is always there
  Int128 rows = 0;

  Ranks(std::span<const LeafCount> histogram, std::uint64_t last_leaf) {
    check(histogram.size() <= std::size_t{1} << 30, "quantiles: too many leaves");
    std::vector<LeafCount> sorted(histogram.begin(), histogram.end());
    for (LeafCount& entry : sorted) entry.leaf = std::min(entry.leaf, last_leaf);
    sorted.push_back({last_leaf, 0});
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.leaf < b.leaf; });
    leaves.reserve(sorted.size());
    for (std::size_t i = 0; i < sorted.size();) {
      Accumulator count;
      const std::uint64_t leaf = sorted[i].leaf;
      for (; i < sorted.size() && sorted[i].leaf == leaf; ++i) count.add(Int128{sorted[i].count});
      const Int128 below = rows;
      rows += std::min(count.total(), Int128{kMostRows});
      leaves.push_back({leaf, below, rows});
    }
  }
  /// Rows in leaves before `leaf`, and up to and including it.
  Int128 below(std::uint64_t leaf) const {
    const auto at = first_from(leaf);
    return at->below;
  }
  Int128 through(std::uint64_t leaf) const {
    const auto at = first_from(leaf);
    return at->leaf == leaf ? at->through : at->below;
  }

 private:
  std::vector<Leaf>::const_iterator first_from(std::uint64_t leaf) const {
    return std::partition_point(leaves.begin(), leaves.end(), [leaf](const Leaf& entry) { return entry.leaf < leaf; });
  }
};

namespace {

/// The loss of a cell that holds the ranks from `below` to `through`, all in units of 1 / scale.
Int128 loss_of(Int128 below, Int128 through, Int128 target, std::int64_t below_weight, std::int64_t above_weight) {
  const Int128 short_of = std::max(Int128{0}, target - through);
  const Int128 beyond = std::max(Int128{0}, below - target);
  return short_of * below_weight + beyond * above_weight;
}

}  // namespace

Result<QuantileRelease::Quantile> QuantileRelease::plan(const Options& options, std::int64_t fraction_nano,
                                                        std::uint64_t last_leaf) {
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
  Quantile quantile{slope, scale, {std::move(for_value), below_weight, above_weight, inside}, {}, {}};

  // The ends. A cell on the wrong side of the true quantile is at least `margin` from the target, one cell is at no
  // distance, and there are at most so many cells. When one end is the domain's own, the other has its share too.
  const bool one_end = first || last;
  const double failure = (1 - options.coverage) / (one_end ? 1 : 2) * (1 - 1e-12);
  const double cells = static_cast<double>(steps_to(last_leaf).size()) + 2;
  const auto end = [&](bool low) -> Result<Aim> {
    // Weights of the wrong and of the safe side: what reaches least far. A wrong cell of some margin is one in e^8 or
    // so, and a safe one mostly within e^-1.
    std::optional<Aim> best;
    double best_reach = 0;
    for (const std::int64_t wrong : {1, 2, 4}) {
      const std::int64_t below = low ? 1 : wrong, above = low ? wrong : 1;
      const Int128 spread = range_of(slope, scale, below, above);
      const double reach = static_cast<double>(spread) * (8.0 / static_cast<double>(wrong) + 1.0);
      if (best && reach >= best_reach) continue;
      PRISM_TRY(ExponentialMechanism for_end, mechanism(one_end ? 2 * kEndParts : kEndParts, spread));
      const Int128 margin = for_end.loss_margin(cells, failure) / wrong + 1;
      best.emplace(Aim{std::move(for_end), below, above, margin});
      best_reach = reach;
    }
    return *std::move(best);
  };
  if (!first) {
    PRISM_TRY(quantile.low, end(true));
  }
  if (!last) {
    PRISM_TRY(quantile.high, end(false));
  }
  return quantile;
}

Result<QuantileRelease> QuantileRelease::make(const Options& options) {
  if (options.epsilon.nano() == 0 || options.epsilon.nano() > Epsilon::kMostParsed || options.low > options.high ||
      !(options.coverage > 0 && options.coverage < 1) || options.rows_per_unit == 0 ||
      options.rows_per_unit > kMostRows || options.most_leaves < 2) {
    return fail(ErrorCode::invalid_argument, "quantiles: epsilon ", options.epsilon.text(), ", domain ", options.low,
                " to ", options.high, ", coverage ", options.coverage, ", ", options.rows_per_unit,
                " rows per unit, at most ", options.most_leaves,
                " leaves; epsilon above 0 and at most 1000, low <= high, coverage between 0 and 1, 1 to 2^40 rows, at "
                "least 2 leaves");
  }
  if (options.fractions_nano.empty() || options.fractions_nano.size() > kMostFractions) {
    return fail(ErrorCode::invalid_argument, "quantiles: ", options.fractions_nano.size(), " fractions; 1 to ",
                kMostFractions);
  }
  QuantileRelease release;
  release.options_ = options;
  const std::uint64_t last_value = static_cast<std::uint64_t>(options.high) - static_cast<std::uint64_t>(options.low);
  const Uint128 values = static_cast<Uint128>(last_value) + 1;
  if (values <= kMeantAsBounds) {
    release.leaf_width_ = static_cast<std::uint64_t>((values + options.most_leaves - 1) / options.most_leaves);
  }
  release.last_leaf_ = last_value / release.leaf_width_;
  for (const std::int64_t fraction : options.fractions_nano) {
    if (fraction < 0 || fraction > kNanos) {
      return fail(ErrorCode::invalid_argument, "quantiles: a fraction of ", fraction, " billionths; 0 to ", kNanos);
    }
    PRISM_TRY(Quantile quantile, plan(options, fraction, release.last_leaf_));
    release.quantiles_.push_back(std::move(quantile));
  }
  return release;
}

std::uint64_t QuantileRelease::leaf_of(std::int64_t value) const {
  const std::int64_t inside = std::clamp(value, options_.low, options_.high);
  return (static_cast<std::uint64_t>(inside) - static_cast<std::uint64_t>(options_.low)) / leaf_width_;
}

std::int64_t QuantileRelease::leaf_low(std::uint64_t leaf) const {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(options_.low) + std::min(leaf, last_leaf_) * leaf_width_);
}

std::int64_t QuantileRelease::leaf_high(std::uint64_t leaf) const {
  if (leaf >= last_leaf_) return options_.high;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(leaf_low(leaf)) + (leaf_width_ - 1));
}

std::vector<QuantileEstimate> QuantileRelease::estimate(std::span<const LeafCount> histogram,
                                                        DrawStream& stream) const {
  const Ranks ranks(histogram, last_leaf_);
  std::vector<QuantileEstimate> estimates;
  estimates.reserve(quantiles_.size());
  for (const Quantile& quantile : quantiles_) estimates.push_back(estimate(quantile, ranks, stream));
  return estimates;
}

QuantileEstimate QuantileRelease::estimate(const Quantile& quantile, const Ranks& ranks, DrawStream& stream) const {
  const std::int64_t slope = quantile.slope, scale = quantile.scale;
  const Int128 wanted = ranks.rows * slope;  // scale times the rank

  // The value: every leaf is a candidate, the empty ones between two occupied leaves as one of a multiplicity.
  const Aim& aim = quantile.value;
  const Int128 middle = ranks.rows * (scale / 2), whole = ranks.rows * scale;
  Int128 target = wanted;
  if (4 * slope < scale) target = std::max(wanted, std::min(aim.margin, middle));
  if (4 * slope > 3 * scale) target = std::min(wanted, std::max(whole - aim.margin, middle));
  std::vector<Candidate> candidates;
  std::vector<std::uint64_t> starts;
  candidates.reserve(2 * ranks.leaves.size());
  starts.reserve(2 * ranks.leaves.size());
  std::uint64_t next = 0;
  for (const auto& entry : ranks.leaves) {
    const Int128 below = entry.below * scale, through = entry.through * scale;
    starts.push_back(next);
    candidates.push_back({loss_of(below, below, target, aim.below_weight, aim.above_weight), entry.leaf - next});
    starts.push_back(entry.leaf);
    candidates.push_back({loss_of(below, through, target, aim.below_weight, aim.above_weight), 1});
    next = entry.leaf + 1;
  }
  const auto choice = aim.mechanism.choose(candidates, stream);
  const std::uint64_t leaf = starts[choice.candidate] + choice.offset;

  QuantileEstimate result;
  const std::int64_t from = leaf_low(leaf), to = leaf_high(leaf);
  result.value =
      from + static_cast<std::int64_t>((static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from)) / 2);
  result.low = options_.low;
  result.high = options_.high;

  // An end: cells between steps outwards, the first of them all the rest of the domain, and one beyond the domain for
  // targets below or above all ranks.
  const auto choose_end = [&](const Aim& end, std::span<const std::uint64_t> steps, bool low) {
    const Int128 at = low ? wanted - end.margin : wanted + end.margin;
    const auto bound = [&](std::uint64_t step) { return low ? leaf - step : leaf + step; };
    std::vector<Candidate> cells;
    cells.reserve(steps.size() + 2);
    const auto cell = [&](Int128 below, Int128 through) {
      cells.push_back({loss_of(below * scale, through * scale, at, end.below_weight, end.above_weight), 1});
    };
    if (low) {
      cell(ranks.below(leaf), ranks.rows);
      for (std::size_t i = 0; i < steps.size(); ++i) {
        cell(ranks.below(bound(steps[i])), ranks.below(bound(i == 0 ? 0 : steps[i - 1])));
      }
      cell(0, 0);
      // Ranks below zero have the last cell alone: its upper end is 0, and its lower end is as low as any target.
      cells.back().loss = std::max(Int128{0}, at) * end.below_weight;
    } else {
      cell(0, ranks.through(leaf));
      for (std::size_t i = 0; i < steps.size(); ++i) {
        cell(ranks.through(bound(i == 0 ? 0 : steps[i - 1])), ranks.through(bound(steps[i])));
      }
      cells.push_back({std::max(Int128{0}, ranks.rows * scale - at) * end.above_weight, 1});
    }
    return end.mechanism.choose(cells, stream).candidate;
  };
  if (quantile.low) {
    const auto steps = steps_to(leaf);
    const std::size_t chosen = choose_end(*quantile.low, steps, true);
    result.low = chosen == 0 ? from : chosen <= steps.size() ? leaf_low(leaf - steps[chosen - 1]) : options_.low;
  }
  if (quantile.high) {
    const auto steps = steps_to(last_leaf_ - leaf);
    const std::size_t chosen = choose_end(*quantile.high, steps, false);
    result.high = chosen == 0 ? to : chosen <= steps.size() ? leaf_high(leaf + steps[chosen - 1]) : options_.high;
  }
  return result;
}

double QuantileRelease::rank_margin(std::size_t i) const {
  check(i < quantiles_.size(), "quantiles: no such fraction");
  const Quantile& quantile = quantiles_[i];
  double margin = 0;
  for (const std::optional<Aim>* end : {&quantile.low, &quantile.high}) {
    if (*end) margin = std::max(margin, static_cast<double>((*end)->margin) / static_cast<double>(quantile.scale));
  }
  return margin * (1 + 1e-15);
}

double QuantileRelease::rank_error(std::size_t i) const {
  check(i < quantiles_.size(), "quantiles: no such fraction");
  const Quantile& quantile = quantiles_[i];
  const double scale = static_cast<double>(quantile.scale);
  // Three times where the chance of a rank has fallen to a part of e; and how far inside an extreme aims.
  const double spread = static_cast<double>(quantile.value.mechanism.loss_margin(1, std::exp(-3.0))) / scale;
  const bool extreme = quantile.slope == 0 || quantile.slope == quantile.scale;
  return spread + (extreme ? static_cast<double>(quantile.value.margin) / scale : 0);
}

Delta QuantileRelease::delta_of_truncation() const {
  // Every choice is private with no more than the whole epsilon.
  Delta sum;
  for (const Quantile& quantile : quantiles_) sum = sum + quantile.value.mechanism.delta_of_truncation() * 3;
  return sum;
}

}  // namespace prism::dp
