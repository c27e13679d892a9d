#include "prism/backend/dp/internal/relation_sql.h"

#include <limits>
#include <utility>

#include "prism/base/check.h"

namespace prism::backend::dp {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : between) + parts[i];
  return out;
}

/// `a or b or c` in brackets; no alternatives: never.
std::string any_of(const std::vector<std::string>& parts) {
  return parts.empty() ? "FALSE" : "(" + joined(parts, " OR ") + ")";
}

}  // namespace

std::string Parameters::add(duck::Value value, const char* type) {
  const auto [place, added] = places_.try_emplace(value, places_.size() + 1);
  if (added) values_.push_back(std::move(value));
  return "$" + std::to_string(place->second) + "::" + type;
}
std::string Parameters::number(std::int64_t value) { return add(value, "BIGINT"); }
std::string Parameters::huge(Int128 value) { return add(value, "HUGEINT"); }
std::string Parameters::text(const std::string& value) { return add(value, "VARCHAR"); }

std::string aliased(const std::string& value, char kind, std::size_t place) {
  return value + " AS " + kind + std::to_string(place);
}
std::string column_name(const std::string& rows, char kind, std::size_t place) {
  return rows + "." + kind + std::to_string(place);
}

bool has_offset(const TableLayout& table, std::size_t column) {
  const std::optional<sql::Interval>& bounds = table.bounds[column];
  return bounds && static_cast<Int128>(bounds->high) - bounds->low < (Int128{1} << 31);
}

std::size_t offset_place(const TableLayout& table, std::size_t column) {
  std::size_t place = table.columns.size();
  for (std::size_t i = 0; i < column; ++i) place += has_offset(table, i) ? 1 : 0;
  return place;
}

RowSource RelationSql::table(std::size_t number) {
  const TableLayout& table = layout_.tables[number];
  const std::string name = fresh_name();
  RowSource out{"t" + std::to_string(number) + " AS " + name, {}};
  const auto column = [&](std::size_t place) { return column_name(name, 'c', place); };
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    Cell cell{column(i)};
    cell.text = table.columns[i].type == table::ColumnType::text;
    if (has_offset(table, i)) {
      cell.offset = column(offset_place(table, i));
      cell.offset_bounds = *table.bounds[i];
    }
    out.cells.push_back(std::move(cell));
  }
  if (table.unit) {
    out.unit = column(*table.unit);
    out.number = column(offset_place(table, table.columns.size()));
  }
  return out;
}

RowSource RelationSql::of(const sql::Relation& relation, const RelationFacts* facts) {
  switch (relation.kind) {
    case sql::Relation::Kind::table:
      return table(relation.table);
    case sql::Relation::Kind::join:
      return join(relation, facts);
    case sql::Relation::Kind::derived:
      return derived(relation, facts);
  }
  check(false, "a relation of no kind");
  return {};
}

RowSource RelationSql::join(const sql::Relation& relation, const RelationFacts* facts) {
  RowSource rows = of(relation.parts[0], facts == nullptr ? nullptr : &facts->parts[0]);
  for (std::size_t i = 1; i < relation.parts.size(); ++i) {
    const RowSource part = of(relation.parts[i], facts == nullptr ? nullptr : &facts->parts[i]);
    std::vector<std::string> equalities;
    for (const sql::JoinKey& key : relation.keys[i - 1])
      equalities.push_back(rows.cells[key.left].value + " = " + part.cells[key.right].value);
    rows.from += " JOIN " + part.from + " ON " + joined(equalities, " AND ");
    rows.cells.insert(rows.cells.end(), part.cells.begin(), part.cells.end());
    // Where both sides are private they have one unit (analyse), so either names it.
    if (rows.unit.empty()) {
      rows.unit = part.unit;
      rows.number = part.number;
    }
  }
  return rows;
}

std::string RelationSql::derived_value(const sql::DerivedColumn& output, const RowSource& rows,
                                       const RelationFacts* facts) {
  using Kind = sql::DerivedColumn::Kind;
  if (output.kind == Kind::count && !output.column) return "count(*)";
  const Cell& cell = rows.cells[*output.column];
  switch (output.kind) {
    case Kind::column:
      break;
    case Kind::count:
      return "count(" + cell.value + ")";
    case Kind::minimum:
      return "min(" + cell.value + ")";
    case Kind::maximum:
      return "max(" + cell.value + ")";
    case Kind::sum: {
      // Clamped before it is added, so that one wild value does not hide the rest of its unit's.
      const bool bounded = facts != nullptr && facts->is_private && facts->columns[*output.column].bounds;
      const std::string sum =
          "sum(" + (bounded ? held(cell, *facts->columns[*output.column].bounds) : cell.value) + ")";
      const std::string least = parameters_.huge(kLeast), most = parameters_.huge(kMost);
      return "(CASE WHEN " + sum + " < " + least + " THEN " + least + " WHEN " + sum + " > " + most + " THEN " + most +
             " ELSE " + sum + " END)::BIGINT";
    }
  }
  return cell.value;
}

RowSource RelationSql::derived(const sql::Relation& relation, const RelationFacts* facts) {
  const RelationFacts* const part_facts = facts == nullptr ? nullptr : &facts->parts[0];
  const RowSource rows = of(relation.parts[0], part_facts);
  const std::string name = fresh_name();
  RowSource out;
  std::vector<std::string> selected;
  for (std::size_t i = 0; i < relation.outputs.size(); ++i) {
    const sql::DerivedColumn& output = relation.outputs[i];
    selected.push_back(aliased(derived_value(output, rows, part_facts), 'c', i));
    Cell cell{column_name(name, 'c', i)};
    if (output.kind == sql::DerivedColumn::Kind::column) {
      const Cell& from = rows.cells[*output.column];
      cell.text = from.text;
      if (!relation.grouped && !from.offset.empty()) {
        selected.push_back(aliased(from.offset, 'o', i));
        cell.offset = column_name(name, 'o', i);
        cell.offset_bounds = from.offset_bounds;
      }
    }
    out.cells.push_back(std::move(cell));
  }
  std::vector<std::string> groups;
  std::string unit = rows.unit;
  if (relation.grouped) {
    unit.clear();
    for (const std::size_t column : relation.group_by) {
      groups.push_back(rows.cells[column].value);
      if (part_facts != nullptr && part_facts->is_private && part_facts->columns[column].is_unit) unit = groups.back();
    }
  }
  if (!unit.empty()) {
    selected.push_back(unit + " AS u");
    out.unit = name + ".u";
  }
  if (!relation.grouped && !rows.number.empty()) {
    selected.push_back(rows.number + " AS n");
    out.number = name + ".n";
  }
  const std::string condition = this->condition({&relation.where}, rows.cells);
  out.from = "(SELECT " + joined(selected, ", ") + " FROM " + rows.from +
             (condition.empty() ? "" : " WHERE " + condition) +
             (groups.empty() ? "" : " GROUP BY " + joined(groups, ", ")) + ") AS " + name;
  return out;
}

std::string RelationSql::condition(const std::vector<const sql::Predicate*>& predicates,
                                   const std::vector<Cell>& cells) {
  std::vector<std::string> conditions;
  for (const sql::Predicate* const predicate : predicates)
    if (predicate->kind != sql::Predicate::Kind::always) conditions.push_back(condition(*predicate, cells));
  return joined(conditions, " AND ");
}

std::string RelationSql::condition(const sql::Predicate& predicate, const std::vector<Cell>& cells) {
  std::vector<std::string> children;
  for (const sql::Predicate& child : predicate.children) children.push_back(condition(child, cells));
  switch (predicate.kind) {
    case sql::Predicate::Kind::always:
      return "TRUE";
    case sql::Predicate::Kind::never:
      return "FALSE";
    case sql::Predicate::Kind::all:
      return "(" + joined(children, " AND ") + ")";
    case sql::Predicate::Kind::any:
      return any_of(children);
    case sql::Predicate::Kind::test:
      break;
  }
  const Cell& cell = cells[predicate.test.column];
  return cell.text ? text_test(predicate.test, cell.value) : number_test(predicate.test, cell.value);
}

std::string RelationSql::number_test(const sql::ColumnTest& test, const std::string& value) {
  std::vector<std::string> alternatives, points;
  for (const sql::Interval& interval : test.intervals) {
    if (interval.low == interval.high)
      points.push_back(parameters_.number(interval.low));
    else if (interval.low == kLeast && interval.high == kMost)
      alternatives.push_back(value + " IS NOT NULL");
    else if (interval.low == kLeast)
      alternatives.push_back(value + " <= " + parameters_.number(interval.high));
    else if (interval.high == kMost)
      alternatives.push_back(value + " >= " + parameters_.number(interval.low));
    else
      alternatives.push_back("(" + value + " BETWEEN " + parameters_.number(interval.low) + " AND " +
                             parameters_.number(interval.high) + ")");
  }
  if (!points.empty()) alternatives.push_back(value + " IN (" + joined(points, ", ") + ")");
  if (test.null_is_true) alternatives.push_back(value + " IS NULL");
  return any_of(alternatives);
}

std::string RelationSql::text_test(const sql::ColumnTest& test, const std::string& value) {
  std::vector<std::string> alternatives, points;
  for (const sql::TextInterval& interval : test.texts) {
    std::vector<std::string> both;
    if (interval.low) {
      const std::optional<std::string> low = valid_text_from(*interval.low);
      if (!low) continue;  // no text is that large
      if (interval.low == interval.high && interval.low_included && interval.high_included && low == interval.low) {
        points.push_back(parameters_.text(*low));
        continue;
      }
      both.push_back(value + (low != interval.low || interval.low_included ? " >= " : " > ") + parameters_.text(*low));
    }
    if (interval.high) {
      const std::optional<std::string> high = valid_text_from(*interval.high);
      if (high)
        both.push_back(value + (high == interval.high && interval.high_included ? " <= " : " < ") +
                       parameters_.text(*high));
    }
    alternatives.push_back(both.empty() ? value + " IS NOT NULL" : "(" + joined(both, " AND ") + ")");
  }
  if (!points.empty()) alternatives.push_back(value + " IN (" + joined(points, ", ") + ")");
  if (test.null_is_true) alternatives.push_back(value + " IS NULL");
  return any_of(alternatives);
}

std::string RelationSql::held(const Cell& cell, sql::Interval bounds) {
  if (!cell.offset.empty() && cell.offset_bounds == bounds)
    return "(" + cell.offset + " + " + parameters_.number(bounds.low) + ")";
  std::string cases;
  if (bounds.low != kLeast) {
    const std::string low = parameters_.number(bounds.low);
    cases += " WHEN " + cell.value + " < " + low + " THEN " + low;
  }
  if (bounds.high != kMost) {
    const std::string high = parameters_.number(bounds.high);
    cases += " WHEN " + cell.value + " > " + high + " THEN " + high;
  }
  return cases.empty() ? cell.value : "(CASE" + cases + " ELSE " + cell.value + " END)";
}

std::string RelationSql::difference(const Cell& cell, sql::Interval bounds) {
  if (!cell.offset.empty() && cell.offset_bounds == bounds) return cell.offset;
  const Int128 width = static_cast<Int128>(bounds.high) - bounds.low;
  if (width <= kMost) return "(" + held(cell, bounds) + " - " + parameters_.number(bounds.low) + ")";
  return "(" + held(cell, bounds) + "::HUGEINT - " + parameters_.huge(bounds.low) + ")";
}

}  // namespace prism::backend::dp
