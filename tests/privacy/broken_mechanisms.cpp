#include <algorithm>
#include <bit>
#include <cmath>

#include "tests/privacy/broken_choices.h"
#include "tests/privacy/mechanisms.h"

namespace prism::privacy {
namespace {

using dp::NoiseSeed;

void add_wrong_amounts(std::vector<Mechanism>& out) {
  out.push_back({.name = "noise too small by a quarter",
                 .run = [noise = laplace(3, 4)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {count(data) + drawn(noise, seed, 0)};
                 }});
  out.push_back({.name = "sensitivity off by one",  // three rows per unit, noise for two
                 .domain = {.rows_per_unit = 3},
                 .run = [noise = laplace(2)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {count(data) + drawn(noise, seed, 0)};
                 }});
  out.push_back({.name = "Gaussian noise without the factor for delta",  // deviation sensitivity / epsilon
                 .delta = 0.01,
                 .run = [noise = gaussian(1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {count(data) + drawn(noise, seed, 0)};
                 }});
  out.push_back({.name = "every group its own epsilon",  // a unit is in two groups
                 .domain = {.rows_per_unit = 2, .groups = 2},
                 .run = [noise = laplace(1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   Outcome counts(2);
                   for (const Row& row : data) ++counts[static_cast<std::size_t>(row.group)];
                   for (std::size_t g = 0; g < 2; ++g) counts[g] += drawn(noise, seed, g);
                   return counts;
                 }});
  out.push_back({.name = "clamping forgotten",
                 .domain = {.low = 0, .high = 40},
                 .run = [noise = laplace(10)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   std::int64_t sum = 0;
                   for (const Row& row : data) sum += row.value;
                   return {sum + drawn(noise, seed, 0)};
                 }});
  out.push_back({.name = "average with an exact count",
                 .run = [noise = laplace(10)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   const std::int64_t n = std::max<std::int64_t>(count(data), 1);
                   return {1000 * (clamped_sum(data, 0, 10) + drawn(noise, seed, 0)) / n};
                 }});
}

void add_wrong_noise(std::vector<Mechanism>& out) {
  // Mironov 2012: near zero the logarithm of a 53-bit fraction has finer digits than a sum of it with 1 can keep.
  out.push_back({.name = "Laplace noise in floating point",
                 .run = [](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   dp::DrawStream stream = seed.stream(0);
                   const double u = static_cast<double>(stream.next_word() >> 11) * 0x1p-53 - 0.5;
                   const double noise = (u < 0 ? 1.0 : -1.0) * std::log1p(-2 * std::abs(u));
                   return {std::bit_cast<std::int64_t>(static_cast<double>(count(data)) + noise)};
                 },
                 .doubles = true});
  out.push_back({.name = "noise reused between releases",
                 .epsilon = 2,
                 .run = [noise = laplace(2)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {count(data) + drawn(noise, seed, 0), 2 * count(data) + drawn(noise, seed, 0)};
                 }});
  out.push_back({.name = "noise rounded before it is added",  // the last digit of the count stands in the answer
                 .run = [noise = laplace(1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {count(data) + 10 * drawn(noise, seed, 0)};
                 }});
  out.push_back({.name = "noise cut at five deviations",
                 .run = [noise = laplace(1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {count(data) + std::clamp<std::int64_t>(drawn(noise, seed, 0), -5, 5)};
                 },
                 .samples = 100'000});
  out.push_back({.name = "seed taken from the data",
                 .run = [noise = laplace(1)](const Dataset& data, const NoiseSeed&) -> Outcome {
                   NoiseSeed::Key key = {};
                   key[0] = static_cast<std::uint8_t>(data.size());
                   return {count(data) + drawn(noise, NoiseSeed::from_bytes(key), 0)};
                 }});
}

void add_wrong_arithmetic(std::vector<Mechanism>& out) {
  constexpr std::int64_t kFar = std::int64_t{1} << 62;
  out.push_back({.name = "overflow of a 64-bit sum",
                 .domain = {.low = 0, .high = kFar},
                 .run = [noise = laplace(kFar)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   std::uint64_t sum = 0;
                   for (const Row& row : data) sum += static_cast<std::uint64_t>(row.value);
                   dp::DrawStream stream = seed.stream(0);
                   return {
                       static_cast<std::int64_t>((Int128{static_cast<std::int64_t>(sum)} + noise.draw(stream)) >> 12)};
                 },
                 .pairs = {{{{0, 0, kFar}, {1, 0, kFar}}, {{0, 0, kFar}}}}});
  // Casacuberta, Shoemate, Vadhan, Wagaman 2022: saturation at every step makes a sum depend on the order.
  const Dataset ordered = {{0, 0, 100}, {1, 0, 100}, {2, 0, -100}, {3, 0, -100}};
  const Dataset reordered = {{2, 0, -100}, {1, 0, 100}, {0, 0, 100}};
  out.push_back({.name = "order dependence of a sum that saturates",
                 .run = [noise = laplace(100)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   std::int64_t sum = 0;
                   for (const Row& row : data) sum = std::clamp<std::int64_t>(sum + row.value, -100, 100);
                   return {sum + drawn(noise, seed, 0)};
                 },
                 .pairs = {{ordered, reordered}}});
  out.push_back({.name = "an error that depends on the data",  // 100 / value, where a row may hold 0
                 .domain = {.low = 0, .high = 1},
                 .run = [noise = laplace(100)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   std::int64_t sum = 0;
                   for (const Row& row : data) {
                     if (row.value == 0) return {1, 0};
                     sum += 100 / row.value;
                   }
                   return {0, std::clamp<std::int64_t>(sum, 0, 100) + drawn(noise, seed, 0)};
                 }});
}

void add_wrong_selections(std::vector<Mechanism>& out) {
  out.push_back({.name = "no thresholding of groups",
                 .delta = 0.01,
                 .domain = {.groups = 2},
                 .run = [noise = laplace(1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   Outcome answer = {0, 0};
                   for (const std::int64_t g : {0, 1}) {
                     const auto n = std::ranges::count(data, g, &Row::group);
                     if (n > 0)
                       answer[static_cast<std::size_t>(g)] =
                           1000 + n + drawn(noise, seed, static_cast<std::uint64_t>(g));
                   }
                   return answer;
                 }});
  out.push_back({.name = "small counts suppressed without noise",
                 .run = [noise = laplace(1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   return {count(data) < 3 ? -1000 : count(data) + drawn(noise, seed, 0)};
                 }});
  out.push_back({.name = "exact median",
                 .domain = {.low = 0, .high = 100},
                 .run = [](const Dataset& data, const NoiseSeed&) -> Outcome {
                   std::vector<std::int64_t> values;
                   for (const Row& row : data) values.push_back(row.value);
                   std::ranges::sort(values);
                   return {values.empty() ? 50 : values[values.size() / 2]};
                 }});
}

void add_sparse_vectors(std::vector<Mechanism>& out) {
  // Variant 3 releases the value that was above: it says how low the threshold's noise was, under which the answers
  // "below" before it are no longer covered.
  out.push_back({.name = "sparse vector, variant 3",
                 .epsilon = 2,
                 .run = [ask = SparseVariant(3, 2, 1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   std::vector<std::int64_t> queries(5, count(data));
                   queries.push_back(0);
                   const SparseVariant::Answers answers = ask.ask(queries, seed);
                   return {static_cast<std::int64_t>(answers.above.size()), answers.released};
                 },
                 .samples = 200'000,
                 .pairs = {one_or_none()}});
  out.push_back({.name = "sparse vector, variant 5",
                 .run = [ask = SparseVariant(5, 1, 1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   const SparseVariant::Answers answers = ask.ask({count(data), 1 - count(data)}, seed);
                   return {answers.above[0], answers.above[1]};
                 },
                 .pairs = {one_or_none()}});
  out.push_back({.name = "sparse vector, variant 6",
                 .run = [ask = SparseVariant(6, 1, 1)](const Dataset& data, const NoiseSeed& seed) -> Outcome {
                   constexpr std::size_t kEach = 40;
                   std::vector<std::int64_t> queries(kEach, count(data));
                   queries.resize(2 * kEach, -count(data));
                   const SparseVariant::Answers answers = ask.ask(queries, seed);
                   Outcome halves = {0, 0};
                   for (std::size_t i = 0; i < 2 * kEach; ++i) halves[i / kEach] += answers.above[i];
                   return halves;
                 },
                 .pairs = {one_or_none()}});
}

}  // namespace

std::vector<Mechanism> broken_mechanisms() {
  std::vector<Mechanism> out;
  add_wrong_amounts(out);
  add_wrong_noise(out);
  add_wrong_arithmetic(out);
  add_wrong_selections(out);
  add_sparse_vectors(out);
  add_broken_quantiles(out);
  add_broken_selections(out);
  add_broken_searches(out);
  return out;
}

}  // namespace prism::privacy
