// The tester on whole answers: SQL over CSV in, numbers, intervals and notes out, with everything in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <thread>

#include "prism/backend/dp/internal/test_world.h"
#include "prism/host/system.h"
#include "tests/privacy/tester.h"
#include "tests/support/welch.h"

namespace prism::privacy {
namespace {

using backend::dp::test::World;

/// Rows as people: units with up to three rows where two count, ages beyond their bounds, weights missing now and then,
/// two sexes that are public and two cities that are not.
std::string csv_of(const Dataset& data) {
  std::string out = "id,age,weight,score,sex,city\n";
  for (const Row& row : data) {
    const std::string weight = row.value % 3 == 0 ? "" : std::to_string(row.value * 2);
    out += std::to_string(row.unit) + "," + std::to_string(row.value) + "," + weight + ",0," +
           (row.group % 2 == 0 ? "F" : "M") + "," + (row.group < 2 ? "Ulm" : "Bern") + "\n";
  }
  return out;
}

std::int64_t hash_of(std::string_view text) {
  const Digest digest = hash::sha256(as_bytes(text));
  std::int64_t out = 0;
  for (unsigned i = 0; i < 7; ++i) out = out << 8 | digest[i];
  return out;
}

std::int64_t number_of(const table::Cell& cell) {
  if (const auto* const number = std::get_if<table::Number>(&cell)) {
    return static_cast<std::int64_t>(std::stold(number->text) * 1000);
  }
  const auto* const text = std::get_if<std::string>(&cell);
  return text == nullptr ? -1 : hash_of(*text);
}

/// What an analyst sees of an answer, as numbers: how many rows, a hash of all that should be the same for everybody,
/// the width of the first interval, and the cells.
Outcome seen(const Result<backend::dp::Answer>& answer) {
  if (!answer) return {-1, hash_of(answer.error().message + answer.error().detail)};
  std::string rest;
  for (const auto& note : answer->notes) rest += note.text + "\n";
  for (const auto& release : answer->releases) rest += release.what + to_string(release.parameter) + "\n";
  for (const auto& column : answer->table.columns) rest += column.name + "\n";
  rest += answer->epsilon.text() + answer->delta.text();
  Outcome out = {static_cast<std::int64_t>(answer->table.rows.size()), hash_of(rest), 0};
  for (const auto& row : answer->intervals) {
    for (const auto& interval : row) {
      if (interval && out[2] == 0) out[2] = number_of(interval->high) - number_of(interval->low);
    }
  }
  for (const auto& row : answer->table.rows) {
    for (const auto& cell : row) out.push_back(number_of(cell));
  }
  return out;
}

/// Worlds by their rows: loading is not what is tested many times.
class Worlds {
 public:
  World& of(const Dataset& data) {
    auto& world = worlds_[csv_of(data)];
    if (!world) {
      world = std::make_unique<World>(backend::dp::test::people_grant(2));
      world->put("people", csv_of(data));
    }
    return *world;
  }

 private:
  std::map<std::string, std::unique_ptr<World>> worlds_;
};

Mechanism question(const std::string& sql, bool noise = true) {
  Mechanism out{.name = sql,
                .epsilon = 1,
                .delta = 0.01,
                .domain = {.low = -20, .high = 150, .rows_per_unit = 3, .groups = 4, .most_units = 3},
                .run = {}};
  backend::dp::Options options;
  options.epsilon = dp::Epsilon::parse("1").value();
  options.delta = dp::Delta::parse("0.01").value();
  auto prepared = backend::dp::prepare(backend::dp::test::people_grant(2), sql, options);
  EXPECT_TRUE(prepared) << prepared.error().message;
  const backend::dp::Prepared ready = noise ? *prepared : backend::dp::test::without_noise(*prepared);
  out.run = [worlds = std::make_shared<Worlds>(), ready](const Dataset& data, const dp::NoiseSeed& seed) {
    return seen(worlds->of(data).run(ready, seed.stream(0).next_word()));
  };
  return out;
}

const std::vector<std::string>& questions() {
  static const std::vector<std::string> all = {
      "SELECT COUNT(*), SUM(age), AVG(age) FROM people",
      "SELECT VAR_POP(age), STDDEV(weight), COUNT(DISTINCT id) FROM people WHERE age < 90",
      "SELECT sex, COUNT(*), SUM(weight) / COUNT(weight) FROM people GROUP BY sex HAVING COUNT(*) > 2",
      "SELECT city, sex, COUNT(*), AVG(age) FROM people GROUP BY city, sex ORDER BY COUNT(*) DESC LIMIT 2",
      "SELECT MEDIAN(age), MIN(weight), MAX(age) FROM people WHERE city LIKE 'U%' OR weight IS NULL"};
  return all;
}

Effort effort() { return std::getenv("PRISM_LONG") != nullptr ? Effort{500, 2, 2'000} : Effort{16, 1, 320}; }

TEST(Answers, OfNeighboursAreNotToldApart) {
  for (const std::string& sql : questions()) {
    const auto violation = test_mechanism(question(sql), effort());
    std::printf("%s\n  %s\n", sql.c_str(), violation ? violation->evidence.c_str() : "private as claimed");
    EXPECT_FALSE(violation) << violation->evidence;
  }
}

TEST(Answers, WithoutNoiseAreToldApart) {
  for (const std::size_t i : {0U, 3U, 4U}) {
    const std::string& sql = questions()[i];
    const auto violation = test_mechanism(question(sql, false), {16, 10, 240});
    std::printf("%s\n  %s\n", sql.c_str(), violation ? violation->evidence.c_str() : "NOT CAUGHT");
    EXPECT_TRUE(violation) << sql;
  }
}

class RealSleeper final : public backend::dp::Sleeper {
 public:
  void sleep_until(std::chrono::nanoseconds time) override {
    const host::SystemClock clock;
    while (clock.monotonic() < time) std::this_thread::sleep_for(time - clock.monotonic());
  }
};
class NoSleeper final : public backend::dp::Sleeper {
 public:
  void sleep_until(std::chrono::nanoseconds) override {}
};

/// Welch's t of the times of two datasets asked in turn.
double timing_t(World& first, World& second, const backend::dp::Prepared& prepared, backend::dp::Sleeper& sleeper,
                int runs) {
  const host::SystemClock clock;
  std::vector<test::Measured> all;
  for (int i = 0; i < 2 * runs; ++i) {
    const int side = (i ^ i >> 1) & 1;  // 0 1 1 0 0 1 1 0: no side is always second
    World& world = side == 0 ? first : second;
    auto book = policy::MemoryBook::make(world.grant).value();
    backend::dp::test::SeededRandom random(static_cast<std::uint64_t>(i));
    const auto start = clock.monotonic();
    EXPECT_TRUE(backend::dp::run(prepared, world.engine, {book, random, clock, sleeper}));
    all.push_back({static_cast<double>((clock.monotonic() - start).count()), static_cast<double>(side)});
  }
  return test::largest_t(all);
}

TEST(Answers, LeaveAtTimesThatSayNothingAboutTheData) {
  if (std::getenv("PRISM_LONG") == nullptr) GTEST_SKIP() << "measures times: only with PRISM_LONG";
  // Not only neighbours: five thousand people against one.
  policy::Grant grant = backend::dp::test::people_grant();
  grant.bucket = std::chrono::milliseconds(60);
  World many(grant), one(grant);
  Dataset people;
  for (std::uint32_t i = 0; i < 5000; ++i) people.push_back({i, i % 4, i % 100});
  many.put("people", csv_of(people));
  one.put("people", csv_of({people[0]}));
  const auto prepared =
      backend::dp::prepare(grant, "SELECT sex, COUNT(*), AVG(age), MEDIAN(age) FROM people GROUP BY sex",
                           World::options("1"))
          .value();
  RealSleeper sleeper;
  NoSleeper none;
  static_cast<void>(timing_t(many, one, prepared, none, 5));  // loads the data
  // A leak shows in every run; a busy machine only in some.
  std::vector<double> runs;
  for (int run = 0; run < 5; ++run) runs.push_back(timing_t(many, one, prepared, sleeper, 40));
  std::ranges::sort(runs);
  const double without_buckets = timing_t(many, one, prepared, none, 200);
  std::printf("|t| of five runs from %.2f to %.2f, median %.2f; without buckets %.2f\n", runs.front(), runs.back(),
              runs[2], without_buckets);
  EXPECT_LT(runs[2], 4.5);
  EXPECT_GT(without_buckets, 4.5);
}

}  // namespace
}  // namespace prism::privacy
