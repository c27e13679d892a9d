// prism/dp/quantile.h - medians, quantiles, minima and maxima of a column, each with an interval that holds the true
// one.
//
// A value is chosen by the exponential mechanism (Smith 2011, "Privacy-preserving statistical estimation with optimal
// convergence rates"): the loss of a value is how far its rank is from the wanted rank. The error is a few ranks
// divided by epsilon, whatever the width of the domain; a tree of noisy counts, whose levels share epsilon, errs by
// several times as many (README.md compares them). The domain [low, high] is cut into leaves of equal width; the
// executor only has to count rows per leaf. Beforehand round numbers weigh more than others (internal/leaf_grid.h).
//
// The interval is two more choices, of a lower and an upper end among steps that grow by a fifth from the value
// outwards, aimed at ranks so far below and above the wanted one that the end passes the true quantile with at most the
// stated probability, whatever the data. Two thirds of epsilon go to the value, one sixth to each end; several
// quantiles of one column share it equally. Together pure epsilon privacy.
//
// The true quantile of n rows at fraction p is SQL's discrete lower one: the ceil(p n)-th smallest value, the smallest
// for p = 0. Minimum and maximum are the quantiles at 0 and 1: aimed at a rank inside the data, as far as noise needs
// to stay off the empty part of the domain, so a minimum is biased upwards by that many ranks. Nothing private can rule
// out one smaller row, so the interval of a minimum begins at `low`, and that of a maximum ends at `high`.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/exponential.h"
#include "prism/dp/parameters.h"
#include "prism/dp/seed.h"

namespace prism::dp {

namespace internal {
class LeafGrid;
struct QuantilePlan;
}  // namespace internal

/// `count` rows whose value lies in leaf number `leaf`.
struct LeafCount {
  std::uint64_t leaf = 0;
  std::uint64_t count = 0;
};

/// One quantile: low <= value <= high.
struct QuantileEstimate {
  std::int64_t value = 0;
  std::int64_t low = 0, high = 0;  ///< holds the true quantile of the counted rows with at least the coverage asked
};

/// The quantiles of one column in one release.
class QuantileRelease {
 public:
  static constexpr std::int64_t kNanos = 1'000'000'000;
  static constexpr std::size_t kMostFractions = 64;

  struct Options {
    Epsilon epsilon;                           ///< of all quantiles together
    std::int64_t low = 0, high = 0;            ///< rows are clamped to it; low <= high
    std::uint64_t rows_per_unit = 1;           ///< rows one unit adds, at least 1, at most 2^40
    std::vector<std::int64_t> fractions_nano;  ///< billionths, 0 to 10^9: 1 to 64 of them, repetitions allowed
    double coverage = 0.95;                    ///< of each interval, in (0, 1)
    /// Leaves are the least whole number wide that makes at most so many, at least 2. But domains of more than 2^40
    /// values, which nobody has meant as bounds, get leaves of one value each.
    std::uint64_t most_leaves = std::uint64_t{1} << 20;
  };
  /// invalid_argument: a number outside its range; epsilon zero.
  static Result<QuantileRelease> make(const Options& options);

  /// The grid, public: leaf i holds low + i * leaf_width() up to just below the next leaf, and no more than `high`.
  std::uint64_t leaf_width() const;
  std::uint64_t last_leaf() const;
  /// Of the value clamped to the domain.
  std::uint64_t leaf_of(std::int64_t value) const;
  std::int64_t leaf_low(std::uint64_t leaf) const;
  std::int64_t leaf_high(std::uint64_t leaf) const;

  /// One estimate per fraction, in their order. At most 2^30 leaves, in any order, also repeated; those beyond the last
  /// count as the last, and counts of a leaf beyond 2^40 as that. No rows at all give some value and the whole domain.
  /// The choices take the same work for all lists of a length; sorting and counting ranks does not, so callers release
  /// on time buckets. At most 33 words of the stream for each fraction.
  std::vector<QuantileEstimate> estimate(std::span<const LeafCount> histogram, DrawStream& stream) const;

  /// For previews: how many ranks the ends of the interval of fraction number i aim beside the wanted rank, rounded up.
  double rank_margin(std::size_t i) const;
  /// For previews: an error in ranks that the value of fraction number i mostly stays below.
  double rank_error(std::size_t i) const;
  /// What rounding of weights adds to delta, rounded up.
  Delta delta_of_truncation() const;

 private:
  QuantileRelease() = default;
  Options options_;
  std::shared_ptr<const internal::LeafGrid> grid_;
  std::shared_ptr<const std::vector<internal::QuantilePlan>> plans_;  ///< both constant, shared by copies
};

}  // namespace prism::dp
