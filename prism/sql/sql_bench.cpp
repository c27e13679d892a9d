// From text to plan. The grammar is PostgreSQL's own, so most of the time is libpg_query's and its JSON's; bench names
// say what the query has.
#include <benchmark/benchmark.h>

#include <string>

#include "prism/sql/sql.h"

namespace {

using prism::sql::Catalog;
using prism::table::ColumnType;

const std::vector<Catalog>& database() {
  static const std::vector<Catalog> value{{"patients",
                                           {{"id", ColumnType::integer, 0, false},
                                            {"age", ColumnType::integer, 0, true},
                                            {"weight", ColumnType::decimal, 2, true},
                                            {"born", ColumnType::date, 0, true},
                                            {"state", ColumnType::text, 0, true}}},
                                          {"visits",
                                           {{"patient", ColumnType::integer, 0, false},
                                            {"day", ColumnType::date, 0, false},
                                            {"cost", ColumnType::decimal, 2, true}}}};
  return value;
}

void plan(benchmark::State& state, const char* sql) {
  if (!prism::sql::plan_query(sql, database())) {
    state.SkipWithError("the query is refused");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(prism::sql::plan_query(sql, database()));
}
BENCHMARK_CAPTURE(plan, count, "SELECT COUNT(*) FROM patients");
BENCHMARK_CAPTURE(plan, where, "SELECT AVG(weight) FROM patients WHERE age >= 40 AND state IN ('NJ', 'CA')");
BENCHMARK_CAPTURE(plan, group,
                  "SELECT state, COUNT(*) AS n, AVG(weight), STDDEV(age) FROM patients WHERE age BETWEEN 18 AND 65 "
                  "GROUP BY state HAVING COUNT(*) > 10 ORDER BY n DESC LIMIT 5");
BENCHMARK_CAPTURE(plan, join,
                  "SELECT p.state, SUM(v.cost) FROM patients p JOIN visits v ON p.id = v.patient WHERE p.age > 40 "
                  "GROUP BY p.state");
BENCHMARK_CAPTURE(
    plan, derived,
    "SELECT AVG(n), MEDIAN(s) FROM (SELECT patient, COUNT(*) AS n, SUM(cost) AS s FROM visits WHERE day > "
    "'2020-01-01' GROUP BY patient) t WHERE n < 100");

void encode(benchmark::State& state) {
  const auto found = prism::sql::plan_query(
      "SELECT p.state, SUM(v.cost) FROM patients p JOIN visits v ON p.id = v.patient GROUP BY p.state", database());
  for (auto _ : state) benchmark::DoNotOptimize(prism::sql::encode(*found));
}
BENCHMARK(encode);

}  // namespace

BENCHMARK_MAIN();
