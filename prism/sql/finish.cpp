#include "prism/sql/finish.h"

#include <algorithm>

#include "prism/sql/internal/value.h"
#include "prism/table/date.h"

namespace prism::sql {
namespace {

using internal::compare;
using internal::evaluate;
using internal::Value;
using table::Cell;
using table::ColumnType;

/// One group on its way to becoming a row.
struct Row {
  const GroupValues* group;
  std::vector<Value> order;
};

int compare_keys(const KeyValue& a, const KeyValue& b) {
  const bool no_a = std::holds_alternative<std::monostate>(a);
  const bool no_b = std::holds_alternative<std::monostate>(b);
  if (no_a || no_b) return int{no_a} - int{no_b};  // NULLs last
  if (a == b) return 0;
  return a < b ? -1 : 1;  // std::string compares by unsigned bytes
}

int compare_groups(const GroupValues& a, const GroupValues& b) {
  for (std::size_t i = 0; i < a.keys.size(); ++i) {
    if (const int order = compare_keys(a.keys[i], b.keys[i]); order != 0) return order;
  }
  return 0;
}

bool comes_before(const Plan& plan, const Row& a, const Row& b) {
  for (std::size_t i = 0; i < plan.order.size(); ++i) {
    const OrderKey& key = plan.order[i];
    const bool no_a = a.order[i].is_null();
    const bool no_b = b.order[i].is_null();
    if (no_a && no_b) continue;
    if (no_a || no_b) return no_a == key.nulls_first;
    const int order = compare(a.order[i], b.order[i]);
    if (order != 0) return (order < 0) != key.descending;
  }
  return compare_groups(*a.group, *b.group) < 0;
}

ColumnType column_type(ValueType type) {
  switch (type) {
    case ValueType::integer:
      return ColumnType::integer;
    case ValueType::decimal:
    case ValueType::numeric:
      return ColumnType::decimal;
    case ValueType::date:
      return ColumnType::date;
    case ValueType::text:
    case ValueType::boolean:
      return ColumnType::text;
  }
  check(false, "unknown value type");
  return ColumnType::text;
}

Cell render(const Value& value, const Expression& expression) {
  switch (value.kind) {
    case Value::Kind::null:
      return std::monostate{};
    case Value::Kind::boolean:
      return std::string(value.truth ? "true" : "false");
    case Value::Kind::text:
      return value.text;
    case Value::Kind::date:
      return table::format_date(value.day);
    case Value::Kind::number:
      break;
  }
  if (expression.type == ValueType::integer) return table::Number{internal::render_integer(value.number)};
  if (expression.type == ValueType::decimal)
    return table::Number{internal::render_decimal(value.number, expression.scale)};
  return table::Number{internal::render_numeric(value.number)};
}

Status check_shape(const Plan& plan, const std::vector<GroupValues>& groups) {
  if (plan.group_by.empty() && groups.size() != 1)
    return fail(ErrorCode::mismatch, groups.size(), " groups for a query without GROUP BY; exactly one is wanted");
  // Years 0001 to 9999; further days have no name.
  static const std::int64_t first_day = *table::parse_date("0001-01-01");
  static const std::int64_t last_day = *table::parse_date("9999-12-31");
  for (const GroupValues& group : groups) {
    if (group.keys.size() != plan.group_by.size() || group.primitives.size() != plan.primitives.size())
      return fail(ErrorCode::mismatch, "a group with ", group.keys.size(), " keys and ", group.primitives.size(),
                  " numbers; the plan has ", plan.group_by.size(), " and ", plan.primitives.size());
    for (std::size_t i = 0; i < group.keys.size(); ++i) {
      const table::ColumnSchema& column = plan.catalog.columns[plan.group_by[i]];
      const bool text = std::holds_alternative<std::string>(group.keys[i]);
      if (!std::holds_alternative<std::monostate>(group.keys[i]) && text != (column.type == ColumnType::text))
        return fail(ErrorCode::mismatch, "a group key of column ", column.name, " has the wrong type");
      // Bounds rounded outwards may go past the calendar; groups nobody is in are not shown.
      if (group.primitives[0] == 0) continue;
      const auto* day = std::get_if<std::int64_t>(&group.keys[i]);
      if (column.type == ColumnType::date && day != nullptr && (*day < first_day || *day > last_day))
        return fail(ErrorCode::mismatch, "a group key of column ", column.name,
                    " is not a date in the years 0001 to 9999");
    }
    for (std::size_t i = 0; i < group.primitives.size(); ++i) {
      if (plan.primitives[i].kind == Primitive::Kind::count && group.primitives[i] < 0)
        return fail(ErrorCode::integrity, "a count is below zero; this answer was not computed from the table");
    }
  }
  std::vector<const GroupValues*> sorted;
  for (const GroupValues& group : groups) sorted.push_back(&group);
  std::sort(sorted.begin(), sorted.end(),
            [](const GroupValues* a, const GroupValues* b) { return compare_groups(*a, *b) < 0; });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (compare_groups(*sorted[i - 1], *sorted[i]) == 0)
      return fail(ErrorCode::mismatch, "two groups have the same keys");
  }
  return {};
}

}  // namespace

Result<table::ResultTable> finish(const Plan& plan, const std::vector<GroupValues>& groups) {
  PRISM_CHECKED(check_shape(plan, groups));
  std::vector<Row> rows;
  for (const GroupValues& group : groups) {
    if (!plan.group_by.empty() && group.primitives[0] == 0) continue;
    if (plan.having) {
      PRISM_TRY(const Value kept, evaluate(*plan.having, &group));
      if (kept.is_null() || !kept.truth) continue;
    }
    Row row{&group, {}};
    for (const OrderKey& key : plan.order) {
      PRISM_TRY(Value value, evaluate(key.value, &group));
      row.order.push_back(std::move(value));
    }
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return comes_before(plan, a, b); });

  table::ResultTable out;
  for (const OutputColumn& column : plan.outputs) out.columns.push_back({column.name, column_type(column.value.type)});
  const std::size_t first = static_cast<std::size_t>(std::min<std::uint64_t>(plan.offset, rows.size()));
  const std::size_t most = rows.size() - first;
  const std::size_t count = plan.limit ? static_cast<std::size_t>(std::min<std::uint64_t>(*plan.limit, most)) : most;
  for (std::size_t i = first; i < first + count; ++i) {
    std::vector<Cell> cells;
    for (const OutputColumn& column : plan.outputs) {
      PRISM_TRY(const Value value, evaluate(column.value, rows[i].group));
      cells.push_back(render(value, column.value));
    }
    out.rows.push_back(std::move(cells));
  }
  return out;
}

}  // namespace prism::sql
