#include "prism/backend/clear/clear.h"

#include <algorithm>
#include <string>
#include <utility>

#include "prism/backend/clear/internal/expression.h"
#include "prism/backend/clear/internal/relation.h"
#include "prism/backend/clear/internal/rows.h"
#include "prism/backend/clear/internal/value.h"
#include "prism/sql/sql.h"

namespace prism::backend::clear {
namespace {

/// One row of the answer before it is rendered.
struct Row {
  std::vector<Value> keys;   ///< of its group
  std::vector<Value> order;  ///< as plan.order
  std::vector<table::Cell> cells;
};

/// -1, 0, 1 with NULLs at one end; `descending` turns the values around, not the NULLs.
int placed(const Value& a, const Value& b, bool descending, bool nulls_first) {
  if (is_null(a) && is_null(b)) return 0;
  if (is_null(a)) return nulls_first ? -1 : 1;
  if (is_null(b)) return nulls_first ? 1 : -1;
  return descending ? compare(b, a) : compare(a, b);
}

bool before(const Row& a, const Row& b, const std::vector<sql::OrderKey>& order) {
  for (std::size_t i = 0; i < order.size(); ++i)
    if (const int c = placed(a.order[i], b.order[i], order[i].descending, order[i].nulls_first); c != 0) return c < 0;
  for (std::size_t i = 0; i < a.keys.size(); ++i)
    if (const int c = placed(a.keys[i], b.keys[i], false, false); c != 0) return c < 0;
  return false;
}

table::ColumnType column_type(sql::ValueType type) {
  switch (type) {
    case sql::ValueType::integer:
      return table::ColumnType::integer;
    case sql::ValueType::decimal:
    case sql::ValueType::numeric:
      return table::ColumnType::decimal;
    case sql::ValueType::date:
      return table::ColumnType::date;
    case sql::ValueType::text:
    case sql::ValueType::boolean:
      break;
  }
  return table::ColumnType::text;
}

}  // namespace

sql::Catalog catalog_of(const table::Table& table) {
  sql::Catalog catalog{table.name, {}};
  for (const table::Column& column : table.columns) catalog.columns.push_back(column.schema);
  return catalog;
}

Result<table::ResultTable> answer(const sql::Plan& plan, std::span<const table::Table* const> database) {
  PRISM_TRY(const Rows source, plan.from ? rows_of(*plan.from, database) : table_rows(plan.catalog, 0, database));
  std::vector<Row> rows;
  for (Group& group : groups_of(plan, source.columns, source.count)) {
    if (plan.having) {
      const Value kept = evaluate(*plan.having, group);
      if (is_null(kept) || !std::get<bool>(kept)) continue;
    }
    Row row;
    for (const sql::OrderKey& key : plan.order) row.order.push_back(evaluate(key.value, group));
    for (const sql::OutputColumn& output : plan.outputs)
      row.cells.push_back(render(evaluate(output.value, group), output.value.type, output.value.scale));
    row.keys = std::move(group.keys);
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return before(a, b, plan.order); });
  table::ResultTable result;
  for (const sql::OutputColumn& output : plan.outputs)
    result.columns.push_back({output.name, column_type(output.value.type)});
  std::uint64_t place = 0;
  for (Row& row : rows) {
    if (place++ < plan.offset) continue;
    if (plan.limit && result.rows.size() >= *plan.limit) break;
    result.rows.push_back(std::move(row.cells));
  }
  return result;
}

Result<table::ResultTable> answer(std::string_view sql, std::span<const table::Table* const> database) {
  std::vector<sql::Catalog> catalogs;
  for (const table::Table* table : database) catalogs.push_back(catalog_of(*table));
  PRISM_TRY(const sql::Plan plan, sql::plan_query(sql, catalogs));
  return answer(plan, database);
}

Result<table::ResultTable> answer(const sql::Plan& plan, const table::Table& table) {
  const table::Table* const database[] = {&table};
  return answer(plan, database);
}

Result<table::ResultTable> answer(std::string_view sql, const table::Table& table) {
  PRISM_TRY(const sql::Plan plan, sql::plan_query(sql, catalog_of(table)));
  return answer(plan, table);
}

}  // namespace prism::backend::clear
