// prism/backend/dp/internal/error_bars.h - where the true value of each cell lies, from the noise's own distribution.
//
// One leaf alone:
//   count, sum   estimate +- h, h the smallest half width with 95 % coverage of its weighted noise: exact.
//   average      Fieller's set {t : |S - t N| <= q(t)} of the noisy sum S and count N, q(t) from above by a staircase:
//                a bound on the noise of S - t N for all t of a step at once. At least 95 %.
//   variance     the noisy Bernstein sums lie in a box around the true ones with 95 % probability; the least and the
//                largest variance in that box.
//   quantiles    as dp::QuantileRelease says.
// A count that decided itself whether its group is shown tends to be high where it is barely shown; its interval, and
// that of any multiple of it, has its coverage among the shown ones: {n : the count seen is in neither tail of the
// counts of n that pass the threshold}. All other noise is independent of which groups are shown. Arithmetic over k
// different leaves: each leaf's interval with 1 - 5 % / k, then interval arithmetic: at least 95 %.
#pragma once
#include <gmpxx.h>

#include <map>
#include <optional>
#include <vector>

#include "prism/backend/dp/answer.h"
#include "prism/backend/dp/internal/group_keys.h"
#include "prism/backend/dp/internal/release_plan.h"
#include "prism/dp/noise.h"

namespace prism::backend::dp::internal {

/// low <= high. An absent end is unbounded.
struct Span {
  std::optional<mpq_class> low, high;
};

/// What came out of a quantile tree: scaled values of the column.
struct QuantileEstimate {
  std::int64_t value = 0, low = 0, high = 0;
};

/// All that was released about one group.
struct NoisyGroup {
  Keys keys;
  std::vector<mpz_class> numbers;                          ///< as ReleasePlan::numbers, not post-processed
  std::vector<std::optional<QuantileEstimate>> quantiles;  ///< as ReleasePlan::sources
};

/// Public: depends on the plan's noise alone, so one serves all groups.
class ErrorBars {
 public:
  /// `plan` must outlive it.
  explicit ErrorBars(const ReleasePlan& plan);

  /// For output `output` of a group whose cell shows `shown`. Absent where no noise takes part or no interval is known
  /// (keys, constants, comparisons, text).
  std::optional<CellInterval> of(std::size_t output, const NoisyGroup& group, const table::Cell& shown) const;

  /// Half the width that the interval of one leaf will have in a group of `rows` rows whose values lie in the middle of
  /// their bounds; in the unit of the column. `exact` when it does not depend on the data. Absent: not known.
  struct Expected {
    double half_width;
    bool exact;
  };
  std::optional<Expected> expected(std::size_t output, std::uint64_t rows) const;

 private:
  struct Staircase {
    std::vector<mpq_class> at;      ///< t_0 < t_1 < ... < t_n
    std::vector<mpq_class> height;  ///< at least q(t) between t_i and t_(i+1)
  };
  struct LeafBars {
    sql::Expression leaf;
    mpq_class half = 0;           ///< count, sum
    Staircase stairs;             ///< average
    std::vector<mpq_class> box;   ///< variance: per number
    bool constant = false;        ///< its value is fixed by the bounds
    double coverage = kCoverage;  ///< computed, where it is exact; else what was wanted
  };
  struct OutputBars {
    std::vector<LeafBars> leaves;  ///< different ones
  };

  LeafBars bars_of(const sql::Expression& leaf, double coverage) const;
  /// Of the noise of a form; `coverage` becomes what the half width really has.
  mpq_class half_width(const LinearForm& form, double& coverage) const;
  std::optional<Span> leaf_span(const LeafBars& bars, const NoisyGroup& group) const;
  bool decides(const sql::Expression& leaf) const;
  Span shown_count_span(const LeafBars& bars, const NoisyGroup& group) const;
  std::optional<Span> average_span(const LeafBars& bars, const NoisyGroup& group) const;
  std::optional<Span> spread_span(const LeafBars& bars, const NoisyGroup& group) const;
  std::optional<Span> span(const sql::Expression& e, const OutputBars& bars, const NoisyGroup& group) const;
  const PlannedRelease* release_of(const sql::Expression& leaf) const;

  const ReleasePlan& plan_;
  std::vector<OutputBars> outputs_;
};

/// `value` in plain decimal notation with `places` digits after the point, rounded down or up.
std::string decimal_text(const mpq_class& value, int places, bool up);

}  // namespace prism::backend::dp::internal
