#include "prism/dp/quantile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>

#include "prism/dp/internal/quantile_plan.h"

namespace prism::dp {
namespace {

constexpr std::int64_t kFractions[] = {0,           10'000'000,  100'000'000, 250'000'000,  333'333'333,
                                       500'000'000, 750'000'000, 900'000'000, 1'000'000'000};

bool long_run() { return std::getenv("PRISM_LONG") != nullptr; }

QuantileRelease::Options options_of(const char* epsilon, std::int64_t low, std::int64_t high,
                                    std::vector<std::int64_t> fractions) {
  QuantileRelease::Options options;
  options.epsilon = Epsilon::parse(epsilon).value();
  options.low = low;
  options.high = high;
  options.fractions_nano = std::move(fractions);
  return options;
}

std::vector<LeafCount> histogram_of(const std::vector<int>& leaves) {
  std::vector<LeafCount> histogram;
  for (const int leaf : leaves) histogram.push_back({static_cast<std::uint64_t>(leaf), 1});
  return histogram;
}

/// The chance of each candidate, from its loss.
std::vector<double> chances(const ExponentialMechanism& of, std::span<const Candidate> candidates) {
  const double rate = value_up(of.rate());
  std::vector<double> weights;
  double total = 0;
  for (const Candidate& candidate : candidates) {
    weights.push_back(static_cast<double>(candidate.multiplicity) *
                      std::exp(-rate * static_cast<double>(candidate.loss)));
    total += weights.back();
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

/// The exact distribution of an answer over a small domain with leaves of one value each.
struct Distribution {
  std::vector<double> value;                   ///< [leaf]
  std::vector<std::vector<double>> low, high;  ///< [leaf of the value][cell]
};
Distribution distribution(const internal::QuantilePlan& plan, const std::vector<int>& rows, int last_leaf) {
  const internal::Ranks ranks(histogram_of(rows), static_cast<std::uint64_t>(last_leaf));
  Distribution result;
  const internal::LeafGrid grid(0, last_leaf, static_cast<std::uint64_t>(last_leaf) + 2);
  const auto values = internal::value_candidates(plan, grid, ranks);
  const auto probabilities = chances(plan.value.mechanism, values.candidates);
  result.value.resize(static_cast<std::size_t>(last_leaf) + 1);
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const std::uint64_t many = values.candidates[i].multiplicity;
    for (std::uint64_t k = 0; k < many; ++k) {
      result.value[values.starts[i] + k] += probabilities[i] / static_cast<double>(many);
    }
  }
  for (std::uint64_t leaf = 0; leaf <= static_cast<std::uint64_t>(last_leaf); ++leaf) {
    for (const bool low : {true, false}) {
      const auto& aim = low ? plan.low : plan.high;
      const auto steps = internal::steps_to(low ? leaf : static_cast<std::uint64_t>(last_leaf) - leaf);
      (low ? result.low : result.high)
          .push_back(aim ? chances(aim->mechanism, internal::end_cells(plan, ranks, leaf, low, steps))
                         : std::vector<double>{1.0});
    }
  }
  return result;
}

/// All multisets of at most `most` rows over the leaves.
void for_each_dataset(int leaves, int most, const auto& visit, std::vector<int> rows = {}) {
  visit(rows);
  if (static_cast<int>(rows.size()) == most) return;
  for (int leaf = rows.empty() ? 0 : rows.back(); leaf < leaves; ++leaf) {
    rows.push_back(leaf);
    for_each_dataset(leaves, most, visit, rows);
    rows.pop_back();
  }
}

double largest_log_ratio(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  EXPECT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(std::log(a[i] / b[i])));
  return largest;
}

// Over all small datasets, all rows that can be added, and all outcomes: each of the three choices loses no more than
// its share, and the shares make epsilon. With so much epsilon that targets reach past their margins, some come close
// to it.
TEST(QuantileTest, EachChoiceLosesNoMoreThanItsShareOnAnyNeighbour) {
  const int kLeaves = long_run() ? 6 : 4, kRows = long_run() ? 6 : 4;
  for (const double epsilon : {2.0, 60.0}) {
    for (const std::int64_t fraction : kFractions) {
      for (const std::uint64_t rows_per_unit : {1U, 2U}) {
        auto options = options_of(epsilon == 2 ? "2" : "60", 0, kLeaves - 1, {fraction});
        options.rows_per_unit = rows_per_unit;
        const auto plan = internal::plan_quantile(options, 0, static_cast<std::uint64_t>(kLeaves - 1)).value();
        double value = 0, low = 0, high = 0;
        for_each_dataset(kLeaves, kRows, [&](const std::vector<int>& rows) {
          const auto here = distribution(plan, rows, kLeaves - 1);
          for (int added = 0; added < kLeaves; ++added) {
            std::vector<int> more = rows;
            for (std::uint64_t i = 0; i < rows_per_unit; ++i) more.push_back(i % 2 == 0 ? added : added * 3 % kLeaves);
            const auto there = distribution(plan, more, kLeaves - 1);
            value = std::max(value, largest_log_ratio(here.value, there.value));
            for (std::size_t leaf = 0; leaf < here.value.size(); ++leaf) {
              low = std::max(low, largest_log_ratio(here.low[leaf], there.low[leaf]));
              high = std::max(high, largest_log_ratio(here.high[leaf], there.high[leaf]));
            }
          }
        });
        const double end = epsilon / (plan.low && plan.high ? 6 : 3), slack = 1e-9 * epsilon;
        EXPECT_LE(value, epsilon * 2 / 3 + slack) << fraction << ", " << rows_per_unit << " rows per unit";
        EXPECT_LE(low, plan.low ? end + slack : 0) << fraction << ", " << rows_per_unit << " rows per unit";
        EXPECT_LE(high, plan.high ? end + slack : 0) << fraction << ", " << rows_per_unit << " rows per unit";
        EXPECT_GE(std::max({value, low, high}), epsilon / 10) << "the check would not notice much: " << fraction;
      }
    }
  }
}

// The value in a wide domain, where the empty leaves between rows weigh more than rows. At epsilon 8, where six rows
// are more than any margin, the loss comes within a hundredth of its share for every fraction: no smaller range would
// do.
TEST(QuantileTest, InAWideDomainTheValueLosesItsShareAndNoMore) {
  constexpr std::uint64_t kStep = 1'000'000'000, kLeaves = 4 * kStep + 1;
  const internal::LeafGrid grid(0, kLeaves - 1, kLeaves);
  for (const char* text : {"2", "8", "60"}) {
    const double epsilon = Epsilon::parse(text).value().value_up();
    for (const std::int64_t fraction : kFractions) {
      const auto options = options_of(text, 0, kLeaves - 1, {fraction});
      const auto plan = internal::plan_quantile(options, 0, kLeaves - 1).value();
      const double rate = value_up(plan.value.mechanism.rate());
      // The logarithm of the chance of each row's leaf and of the leaves between rows.
      const auto log_chances = [&](const std::vector<int>& rows) {
        std::vector<LeafCount> histogram;
        for (const int row : rows) histogram.push_back({static_cast<std::uint64_t>(row) * kStep, 1});
        const auto values = internal::value_candidates(plan, grid, internal::Ranks(histogram, kLeaves - 1));
        double total = 0;
        for (const Candidate& candidate : values.candidates) {
          total += static_cast<double>(candidate.multiplicity) * std::exp(-rate * static_cast<double>(candidate.loss));
        }
        std::vector<double> logs;
        for (std::uint64_t probe = 0; probe < kLeaves; probe += kStep / 2) {
          const auto after = std::upper_bound(values.starts.begin(), values.starts.end(), probe);
          const auto& candidate = values.candidates[static_cast<std::size_t>(after - values.starts.begin() - 1)];
          logs.push_back(-rate * static_cast<double>(candidate.loss) - std::log(total));
        }
        return logs;
      };
      double worst = 0;
      for_each_dataset(5, long_run() ? 9 : 6, [&](const std::vector<int>& rows) {
        const auto here = log_chances(rows);
        for (int added = 0; added < 5; ++added) {
          std::vector<int> more = rows;
          more.push_back(added);
          const auto there = log_chances(more);
          for (std::size_t i = 0; i < here.size(); ++i) worst = std::max(worst, std::abs(here[i] - there[i]));
        }
      });
      EXPECT_LE(worst, epsilon * 2 / 3 * (1 + 1e-9)) << text << ", " << fraction;
      if (epsilon == 8) {
        EXPECT_GE(worst, epsilon * 2 / 3 * 0.99) << fraction;
      }
    }
  }
}

/// The ceil(p n)-th smallest, the smallest for p = 0.
int true_quantile(const std::vector<int>& rows, std::int64_t fraction) {
  const auto n = static_cast<std::int64_t>(rows.size());
  const std::int64_t k =
      std::max<std::int64_t>(1, (fraction * n + QuantileRelease::kNanos - 1) / QuantileRelease::kNanos);
  return rows[static_cast<std::size_t>(k - 1)];
}

/// P(low <= truth <= high), exactly: the ends are independent given the value.
double coverage(const internal::QuantilePlan& plan, const std::vector<int>& rows, int last_leaf, int truth) {
  const auto of = distribution(plan, rows, last_leaf);
  double covered = 0;
  for (int leaf = 0; leaf <= last_leaf; ++leaf) {
    const auto at = static_cast<std::size_t>(leaf);
    double holds[2] = {1, 1};
    for (const bool low : {true, false}) {
      if (!(low ? plan.low : plan.high)) continue;
      const auto steps = internal::steps_to(static_cast<std::uint64_t>(low ? leaf : last_leaf - leaf));
      const auto& cells = low ? of.low[at] : of.high[at];
      double& sum = holds[low ? 0 : 1];
      sum = 0;
      for (std::size_t cell = 0; cell < cells.size(); ++cell) {
        const bool beyond = cell > steps.size();
        const int step = cell == 0 || beyond ? 0 : static_cast<int>(steps[cell - 1]);
        const bool fine = beyond || (low ? leaf - step <= truth : leaf + step >= truth);
        sum += fine ? cells[cell] : 0;
      }
    }
    covered += of.value[at] * holds[0] * holds[1];
  }
  return covered;
}

TEST(QuantileTest, IntervalsOfEverySmallDatasetHoldTheTruthAtThePromisedRate) {
  const int kLeaves = long_run() ? 8 : 6, kRows = long_run() ? 7 : 5;
  for (const std::int64_t fraction : kFractions) {
    for (const double wanted : {0.5, 0.95}) {
      // So much epsilon that margins are smaller than the datasets.
      auto options = options_of("60", 0, kLeaves - 1, {fraction});
      options.coverage = wanted;
      const auto plan = internal::plan_quantile(options, 0, static_cast<std::uint64_t>(kLeaves - 1)).value();
      for_each_dataset(kLeaves, kRows, [&](const std::vector<int>& rows) {
        if (rows.empty()) return;
        ASSERT_GE(coverage(plan, rows, kLeaves - 1, true_quantile(rows, fraction)), wanted)
            << fraction << " of " << ::testing::PrintToString(rows);
      });
    }
  }
}

// What the margin of an end rests on: whichever cell is the right one, those nearer to the value weigh no more than
// this.
TEST(QuantileTest, CellsNearerThanAnyOtherWeighNoMoreThanTheBound) {
  const std::uint64_t kLast = ~std::uint64_t{0};
  const auto plan = internal::plan_quantile(options_of("1", 0, 1, {500'000'000}), 0, kLast).value();
  const internal::Ranks ranks({}, kLast);
  const double bound = internal::cells_on_the_wrong_side(kLast);
  EXPECT_LT(bound, 7.5);
  double heaviest = 0;
  for (std::uint64_t reach = 0; reach < kLast / 2; reach += 1 + reach / 50) {
    const auto steps = internal::steps_to(reach);
    for (const bool low : {true, false}) {
      const auto cells = internal::end_cells(plan, ranks, low ? reach : kLast - reach, low, steps);
      ASSERT_EQ(cells.size(), steps.size() + 2);
      double nearer = 0;
      for (const Candidate& cell : cells) {
        heaviest = std::max(heaviest, nearer / static_cast<double>(cell.multiplicity));
        nearer += static_cast<double>(cell.multiplicity);
      }
    }
    ASSERT_LE(internal::cells_on_the_wrong_side(reach), bound);
  }
  EXPECT_LE(heaviest, bound);
  EXPECT_GE(heaviest, 0.9 * bound);
}

// Larger datasets with runs of equal values, gaps and both ends of the domain.
TEST(QuantileTest, IntervalsOfAwkwardDatasetsHoldTheTruthAtThePromisedRate) {
  constexpr int kLast = 60;
  std::mt19937_64 random(50);
  std::vector<std::vector<int>> datasets = {std::vector<int>(300, 17), std::vector<int>(300, 0),
                                            std::vector<int>(300, kLast)};
  for (int i = 0; i < 12; ++i) {
    std::vector<int> rows;
    const auto size = 20 + random() % 400;
    while (rows.size() < size) {
      const int value = static_cast<int>(random() % 61);
      for (std::uint64_t copies = random() % (i % 4 == 0 ? 100 : 3); copies > 0; --copies) rows.push_back(value);
    }
    std::sort(rows.begin(), rows.end());
    datasets.push_back(rows);
  }
  for (const std::int64_t fraction : kFractions) {
    const auto plan = internal::plan_quantile(options_of("3", 0, kLast, {fraction}), 0, kLast).value();
    for (std::size_t i = 0; i < datasets.size(); ++i) {
      ASSERT_GE(coverage(plan, datasets[i], kLast, true_quantile(datasets[i], fraction)), 0.95)
          << fraction << ", dataset " << i << ", seed 50";
    }
  }
}

TEST(QuantileTest, AnswersHaveTheComputedDistribution) {
  constexpr int kLast = 9;
  const std::vector<int> rows = {1, 1, 2, 4, 4, 4, 7, 8};
  const auto options = options_of("4", 100, 100 + kLast, {500'000'000});
  const auto release = QuantileRelease::make(options).value();
  const auto of = distribution(internal::plan_quantile(options, 0, kLast).value(), rows, kLast);
  const NoiseSeed seed = NoiseSeed::from_bytes({10});
  DrawStream stream = seed.stream(1);
  std::map<std::int64_t, int> seen;
  const int trials = 4000;
  for (int i = 0; i < trials; ++i) {
    const auto estimate = release.estimate(histogram_of(rows), stream)[0];
    ASSERT_TRUE(100 <= estimate.low && estimate.low <= estimate.value && estimate.value <= estimate.high &&
                estimate.high <= 100 + kLast);
    ++seen[estimate.value];
  }
  for (int leaf = 0; leaf <= kLast; ++leaf) {
    const double p = of.value[static_cast<std::size_t>(leaf)];
    EXPECT_NEAR(seen[100 + leaf], trials * p, 6.5 * std::sqrt(trials * p) + 1) << leaf << ", seed 10";
  }
}

// Loans are asked for in hundreds: the median is one of them, not an empty number beside it.
TEST(QuantileTest, RoundDataHasRoundQuantiles) {
  std::mt19937_64 random(54);
  std::vector<LeafCount> histogram;
  const auto release = QuantileRelease::make(options_of("1", 0, 40'000, {500'000'000})).value();
  for (std::int64_t amount = 100; amount <= 40'000; amount += 100) {
    histogram.push_back({release.leaf_of(amount), 1 + random() % (amount % 1000 == 0 ? 60 : 6)});
  }
  const NoiseSeed seed = NoiseSeed::from_bytes({17});
  int round = 0;
  for (std::uint64_t draw = 0; draw < 200; ++draw) {
    DrawStream stream = seed.stream(draw);
    round += release.estimate(histogram, stream)[0].value % 100 == 0 ? 1 : 0;
  }
  EXPECT_GE(round, 120);  // 2 of 200 if all numbers weighed the same and none were rows
}

TEST(QuantileTest, LeavesCutTheDomainAndAlsoTheLargestOne) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min(),
                         kMost = std::numeric_limits<std::int64_t>::max();
  const std::pair<std::int64_t, std::int64_t> domains[] = {
      {0, 0},     {-3, 4},         {0, 99},        {-1'000'000'000, 2'000'000'001},
      {0, kMost}, {kLeast, kMost}, {kMost, kMost}, {kLeast, kLeast + 5'000'000}};
  for (const auto& [low, high] : domains) {
    const auto release = QuantileRelease::make(options_of("1", low, high, {500'000'000})).value();
    EXPECT_EQ(release.leaf_low(0), low);
    EXPECT_EQ(release.leaf_high(release.last_leaf()), high);
    EXPECT_EQ(release.leaf_of(kLeast), 0U);
    EXPECT_EQ(release.leaf_of(kMost), release.last_leaf());
    for (const std::uint64_t leaf : {std::uint64_t{0}, release.last_leaf() / 2, release.last_leaf()}) {
      EXPECT_EQ(release.leaf_of(release.leaf_low(leaf)), leaf);
      EXPECT_EQ(release.leaf_of(release.leaf_high(leaf)), leaf);
      if (leaf > 0) {
        EXPECT_EQ(release.leaf_high(leaf - 1) + 1, release.leaf_low(leaf));
      }
    }
    if (static_cast<Uint128>(static_cast<Int128>(high) - low) < (Uint128{1} << 40)) {
      EXPECT_LT(release.last_leaf(), std::uint64_t{1} << 20);
    }
  }
}

// Undeclared bounds: the whole of int64. The answer is as near in rank as it would be in a narrow domain.
TEST(QuantileTest, TheWholeRangeOfIntegersIsADomainLikeAnyOther) {
  const auto release = QuantileRelease::make(options_of("1", std::numeric_limits<std::int64_t>::min(),
                                                        std::numeric_limits<std::int64_t>::max(), {500'000'000}))
                           .value();
  std::vector<LeafCount> histogram;
  for (std::int64_t value = -500; value <= 500; ++value) histogram.push_back({release.leaf_of(value), 1});
  const NoiseSeed seed = NoiseSeed::from_bytes({11});
  for (std::uint64_t draw = 0; draw < 50; ++draw) {
    DrawStream stream = seed.stream(draw);
    const auto estimate = release.estimate(histogram, stream)[0];
    EXPECT_LE(std::abs(estimate.value), 40) << draw;
    EXPECT_LE(estimate.low, 0);
    EXPECT_GE(estimate.high, 0);
    EXPECT_GE(estimate.low, -250);
    EXPECT_LE(estimate.high, 250);
  }
}

TEST(QuantileTest, OrderAndRepetitionOfLeavesChangeNothing) {
  const auto release =
      QuantileRelease::make(options_of("1", 0, 1000, {0, 250'000'000, 500'000'000, 1'000'000'000})).value();
  std::mt19937_64 random(51);
  std::vector<LeafCount> once, pieces;
  for (std::uint64_t leaf = 0; leaf <= 1000; leaf += 1 + random() % 20) {
    const std::uint64_t count = 1 + random() % 9;
    once.push_back({leaf, count});
    pieces.push_back({leaf, 1});
    pieces.push_back({leaf, 0});
    pieces.push_back({leaf, count - 1});
  }
  std::shuffle(pieces.begin(), pieces.end(), random);
  const NoiseSeed seed = NoiseSeed::from_bytes({12});
  for (std::uint64_t draw = 0; draw < 20; ++draw) {
    DrawStream a = seed.stream(draw), b = seed.stream(draw);
    const auto first = release.estimate(once, a), second = release.estimate(pieces, b);
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(first[i].value, second[i].value);
      EXPECT_EQ(first[i].low, second[i].low);
      EXPECT_EQ(first[i].high, second[i].high);
    }
  }
}

TEST(QuantileTest, HostileHistogramsAreClampedNotTrusted) {
  const auto release = QuantileRelease::make(options_of("1", 0, 10, {0, 500'000'000, 1'000'000'000})).value();
  const std::uint64_t huge = ~std::uint64_t{0};
  const NoiseSeed seed = NoiseSeed::from_bytes({13});
  DrawStream stream = seed.stream(1);
  for (const auto& histogram : {std::vector<LeafCount>{}, std::vector<LeafCount>{{huge, huge}, {huge, huge}, {3, huge}},
                                std::vector<LeafCount>{{5, 0}}}) {
    for (const auto& estimate : release.estimate(histogram, stream)) {
      EXPECT_TRUE(0 <= estimate.low && estimate.low <= estimate.value && estimate.value <= estimate.high &&
                  estimate.high <= 10);
    }
  }
}

// The least epsilon, the most rows per unit, the finest fraction and the widest domain together.
TEST(QuantileTest, ExtremeParametersNeitherOverflowNorStop) {
  auto options = options_of("0.000000001", std::numeric_limits<std::int64_t>::min(),
                            std::numeric_limits<std::int64_t>::max(), std::vector<std::int64_t>(64, 333'333'333));
  options.fractions_nano[1] = 0;
  options.fractions_nano[2] = 1'000'000'000;
  options.fractions_nano[3] = 1;
  options.rows_per_unit = std::uint64_t{1} << 40;
  const std::uint64_t huge = ~std::uint64_t{0};
  const NoiseSeed seed = NoiseSeed::from_bytes({15});
  for (const char* epsilon : {"0.000000001", "1000"}) {
    options.epsilon = Epsilon::parse(epsilon).value();
    const auto release = QuantileRelease::make(options).value();
    DrawStream stream = seed.stream(1);
    for (const auto& estimate : release.estimate(std::vector<LeafCount>{{0, huge}, {7, huge}, {huge, huge}}, stream)) {
      EXPECT_TRUE(estimate.low <= estimate.value && estimate.value <= estimate.high);
    }
    EXPECT_GT(release.rank_margin(0), 0);
  }
}

// Through the whole release: over ten thousand seeds at least the promised share holds the truth, less four standard
// errors.
TEST(QuantileTest, IntervalsOverManySeedsHoldTheTruth) {
  std::mt19937_64 random(53);
  std::vector<std::int64_t> rows;
  for (int i = 0; i < 250; ++i)
    rows.push_back(static_cast<std::int64_t>(random() % 40) * static_cast<std::int64_t>(random() % 40));
  std::sort(rows.begin(), rows.end());
  const auto release = QuantileRelease::make(options_of("4", 0, 2000, {100'000'000, 500'000'000})).value();
  std::vector<LeafCount> histogram;
  for (const std::int64_t row : rows) histogram.push_back({release.leaf_of(row), 1});
  const int trials = long_run() ? 10000 : 500;
  const NoiseSeed seed = NoiseSeed::from_bytes({16});
  int held[2] = {0, 0};
  for (int i = 0; i < trials; ++i) {
    DrawStream stream = seed.stream(static_cast<std::uint64_t>(i));
    const auto estimates = release.estimate(histogram, stream);
    for (const std::size_t which : {0U, 1U}) {
      const std::int64_t truth = rows[which == 0 ? 24 : 124];
      held[which] += estimates[which].low <= truth && truth <= estimates[which].high ? 1 : 0;
    }
  }
  for (const int count : held) EXPECT_GE(count, 0.95 * trials - 4 * std::sqrt(trials * 0.95 * 0.05)) << "seed 16";
}

// Noisy binary search, the plain alternative: log2(domain) noisy ranks, each with an equal share of epsilon.
std::int64_t noisy_binary_search(const std::vector<std::int64_t>& rows, std::int64_t low, std::int64_t high,
                                 double epsilon, std::mt19937_64& random) {
  const double rounds = std::ceil(std::log2(static_cast<double>(high - low) + 1));
  std::exponential_distribution<double> exponential(epsilon / rounds /
                                                    0.5);  // the rank less half the rows moves by 1/2
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const auto below = static_cast<double>(std::upper_bound(rows.begin(), rows.end(), middle) - rows.begin());
    const double noisy = below - static_cast<double>(rows.size()) / 2 + exponential(random) - exponential(random);
    noisy >= 0 ? high = middle : low = middle + 1;
  }
  return low;
}

TEST(QuantileTest, TheMedianIsNearerThanANoisyBinarySearch) {
  std::mt19937_64 random(52);
  std::lognormal_distribution<double> income(10, 0.7);
  std::vector<std::int64_t> rows;
  for (int i = 0; i < 1000; ++i)
    rows.push_back(std::min<std::int64_t>(1'000'000, static_cast<std::int64_t>(income(random))));
  std::sort(rows.begin(), rows.end());
  const auto release = QuantileRelease::make(options_of("0.5", 0, 1'000'000, {500'000'000})).value();
  std::vector<LeafCount> histogram;
  for (const std::int64_t row : rows) histogram.push_back({release.leaf_of(row), 1});
  const NoiseSeed seed = NoiseSeed::from_bytes({14});
  std::vector<double> ours, plain;
  int covered = 0;
  constexpr int kTrials = 200;
  const auto rank_error = [&](std::int64_t value) {
    return std::abs(static_cast<double>(std::lower_bound(rows.begin(), rows.end(), value) - rows.begin()) - 500);
  };
  for (int i = 0; i < kTrials; ++i) {
    DrawStream stream = seed.stream(static_cast<std::uint64_t>(i));
    const auto estimate = release.estimate(histogram, stream)[0];
    covered += estimate.low <= rows[499] && rows[499] <= estimate.high ? 1 : 0;
    ours.push_back(rank_error(estimate.value));
    plain.push_back(rank_error(noisy_binary_search(rows, 0, 1'000'000, 0.5, random)));
  }
  std::sort(ours.begin(), ours.end());
  std::sort(plain.begin(), plain.end());
  EXPECT_LT(ours[kTrials / 2], plain[kTrials / 2]);  // although a third of our epsilon buys the interval
  EXPECT_LE(ours[kTrials * 9 / 10], release.rank_error(0));
  EXPECT_GE(covered, 0.95 * kTrials - 4 * std::sqrt(kTrials * 0.95 * 0.05));
}

TEST(QuantileTest, SeveralQuantilesShareEpsilon) {
  const auto one = QuantileRelease::make(options_of("1", 0, 1000, {500'000'000})).value();
  const auto four =
      QuantileRelease::make(options_of("4", 0, 1000, {500'000'000, 0, 1'000'000'000, 250'000'000})).value();
  EXPECT_EQ(one.rank_margin(0), four.rank_margin(0));
}

TEST(QuantileTest, RefusesWhatMakesNoSense) {
  EXPECT_FALSE(QuantileRelease::make(options_of("1", 1, 0, {500'000'000})));
  EXPECT_FALSE(QuantileRelease::make(options_of("1", 0, 1, {})));
  EXPECT_FALSE(QuantileRelease::make(options_of("1", 0, 1, {-1})));
  EXPECT_FALSE(QuantileRelease::make(options_of("1", 0, 1, {1'000'000'001})));
  EXPECT_FALSE(QuantileRelease::make(options_of("1", 0, 1, std::vector<std::int64_t>(65, 0))));
  auto options = options_of("1", 0, 1, {0});
  options.epsilon = Epsilon();
  EXPECT_FALSE(QuantileRelease::make(options));
  options = options_of("1", 0, 1, {0});
  options.coverage = 1;
  EXPECT_FALSE(QuantileRelease::make(options));
  options.coverage = std::nan("");
  EXPECT_FALSE(QuantileRelease::make(options));
  options = options_of("1", 0, 1, {0});
  options.rows_per_unit = 0;
  EXPECT_FALSE(QuantileRelease::make(options));
}

}  // namespace
}  // namespace prism::dp
