// prism/dp/internal/quantile_plan.h - one quantile: what its three choices aim at, and the candidates they choose from.
//
// Pure functions of public parameters and of the histogram; quantile.cpp adds the draws. Apart, so that tests can write
// down the exact distribution of every answer on small domains.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/exponential.h"
#include "prism/dp/internal/leaf_grid.h"
#include "prism/dp/quantile.h"

namespace prism::dp::internal {

/// One use of the exponential mechanism: loss = below_weight * (ranks short of the target) + above_weight * (beyond),
/// ranks in units of 1 / scale.
struct Aim {
  ExponentialMechanism mechanism;
  std::int64_t below_weight, above_weight;
  Int128 margin;  ///< ranks in those units: an end aims so far outside, a value stays so far inside
};

struct QuantilePlan {
  std::int64_t slope, scale;  ///< the fraction is slope / scale; scale is even
  Aim value;
  std::optional<Aim> low, high;  ///< none: that end is the domain's
};

/// Of the fraction number `i` of checked options.
Result<QuantilePlan> plan_quantile(const QuantileRelease::Options& options, std::size_t i, std::uint64_t last_leaf);

/// How far apart the changes of two losses can lie when one row is added or removed: a row moves ranks beyond it by
/// `scale` and the target by `slope` in [0, scale]. Leaves before the row change by slope * below (short of the target)
/// or -slope * above (beyond it), leaves after it by -(scale - slope) * below or (scale - slope) * above, and the row's
/// own leaf by less. Convex in slope: a target whose slope varies is judged by both ends.
Int128 range_of(std::int64_t slope, std::int64_t scale, std::int64_t below_weight, std::int64_t above_weight);

/// Steps from a leaf outwards: 1, 2, ..., 9, 10, 12, ..., growing by a fifth, until `reach` is reached.
std::vector<std::uint64_t> steps_to(std::uint64_t reach);

/// What all cells nearer to the value than some cell weigh together, at most, in weights of that one (see end_cells).
double cells_on_the_wrong_side(std::uint64_t last_leaf);

/// The rows before, in and after each leaf that holds any.
class Ranks {
 public:
  struct Leaf {
    std::uint64_t leaf;
    Int128 below, through;  ///< rows in leaves before it; and including it
  };
  Ranks(std::span<const LeafCount> histogram, std::uint64_t last_leaf);
  /// Ascending; the last leaf of the domain is always there.
  std::span<const Leaf> leaves() const { return leaves_; }
  std::uint64_t last_leaf() const { return leaves_.back().leaf; }
  Int128 rows() const { return rows_; }
  /// Rows in leaves before `leaf`, and up to and including it.
  Int128 below(std::uint64_t leaf) const;
  Int128 through(std::uint64_t leaf) const;

 private:
  const Leaf& first_from(std::uint64_t leaf) const;
  std::vector<Leaf> leaves_;
  Int128 rows_ = 0;
};

/// Every leaf is a candidate, the empty ones between two occupied leaves together: of the weights that the grid gives.
struct ValueCandidates {
  std::vector<Candidate> candidates;
  std::vector<std::uint64_t> starts;  ///< the first leaf of each
};
ValueCandidates value_candidates(const QuantilePlan& plan, const LeafGrid& grid, const Ranks& ranks);

/// The cells that an end is chosen from when the value is in `leaf`. Cell 0 reaches from that leaf over all the rest of
/// the domain, cell i up to step i outwards, and the last stands for targets below or above all ranks. A cell of more
/// than one leaf of distance has that as its multiplicity.
std::vector<Candidate> end_cells(const QuantilePlan& plan, const Ranks& ranks, std::uint64_t leaf, bool low,
                                 std::span<const std::uint64_t> steps);

}  // namespace prism::dp::internal
