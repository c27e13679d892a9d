// The answer's distribution: intervals cover, groups of one unit stay hidden, neighbours cannot be told apart better
// than epsilon allows. Every random number comes from a seed that a failure prints.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "prism/backend/dp/internal/answering.h"
#include "prism/backend/dp/internal/test_world.h"
#include "prism/backend/dp/relational_load.h"

namespace prism::backend::dp::test {
namespace {

using prism::dp::NoiseSeed;

bool long_run() { return std::getenv("PRISM_LONG") != nullptr; }

NoiseSeed seed_of(std::uint64_t number) {
  NoiseSeed::Key key{};
  for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return NoiseSeed::from_bytes(key);
}

double value_of(const table::Cell& cell) {
  const auto* number = std::get_if<table::Number>(&cell);
  return number == nullptr ? std::nan("") : std::strtod(number->text.c_str(), nullptr);
}

std::string people_csv(int people) {
  std::string out = "id,age,weight,score,sex,city\n";
  for (int i = 1; i <= people; ++i) {
    out += std::to_string(i) + "," + std::to_string(18 + (i * 37) % 70) + "," + std::to_string(50 + (i * 13) % 60) +
           "," + std::to_string(i) + "," + (i % 2 == 0 ? "F" : "M") + ",Ulm\n";
  }
  return out;
}

/// The groups that DuckDB would give, once, so that many seeds cost nothing but noise.
std::vector<GroupNumbers> exact_of(World& world, const Prepared& prepared) {
  auto database = duck::Database::open({});
  const Layout layout = internal::layout_of(world.grant);
  const Status loaded =
      load_table(*database, layout, 0, world.source.tables.at("people"), internal::row_key_of(world.grant));
  EXPECT_TRUE(loaded);
  return *prepared.state().query->run(*database);
}

TEST(DpIntervals, CoverTheTruthAsOftenAsTheySay) {
  World world(people_grant());
  world.put("people", people_csv(200));
  const char* sql =
      "SELECT COUNT(*), SUM(age), AVG(age), VAR_POP(age), STDDEV(weight), COUNT(weight), MEDIAN(age), SUM(age) / 10.0 "
      "+ "
      "COUNT(*), MIN(age), MAX(weight) FROM people";
  const auto prepared = world.prepare(sql, "2");
  ASSERT_TRUE(prepared) << prepared.error().message;
  const auto truth = world.run(without_noise(*prepared));
  ASSERT_TRUE(truth) << truth.error().message;
  // The noiseless order statistics: minimum, maximum and median of the data itself.
  std::vector<double> right;
  for (const table::Cell& cell : truth->table.rows[0]) right.push_back(value_of(cell));
  right[8] = 18;
  right[9] = 109;
  const auto exact = exact_of(world, *prepared);
  const int seeds = long_run() ? 10'000 : 1'000;
  std::vector<int> hits(right.size(), 0);
  std::vector<double> promised(right.size(), 0.95);
  for (int s = 0; s < seeds; ++s) {
    const auto answer = internal::answer_from(prepared->state(), seed_of(static_cast<std::uint64_t>(s)), exact);
    ASSERT_TRUE(answer);
    for (std::size_t k = 0; k < right.size(); ++k) {
      const auto& interval = answer->intervals[0][k];
      ASSERT_TRUE(interval) << k;
      promised[k] = interval->coverage;
      // Outward digits: what is printed is what is promised.
      if (value_of(interval->low) <= right[k] && right[k] <= value_of(interval->high)) ++hits[k];
    }
  }
  for (std::size_t k = 0; k < right.size(); ++k) {
    const double rate = hits[k] / double(seeds);
    const double four_errors = 4 * std::sqrt(promised[k] * (1 - promised[k]) / seeds);
    EXPECT_GE(promised[k], 0.95);
    EXPECT_GE(rate, promised[k] - four_errors) << "column " << k << ", seeds 0 to " << seeds;
    // COUNT, SUM and AVG promise what they compute, so they cover no more either; a staircase and whole ends widen a
    // bit.
    if (k < 3) {
      EXPECT_LE(rate, promised[k] + 0.01 + four_errors) << "column " << k;
    }
    RecordProperty("covered_" + std::to_string(k), std::to_string(rate));
  }
}

TEST(DpGroups, OneUnitShowsWithProbabilityAtMostDelta) {
  policy::Grant grant = people_grant();
  World world(grant);
  Options options = World::options("1");
  options.delta = prism::dp::Delta::parse("1e-3").value();
  for (const char* sql : {"SELECT city, COUNT(*) FROM people GROUP BY city",     // threshold on the noisy count
                          "SELECT city, AVG(age) FROM people GROUP BY city"}) {  // a choice of its own
    SCOPED_TRACE(sql);
    const auto prepared = dp::prepare(grant, sql, options);
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_LE(prepared->charge().delta, *options.delta);
    const internal::RawRequest& raw = prepared->state().raw;
    GroupNumbers one;
    one.keys = {std::string("Nowhere")};
    for (const Aggregate& a : raw.request.aggregates) one.numbers.emplace_back(a.numbers(), Int128{0});
    for (std::size_t i = 0; i < raw.request.aggregates.size(); ++i) {
      const auto kind = raw.request.aggregates[i].kind;
      if (kind == Aggregate::Kind::rows || kind == Aggregate::Kind::units) one.numbers[i][0] = 1;
      if (kind == Aggregate::Kind::bernstein) one.numbers[i][0] = 100;
    }
    const int trials = long_run() ? 1'000'000 : 40'000;
    const std::vector<GroupNumbers> exact{one};
    int shown = 0;
    for (int s = 0; s < trials; ++s)
      shown += static_cast<int>(
          internal::released(prepared->state(), seed_of(1'000'000ULL + static_cast<std::uint64_t>(s)), exact).size());
    // At most delta, give or take six standard errors.
    const double bound = 1e-3 * trials;
    EXPECT_LE(shown, bound + 6 * std::sqrt(bound)) << "seeds from 1000000";
    EXPECT_GT(shown, 0) << "so few would mean that the test does not look where groups are shown";
  }
}

TEST(DpIntervals, CoverAmongTheGroupsThatAreShown) {
  // Near the threshold a group shows only when its noise was high; its interval has to know.
  World world(people_grant());
  Options options = World::options("1");
  options.delta = prism::dp::Delta::parse("1e-3").value();
  const auto prepared = dp::prepare(world.grant, "SELECT city, COUNT(*) FROM people GROUP BY city", options);
  ASSERT_TRUE(prepared) << prepared.error().message;
  ASSERT_TRUE(prepared->state().releases.threshold);
  const int threshold = static_cast<int>(prepared->state().releases.threshold->selection.threshold());
  for (const int units : {threshold - 3, threshold, threshold + 3, threshold + 30}) {
    GroupNumbers group;
    group.keys = {std::string("Ulm")};
    group.numbers = {{Int128{units}}};
    int shown = 0, hit = 0;
    for (std::uint64_t s = 0; s < (long_run() ? 100'000U : 6'000U); ++s) {
      const auto answer = internal::answer_from(prepared->state(), seed_of(s), {group});
      ASSERT_TRUE(answer);
      if (answer->table.rows.empty()) continue;
      const auto& interval = answer->intervals[0][1];
      ++shown;
      if (value_of(interval->low) <= units && units <= value_of(interval->high)) ++hit;
    }
    ASSERT_GT(shown, 50) << units;
    EXPECT_GE(hit, 0.95 * shown - 4 * std::sqrt(0.95 * 0.05 * shown)) << units << " units, shown " << shown;
  }
}

/// P(x = k) for k from -reach to reach; what is beyond is below `cut`.
std::vector<double> chances(const prism::dp::Noise& noise, double cut) {
  int reach = 0;
  while (noise.tail_up(reach) > cut) ++reach;
  std::vector<double> out;
  for (int k = -reach; k <= reach; ++k) {
    const Int128 size = std::abs(k);
    out.push_back(k == 0 ? 1 - noise.tail_up(0) : (noise.tail_up(size - 1) - noise.tail_up(size)) / 2);
  }
  return out;
}

bool holds(const std::optional<CellInterval>& interval, const mpq_class& truth) {
  const auto fraction = [](const table::Cell& cell) {
    std::string digits = std::get<table::Number>(cell).text;
    const std::size_t point = digits.find('.');
    mpz_class scale = 1;
    if (point != std::string::npos) {
      mpz_ui_pow_ui(scale.get_mpz_t(), 10, digits.size() - point - 1);
      digits.erase(point, 1);
    }
    mpq_class out(mpz_class(digits, 10), scale);
    out.canonicalize();
    return out;
  };
  return interval && fraction(interval->low) <= truth && truth <= fraction(interval->high);
}

/// Of the interval of output 0, over every value that the noise of the first release can take.
double average_coverage(const Prepared& prepared, const std::vector<mpz_class>& exact, const mpq_class& truth) {
  const internal::PlannedRelease& r = prepared.state().releases.releases[0];
  const std::vector<double> p = chances(*r.noise, 1e-5);
  const long reach = static_cast<long>(p.size() / 2);
  internal::NoisyGroup group;
  group.numbers = exact;
  std::vector<std::size_t> at(r.numbers, 0);
  double covered = 0;
  while (true) {
    double chance = 1;
    for (std::size_t k = 0; k < at.size(); ++k) {
      chance *= p[at[k]];
      group.numbers[k] = exact[k] + (static_cast<long>(at[k]) - reach);
    }
    if (chance > 1e-8 && holds(prepared.state().bars->of(0, group, std::monostate{}), truth)) covered += chance;
    std::size_t k = 0;
    while (k < at.size() && ++at[k] == p.size()) at[k++] = 0;
    if (k == at.size()) return covered;
  }
}

TEST(DpIntervals, AveragesOfFewValuesAreCoveredWhateverTheyAre) {
  // Noise of few values: half widths jump, and are not monotone in the weights of the two sums.
  struct Case {
    int width;
    const char* epsilon;
    const char* sql;
    std::vector<int> sums;  ///< of 1017 rows
  };
  const std::vector<Case> cases = {
      {2, "2.3", "SELECT AVG(age) FROM people", {0, 301, 510, 760, 1017, 1525}},
      {1, "1.2", "SELECT AVG(age) FROM people", {200, 340, 508}},
      {1, "3", "SELECT AVG(age) FROM people", {127, 255, 678}},
      {4, "5", "SELECT AVG(age) FROM people", {1000, 2111, 3500}},
      {1, "3", "SELECT AVG(age), VAR_POP(age) FROM people", {0, 255, 508}},
  };
  for (const Case& one : cases) {
    policy::Grant grant = people_grant();
    grant.tables[0].columns[1].bounds = policy::Bounds{0, one.width};
    const auto prepared = dp::prepare(grant, one.sql, World::options(one.epsilon));
    ASSERT_TRUE(prepared) << prepared.error().message;
    const int degree = prepared->state().releases.releases[0].degree;
    for (const int sum : one.sums) {
      const int n = 1017, w = one.width;
      // Of degree 2 as if all values were 0 or 1, which are all there are for width 1.
      std::vector<mpz_class> exact{sum, n * w - sum};
      if (degree == 2) exact = {sum, 0, n - sum};
      mpq_class truth(sum, n);
      truth.canonicalize();
      const double covered = average_coverage(*prepared, exact, truth);
      EXPECT_GE(covered, 0.95 - 1e-4) << one.sql << " width " << w << ", epsilon " << one.epsilon << ", sum " << sum;
      EXPECT_FALSE(prepared->state().bars->of(0, {{}, exact, {}}, std::monostate{})->exact);
    }
  }
}

TEST(DpIntervals, MultiplesOfTheCountThatChoseTheGroupsKnowThat) {
  Options options = World::options("1");
  options.delta = prism::dp::Delta::parse("1e-4").value();
  struct Case {
    const char* sql;
    std::vector<mpq_class> factors;  ///< of the columns after the key
  };
  const Case cases[] = {
      {"SELECT city, COUNT(*), SUM(1), SUM(-3), SUM(0), SUM(2.5), COUNT(DISTINCT id) FROM people GROUP BY city",
       {1, 1, -3, 0, mpq_class(5, 2), 1}},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.sql);
    const auto prepared = dp::prepare(people_grant(), one.sql, options);
    ASSERT_TRUE(prepared) << prepared.error().message;
    const internal::ReleasePlan& plan = prepared->state().releases;
    ASSERT_TRUE(plan.threshold);
    const int threshold = static_cast<int>(plan.threshold->selection.threshold());
    const std::vector<double> p = chances(*plan.releases[0].noise, 1e-12);
    for (const int units : {1, 2, 8, threshold - 1, threshold, threshold + 5, 200}) {
      double shown = 0;
      std::vector<double> covered(one.factors.size(), 0);
      for (std::size_t i = 0; i < p.size(); ++i) {
        const int seen = units + static_cast<int>(i) - static_cast<int>(p.size() / 2);
        if (seen < threshold) continue;
        shown += p[i];
        const internal::NoisyGroup group{{std::string("Ulm")}, {seen}, {}};
        for (std::size_t k = 0; k < covered.size(); ++k) {
          const auto interval = prepared->state().bars->of(k + 1, group, std::monostate{});
          if (holds(interval, one.factors[k] * units)) covered[k] += p[i];
        }
      }
      for (std::size_t k = 0; k < covered.size(); ++k)
        EXPECT_GE(covered[k], (0.95 - 1e-6) * shown) << "output " << k + 1 << ", " << units << " units";
    }
  }
}

TEST(DpMembership, NobodyIsFoundMoreOftenThanEpsilonAllows) {
  // D has one person more than D', a count is asked at epsilon 1; the best guess is a threshold on the answer.
  World world(people_grant());
  world.put("people", people_csv(50));
  const auto prepared = world.prepare("SELECT COUNT(*), AVG(age) FROM people", "1");
  ASSERT_TRUE(prepared) << prepared.error().message;
  const auto with = exact_of(world, *prepared);
  world.put("people", people_csv(49));
  const auto without = exact_of(world, *prepared);
  const int trials = long_run() ? 200'000 : 10'000;
  std::map<std::int64_t, std::pair<int, int>> seen;
  for (int s = 0; s < trials; ++s) {
    const auto key = [&](const std::vector<GroupNumbers>& exact, std::uint64_t offset) {
      const auto groups = internal::released(prepared->state(), seed_of(offset + static_cast<std::uint64_t>(s)), exact);
      // One number of the release, as an attacker who knows everybody else would look at it.
      return static_cast<std::int64_t>(mpz_class(groups[0].numbers[0] / 10).get_si());
    };
    ++seen[key(with, 0)].first;
    ++seen[key(without, 1ULL << 32)].second;
  }
  double best = 0;
  int above_with = 0, above_without = 0;
  for (const auto& [answer, counts] : seen) {
    above_with += counts.first;
    above_without += counts.second;
    best = std::max(best, std::abs(above_with - above_without) / double(trials));
  }
  const double bound = (std::exp(1.0) - 1) / (std::exp(1.0) + 1);
  EXPECT_LE(best, bound + 5 * std::sqrt(0.5 / trials)) << "seeds from 0 and 2^32";
  EXPECT_GT(best, 0.02) << "neighbours that look the same would mean that nothing was measured";
}

TEST(DpGrid, NeighboursReachTheSameNumbers) {
  // Mironov's attack reads the grid of answers. Here every whole number is within reach whatever the data: all residues
  // occur on both sides.
  World world(people_grant());
  world.put("people", people_csv(50));
  const auto prepared = world.prepare("SELECT SUM(age), COUNT(*) FROM people", "1");
  const auto with = exact_of(world, *prepared);
  world.put("people", people_csv(49));
  const auto without = exact_of(world, *prepared);
  for (const auto& exact : {with, without}) {
    std::vector<int> residues(30, 0);
    for (std::uint64_t s = 0; s < 2'000; ++s) {
      const auto groups = internal::released(prepared->state(), seed_of(s), exact);
      mpz_class rest;
      mpz_fdiv_r_ui(rest.get_mpz_t(), groups[0].numbers[0].get_mpz_t(), 30);
      ++residues[rest.get_ui()];
    }
    for (const int count : residues) EXPECT_GT(count, 0);
  }
}

TEST(DpNoise, IsNewForEveryGroupAndEveryRelease) {
  // Equal noise in two places cancels when they are subtracted.
  World world(people_grant());
  world.put("people", "id,age,weight,score,sex,city\n");
  const auto prepared = world.prepare("SELECT sex, SUM(age), SUM(weight), COUNT(*) FROM people GROUP BY sex", "1");
  ASSERT_TRUE(prepared) << prepared.error().message;
  int equal = 0, same_sign = 0;
  constexpr int kSeeds = 400;
  for (std::uint64_t s = 0; s < kSeeds; ++s) {
    const auto groups = internal::released(prepared->state(), seed_of(s), {});
    ASSERT_EQ(groups.size(), 2U);
    equal += groups[0].numbers[0] == groups[1].numbers[0] ? 1 : 0;
    // Scales differ by the sensitivities, but draws of one stream would share their signs.
    same_sign += sgn(groups[0].numbers[0]) == sgn(groups[0].numbers[1]) ? 1 : 0;
  }
  // Scales of hundreds: equal once in a thousand or so; signs agree every other time.
  EXPECT_LT(equal, kSeeds / 20);
  EXPECT_NEAR(same_sign, kSeeds / 2, 6 * std::sqrt(kSeeds / 4.0));
}

TEST(DpOrder, RowsInAnyOrderGiveTheSameAnswer) {
  // Casacuberta and others 2022: near the ends of int64, many small and one large, permuted.
  policy::Grant grant;
  grant = people_grant(3);
  grant.tables[0].columns[1].bounds = policy::Bounds{INT64_MIN / 4, INT64_MAX / 4};
  World world(grant);
  std::vector<std::string> rows;
  for (int i = 1; i <= 60; ++i) {
    const char* value = i % 3 == 0 ? "9223372036854775807" : i % 3 == 1 ? "-9223372036854775808" : "1";
    rows.push_back(std::to_string(i % 20) + "," + value + ",1,1,F,Ulm\n");
  }
  const auto ask = [&] {
    std::string csv = "id,age,weight,score,sex,city\n";
    for (const std::string& row : rows) csv += row;
    World fresh(grant);
    fresh.put("people", csv);
    const auto answer =
        fresh.ask("SELECT sex, SUM(age), AVG(age), COUNT(*), MEDIAN(age) FROM people GROUP BY sex", "1", 5);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
    return answer ? to_json(*answer) : "";
  };
  const std::string first = ask();
  std::reverse(rows.begin(), rows.end());
  EXPECT_EQ(ask(), first);
  std::rotate(rows.begin(), rows.begin() + 17, rows.end());
  EXPECT_EQ(ask(), first);
}

}  // namespace
}  // namespace prism::backend::dp::test
