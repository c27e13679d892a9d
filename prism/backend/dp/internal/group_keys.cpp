#include "prism/backend/dp/internal/group_keys.h"

#include <algorithm>

#include "prism/backend/dp/refusal.h"
#include "prism/base/check.h"

namespace prism::backend::dp::internal {
namespace {

using sql::KeyValue;

const policy::ColumnRule* rule_of(const policy::Grant& grant, const RelationFacts& facts, std::size_t column) {
  const std::optional<ColumnOrigin>& origin = facts.columns[column].origin;
  return origin ? &grant.tables[origin->table].columns[origin->column] : nullptr;
}

bool inside(const sql::ColumnTest& test, const KeyValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return test.null_is_true;
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return std::any_of(test.intervals.begin(), test.intervals.end(),
                       [&](const sql::Interval& i) { return i.low <= *number && *number <= i.high; });
  const std::string& text = std::get<std::string>(value);
  return std::any_of(test.texts.begin(), test.texts.end(), [&](const sql::TextInterval& i) {
    const bool above = !i.low || text > *i.low || (i.low_included && text == *i.low);
    const bool below = !i.high || text < *i.high || (i.high_included && text == *i.high);
    return above && below;
  });
}

/// Whether WHERE can hold for a row with this value in this column, whatever its other columns are.
bool possible(const sql::Predicate& where, std::size_t column, const KeyValue& value) {
  switch (where.kind) {
    case sql::Predicate::Kind::always:
      return true;
    case sql::Predicate::Kind::never:
      return true;  // nothing is left either way; the groups stay, empty
    case sql::Predicate::Kind::test:
      return where.test.column != column || inside(where.test, value);
    case sql::Predicate::Kind::all:
      return std::all_of(where.children.begin(), where.children.end(),
                         [&](const sql::Predicate& child) { return possible(child, column, value); });
    case sql::Predicate::Kind::any:
      return std::any_of(where.children.begin(), where.children.end(),
                         [&](const sql::Predicate& child) { return possible(child, column, value); });
  }
  check(false, "unknown predicate");
  return true;
}

/// Where a key is selected, else where GROUP BY stands: plans do not keep the places of keys.
int key_place(const sql::Plan& plan, std::size_t column, std::string_view sql) {
  for (const sql::OutputColumn& output : plan.outputs) {
    if (output.value.op == sql::Expression::Op::key && plan.group_by[output.value.index] == column &&
        output.value.position >= 0)
      return output.value.position;
  }
  return place_of(sql, "group");
}

std::string count_text(std::uint64_t most) { return std::to_string(most); }

}  // namespace

Bytes key_bytes(const Keys& keys) {
  Bytes out;
  const auto put = [&](std::uint64_t value) {  // big-endian, unlike wire::Writer: bytes order as numbers do
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  for (const KeyValue& key : keys) {
    if (const auto* number = std::get_if<std::int64_t>(&key)) {
      out.push_back(1);
      put(static_cast<std::uint64_t>(*number) ^ (std::uint64_t{1} << 63));  // negative ones first
    } else if (const auto* text = std::get_if<std::string>(&key)) {
      out.push_back(2);
      put(text->size());
      out.insert(out.end(), text->begin(), text->end());
    } else {
      out.push_back(3);
    }
  }
  return out;
}

Result<std::optional<std::vector<Keys>>> public_groups(const policy::Grant& grant, const sql::Plan& plan,
                                                       const RelationFacts& facts, std::string_view sql) {
  using Groups = std::optional<std::vector<Keys>>;
  bool all_public = !plan.group_by.empty();
  for (const std::size_t column : plan.group_by) {
    if (facts.columns[column].is_unit)
      return refusal(ErrorCode::refused, sql, key_place(plan, column, sql), "dp/unit-key",
                     "a group for each " + plan.catalog.columns[column].name +
                         " would be about one privacy unit alone; group by something that many units share");
    const policy::ColumnRule* rule = rule_of(grant, facts, column);
    all_public = all_public && rule != nullptr && policy::public_value_count(*rule).has_value();
  }
  if (!all_public) return Groups{};

  std::vector<Keys> groups{{}};
  for (const std::size_t column : plan.group_by) {
    const policy::ColumnRule& rule = *rule_of(grant, facts, column);
    std::vector<KeyValue> values;
    const auto add = [&](KeyValue value) {
      if (possible(plan.where, column, value)) values.push_back(std::move(value));
    };
    if (*policy::public_value_count(rule) > grant.most_groups)
      return refusal(ErrorCode::refused, sql, key_place(plan, column, sql), "dp/groups",
                     "column " + rule.schema.name + " has more than the " + count_text(grant.most_groups) +
                         " groups that one answer may have; narrow its declared values, or ask part by part");
    if (rule.schema.type == table::ColumnType::text) {
      for (const std::string& value : rule.values) add(value);
    } else {
      for (std::int64_t value = rule.bounds->low;; ++value) {
        add(value);
        if (value == rule.bounds->high) break;
      }
    }
    if (plan.catalog.columns[column].nullable) add(std::monostate{});
    if (groups.size() * std::max<std::size_t>(values.size(), 1) > grant.most_groups)
      return refusal(ErrorCode::refused, sql, key_place(plan, column, sql), "dp/groups",
                     "these keys make more than the " + count_text(grant.most_groups) +
                         " groups that one answer may have; group by fewer columns, or restrict them with WHERE");
    std::vector<Keys> longer;
    for (const Keys& group : groups) {
      for (const KeyValue& value : values) {
        longer.push_back(group);
        longer.back().push_back(value);
      }
    }
    groups = std::move(longer);
  }
  return Groups{std::move(groups)};
}

sql::Predicate within_public_values(const policy::Grant& grant, const sql::Plan& plan, const RelationFacts& facts) {
  std::vector<sql::Predicate> tests;
  for (const std::size_t column : plan.group_by) {
    const policy::ColumnRule& rule = *rule_of(grant, facts, column);
    sql::ColumnTest test{column, {}, {}, plan.catalog.columns[column].nullable, -1};
    if (rule.schema.type == table::ColumnType::text) {
      for (const std::string& value : rule.values) test.texts.push_back({value, value, true, true});
    } else {
      test.intervals.push_back({rule.bounds->low, rule.bounds->high});
    }
    tests.push_back({sql::Predicate::Kind::test, std::move(test), {}});
  }
  std::sort(tests.begin(), tests.end(),
            [](const sql::Predicate& a, const sql::Predicate& b) { return a.test.column < b.test.column; });
  if (tests.size() == 1) return tests[0];
  return {sql::Predicate::Kind::all, {}, std::move(tests)};
}

}  // namespace prism::backend::dp::internal
