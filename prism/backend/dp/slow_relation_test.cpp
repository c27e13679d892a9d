#include "prism/backend/dp/internal/slow_relation_test.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

namespace prism::backend::dp {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

bool is_null(const sql::KeyValue& value) { return std::holds_alternative<std::monostate>(value); }
std::int64_t number(const sql::KeyValue& value) { return std::get<std::int64_t>(value); }

bool holds(const sql::ColumnTest& test, const sql::KeyValue& value) {
  if (is_null(value)) return test.null_is_true;
  if (const auto* const text = std::get_if<std::string>(&value))
    return std::any_of(test.texts.begin(), test.texts.end(), [&](const sql::TextInterval& i) {
      const bool above = !i.low || *text > *i.low || (i.low_included && *text == *i.low);
      const bool below = !i.high || *text < *i.high || (i.high_included && *text == *i.high);
      return above && below;
    });
  return std::any_of(test.intervals.begin(), test.intervals.end(),
                     [&](sql::Interval i) { return i.low <= number(value) && number(value) <= i.high; });
}

bool satisfies(const sql::Predicate& p, const SlowRow& row) {
  const auto child = [&](const sql::Predicate& c) { return satisfies(c, row); };
  switch (p.kind) {
    case sql::Predicate::Kind::always:
      return true;
    case sql::Predicate::Kind::never:
      return false;
    case sql::Predicate::Kind::test:
      return holds(p.test, row.cells[p.test.column]);
    case sql::Predicate::Kind::all:
      return std::all_of(p.children.begin(), p.children.end(), child);
    case sql::Predicate::Kind::any:
      return std::any_of(p.children.begin(), p.children.end(), child);
  }
  return false;
}

std::vector<sql::KeyValue> picked(const SlowRow& row, const std::vector<std::size_t>& columns) {
  std::vector<sql::KeyValue> out;
  for (const std::size_t column : columns) out.push_back(row.cells[column]);
  return out;
}

Int128 clamped(const sql::KeyValue& value, sql::Interval bounds) {
  return std::clamp(number(value), bounds.low, bounds.high);
}

sql::KeyValue inner_value(const sql::DerivedColumn& output, const std::vector<const SlowRow*>& rows,
                          const RelationFacts& facts) {
  std::vector<sql::KeyValue> values;
  for (const SlowRow* const row : rows)
    if (!output.column)
      values.emplace_back(std::int64_t{1});
    else if (!is_null(row->cells[*output.column]))
      values.push_back(row->cells[*output.column]);
  if (output.kind == sql::DerivedColumn::Kind::count) return static_cast<std::int64_t>(values.size());
  if (output.kind == sql::DerivedColumn::Kind::column) return rows.at(0)->cells[*output.column];
  if (values.empty()) return {};
  if (output.kind == sql::DerivedColumn::Kind::minimum) return *std::min_element(values.begin(), values.end());
  if (output.kind == sql::DerivedColumn::Kind::maximum) return *std::max_element(values.begin(), values.end());
  const auto& bounds = facts.columns[*output.column].bounds;
  Int128 sum = 0;
  for (const sql::KeyValue& value : values) sum += facts.is_private && bounds ? clamped(value, *bounds) : number(value);
  return static_cast<std::int64_t>(std::clamp(sum, static_cast<Int128>(kLeast), static_cast<Int128>(kMost)));
}

std::vector<Int128> computed(const Aggregate& a, const std::vector<const SlowRow*>& rows) {
  std::vector<Int128> out(a.numbers(), 0);
  std::set<sql::KeyValue> units;
  for (const SlowRow* const row : rows) {
    const auto cells = picked(*row, a.columns);
    units.insert(row->unit);
    if (std::any_of(cells.begin(), cells.end(), is_null)) continue;
    switch (a.kind) {
      case Aggregate::Kind::rows:
      case Aggregate::Kind::values:
        out[0] += 1;
        break;
      case Aggregate::Kind::units:
        break;
      case Aggregate::Kind::sum:
        out[0] += clamped(cells[0], a.bounds[0]);
        break;
      case Aggregate::Kind::product:
        out[0] += clamped(cells[0], a.bounds[0]) * clamped(cells[1], a.bounds[1]);
        break;
      case Aggregate::Kind::bernstein: {
        const Int128 up = clamped(cells[0], a.bounds[0]) - a.bounds[0].low;
        const Int128 down = a.bounds[0].high - clamped(cells[0], a.bounds[0]);
        if (a.degree == 0) out[0] += 1;
        if (a.degree == 1) out[0] += up, out[1] += down;
        if (a.degree == 2) out[0] += up * up, out[1] += 2 * up * down, out[2] += down * down;
        break;
      }
    }
  }
  if (a.kind == Aggregate::Kind::units) out[0] = static_cast<Int128>(units.size());
  return out;
}

std::vector<LeafCount> leaves_of(const Histogram& h, const std::vector<const SlowRow*>& rows) {
  std::map<std::uint64_t, std::uint64_t> counts;
  for (const SlowRow* const row : rows)
    if (const sql::KeyValue& value = row->cells[h.column]; !is_null(value))
      ++counts[static_cast<std::uint64_t>((clamped(value, h.bounds) - h.bounds.low) / static_cast<Int128>(h.width))];
  std::vector<LeafCount> out;
  for (const auto& [leaf, count] : counts) out.push_back({leaf, count});
  return out;
}

}  // namespace

SlowRelation::SlowRelation(const sql::Plan& plan, const Layout& layout, const RelationFacts& facts,
                           const std::vector<table::Table>& tables, const RowKey& key)
    : plan_(plan), layout_(layout), facts_(facts), tables_(tables), key_(key) {
  rows_ = plan.from ? of(*plan.from, facts) : table(0);
}

std::vector<SlowRow> SlowRelation::table(std::size_t place) const {
  const table::Table& t = tables_[place];
  const TableLayout& layout = layout_.tables[place];
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < t.columns.size(); ++i) columns.push_back(i);
  std::vector<std::uint32_t> chosen;
  for (std::uint32_t row = 0; row < t.rows; ++row) chosen.push_back(row);
  if (layout.unit) chosen = bounded_rows(layout, t, columns, key_).value().rows;
  std::vector<SlowRow> out;
  for (const std::uint32_t row : chosen) {
    SlowRow& slow = out.emplace_back();
    for (const table::Column& column : t.columns) {
      const std::int64_t value = column.values[row];
      if (column.valid[row] == 0)
        slow.cells.emplace_back();
      else if (column.schema.type == table::ColumnType::text)
        slow.cells.emplace_back(column.dictionary[static_cast<std::size_t>(value)]);
      else
        slow.cells.emplace_back(value);
    }
    if (layout.unit) slow.unit = slow.cells[*layout.unit];
  }
  return out;
}

std::vector<SlowRow> SlowRelation::of(const sql::Relation& relation, const RelationFacts& facts) const {
  if (relation.kind == sql::Relation::Kind::table) return table(relation.table);
  if (relation.kind == sql::Relation::Kind::derived) return derived(relation, facts);
  std::vector<SlowRow> rows = of(relation.parts[0], facts.parts[0]);
  for (std::size_t i = 1; i < relation.parts.size(); ++i) {
    std::vector<SlowRow> next;
    const std::vector<SlowRow> part = of(relation.parts[i], facts.parts[i]);
    for (const SlowRow& left : rows)
      for (const SlowRow& right : part) {
        const auto& keys = relation.keys[i - 1];
        if (!std::all_of(keys.begin(), keys.end(), [&](const sql::JoinKey& k) {
              return !is_null(left.cells[k.left]) && left.cells[k.left] == right.cells[k.right];
            }))
          continue;
        next.push_back(left);
        next.back().cells.insert(next.back().cells.end(), right.cells.begin(), right.cells.end());
        if (is_null(left.unit)) next.back().unit = right.unit;
      }
    rows = std::move(next);
  }
  return rows;
}

std::vector<SlowRow> SlowRelation::derived(const sql::Relation& relation, const RelationFacts& facts) const {
  const RelationFacts& inner = facts.parts[0];
  std::map<std::vector<sql::KeyValue>, std::vector<const SlowRow*>> groups;
  const std::vector<SlowRow> rows = of(relation.parts[0], inner);
  std::vector<std::vector<const SlowRow*>> members;
  for (const SlowRow& row : rows) {
    if (!satisfies(relation.where, row)) continue;
    if (relation.grouped)
      groups[picked(row, relation.group_by)].push_back(&row);
    else
      members.push_back({&row});
  }
  for (const auto& [keys, group] : groups) members.push_back(group);
  std::vector<SlowRow> out;
  for (const auto& group : members) {
    SlowRow& row = out.emplace_back();
    for (const sql::DerivedColumn& output : relation.outputs) row.cells.push_back(inner_value(output, group, inner));
    row.unit = group[0]->unit;
  }
  return out;
}

std::uint64_t SlowRelation::most_rows_of_unit() const {
  std::map<sql::KeyValue, std::uint64_t> counts;
  std::uint64_t most = 0;
  for (const SlowRow& row : rows_)
    if (!is_null(row.unit)) most = std::max(most, ++counts[row.unit]);
  return most;
}

std::vector<GroupNumbers> SlowRelation::groups(const AggregateRequest& request, const GroupHash& hash) const {
  std::map<std::vector<sql::KeyValue>, std::vector<const SlowRow*>> groups;
  std::map<sql::KeyValue, std::set<std::pair<std::uint64_t, std::vector<sql::KeyValue>>>> groups_of_unit;
  if (plan_.group_by.empty()) groups[{}];
  for (const SlowRow& row : rows_) {
    if (!satisfies(plan_.where, row) || !satisfies(request.keep, row)) continue;
    const auto keys = picked(row, plan_.group_by);
    groups[keys].push_back(&row);
    if (facts_.is_private && request.groups_per_unit) groups_of_unit[row.unit].emplace(hash(row.unit, keys), keys);
  }
  if (request.groups_per_unit && facts_.is_private && !plan_.group_by.empty()) {
    const auto kept = [&](const sql::KeyValue& unit, const std::vector<sql::KeyValue>& keys) {
      const auto& all = groups_of_unit.at(unit);
      std::uint64_t place = 1;
      for (auto it = all.begin(); it->second != keys; ++it) ++place;
      return place <= *request.groups_per_unit;
    };
    for (auto it = groups.begin(); it != groups.end();) {
      std::erase_if(it->second, [&](const SlowRow* row) { return !kept(row->unit, it->first); });
      it = it->second.empty() ? groups.erase(it) : std::next(it);
    }
  }
  std::vector<GroupNumbers> out;
  for (const auto& [keys, rows] : groups) {
    GroupNumbers& group = out.emplace_back();
    group.keys = keys;
    for (const Aggregate& aggregate : request.aggregates) group.numbers.push_back(computed(aggregate, rows));
    for (const Histogram& histogram : request.histograms) group.leaves.push_back(leaves_of(histogram, rows));
  }
  return out;
}

}  // namespace prism::backend::dp
