#include "prism/sql/finish.h"

#include <algorithm>
#include <span>

#include "prism/sql/internal/leaves.h"
#include "prism/table/date.h"

namespace prism::sql {
namespace {

using internal::compare;
using internal::evaluate;
using internal::Value;
using table::Cell;
using table::ColumnType;

using Keys = std::vector<KeyValue>;

/// One group on its way to becoming a row.
struct Row {
  std::size_t group;
  const Keys* keys;
  std::vector<Value> order;
};

int compare_keys(const KeyValue& a, const KeyValue& b) {
  const bool no_a = std::holds_alternative<std::monostate>(a);
  const bool no_b = std::holds_alternative<std::monostate>(b);
  if (no_a || no_b) return int{no_a} - int{no_b};  // NULLs last
  if (a == b) return 0;
  return a < b ? -1 : 1;  // std::string compares by unsigned bytes
}

int compare_groups(const Keys& a, const Keys& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (const int order = compare_keys(a[i], b[i]); order != 0) return order;
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
  return compare_groups(*a.keys, *b.keys) < 0;
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

Error wrong_size(const Plan& plan, std::size_t keys, std::size_t primitives) {
  return fail(ErrorCode::mismatch, "a group with ", keys, " keys and ", primitives, " numbers; the plan has ",
              plan.group_by.size(), " and ", plan.primitives.size());
}

/// Groups of either sort: one without GROUP BY, each with as many keys and numbers as the plan, keys of the right type
/// and none twice.
template <class Group>
Status check_shape(const Plan& plan, const std::vector<Group>& groups) {
  if (plan.group_by.empty() && groups.size() != 1)
    return fail(ErrorCode::mismatch, groups.size(), " groups for a query without GROUP BY; exactly one is wanted");
  std::vector<const Keys*> sorted;
  for (const Group& group : groups) {
    if (group.keys.size() != plan.group_by.size() || group.primitives.size() != plan.primitives.size())
      return wrong_size(plan, group.keys.size(), group.primitives.size());
    for (std::size_t i = 0; i < group.keys.size(); ++i) {
      const table::ColumnSchema& column = plan.catalog.columns[plan.group_by[i]];
      const bool text = std::holds_alternative<std::string>(group.keys[i]);
      if (!std::holds_alternative<std::monostate>(group.keys[i]) && text != (column.type == ColumnType::text))
        return fail(ErrorCode::mismatch, "a group key of column ", column.name, " has the wrong type");
    }
    sorted.push_back(&group.keys);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Keys* a, const Keys* b) { return compare_groups(*a, *b) < 0; });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (compare_groups(*sorted[i - 1], *sorted[i]) == 0)
      return fail(ErrorCode::mismatch, "two groups have the same keys");
  }
  return {};
}

/// What exact numbers have to be besides: days in the calendar, counts not below zero.
Status check_values(const Plan& plan, const std::vector<GroupValues>& groups) {
  for (const GroupValues& group : groups) {
    for (std::size_t i = 0; i < group.keys.size(); ++i) {
      // Bounds rounded outwards may go past the calendar; groups nobody is in are not shown.
      if (group.primitives[0] == 0) continue;
      const table::ColumnSchema& column = plan.catalog.columns[plan.group_by[i]];
      const auto* day = std::get_if<std::int64_t>(&group.keys[i]);
      if (column.type == ColumnType::date && day != nullptr && !internal::in_calendar(mpq_class(*day)))
        return fail(ErrorCode::mismatch, "a group key of column ", column.name,
                    " is not a date in the years 0001 to 9999");
    }
    for (std::size_t i = 0; i < group.primitives.size(); ++i) {
      const Primitive::Kind kind = plan.primitives[i].kind;
      if ((kind == Primitive::Kind::count || kind == Primitive::Kind::count_distinct) && group.primitives[i] < 0)
        return fail(ErrorCode::integrity, "a count is below zero; this answer was not computed from the table");
    }
  }
  return {};
}

/// Evaluates, filters, orders and renders the groups that `exists` admits.
template <class GroupLeaves, class Group, class Exists>
Result<Estimated> rows_of(const Plan& plan, const std::vector<Group>& groups, Exists exists) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (!exists(groups[i])) continue;
    const GroupLeaves leaves(groups[i]);
    if (plan.having) {
      PRISM_TRY(const Value kept, evaluate(*plan.having, &leaves));
      if (kept.is_null() || !kept.truth) continue;
    }
    Row row{i, &groups[i].keys, {}};
    for (const OrderKey& key : plan.order) {
      PRISM_TRY(Value value, evaluate(key.value, &leaves));
      row.order.push_back(std::move(value));
    }
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return comes_before(plan, a, b); });

  Estimated out;
  for (const OutputColumn& column : plan.outputs)
    out.table.columns.push_back({column.name, column_type(column.value.type)});
  const std::size_t first = static_cast<std::size_t>(std::min<std::uint64_t>(plan.offset, rows.size()));
  const std::size_t most = rows.size() - first;
  const std::size_t count = plan.limit ? static_cast<std::size_t>(std::min<std::uint64_t>(*plan.limit, most)) : most;
  for (const Row& row : std::span(rows).subspan(first, count)) {
    const GroupLeaves leaves(groups[row.group]);
    std::vector<Cell> cells;
    for (const OutputColumn& column : plan.outputs) {
      PRISM_TRY(const Value value, evaluate(column.value, &leaves));
      cells.push_back(render(value, column.value));
    }
    out.table.rows.push_back(std::move(cells));
    out.group_of_row.push_back(row.group);
  }
  return out;
}

}  // namespace

Result<table::ResultTable> finish(const Plan& plan, const std::vector<GroupValues>& groups) {
  PRISM_CHECKED(check_shape(plan, groups));
  PRISM_CHECKED(check_values(plan, groups));
  const auto exists = [&](const GroupValues& group) { return plan.group_by.empty() || group.primitives[0] != 0; };
  PRISM_TRY(Estimated rows, rows_of<internal::ExactLeaves>(plan, groups, exists));
  return std::move(rows.table);
}

Result<Estimated> finish_estimates(const Plan& plan, const std::vector<GroupEstimates>& groups) {
  PRISM_CHECKED(check_shape(plan, groups));
  return rows_of<internal::EstimatedLeaves>(plan, groups, [](const GroupEstimates&) { return true; });
}

}  // namespace prism::sql
