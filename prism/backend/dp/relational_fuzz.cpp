// Any bytes as a query over rows full of extreme values: whatever is planned and allowed is read without an error, for
// no value may decide whether a statement fails.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

#include "prism/backend/dp/relational.h"
#include "prism/backend/dp/relational_load.h"
#include "prism/base/check.h"
#include "prism/sql/sql.h"
#include "prism/table/read_csv.h"

namespace {

using namespace prism;
namespace dp = backend::dp;
using dp::Aggregate;
using table::ColumnType;

constexpr dp::RowKey kKey = {3};
constexpr sql::Interval kAll = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};

/// Two private tables and a public one, as small as joins of eight parts want them.
struct World {
  World() {
    const table::ColumnOverride number{ColumnType::integer, {}}, text{ColumnType::text, {}}, day{ColumnType::date, {}};
    const std::pair<const char*, const char*> files[] = {
        {"a",
         "u,k,w,x,y,d,t\n1,0,'',9223372036854775807,1,92233720368547758.07,9999-12-31\n"
         "1,,\xF4\x8F\xBF\xBF,-9223372036854775808,-1,-0.01,0001-01-01\n2,0,,,,,\n2,1,a,-1,9223372036854775807,1.5,"
         "1969-12-31\n"},
        {"b", "u,k,w,x,y,d,t\n1,0,a,0,9223372036854775806,0.00,2024-02-29\n2,0,,-9223372036854775808,0,7.25,\n"},
        {"p", "u,k,w,x,y,d,t\n1,0,a,9223372036854775807,3,1.00,2024-02-29\n,1,\"\"\"\",-9223372036854775807,0,,\n"}};
    for (const auto& [name, bytes] : files) {
      table::CsvOptions options;
      for (const char* const column : {"u", "k", "x", "y"}) options.overrides[column] = number;
      options.overrides["w"] = text;
      options.overrides["t"] = day;
      options.overrides["d"] = {ColumnType::decimal, 2};
      const table::Table table = *table::read_csv_text(name, bytes, options);
      dp::TableLayout layout_of_table;
      catalogs.push_back({name, {}});
      for (const table::Column& column : table.columns) {
        catalogs.back().columns.push_back(column.schema);
        layout_of_table.columns.push_back(column.schema);
        layout_of_table.bounds.emplace_back();
      }
      layout_of_table.bounds[1] = sql::Interval{0, 3};
      layout_of_table.bounds[4] = sql::Interval{-5, kAll.high};
      if (*name != 'p') layout_of_table.unit = 0;
      layout_of_table.rows_per_unit = *name == 'p' ? 1 : 2;
      layout.tables.push_back(std::move(layout_of_table));
      check(dp::load_table(database, layout, catalogs.size() - 1, table, kKey).has_value(), "a table is loaded");
    }
  }

  std::vector<sql::Catalog> catalogs;
  dp::Layout layout;
  duck::Database database = *duck::Database::open({.memory_bytes = std::uint64_t{256} << 20});
};

void ask(World& world, const sql::Plan& plan) {
  const auto facts =
      dp::analyse(plan, world.layout,
                  [&](const sql::Relation& rows, const std::vector<std::size_t>& columns) -> Result<std::uint64_t> {
                    const auto statement = dp::key_multiplicity_statement(rows, world.layout, columns);
                    check(statement.has_value(), "a key of a public relation");
                    const auto answer = world.database.query(*statement);
                    check(answer && answer->count == 1, "how often a key occurs");
                    return static_cast<std::uint64_t>(answer->columns[0].numbers[0]);
                  });
  if (!facts) {
    check(facts.error().detail.starts_with("rule=dp/"), "a refusal names its rule");
    return;
  }
  dp::AggregateRequest request;
  request.aggregates.push_back({});
  if (facts->is_private) request.aggregates.push_back({.kind = Aggregate::Kind::units});
  for (std::size_t c = 0; c < std::min<std::size_t>(plan.catalog.columns.size(), 8); ++c) {
    request.aggregates.push_back({.kind = Aggregate::Kind::values, .columns = {c, 0}});
    if (plan.catalog.columns[c].type == ColumnType::text) continue;
    const sql::Interval bounds = facts->columns[c].bounds.value_or(kAll);
    const sql::Interval narrow = {std::clamp<std::int64_t>(bounds.low, -1000, 1000),
                                  std::clamp<std::int64_t>(bounds.high, 1000, (std::int64_t{1} << 42) - 2000)};
    request.aggregates.push_back({.kind = Aggregate::Kind::sum, .columns = {c}, .bounds = {bounds}});
    request.aggregates.push_back({.kind = Aggregate::Kind::bernstein, .columns = {c}, .bounds = {narrow}, .degree = 2});
    request.aggregates.push_back({.kind = Aggregate::Kind::product, .columns = {c, c}, .bounds = {narrow, narrow}});
  }
  for (std::size_t c = 0; c < plan.catalog.columns.size() && request.histograms.size() < 2; ++c)
    if (plan.catalog.columns[c].type != ColumnType::text)
      request.histograms.push_back({c, facts->columns[c].bounds.value_or(kAll), 3});
  if (plan.outputs.size() % 2 == 0) request.groups_per_unit = 1;
  const auto query = dp::AggregateQuery::make(plan, world.layout, *facts, std::move(request));
  check(query.has_value(), "a request within the limits");
  check(query->run(world.database).has_value(), "no value makes a statement fail");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const auto plan = sql::plan_query(std::string_view(reinterpret_cast<const char*>(data), size), world.catalogs);
  if (plan) ask(world, *plan);
  return 0;
}
