// The tester on whole answers: SQL over CSV in, numbers, intervals and notes out, with everything in between.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "prism/backend/dp/internal/test_world.h"
#include "tests/privacy/tester.h"

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

Effort effort() { return std::getenv("PRISM_LONG") != nullptr ? Effort{500, 20, 20'000} : Effort{16, 1, 320}; }

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

}  // namespace
}  // namespace prism::privacy
