// What bounded contributions and clamping cost: statements of ours beside the plain SQL of the same question, on the
// same engine and rows. statement/x over plain/x is the overhead. 10^7 rows with PRISM_LONG.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>

#include "prism/backend/dp/relational.h"
#include "prism/backend/dp/relational_load.h"
#include "prism/base/check.h"

namespace {

using namespace prism;
namespace dp = backend::dp;
using dp::Aggregate;

constexpr dp::RowKey kKey = {1};
constexpr int kThreads = 2;

/// t(u, k, x, y): one row per unit; with `rows_per_unit` 4 every unit has four. k has 100 values, x and y 0 to 999,999.
table::Table rows_of(std::size_t rows, std::uint64_t rows_per_unit) {
  std::mt19937_64 random(7);
  table::Table table{"t", rows, std::vector<table::Column>(4)};
  for (std::size_t c = 0; c < 4; ++c) {
    table::Column& column = table.columns[c];
    column.schema = {std::string(1, "ukxy"[c]), table::ColumnType::integer, 0, false};
    column.valid.assign(rows, 1);
    for (std::size_t i = 0; i < rows; ++i)
      column.values.push_back(c == 0 ? static_cast<std::int64_t>(i / rows_per_unit)
                                     : static_cast<std::int64_t>(random() % (c == 1 ? 100 : 1'000'000)));
  }
  return table;
}

dp::Layout layout_of(const table::Table& table, std::uint64_t rows_per_unit) {
  dp::TableLayout t;
  for (const table::Column& column : table.columns) t.columns.push_back(column.schema);
  t.bounds = {std::nullopt, std::nullopt, sql::Interval{1'000, 900'000}, sql::Interval{0, 1'000'000}};
  t.unit = 0;
  t.rows_per_unit = rows_per_unit;
  return {{t}};
}

struct World {
  dp::Layout layout;
  duck::Database database;
};

World& world(std::size_t rows, std::uint64_t rows_per_unit) {
  static std::map<std::pair<std::size_t, std::uint64_t>, std::unique_ptr<World>> worlds;
  auto& made = worlds[{rows, rows_per_unit}];
  if (!made) {
    worlds.clear();  // one at a time: ten million rows are large
    const table::Table table = rows_of(rows, rows_per_unit);
    duck::Database database = *duck::Database::open({.memory_bytes = std::uint64_t{8} << 30, .threads = kThreads});
    dp::Layout layout = layout_of(table, rows_per_unit);
    const Status loaded = dp::load_table(database, layout, 0, table, kKey);
    check(loaded.has_value(), "the rows are loaded");
    return *(worlds[{rows, rows_per_unit}] = std::make_unique<World>(World{std::move(layout), std::move(database)}));
  }
  return *made;
}

struct Question {
  const char* name;
  const char* plain;
  std::vector<Aggregate> aggregates;
  bool grouped = false;
  bool filtered = false;  ///< WHERE y BETWEEN 1000 AND 499999
  std::uint64_t rows_per_unit = 1;
};

std::vector<Question> questions() {
  const sql::Interval x = {1'000, 900'000};
  const Aggregate rows{}, units{.kind = Aggregate::Kind::units};
  const Aggregate mean{.kind = Aggregate::Kind::bernstein, .columns = {2}, .bounds = {x}, .degree = 1};
  const Aggregate squares{.kind = Aggregate::Kind::bernstein, .columns = {2}, .bounds = {x}, .degree = 2};
  return {
      {"count", "SELECT count(*) FROM t0", {rows}},
      {"sum", "SELECT sum(c2) FROM t0", {mean}},
      {"avg", "SELECT sum(c2), count(c2) FROM t0", {mean}},
      {"avg_where", "SELECT sum(c2), count(c2) FROM t0 WHERE c3 BETWEEN 1000 AND 499999", {mean}, false, true},
      {"variance", "SELECT (var_pop(c2))::BIGINT FROM t0", {squares}},
      {"count_by", "SELECT c1, count(*) FROM t0 GROUP BY c1", {rows, units}, true},
      {"sum_by", "SELECT c1, sum(c2) FROM t0 GROUP BY c1", {mean, units}, true},
      {"avg_by", "SELECT c1, sum(c2), count(c2) FROM t0 GROUP BY c1", {mean, units}, true},
      {"avg_by_public_4", "SELECT c1, sum(c2), count(c2) FROM t0 GROUP BY c1", {mean}, true, false, 4},
      {"avg_by_private_4", "SELECT c1, sum(c2), count(c2) FROM t0 GROUP BY c1", {mean, units}, true, false, 4},
      {"distinct_by_4", "SELECT c1, count(DISTINCT c0) FROM t0 GROUP BY c1", {units}, true, false, 4},
  };
}

void ask(benchmark::State& state, const Question& question, bool plain, std::size_t rows) {
  World& w = world(rows, question.rows_per_unit);
  sql::Plan plan;
  plan.catalog = {"t", w.layout.tables[0].columns};
  if (question.grouped) plan.group_by = {1};
  if (question.filtered)
    plan.where = {sql::Predicate::Kind::test, {.column = 3, .intervals = {{1000, 499'999}}, .texts = {}}, {}};
  const auto facts = dp::analyse(plan, w.layout, {});
  const auto query = dp::AggregateQuery::make(plan, w.layout, *facts, {.aggregates = question.aggregates});
  const duck::Statement text{question.plain, {}};
  for (auto _ : state) {
    if (plain)
      check(w.database.query(text).has_value(), "plain SQL runs");
    else
      check(query->run(w.database).has_value(), "the statement runs");
  }
  state.counters["rows_per_second"] =
      benchmark::Counter(static_cast<double>(rows), benchmark::Counter::kIsIterationInvariantRate);
}

/// From a table in memory to the engine, rows of units bounded.
void load(benchmark::State& state, std::size_t rows, std::uint64_t rows_per_unit) {
  const table::Table table = rows_of(rows, rows_per_unit);
  const dp::Layout layout = layout_of(table, rows_per_unit);
  for (auto _ : state) {
    duck::Database database = *duck::Database::open({.memory_bytes = std::uint64_t{8} << 30, .threads = kThreads});
    check(dp::load_table(database, layout, 0, table, kKey).has_value(), "the rows are loaded");
  }
}

[[maybe_unused]] const int registered = [] {
  std::vector<std::size_t> sizes = {100'000, 1'000'000};
  if (std::getenv("PRISM_LONG") != nullptr) sizes.push_back(10'000'000);
  for (const std::size_t rows : sizes) {
    for (const Question& question : questions())
      for (const bool plain : {true, false})
        benchmark::RegisterBenchmark(
            ((plain ? "plain/" : "statement/") + std::string(question.name) + "/" + std::to_string(rows)).c_str(),
            [=](benchmark::State& state) { ask(state, question, plain, rows); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime()
            ->MinTime(0.1);
    benchmark::RegisterBenchmark(("load/" + std::to_string(rows)).c_str(),
                                 [=](benchmark::State& state) { load(state, rows, 1); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->Iterations(1);
  }
  return 0;
}();

}  // namespace

BENCHMARK_MAIN();
