// prism/duck/internal/distinct.h - how many different small numbers there are, fast when they come nearly in order.
//
// The engine's own count(DISTINCT) keeps a hash table of all (group, value) pairs. Rows of one privacy unit mostly
// stand together, so a list that skips repetitions is short, and sorted but for a few places.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "prism/base/result.h"

namespace prism::duck {

/// Memory: some 24 bytes per different number when they come in the worst order, 8 in the best, and a few KiB.
class DistinctNumbers {
 public:
  void add(std::int32_t number) {
    if (!numbers_.empty() && numbers_.back() == number) return;
    if (numbers_.size() >= most_) compact();
    if (numbers_.empty() || number < numbers_.back()) runs_.push_back(numbers_.size());
    numbers_.push_back(number);
  }
  /// `other` is left compact, otherwise as it was.
  void add(DistinctNumbers& other) {
    compact();
    other.compact();
    std::vector<std::int32_t> both;
    both.reserve(numbers_.size() + other.numbers_.size());
    std::set_union(numbers_.begin(), numbers_.end(), other.numbers_.begin(), other.numbers_.end(),
                   std::back_inserter(both));
    numbers_ = std::move(both);
    settle();
  }
  std::size_t count() {
    compact();
    return numbers_.size();
  }

 private:
  /// One ascending list without repetitions. Merging neighbours costs little when there are few runs, and is a merge
  /// sort when there are many.
  void compact() {
    while (runs_.size() > 1) {
      std::vector<std::size_t> merged;
      for (std::size_t i = 0; i < runs_.size(); i += 2) {
        merged.push_back(runs_[i]);
        if (i + 1 == runs_.size()) break;
        const auto at = [&](std::size_t run) {
          return numbers_.begin() + static_cast<std::ptrdiff_t>(run < runs_.size() ? runs_[run] : numbers_.size());
        };
        std::inplace_merge(at(i), at(i + 1), at(i + 2));
      }
      runs_ = std::move(merged);
    }
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
    settle();
  }
  void settle() {
    runs_.clear();
    if (!numbers_.empty()) runs_.push_back(0);
    most_ = std::max<std::size_t>(1024, 2 * numbers_.size());
  }

  std::vector<std::int32_t> numbers_;
  std::vector<std::size_t> runs_;  ///< where each ascending run begins
  std::size_t most_ = 1024;        ///< numbers before the next compaction
};

/// Gives a connection of the engine (a duckdb_connection) the aggregate different(INTEGER) -> BIGINT.
Status register_distinct(void* connection);

}  // namespace prism::duck
