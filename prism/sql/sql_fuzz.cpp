// Any bytes as a query: a plan that keeps plan.h's promises and can be finished, or a refusal that names its place.
#include <cstdint>
#include <string_view>

#include "prism/sql/finish.h"
#include "prism/sql/sql.h"

namespace {

using prism::check;
using prism::sql::Predicate;
using prism::table::ColumnType;

const prism::sql::Catalog& catalog() {
  static const prism::sql::Catalog value{"patients",
                                         {{"id", ColumnType::integer, 0, false},
                                          {"age", ColumnType::integer, 0, true},
                                          {"weight", ColumnType::decimal, 2, true},
                                          {"cost", ColumnType::decimal, 2, false},
                                          {"born", ColumnType::date, 0, true},
                                          {"state", ColumnType::text, 0, true},
                                          {"Odd Name", ColumnType::integer, 0, false}}};
  return value;
}

void check_predicate(const Predicate& predicate, bool outermost) {
  const bool node = predicate.kind == Predicate::Kind::all || predicate.kind == Predicate::Kind::any;
  check(node == (predicate.children.size() >= 2) && (node || predicate.children.empty()), "children of a predicate");
  check(outermost || (predicate.kind != Predicate::Kind::always && predicate.kind != Predicate::Kind::never),
        "always or never inside");
  if (predicate.kind == Predicate::Kind::test) {
    for (std::size_t i = 0; i < predicate.test.intervals.size(); ++i) {
      const auto& intervals = predicate.test.intervals;
      check(intervals[i].low <= intervals[i].high, "an empty interval");
      check(i == 0 || (intervals[i - 1].high < INT64_MAX && intervals[i - 1].high + 1 < intervals[i].low),
            "intervals touch");
    }
  }
  for (const Predicate& child : predicate.children) {
    check(child.kind != predicate.kind, "a node below one of its kind");
    check_predicate(child, false);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  const auto plan = prism::sql::plan_query(sql, catalog());
  if (!plan) {
    check(!plan.error().message.empty() && plan.error().detail.substr(0, 9) == "rule=sql/", "a refusal without a rule");
    const auto at = prism::sql::position_of(plan.error());
    check(at >= -1 && at <= static_cast<long>(size), "a place outside the query");
    check(at < 0 || !prism::sql::explain_position(sql, at).empty(), "a place that cannot be shown");
    return 0;
  }
  check_predicate(plan->where, true);
  check(!prism::sql::describe(*plan).empty() && !prism::sql::encode(*plan).empty(), "a plan without description");
  prism::sql::GroupValues group;
  for (const std::size_t column : plan->group_by) {
    if (catalog().columns[column].type == ColumnType::text)
      group.keys.emplace_back(std::string("x"));
    else
      group.keys.emplace_back(std::int64_t{12345});
  }
  for (std::size_t i = 0; i < plan->primitives.size(); ++i)
    group.primitives.push_back(static_cast<prism::Int128>(3 + i));
  check(!plan->group_by.empty() || !plan->primitives.empty(), "a plan that computes nothing");
  static_cast<void>(prism::sql::finish(*plan, {group}));  // an impossible variance is refused, which is fine
  return 0;
}
