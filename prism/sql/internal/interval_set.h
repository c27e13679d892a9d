// prism/sql/internal/interval_set.h - sets of values as sorted cuts, and their algebra.
//
// A cut lies between values; a range runs from one cut to the next. With cuts, open and closed ends need no cases:
// "x <= 5" ends at the cut after 5, "x < 5" at the cut before it.
#pragma once
#include <algorithm>
#include <compare>
#include <string>
#include <utility>
#include <vector>

#include "prism/base/int128.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

/// A cut among the int64 values: below `value`, so one past the largest int64 is a cut too.
struct NumberCut {
  Int128 value;
  static NumberCut first() { return {std::int64_t{INT64_MIN}}; }
  static NumberCut last() { return {Int128{INT64_MAX} + 1}; }
  bool operator==(const NumberCut& o) const { return value == o.value; }
  bool operator<(const NumberCut& o) const { return value < o.value; }
};

/// A cut among all texts in byte order: before or right after `text`, or past every text.
struct TextCut {
  bool end = false;
  std::string text{};
  bool after = false;
  static TextCut first() { return {}; }
  static TextCut last() { return {true, {}, false}; }
  static TextCut before(std::string t) { return {false, std::move(t), false}; }
  static TextCut behind(std::string t) { return {false, std::move(t), true}; }
  bool operator==(const TextCut&) const = default;
  bool operator<(const TextCut& o) const {
    if (end || o.end) return !end && o.end;
    const int order = text.compare(o.text);  // char_traits<char> compares as unsigned char
    return order != 0 ? order < 0 : !after && o.after;
  }
};

template <class Cut>
class IntervalSet {
 public:
  using Range = std::pair<Cut, Cut>;  // from the first cut up to the second
  static IntervalSet empty() { return {}; }
  static IntervalSet full() { return between(Cut::first(), Cut::last()); }
  static IntervalSet between(Cut from, Cut to) {
    IntervalSet set;
    if (from < to) set.ranges_.emplace_back(std::move(from), std::move(to));
    return set;
  }
  /// Any ranges, in any order, overlapping or not: O(n log n).
  static IntervalSet of(std::vector<Range> ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    IntervalSet set;
    for (Range& range : ranges) {
      if (!(range.first < range.second)) continue;
      if (!set.ranges_.empty() && !(set.ranges_.back().second < range.first)) {
        if (set.ranges_.back().second < range.second) set.ranges_.back().second = std::move(range.second);
      } else {
        set.ranges_.push_back(std::move(range));
      }
    }
    return set;
  }
  const std::vector<Range>& ranges() const { return ranges_; }
  bool is_empty() const { return ranges_.empty(); }
  bool is_full() const { return complement().is_empty(); }

  IntervalSet complement() const {
    IntervalSet out;
    Cut from = Cut::first();
    for (const Range& range : ranges_) {
      if (from < range.first) out.ranges_.emplace_back(from, range.first);
      from = range.second;
    }
    if (from < Cut::last()) out.ranges_.emplace_back(from, Cut::last());
    return out;
  }
  IntervalSet unite(const IntervalSet& other) const {
    std::vector<Range> all = ranges_;
    all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
    return of(std::move(all));
  }
  IntervalSet intersect(const IntervalSet& other) const {
    IntervalSet out;
    for (std::size_t i = 0, j = 0; i < ranges_.size() && j < other.ranges_.size();) {
      const Range& a = ranges_[i];
      const Range& b = other.ranges_[j];
      const Cut& from = a.first < b.first ? b.first : a.first;
      const Cut& to = a.second < b.second ? a.second : b.second;
      if (from < to) out.ranges_.emplace_back(from, to);
      if (a.second < b.second)
        ++i;
      else
        ++j;
    }
    return out;
  }

 private:
  std::vector<Range> ranges_;
};

using NumberSet = IntervalSet<NumberCut>;
using TextSet = IntervalSet<TextCut>;

std::vector<Interval> to_intervals(const NumberSet& set);
NumberSet to_set(const std::vector<Interval>& intervals);
std::vector<TextInterval> to_intervals(const TextSet& set);
TextSet to_set(const std::vector<TextInterval>& intervals);

}  // namespace prism::sql::internal
