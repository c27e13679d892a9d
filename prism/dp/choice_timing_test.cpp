// How long a choice takes must not tell what it was made from. Only in long runs: these measure.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "prism/dp/exponential.h"
#include "prism/dp/partition.h"
#include "tests/support/welch.h"

#if defined(__x86_64__)
#include <x86intrin.h>

namespace prism::dp {
namespace {

using test::Measured;

/// The middle |t| of five runs over `count` calls of `work`; before each, `prepare` puts one of two inputs in its
/// place.
double middle_t(const char* name, std::size_t count, const auto& prepare, const auto& work) {
  std::mt19937_64 coin(1);
  std::vector<double> runs;
  for (int run = 0; run < 5; ++run) {
    std::vector<Measured> all(count);  // exactly half of each, in random order
    for (std::size_t i = 0; i < count; ++i) all[i].size = static_cast<double>(i % 2);
    std::ranges::shuffle(all, coin);
    for (Measured& one : all) {
      prepare(static_cast<std::size_t>(one.size));
      unsigned core = 0;
      const std::uint64_t start = __rdtscp(&core);
      work();
      one.time = static_cast<double>(__rdtscp(&core) - start);
    }
    runs.push_back(test::largest_t(all));
  }
  std::ranges::sort(runs);
  std::printf("%s: |t| of five runs from %.2f to %.2f, median %.2f\n", name, runs.front(), runs.back(), runs[2]);
  return runs[2];
}

TEST(ChoiceTiming, PartitionSelectionDoesNotTellSmallGroupsFromLargeOnes) {
  if (std::getenv("PRISM_LONG") == nullptr) GTEST_SKIP() << "measures times: only with PRISM_LONG";
  const auto selection =
      PartitionSelection::make(Epsilon::parse("0.25").value(), Delta::parse("1e-5").value(), 4).value();
  const NoiseSeed seed = NoiseSeed::from_bytes({1});
  DrawStream stream = seed.stream(1);
  int shown = 0;
  const std::uint64_t sizes[] = {1, 1'000'000};
  std::uint64_t units = 0;
  EXPECT_LT(middle_t(
                "partition selection", 200'000, [&](std::size_t which) { units = sizes[which]; },
                [&] { shown += selection.keep(units, stream) ? 1 : 0; }),
            4.5);
  EXPECT_GT(shown, 0);
}

TEST(ChoiceTiming, TheExponentialMechanismDoesNotTellOneListFromAnother) {
  if (std::getenv("PRISM_LONG") == nullptr) GTEST_SKIP() << "measures times: only with PRISM_LONG";
  const auto mechanism = ExponentialMechanism::make({1, 20}, Epsilon::parse("1").value()).value();
  std::vector<Candidate> lists[2];
  for (int i = 0; i < 50; ++i) {
    lists[0].push_back({i % 7, 1});
    lists[1].push_back({Int128{i} << (i % 100), static_cast<std::uint64_t>(i % 3)});
  }
  const NoiseSeed seed = NoiseSeed::from_bytes({2});
  DrawStream stream = seed.stream(1);
  std::size_t sum = 0;
  std::vector<Candidate> list = lists[0];
  EXPECT_LT(
      middle_t(
          "exponential mechanism", 50'000, [&](std::size_t which) { std::ranges::copy(lists[which], list.begin()); },
          [&] { sum += mechanism.choose(list, stream).candidate; }),
      4.5);
  EXPECT_GT(sum, 0U);
}

}  // namespace
}  // namespace prism::dp
#endif
