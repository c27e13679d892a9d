// prism/dp/partition.h - which groups of a private GROUP BY may be named, decided from how many units each has.
//
// A group that exists because of one unit gives that unit away, so a group is shown with a probability that grows with
// its units. Two ways:
//  - PartitionSelection, from the exact number of units, with a share of epsilon and delta of its own: keeps a group
//  with
//    the largest probability that (epsilon, delta) permits for every number of units at once (Desfontaines, Voss,
//    Gipson, Mandayam 2020, "Differentially private partition selection", theorem 1).
//  - ThresholdSelection, from a noisy count that is released anyway: shows a group whose noisy count reaches a
//  threshold
//    which a group of one unit passes with probability at most delta. Costs no epsilon beyond the count's.
// Both speak of groups that exist in the data. Keys whose values are public need neither.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/noise.h"
#include "prism/dp/parameters.h"
#include "prism/dp/seed.h"

namespace prism::dp {

/// With share (e, d) = (epsilon, delta) / groups_per_unit, keep probabilities are
///   p(0) = 0,  p(n + 1) = min(exp(e) p(n) + d,  1 - exp(-e) (1 - p(n) - d),  1),
/// each rounded down to a multiple of 2^-128 before the next is computed from it, with bounds of exp on the safe side.
/// So both inequalities of (e, d) privacy between n and n + 1 units hold exactly for what is drawn, in both directions,
/// and adding or removing one unit, which changes at most groups_per_unit groups by one, is (epsilon, delta)-private.
class PartitionSelection {
 public:
  /// Most entries of the table of probabilities (1 MiB).
  static constexpr std::size_t kMostEntries = 65536;

  /// `groups_per_unit`: groups one unit can be in, at least 1. `pre_threshold`: groups of fewer units are never shown,
  /// at least 1 (1 says nothing); probabilities for more units are those of that many fewer. invalid_argument: epsilon
  /// or delta is zero, or so small that no group of fewer than 65,536 units could be sure to be shown; the message says
  /// what would do.
  static Result<PartitionSelection> make(Epsilon epsilon, Delta delta, std::uint64_t groups_per_unit,
                                         std::uint64_t pre_threshold = 1);

  /// Whether a group of `units` distinct units is shown: two words of the stream. Compares with the whole table, so
  /// that instructions and memory touched depend neither on `units` nor on the answer.
  bool keep(std::uint64_t units, DrawStream& stream) const;

  /// The probability of keep(), rounded to nearest: for people who choose epsilon, delta or a pre-threshold.
  double keep_probability(std::uint64_t units) const;
  /// The same in units of 2^-128, exactly.
  Uint128 keep_threshold(std::uint64_t units) const;
  /// The fewest units a group needs to be shown with at least this probability in [0, 1).
  std::uint64_t units_for(double probability) const;
  /// From this many units on keep() is sure (up to 2^-128).
  std::uint64_t sure_from() const;

 private:
  /// The probabilities of 0, 1, ... units, and again as four rows of 32-bit words, which compilers search eight at a
  /// time.
  struct Tables {
    std::vector<Uint128> thresholds;
    std::array<std::vector<std::uint32_t>, 4> words;
  };
  PartitionSelection(std::shared_ptr<const Tables> tables, std::uint64_t pre_threshold)
      : tables_(std::move(tables)), pre_threshold_(pre_threshold) {}
  std::shared_ptr<const Tables> tables_;  ///< constant, shared by copies
  std::uint64_t pre_threshold_;
};

/// Shows a group when its noisy count of units (or rows) reaches threshold().
class ThresholdSelection {
 public:
  /// `noise`: what each count gets; symmetric. `delta`: the probability that any group of a single unit is shown, over
  /// all its groups together. `contribution`: the most that one unit adds to the count of one group. All at least 1;
  /// invalid_argument otherwise, or when delta is below what cut tails of the noise reach.
  static Result<ThresholdSelection> make(const Noise& noise, Delta delta, std::uint64_t groups_per_unit,
                                         std::uint64_t contribution = 1);

  bool keep(Int128 noisy_count) const { return noisy_count >= threshold_; }
  /// groups_per_unit * P(contribution + noise >= threshold) <= delta, and the least such number.
  Int128 threshold() const { return threshold_; }

 private:
  explicit ThresholdSelection(Int128 threshold) : threshold_(threshold) {}
  Int128 threshold_;
};

}  // namespace prism::dp
