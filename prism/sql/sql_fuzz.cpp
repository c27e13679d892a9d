// Any bytes as a query: a plan that keeps plan.h's promises and can be finished, or a refusal that names its place.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "prism/sql/finish.h"
#include "prism/sql/sql.h"

namespace {

using prism::check;
using prism::sql::Predicate;
using prism::table::ColumnType;

using prism::sql::Catalog;
using prism::sql::Relation;

const std::vector<Catalog>& database() {
  static const std::vector<Catalog> value{{"patients",
                                           {{"id", ColumnType::integer, 0, false},
                                            {"age", ColumnType::integer, 0, true},
                                            {"weight", ColumnType::decimal, 2, true},
                                            {"cost", ColumnType::decimal, 2, false},
                                            {"born", ColumnType::date, 0, true},
                                            {"state", ColumnType::text, 0, true},
                                            {"Odd Name", ColumnType::integer, 0, false}}},
                                          {"visits",
                                           {{"patient", ColumnType::integer, 0, true},
                                            {"day", ColumnType::date, 0, false},
                                            {"state", ColumnType::text, 0, false},
                                            {"cost", ColumnType::decimal, 2, true}}}};
  return value;
}

void check_predicate(const Predicate& predicate, const Catalog& catalog, bool outermost) {
  const bool node = predicate.kind == Predicate::Kind::all || predicate.kind == Predicate::Kind::any;
  check(node == (predicate.children.size() >= 2) && (node || predicate.children.empty()), "children of a predicate");
  check(outermost || (predicate.kind != Predicate::Kind::always && predicate.kind != Predicate::Kind::never),
        "always or never inside");
  if (predicate.kind == Predicate::Kind::test) {
    check(predicate.test.column < catalog.columns.size(), "a test of no column");
    for (std::size_t i = 0; i < predicate.test.intervals.size(); ++i) {
      const auto& intervals = predicate.test.intervals;
      check(intervals[i].low <= intervals[i].high, "an empty interval");
      check(i == 0 || (intervals[i - 1].high < INT64_MAX && intervals[i - 1].high + 1 < intervals[i].low),
            "intervals touch");
    }
  }
  for (const Predicate& child : predicate.children) {
    check(child.kind != predicate.kind, "a node below one of its kind");
    check_predicate(child, catalog, false);
  }
}

void check_relation(const Relation& relation) {
  const std::vector<prism::table::ColumnSchema>& columns = relation.catalog.columns;
  if (relation.kind == Relation::Kind::table) {
    check(relation.table < database().size() && relation.parts.empty() &&
              columns.size() == database()[relation.table].columns.size(),
          "a table that is not there");
    return;
  }
  for (const Relation& part : relation.parts) check_relation(part);
  if (relation.kind == Relation::Kind::join) {
    check(relation.parts.size() >= 2 && relation.parts.size() <= 8 && relation.keys.size() + 1 == relation.parts.size(),
          "parts of a join");
    std::size_t before = 0;
    for (std::size_t i = 0; i < relation.parts.size(); ++i) {
      const Relation& part = relation.parts[i];
      check(part.kind != Relation::Kind::join, "a join in a join");
      if (i > 0) check(!relation.keys[i - 1].empty(), "a join without keys");
      for (std::size_t k = 0; i > 0 && k < relation.keys[i - 1].size(); ++k) {
        const auto& key = relation.keys[i - 1][k];
        check(key.left < before && key.right < part.catalog.columns.size(), "a key of no column");
        const auto &left = columns[key.left], &right = columns[before + key.right];
        check(left.type == right.type && left.scale == right.scale && !left.nullable && !right.nullable, "unlike keys");
      }
      before += part.catalog.columns.size();
    }
    check(before == columns.size(), "columns of a join");
    return;
  }
  check(relation.parts.size() == 1 && relation.outputs.size() == columns.size() && relation.group_by.size() <= 4 &&
            (relation.grouped || relation.group_by.empty()),
        "a derived table");
  const Catalog& inner = relation.parts[0].catalog;
  check_predicate(relation.where, inner, true);
  for (const auto& output : relation.outputs) {
    using Kind = prism::sql::DerivedColumn::Kind;
    check(output.column ? *output.column < inner.columns.size() : output.kind == Kind::count, "a derived column");
    check(relation.grouped || output.kind == Kind::column, "an aggregate without a group");
    if (relation.grouped && output.kind == Kind::column)
      check(std::count(relation.group_by.begin(), relation.group_by.end(), *output.column) == 1, "no group key");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  const auto plan = prism::sql::plan_query(sql, database());
  if (!plan) {
    check(!plan.error().message.empty() && plan.error().detail.substr(0, 9) == "rule=sql/", "a refusal without a rule");
    const auto at = prism::sql::position_of(plan.error());
    check(at >= -1 && at <= static_cast<long>(size), "a place outside the query");
    check(at < 0 || !prism::sql::explain_position(sql, at).empty(), "a place that cannot be shown");
    return 0;
  }
  if (plan->from) check_relation(*plan->from);
  check_predicate(plan->where, plan->catalog, true);
  check(!prism::sql::describe(*plan).empty() && !prism::sql::encode(*plan).empty(), "a plan without description");
  prism::sql::GroupValues group;
  for (const std::size_t column : plan->group_by) {
    if (plan->catalog.columns[column].type == ColumnType::text)
      group.keys.emplace_back(std::string("x"));
    else
      group.keys.emplace_back(std::int64_t{12345});
  }
  for (std::size_t i = 0; i < plan->primitives.size(); ++i)
    group.primitives.push_back(static_cast<prism::Int128>(3 + i));
  check(!plan->group_by.empty() || !plan->primitives.empty(), "a plan that computes nothing");
  static_cast<void>(prism::sql::finish(*plan, {group}));  // an impossible variance is refused, which is fine
  prism::sql::GroupEstimates estimates{group.keys, {}};
  for (std::size_t i = 0; i < plan->primitives.size(); ++i)
    estimates.primitives.push_back({static_cast<prism::Int128>(i) - 2, static_cast<prism::Int128>(i % 3)});
  check(prism::sql::finish_estimates(*plan, {estimates}).has_value(), "estimates that cannot be finished");
  return 0;
}
