#include "prism/dp/quantile.h"

#include <algorithm>
#include <cmath>

#include "prism/dp/internal/quantile_plan.h"

namespace prism::dp {
namespace {

constexpr std::uint64_t kMostRows = std::uint64_t{1} << 40;

}  // namespace

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
  release.grid_ = std::make_shared<const internal::LeafGrid>(options.low, options.high, options.most_leaves);
  std::vector<internal::QuantilePlan> plans;
  for (std::size_t i = 0; i < options.fractions_nano.size(); ++i) {
    const std::int64_t fraction = options.fractions_nano[i];
    if (fraction < 0 || fraction > kNanos) {
      return fail(ErrorCode::invalid_argument, "quantiles: a fraction of ", fraction, " billionths; 0 to ", kNanos);
    }
    PRISM_TRY(internal::QuantilePlan plan, internal::plan_quantile(options, i, release.grid_->last()));
    plans.push_back(std::move(plan));
  }
  release.plans_ = std::make_shared<const std::vector<internal::QuantilePlan>>(std::move(plans));
  return release;
}

std::uint64_t QuantileRelease::leaf_width() const { return grid_->width(); }

std::uint64_t QuantileRelease::last_leaf() const { return grid_->last(); }

std::uint64_t QuantileRelease::leaf_of(std::int64_t value) const { return grid_->leaf_of(value); }

std::int64_t QuantileRelease::leaf_low(std::uint64_t leaf) const { return grid_->low_of(leaf); }

std::int64_t QuantileRelease::leaf_high(std::uint64_t leaf) const { return grid_->high_of(leaf); }

std::vector<QuantileEstimate> QuantileRelease::estimate(std::span<const LeafCount> histogram,
                                                        DrawStream& stream) const {
  const internal::Ranks ranks(histogram, last_leaf());
  std::vector<QuantileEstimate> estimates;
  estimates.reserve(plans_->size());
  for (const internal::QuantilePlan& plan : *plans_) {
    const internal::ValueCandidates values = internal::value_candidates(plan, *grid_, ranks);
    const auto choice = plan.value.mechanism.choose(values.candidates, stream);
    const std::uint64_t leaf = grid_->leaf_at(values.starts[choice.candidate], choice.offset);
    const std::int64_t from = leaf_low(leaf), to = leaf_high(leaf);
    QuantileEstimate estimate{grid_->roundest(leaf), options_.low, options_.high};
    if (plan.low) {
      const auto steps = internal::steps_to(leaf);
      const auto cells = internal::end_cells(plan, ranks, leaf, true, steps);
      const std::size_t cell = plan.low->mechanism.choose(cells, stream).candidate;
      if (cell == 0) estimate.low = from;
      if (cell > 0 && cell <= steps.size()) estimate.low = leaf_low(leaf - steps[cell - 1]);
    }
    if (plan.high) {
      const auto steps = internal::steps_to(last_leaf() - leaf);
      const auto cells = internal::end_cells(plan, ranks, leaf, false, steps);
      const std::size_t cell = plan.high->mechanism.choose(cells, stream).candidate;
      if (cell == 0) estimate.high = to;
      if (cell > 0 && cell <= steps.size()) estimate.high = leaf_high(leaf + steps[cell - 1]);
    }
    estimates.push_back(estimate);
  }
  return estimates;
}

double QuantileRelease::rank_margin(std::size_t i) const {
  check(i < plans_->size(), "quantiles: no such fraction");
  const internal::QuantilePlan& plan = (*plans_)[i];
  double margin = 0;
  for (const std::optional<internal::Aim>* end : {&plan.low, &plan.high}) {
    if (*end) margin = std::max(margin, static_cast<double>((*end)->margin) / static_cast<double>(plan.scale));
  }
  return margin * (1 + 1e-15);
}

double QuantileRelease::rank_error(std::size_t i) const {
  check(i < plans_->size(), "quantiles: no such fraction");
  const internal::QuantilePlan& plan = (*plans_)[i];
  const double scale = static_cast<double>(plan.scale);
  // Three times where the chance of a rank has fallen to a part of e; and how far inside an extreme aims.
  const double spread = static_cast<double>(plan.value.mechanism.loss_margin(1, std::exp(-3.0))) / scale;
  const bool extreme = plan.slope == 0 || plan.slope == plan.scale;
  return spread + (extreme ? static_cast<double>(plan.value.margin) / scale : 0);
}

Delta QuantileRelease::delta_of_truncation() const {
  // Every choice is private with no more than the whole epsilon.
  Delta sum;
  for (const internal::QuantilePlan& plan : *plans_) sum = sum + plan.value.mechanism.delta_of_truncation() * 3;
  return sum;
}

}  // namespace prism::dp
