#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "prism/backend/dp/relational.h"

namespace prism::backend::dp {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

Error refused(std::string_view rule, sql::Position position, const std::string& message) {
  Error error = fail(ErrorCode::refused, message);
  error.detail = "rule=" + std::string(rule) + " position=" + std::to_string(position);
  return error;
}

Error foreign(const std::string& what) {
  return fail(ErrorCode::mismatch, "plan and layout do not belong together: ", what);
}

/// Saturates: enough, because whoever asks compares with a much smaller bound.
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return product > std::numeric_limits<std::uint64_t>::max() ? std::numeric_limits<std::uint64_t>::max()
                                                             : static_cast<std::uint64_t>(product);
}

/// Of the sum of 1 to `rows` values, each in `one`. Sums are kept in 64 bits (sql/plan.h), so the bounds are as well.
sql::Interval sum_of(sql::Interval one, std::uint64_t rows) {
  const auto held = [](Int128 value) {
    return static_cast<std::int64_t>(std::clamp(value, static_cast<Int128>(kLeast), static_cast<Int128>(kMost)));
  };
  // 64 bits times 30 bits (kMostRowsPerUnit) do not overflow.
  const auto many = static_cast<Int128>(std::min(rows, kMostRowsPerUnit));
  return {held(std::min<Int128>(one.low, one.low * many)), held(std::max<Int128>(one.high, one.high * many))};
}

class Analysis {
 public:
  Analysis(const Layout& layout, const KeyMultiplicity& multiplicity) : layout_(layout), multiplicity_(multiplicity) {}

  Result<RelationFacts> of(const sql::Relation& relation) {
    switch (relation.kind) {
      case sql::Relation::Kind::table:
        return table(relation.table, relation.catalog, relation.position);
      case sql::Relation::Kind::join:
        return join(relation);
      case sql::Relation::Kind::derived:
        return derived(relation);
    }
    return foreign("a relation of no kind");
  }

  Result<RelationFacts> table(std::size_t number, const sql::Catalog& catalog, sql::Position position) {
    if (number >= layout_.tables.size()) return foreign("table number " + std::to_string(number));
    const TableLayout& table = layout_.tables[number];
    if (table.columns.size() != catalog.columns.size() || table.bounds.size() != table.columns.size() ||
        (table.unit && *table.unit >= table.columns.size()))
      return foreign("table " + catalog.table + " has other columns");
    RelationFacts facts{table.unit.has_value(), table.unit ? table.rows_per_unit : 1, {}, {}};
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].type != catalog.columns[i].type || table.columns[i].scale != catalog.columns[i].scale)
        return foreign("column " + catalog.columns[i].name + " has another type");
      if (table.bounds[i] && table.bounds[i]->low > table.bounds[i]->high)
        return foreign("column " + catalog.columns[i].name + " has bounds that hold nothing");
      facts.columns.push_back({table.bounds[i], table.unit == i, ColumnOrigin{number, i}});
    }
    return within(std::move(facts), position);
  }

 private:
  static Result<RelationFacts> within(RelationFacts facts, sql::Position position) {
    if (facts.rows_per_unit >= 1 && facts.rows_per_unit <= kMostRowsPerUnit) return facts;
    return refused("dp/rows", position,
                   "one privacy unit can have more than " + std::to_string(kMostRowsPerUnit) +
                       " rows here, so no useful noise hides it; group each table by the unit before joining, or "
                       "join public tables on a key that occurs once");
  }

  Result<RelationFacts> join(const sql::Relation& relation) {
    if (relation.parts.size() < 2 || relation.keys.size() + 1 != relation.parts.size())
      return foreign("a join's parts");
    PRISM_TRY(RelationFacts left, of(relation.parts[0]));
    std::vector<RelationFacts> parts{left};
    for (std::size_t i = 1; i < relation.parts.size(); ++i) {
      PRISM_TRY(const RelationFacts right, of(relation.parts[i]));
      const std::vector<sql::JoinKey>& keys = relation.keys[i - 1];
      std::vector<std::size_t> left_columns, right_columns;
      bool units_meet = false;
      for (const sql::JoinKey& key : keys) {
        if (key.left >= left.columns.size() || key.right >= right.columns.size()) return foreign("a join's key");
        left_columns.push_back(key.left);
        right_columns.push_back(key.right);
        units_meet = units_meet || (left.columns[key.left].is_unit && right.columns[key.right].is_unit);
      }
      if (keys.empty()) return foreign("a join without keys");
      const sql::Position position = keys[0].position;
      if (left.is_private && right.is_private) {
        if (!units_meet)
          return refused("dp/join", position,
                         "both sides hold rows of people (or whatever the privacy unit is), so they can only meet as "
                         "rows of the same one; add an equality between their unit columns");
        left.rows_per_unit = times(left.rows_per_unit, right.rows_per_unit);
      } else if (left.is_private) {
        PRISM_TRY(const std::uint64_t most, multiplicity_(relation.parts[i], right_columns));
        left.rows_per_unit = times(left.rows_per_unit, std::max<std::uint64_t>(most, 1));
      } else if (right.is_private) {
        PRISM_TRY(const std::uint64_t most, multiplicity_(first_parts(relation, i), left_columns));
        left.rows_per_unit = times(right.rows_per_unit, std::max<std::uint64_t>(most, 1));
        left.is_private = true;
      }
      for (const ColumnFacts& column : right.columns) left.columns.push_back(column);
      parts.push_back(right);
      PRISM_TRY(left, within(std::move(left), position));
    }
    if (left.columns.size() != relation.catalog.columns.size()) return foreign("a join's columns");
    left.parts = std::move(parts);
    return left;
  }

  /// The first `count` parts as a relation of their own.
  static sql::Relation first_parts(const sql::Relation& relation, std::size_t count) {
    if (count == 1) return relation.parts[0];
    sql::Relation out;
    out.kind = sql::Relation::Kind::join;
    out.position = relation.position;
    for (std::size_t i = 0; i < count; ++i) {
      out.parts.push_back(relation.parts[i]);
      if (i > 0) out.keys.push_back(relation.keys[i - 1]);
      for (const table::ColumnSchema& column : relation.parts[i].catalog.columns) out.catalog.columns.push_back(column);
    }
    return out;
  }

  Result<RelationFacts> derived(const sql::Relation& relation) {
    if (relation.parts.size() != 1 || relation.outputs.size() != relation.catalog.columns.size())
      return foreign("a derived table's parts");
    PRISM_TRY(RelationFacts rows, of(relation.parts[0]));
    RelationFacts facts{rows.is_private, rows.rows_per_unit, {}, {}};
    if (relation.grouped && rows.is_private) {
      bool by_unit = false, by_more = false;
      for (const std::size_t column : relation.group_by) {
        if (column >= rows.columns.size()) return foreign("a derived table's group");
        (rows.columns[column].is_unit ? by_unit : by_more) = true;
      }
      if (!by_unit)
        return refused("dp/derived", relation.position,
                       "this derived table mixes rows of different privacy units, so nobody's part in it is bounded; "
                       "add the unit's column to its GROUP BY");
      // One row for each unit and whatever else is grouped by; each such group holds at least one of the unit's rows.
      if (!by_more) facts.rows_per_unit = 1;
    }
    for (const sql::DerivedColumn& output : relation.outputs) {
      if (output.column && *output.column >= rows.columns.size()) return foreign("a derived table's column");
      if (!output.column && output.kind != sql::DerivedColumn::Kind::count) return foreign("a derived table's column");
      facts.columns.push_back(derived_column(output, rows));
    }
    facts.parts.push_back(std::move(rows));
    return facts;
  }

  static ColumnFacts derived_column(const sql::DerivedColumn& output, const RelationFacts& rows) {
    const auto of = [&]() -> const ColumnFacts& { return rows.columns[*output.column]; };
    switch (output.kind) {
      case sql::DerivedColumn::Kind::column:
        return of();
      case sql::DerivedColumn::Kind::count:
        if (!rows.is_private) return {};
        return {sql::Interval{0, static_cast<std::int64_t>(rows.rows_per_unit)}, false, std::nullopt};
      case sql::DerivedColumn::Kind::sum:
        if (!rows.is_private || !of().bounds) return {};
        return {sum_of(*of().bounds, rows.rows_per_unit), false, std::nullopt};
      case sql::DerivedColumn::Kind::minimum:
      case sql::DerivedColumn::Kind::maximum:
        return {of().bounds, false, std::nullopt};
    }
    return {};
  }

  const Layout& layout_;
  const KeyMultiplicity& multiplicity_;
};

}  // namespace

Result<RelationFacts> analyse(const sql::Plan& plan, const Layout& layout, const KeyMultiplicity& multiplicity) {
  Analysis analysis(layout, multiplicity);
  if (!plan.from) return analysis.table(0, plan.catalog, -1);
  PRISM_TRY(RelationFacts facts, analysis.of(*plan.from));
  if (facts.columns.size() != plan.catalog.columns.size()) return foreign("the columns of FROM");
  return facts;
}

}  // namespace prism::backend::dp
