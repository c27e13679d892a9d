#include "prism/sql/internal/interval_set.h"

namespace prism::sql::internal {

std::vector<Interval> to_intervals(const NumberSet& set) {
  std::vector<Interval> out;
  for (const auto& [from, to] : set.ranges())
    out.push_back({static_cast<std::int64_t>(from.value), static_cast<std::int64_t>(to.value - 1)});
  return out;
}

NumberSet to_set(const std::vector<Interval>& intervals) {
  std::vector<NumberSet::Range> ranges;
  for (const Interval& i : intervals) ranges.push_back({{i.low}, {Int128{i.high} + 1}});
  return NumberSet::of(std::move(ranges));
}

std::vector<TextInterval> to_intervals(const TextSet& set) {
  std::vector<TextInterval> out;
  for (const auto& [from, to] : set.ranges()) {
    TextInterval interval;
    if (!(from == TextCut::first())) {
      interval.low = from.text;
      interval.low_included = !from.after;
    }
    if (!to.end) {
      interval.high = to.text;
      interval.high_included = to.after;
    }
    out.push_back(std::move(interval));
  }
  return out;
}

TextSet to_set(const std::vector<TextInterval>& intervals) {
  std::vector<TextSet::Range> ranges;
  for (const TextInterval& i : intervals) {
    TextCut from = TextCut::first();
    TextCut to = TextCut::last();
    if (i.low) from = i.low_included ? TextCut::before(*i.low) : TextCut::behind(*i.low);
    if (i.high) to = i.high_included ? TextCut::behind(*i.high) : TextCut::before(*i.high);
    ranges.emplace_back(std::move(from), std::move(to));
  }
  return TextSet::of(std::move(ranges));
}

}  // namespace prism::sql::internal
