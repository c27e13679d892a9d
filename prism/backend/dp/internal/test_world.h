// prism/backend/dp/internal/test_world.h - a small world for tests of this room: tables in memory, a clock that stands
// still, randomness from a seed, a ledger in memory.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "prism/backend/dp/dp.h"
#include "prism/backend/dp/internal/prepared_state.h"
#include "prism/table/read_csv.h"

namespace prism::backend::dp::test {

class FakeClock final : public Clock {
 public:
  std::chrono::nanoseconds monotonic() const override { return now; }
  std::chrono::seconds wall() const override { return std::chrono::seconds(1'700'000'000); }
  mutable std::chrono::nanoseconds now{0};
};

class FakeSleeper final : public Sleeper {
 public:
  explicit FakeSleeper(FakeClock& clock) : clock_(clock) {}
  void sleep_until(std::chrono::nanoseconds time) override {
    woken.push_back(time);
    if (clock_.now < time) clock_.now = time;
  }
  std::vector<std::chrono::nanoseconds> woken;

 private:
  FakeClock& clock_;
};

/// Bytes from a number, for tests that have to repeat.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  Status fill(MutableByteView out) override {
    if (broken) return fail(ErrorCode::io, "no randomness here");
    for (std::uint8_t& byte : out) {
      state_ += 0x9E3779B97F4A7C15ULL;  // splitmix64 (Steele, Lea, Flood 2014)
      std::uint64_t z = state_;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
      byte = static_cast<std::uint8_t>((z ^ (z >> 31)) >> 56);
    }
    return {};
  }
  bool broken = false;

 private:
  std::uint64_t state_;
};

/// Tables by name, and a list of what was asked for.
class MemorySource final : public DataSource {
 public:
  Result<table::Table> read(const policy::TableRule& rule) override {
    reads.push_back(rule.name);
    if (before_read) before_read();
    if (failure) return *failure;
    return tables.at(rule.name);
  }
  std::map<std::string, table::Table> tables;
  std::vector<std::string> reads;
  std::optional<Error> failure;
  std::function<void()> before_read;
};

inline policy::ColumnRule integer_column(const std::string& name, std::optional<policy::Bounds> bounds = {},
                                         bool public_values = false, bool nullable = false) {
  policy::ColumnRule out;
  out.schema = {name, table::ColumnType::integer, 0, nullable};
  out.bounds = bounds;
  out.public_values = public_values;
  return out;
}
inline policy::ColumnRule text_column(const std::string& name, std::vector<std::string> values = {},
                                      bool nullable = false) {
  policy::ColumnRule out;
  out.schema = {name, table::ColumnType::text, 0, nullable};
  out.public_values = !values.empty();
  out.values = std::move(values);
  return out;
}

/// One dataset "people" with unit "id": age 0..100, weight 0..200 (nullable), score (no bounds), sex of two public
/// values, city of private values.
inline policy::Grant people_grant(std::uint64_t rows_per_unit = 1) {
  policy::Grant grant;
  policy::TableRule rule;
  rule.name = "people";
  rule.path = "people.csv";
  rule.unit = "id";
  rule.rows_per_unit = rows_per_unit;
  rule.columns = {integer_column("id"),
                  integer_column("age", policy::Bounds{0, 100}),
                  integer_column("weight", policy::Bounds{0, 200}, false, true),
                  integer_column("score", {}, false, true),
                  text_column("sex", {"F", "M"}),
                  text_column("city")};
  grant.tables = {rule};
  grant.epsilon = prism::dp::Epsilon::from_nano(1'000'000'000'000);
  grant.query_least = prism::dp::Epsilon::from_nano(1'000'000);
  grant.query_most = prism::dp::Epsilon::from_nano(20'000'000'000);
  grant.delta = *prism::dp::Delta::parse("0.01");
  grant.bucket = std::chrono::milliseconds(500);
  return grant;
}

/// The same query without noise: scales of 1/1000 draw zero but for a chance of exp(-1000), and groups of two units are
/// sure to be shown. Only a test can make one; what is planned and computed is otherwise what would be.
inline Prepared without_noise(const Prepared& prepared) {
  const auto state = std::make_shared<Prepared::State>(prepared.state());
  for (internal::PlannedRelease& r : state->releases.releases) {
    if (r.noise) r.noise = *prism::dp::Noise::laplace({1, 1000});
    if (!r.choice) continue;
    prism::dp::QuantileRelease::Options options;
    options.epsilon = prism::dp::Epsilon::from_nano(1'000'000'000'000);
    options.low = static_cast<std::int64_t>(r.range.low);
    options.high = static_cast<std::int64_t>(r.range.high);
    options.fractions_nano = r.fractions_nano;
    r.choice = *prism::dp::QuantileRelease::make(options);
  }
  if (state->releases.selection || state->releases.threshold) {
    state->releases.threshold.reset();
    state->releases.selection = *prism::dp::PartitionSelection::make(prism::dp::Epsilon::from_nano(1'000'000'000'000),
                                                                     *prism::dp::Delta::parse("0.999999"), 1);
    state->raw = internal::raw_request(state->releases);
    state->query = *AggregateQuery::make(state->plan, state->layout, state->facts, state->raw.request);
  }
  state->bars.emplace(state->releases);
  return Prepared(state);
}

/// A grant, its data and everything around.
struct World {
  explicit World(policy::Grant the_grant) : grant(std::move(the_grant)), engine(grant, source, 1), sleeper(clock) {
    auto made = policy::MemoryBook::make(grant);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    book.emplace(*std::move(made));
  }

  void put(const std::string& name, const std::string& csv) {
    table::CsvOptions options;
    for (const policy::TableRule& rule : grant.tables) {
      if (rule.name != name) continue;
      for (const policy::ColumnRule& column : rule.columns)
        options.overrides[column.schema.name].type = column.schema.type;
    }
    auto read = table::read_csv_text(name, csv, options);
    ASSERT_TRUE(read) << read.error().message;
    source.tables[name] = *std::move(read);
  }

  static Options options(const std::string& epsilon) {
    Options out;
    out.epsilon = *prism::dp::Epsilon::parse(epsilon);
    return out;
  }

  Result<Prepared> prepare(const std::string& sql, const std::string& epsilon = "1") {
    return dp::prepare(grant, sql, options(epsilon), &source);
  }

  Result<Answer> ask(const std::string& sql, const std::string& epsilon = "1", std::uint64_t seed = 1) {
    PRISM_TRY(const Prepared prepared, prepare(sql, epsilon));
    return run(prepared, seed);
  }
  Result<Answer> ask_exactly(const std::string& sql) {
    PRISM_TRY(const Prepared prepared, prepare(sql));
    return run(without_noise(prepared));
  }
  Result<Answer> run(const Prepared& prepared, std::uint64_t seed = 1) {
    if (endless) book.emplace(*policy::MemoryBook::make(grant));
    SeededRandom random(seed);
    return dp::run(prepared, engine, {*book, random, clock, sleeper, stop});
  }

  policy::Grant grant;
  MemorySource source;
  Engine engine;
  FakeClock clock;
  FakeSleeper sleeper;
  std::optional<policy::MemoryBook> book;
  std::function<bool()> stop;
  bool endless = true;  ///< each run has the whole budget to itself
};

}  // namespace prism::backend::dp::test
