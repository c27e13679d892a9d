#include <algorithm>
#include <array>

#include "prism/dp/accumulator.h"
#include "prism/dp/approximate_bounds.h"
#include "prism/dp/partition.h"
#include "prism/dp/quantile.h"
#include "prism/dp/sparse_vector.h"
#include "tests/privacy/mechanisms.h"

namespace prism::privacy {
namespace {

using dp::NoiseSeed;

dp::Epsilon epsilon(const char* text) { return dp::Epsilon::parse(text).value(); }
dp::Delta delta(const char* text) { return dp::Delta::parse(text).value(); }

void add_sums(std::vector<Mechanism>& out) {
  out.push_back({.name = "count with Laplace noise",
                 .run = [noise = laplace(1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {count(data) + drawn(noise, seed, 0)};
                 }});
  out.push_back({.name = "sum of two rows per unit with Laplace noise",
                 .domain = {.low = -20, .high = 20, .rows_per_unit = 2},
                 .run = [noise = laplace(20)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {clamped_sum(data, -10, 10) + drawn(noise, seed, 0)};
                 }});
  // Deviation sensitivity * sqrt(2 ln(1.25 / delta)) / epsilon (Dwork, Roth 2014, theorem A.1): 10 * 3.1075.
  out.push_back({.name = "sum with Gaussian noise",
                 .delta = 0.01,
                 .run = [noise = gaussian(96567, 100)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {clamped_sum(data, 0, 10) + drawn(noise, seed, 0)};
                 }});
  // One unit moves the two sums by at most the width together, so each has noise for the whole of epsilon.
  out.push_back({.name = "average as two sums that share the width",
                 .run = [noise = laplace(10)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   const std::int64_t sum = clamped_sum(data, 0, 10);
                   return {sum + drawn(noise, seed, 0), 10 * count(data) - sum + drawn(noise, seed, 1)};
                 }});
  out.push_back({.name = "counts of three groups, two rows per unit",
                 .domain = {.rows_per_unit = 2, .groups = 3},
                 .run = [noise = laplace(2)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   Outcome counts(3);
                   for (const Row& row : data) ++counts[static_cast<std::size_t>(row.group)];
                   for (std::size_t g = 0; g < counts.size(); ++g) {
                     const auto key = static_cast<std::uint8_t>(g);
                     dp::DrawStream stream = seed.stream(0, {&key, 1});
                     counts[g] += static_cast<std::int64_t>(noise.draw(stream));
                   }
                   return counts;
                 }});
  constexpr std::int64_t kFar = std::int64_t{1} << 62;
  out.push_back({.name = "sum of values near the limits of 64 bits",
                 .domain = {.low = -kFar, .high = kFar},
                 .run = [noise = laplace(kFar)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   dp::Accumulator sum;
                   for (const Row& row : data) sum.add(row.value);
                   dp::DrawStream stream = seed.stream(0);
                   return {static_cast<std::int64_t>((sum.total() + noise.draw(stream)) >> 12)};
                 }});
}

void add_selections(std::vector<Mechanism>& out) {
  // Claimed with delta large enough to be seen: each unit is in one group.
  out.push_back({.name = "partition selection",
                 .delta = 0.02,
                 .domain = {.groups = 2},
                 .run = [keep = dp::PartitionSelection::make(epsilon("1"), delta("0.02"), 1).value()](
                            const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   std::array<std::uint64_t, 2> units = {};
                   for (const Row& row : data) ++units[static_cast<std::size_t>(row.group)];
                   dp::DrawStream first = seed.stream(0), second = seed.stream(1);
                   return {keep.keep(units[0], first), keep.keep(units[1], second)};
                 }});
  const dp::Noise noise = laplace(1);
  out.push_back({.name = "a noisy count above its threshold",
                 .delta = 0.02,
                 .run = [noise, keep = dp::ThresholdSelection::make(noise, delta("0.02"), 1).value()](
                            const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   if (data.empty()) return {-1000};  // a group that does not exist
                   const std::int64_t noisy = count(data) + drawn(noise, seed, 0);
                   return {keep.keep(noisy) ? noisy : -1000};
                 }});
  out.push_back({.name = "approximate bounds",
                 .domain = {.low = -1000, .high = 1000, .rows_per_unit = 2},
                 .run = [bounds = dp::ApproximateBounds::make(epsilon("1"), 2, 0.5).value()](
                            const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   dp::ApproximateBounds::Histogram counts = {};
                   for (const Row& row : data) ++counts[dp::ApproximateBounds::bin_of(row.value)];
                   dp::DrawStream stream = seed.stream(0);
                   const auto found = bounds.find(counts, stream);
                   return {found.has_value(), found ? found->low : 0, found ? found->high : 0};
                 }});
  for (const std::int64_t nano : {0L, 500'000'000L}) {
    dp::QuantileRelease::Options options;
    options.epsilon = epsilon("1");
    options.high = 100;
    options.fractions_nano = {nano};
    out.push_back({.name = nano == 0 ? "minimum" : "median",
                   .domain = {.low = 0, .high = 100},
                   .run = [release = dp::QuantileRelease::make(options).value()](const Dataset& data,
                                                                                 const NoiseSeed& seed) -> Outcome {
                     std::vector<dp::LeafCount> leaves;
                     for (const Row& row : data) leaves.push_back({release.leaf_of(row.value), 1});
                     dp::DrawStream stream = seed.stream(0);
                     const dp::QuantileEstimate estimate = release.estimate(leaves, stream).front();
                     return {estimate.value, estimate.low, estimate.high};
                   }});
  }
}

/// Queries that one unit moves by one each: up in the first half, down in the second.
std::vector<std::int64_t> halves(const Dataset& data, std::size_t each) {
  std::vector<std::int64_t> out(each, count(data));
  out.resize(2 * each, -count(data));
  return out;
}

void add_sparse_vectors(std::vector<Mechanism>& out) {
  dp::SparseVector::Options options;
  options.epsilon = epsilon("2");
  options.most_above = 2;
  out.push_back({.name = "sparse vector",
                 .epsilon = 2,
                 .run = [search_of = dp::SparseVector::make(options).value()](const Dataset& data,
                                                                              const NoiseSeed& seed) -> Outcome {
                   dp::DrawStream stream = seed.stream(0);
                   auto search = search_of.start(stream);
                   Outcome answers = {0, 0};
                   std::size_t asked = 0;
                   for (const std::int64_t query : halves(data, 6)) {
                     if (search.ended()) break;
                     if (search.above(query, 2).value()) answers[asked / 6] += 1;
                     ++asked;
                   }
                   answers.push_back(static_cast<std::int64_t>(asked));
                   return answers;
                 }});
  for (const int variant : {1, 2}) {
    out.push_back({.name = "sparse vector as published, variant " + std::to_string(variant),
                   .epsilon = 2,
                   .run = [ask = SparseVariant(variant, 2, 2)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                     const SparseVariant::Answers answers = ask.ask(halves(data, 6), seed);
                     Outcome readable = {0, 0, static_cast<std::int64_t>(answers.above.size())};
                     for (std::size_t i = 0; i < answers.above.size(); ++i) readable[i / 6] += answers.above[i];
                     return readable;
                   }});
  }
}

}  // namespace

std::vector<Mechanism> private_mechanisms() {
  std::vector<Mechanism> out;
  add_sums(out);
  add_selections(out);
  add_sparse_vectors(out);
  // Order is no part of a dataset: the same sums, asked about neighbours whose rows stand in opposite orders.
  out.push_back({.name = "sum of rows in opposite orders",
                 .domain = {.low = -100, .high = 100, .reordered = true},
                 .run = [noise = laplace(100)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   dp::Accumulator sum;
                   for (const Row& row : data) sum.add(row.value);
                   return {static_cast<std::int64_t>(dp::clamp_to(sum.total(), -100, 100)) + drawn(noise, seed, 0)};
                 }});
  return out;
}

}  // namespace prism::privacy
