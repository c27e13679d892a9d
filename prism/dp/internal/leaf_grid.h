// prism/dp/internal/leaf_grid.h - a domain of integers cut into leaves of equal width, and what a leaf weighs
// beforehand.
//
// Numbers that people write down are round. So a value weighs 1, plus every power of ten that divides it and is at most
// a hundredth of the domain: where those are 10 and 100, 7 weighs 1, 30 weighs 11, 14500 weighs 111. All multiples of
// any such power together weigh about as much as all values. Where data is round the true quantile then outweighs the
// empty values around it; where it is not, a choice costs no more than one among so many times as many values. Weights
// are public: no privacy depends on them.
#pragma once
#include <cstdint>

#include "prism/base/int128.h"

namespace prism::dp::internal {

class LeafGrid {
 public:
  /// low <= high; `most_leaves` at least 2.
  LeafGrid(std::int64_t low, std::int64_t high, std::uint64_t most_leaves);

  std::uint64_t width() const { return width_; }
  std::uint64_t last() const { return last_; }
  /// Of the value brought into the domain.
  std::uint64_t leaf_of(std::int64_t value) const;
  /// The ends of a leaf; one beyond the last is taken for the last.
  std::int64_t low_of(std::uint64_t leaf) const;
  std::int64_t high_of(std::uint64_t leaf) const;

  /// What the leaves from `first` to `last` weigh together; at least one each. Over the whole domain below 2^64.
  std::uint64_t weight(std::uint64_t first, std::uint64_t last) const;
  /// The leaf at `offset` in [0, weight(first, last of a run)) when weights of leaves from `first` on are laid end to
  /// end.
  std::uint64_t leaf_at(std::uint64_t first, std::uint64_t offset) const;
  /// The roundest value of a leaf, of equally round ones that nearest to its middle.
  std::int64_t roundest(std::uint64_t leaf) const;

 private:
  std::int64_t low_, high_;
  std::uint64_t width_ = 1, last_ = 0;
  std::uint64_t largest_power_ = 1;  ///< the largest power of ten that adds weight
  std::uint64_t offset_ = 0;         ///< of `low` from the multiple of that power at or below it
};

}  // namespace prism::dp::internal
