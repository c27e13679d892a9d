// tests/privacy/broken_choices.h - mistakes in mechanisms that choose: quantiles, groups, bounds, searches.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "prism/dp/approximate_bounds.h"
#include "prism/dp/exponential.h"
#include "prism/dp/partition.h"
#include "prism/dp/quantile.h"
#include "prism/dp/sparse_vector.h"
#include "tests/privacy/mechanisms.h"

namespace prism::privacy {

/// `most` units with a row in each of two groups, and one fewer.
inline Neighbours in_both_groups(std::uint32_t most) {
  Neighbours pair;
  for (std::uint32_t unit = 0; unit < most; ++unit) {
    for (const std::int64_t group : {0, 1}) {
      pair.with.push_back({unit, group, 1});
      if (unit + 1 < most) pair.without.push_back({unit, group, 1});
    }
  }
  return pair;
}

/// Units 0, 1, ... with these values, and the same without the last.
inline Neighbours without_the_last(const std::vector<std::int64_t>& values) {
  Neighbours pair;
  for (std::uint32_t unit = 0; unit < values.size(); ++unit) {
    pair.with.push_back({unit, 0, values[unit]});
    if (unit + 1 < values.size()) pair.without.push_back({unit, 0, values[unit]});
  }
  return pair;
}

inline void add_broken_quantiles(std::vector<Mechanism>& out) {
  // Value, lower and upper end each pay with the same epsilon.
  dp::QuantileRelease::Options options;
  options.epsilon = dp::Epsilon::parse("3").value();
  options.high = 30;
  options.fractions_nano = {500'000'000};
  out.push_back({.name = "quantile with the whole of epsilon for each of three choices",
                 .domain = {.low = 0, .high = 30},
                 .run = [release = dp::QuantileRelease::make(options).value()](const Dataset& data,
                                                                               const dp::NoiseSeed& seed) -> Outcome {
                   std::vector<dp::LeafCount> leaves;
                   for (const Row& row : data) leaves.push_back({release.leaf_of(row.value), 1});
                   dp::DrawStream stream = seed.stream(0);
                   const auto estimate = release.estimate(leaves, stream).front();
                   return {estimate.value, estimate.low, estimate.high};
                 },
                 .pairs = {without_the_last({5, 6, 30, 30})}});
  // Losses of one candidate rise while those of another fall: the range is twice the sensitivity.
  out.push_back({.name = "exponential mechanism with the sensitivity for a range",
                 .run = [choice = dp::ExponentialMechanism::make({1, 1}, dp::Epsilon::parse("1").value()).value()](
                            const Dataset& data, const dp::NoiseSeed& seed) -> Outcome {
                   const std::array<dp::Candidate, 2> candidates = {{{count(data), 1}, {4 - count(data), 1}}};
                   dp::DrawStream stream = seed.stream(0);
                   return {static_cast<std::int64_t>(choice.choose(candidates, stream).candidate)};
                 },
                 .pairs = {without_the_last({1, 1, 1})}});
  // A unit is counted once on each level, and every level spends all of epsilon.
  out.push_back({.name = "tree of counts with the whole of epsilon for each level",
                 .domain = {.low = 0, .high = 3},
                 .run = [noise = laplace(1)](const Dataset& data, const dp::NoiseSeed& seed) -> Outcome {
                   Outcome nodes(6);
                   for (const Row& row : data) {
                     const auto leaf = static_cast<std::size_t>(std::clamp<std::int64_t>(row.value, 0, 3));
                     ++nodes[leaf / 2];
                     ++nodes[2 + leaf];
                   }
                   for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i] += drawn(noise, seed, i);
                   return {nodes[0] + nodes[2], nodes[1] + nodes[5]};
                 },
                 .pairs = {without_the_last({0})}});
}

inline void add_broken_selections(std::vector<Mechanism>& out) {
  out.push_back(
      {.name = "partition selection that forgets in how many groups a unit is",
       .delta = 0.02,
       .domain = {.rows_per_unit = 2, .groups = 2},
       .run = [keep = dp::PartitionSelection::make(dp::Epsilon::parse("1").value(), dp::Delta::parse("0.02").value(), 1)
                          .value()](const Dataset& data, const dp::NoiseSeed& seed) -> Outcome {
         Outcome shown;
         for (const std::int64_t group : {0, 1}) {
           dp::DrawStream stream = seed.stream(static_cast<std::uint64_t>(group));
           const auto units = std::ranges::count(data, group, &Row::group);
           shown.push_back(keep.keep(static_cast<std::uint64_t>(units), stream));
         }
         return shown;
       },
       .pairs = {in_both_groups(3), in_both_groups(4), in_both_groups(5)}});
  out.push_back({.name = "approximate bounds without a threshold",
                 .domain = {.low = -1000, .high = 1000},
                 .run = [](const Dataset& data, const dp::NoiseSeed&) -> Outcome {
                   std::size_t first = dp::ApproximateBounds::kBins, last = 0;
                   for (const Row& row : data) {
                     first = std::min(first, dp::ApproximateBounds::bin_of(row.value));
                     last = std::max(last, dp::ApproximateBounds::bin_of(row.value));
                   }
                   if (data.empty()) return {0, 0};
                   return {dp::ApproximateBounds::edges(first).low, dp::ApproximateBounds::edges(last).high};
                 }});
}

inline void add_broken_searches(std::vector<Mechanism>& out) {
  // Every positive answer ends what was paid for, and another search begins without being charged.
  dp::SparseVector::Options options;
  options.epsilon = dp::Epsilon::parse("1").value();
  out.push_back({.name = "search that goes on after its positive answers",
                 .run = [search_of = dp::SparseVector::make(options).value()](const Dataset& data,
                                                                              const dp::NoiseSeed& seed) -> Outcome {
                   constexpr std::size_t kEach = 40;
                   dp::DrawStream stream = seed.stream(0);
                   auto search = search_of.start(stream);
                   Outcome halves = {0, 0};
                   for (std::size_t i = 0; i < 2 * kEach; ++i) {
                     if (search.ended()) search = search_of.start(stream);
                     halves[i / kEach] += search.above(i < kEach ? count(data) : -count(data), 0).value();
                   }
                   return halves;
                 },
                 .pairs = {one_or_none()}});
}

}  // namespace prism::privacy
