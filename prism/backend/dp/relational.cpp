#include "prism/backend/dp/relational.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "prism/backend/dp/internal/relation_sql.h"
#include "prism/base/check.h"

namespace prism::backend::dp {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// 2^40 rows of numbers below 2^kTermBits add up to less than 2^126.
constexpr int kTermBits = 86;
constexpr int kSquareBits = 42;  // three sums of squares, one of them doubled, and W^2 times the count: below 2^126

Error too_wide(const std::string& what) {
  Error error = fail(ErrorCode::refused, what, "; declare narrower bounds for the column, or fewer decimals");
  error.detail = "rule=dp/range position=-1";
  return error;
}

Error unfit(const std::string& what) { return fail(ErrorCode::mismatch, "the request does not fit the plan: ", what); }

Int128 width_of(sql::Interval bounds) { return static_cast<Int128>(bounds.high) - bounds.low; }
Int128 magnitude_of(sql::Interval bounds) {
  const auto size = [](std::int64_t v) { return v < 0 ? -static_cast<Int128>(v) : static_cast<Int128>(v); };
  return std::max(size(bounds.low), size(bounds.high));
}

Status check_aggregate(const Aggregate& aggregate, std::size_t columns, const std::vector<Cell>& cells,
                       const RelationFacts& facts) {
  for (const std::size_t column : aggregate.columns)
    if (column >= columns) return unfit("a column that is not there");
  const auto wants = [&](std::size_t count) {
    if (aggregate.columns.size() != count || aggregate.bounds.size() != count) return false;
    for (std::size_t i = 0; i < count; ++i)
      if (cells[aggregate.columns[i]].text || aggregate.bounds[i].low > aggregate.bounds[i].high) return false;
    return true;
  };
  switch (aggregate.kind) {
    case Aggregate::Kind::rows:
      return {};
    case Aggregate::Kind::values:
      if (aggregate.columns.empty()) return unfit("values of no column");
      return {};
    case Aggregate::Kind::units:
      if (!facts.is_private) return unfit("units of public rows");
      return {};
    case Aggregate::Kind::sum:
      if (!wants(1)) return unfit("a sum without its bounds");
      return {};
    case Aggregate::Kind::bernstein:
      if (!wants(1) || aggregate.degree < 0 || aggregate.degree > 2) return unfit("moments without their bounds");
      if (aggregate.degree == 2 && (width_of(aggregate.bounds[0]) >> kSquareBits) != 0)
        return too_wide("squares of values that far apart do not fit 128 bits when they are added up");
      return {};
    case Aggregate::Kind::product:
      if (!wants(2)) return unfit("a product without its bounds");
      // At most 2^63 each, so the product itself fits.
      if (magnitude_of(aggregate.bounds[0]) * (magnitude_of(aggregate.bounds[1]) >> 1) >=
          (Int128{1} << (kTermBits - 1)))
        return too_wide("products of values that large do not fit 128 bits when they are added up");
      return {};
  }
  return unfit("an aggregate of no kind");
}

/// What is selected, each text once.
class Selection {
 public:
  std::size_t add(const std::string& text) {
    const auto [place, added] = places_.try_emplace(text, items_.size());
    if (added) items_.push_back(text);
    return place->second;
  }
  const std::vector<std::string>& items() const { return items_; }

 private:
  std::vector<std::string> items_;
  std::map<std::string, std::size_t> places_;
};

std::string listed(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

/// A statement in the making: the rows that count, as every statement of one query reads them.
class Reading {
 public:
  Reading(const sql::Plan& plan, const Layout& layout, const RelationFacts& facts, const AggregateRequest& request)
      : sql_(layout, parameters_) {
    rows_ = plan.from ? sql_.of(*plan.from, &facts) : sql_.table(0);
    from_ = rows_.from;
    condition_ = sql_.condition({&plan.where, &request.keep}, rows_.cells);
    const bool bound_groups = facts.is_private && !plan.group_by.empty() && request.groups_per_unit &&
                              *request.groups_per_unit < facts.rows_per_unit;
    if (bound_groups) keep_groups(plan, *request.groups_per_unit);
    for (const std::size_t column : plan.group_by) keys_.push_back(rows_.cells[column].value);
  }

  const std::vector<Cell>& cells() const { return rows_.cells; }
  const RowSource& rows() const { return rows_; }
  RelationSql& sql() { return sql_; }
  Parameters& parameters() { return parameters_; }

  /// SELECT keys, items FROM ... GROUP BY keys and the first `more_keys` items.
  duck::Statement statement(const std::vector<std::string>& items, std::size_t more_keys,
                            const std::string& filter) && {
    std::vector<std::string> selected = keys_, groups;
    selected.insert(selected.end(), items.begin(), items.end());
    for (std::size_t i = 0; i < keys_.size() + more_keys; ++i) groups.push_back(std::to_string(i + 1));
    std::string text = "SELECT " + listed(selected) + reading() +
                       (filter.empty() ? "" : (condition_.empty() ? " WHERE " : " AND ") + filter);
    if (!groups.empty()) text += " GROUP BY " + listed(groups);
    return {std::move(text), std::move(parameters_).take()};
  }

 private:
  std::string reading() const { return " FROM " + from_ + (condition_.empty() ? "" : " WHERE " + condition_); }

  /// Rows of at most `groups` groups of each unit: the first in the order of a hash. Ties go to the key itself, so that
  /// equal hashes cannot let another group in.
  void keep_groups(const sql::Plan& plan, std::uint64_t groups) {
    const std::string outer = sql_.fresh_name();
    std::vector<std::string> selected, order, keys;
    RowSource bounded;
    for (std::size_t i = 0; i < rows_.cells.size(); ++i) {
      Cell cell = rows_.cells[i];
      selected.push_back(aliased(cell.value, 'c', i));
      cell.value = column_name(outer, 'c', i);
      if (!cell.offset.empty()) {
        selected.push_back(aliased(cell.offset, 'o', i));
        cell.offset = column_name(outer, 'o', i);
      }
      bounded.cells.push_back(std::move(cell));
    }
    for (const std::size_t column : plan.group_by) keys.push_back(rows_.cells[column].value);
    selected.push_back(rows_.unit + " AS u");
    selected.push_back("dense_rank() OVER (PARTITION BY " + rows_.unit + " ORDER BY hash(" + rows_.unit + ", " +
                       listed(keys) + "), " + listed(keys) + ") AS g");
    bounded.unit = outer + ".u";
    if (!rows_.number.empty()) {
      selected.push_back(rows_.number + " AS n");
      bounded.number = outer + ".n";
    }
    from_ = "(SELECT " + listed(selected) + reading() + ") AS " + outer;
    condition_ = outer + ".g <= " + parameters_.number(static_cast<std::int64_t>(groups));
    rows_ = std::move(bounded);
  }

  Parameters parameters_;
  RelationSql sql_;
  RowSource rows_;
  std::string from_, condition_;
  std::vector<std::string> keys_;
};

constexpr std::size_t kPlaces = 3;  ///< of one aggregate: count, first and second sum, as far as it needs them

/// Adds what one aggregate needs; returns where it stands.
std::array<std::size_t, kPlaces> select_aggregate(const Aggregate& aggregate, const RelationFacts& facts,
                                                  Reading& reading, Selection& selection) {
  const auto cell = [&](std::size_t i) -> const Cell& { return reading.cells()[aggregate.columns[i]]; };
  switch (aggregate.kind) {
    case Aggregate::Kind::rows:
      return {selection.add("count(*)")};
    case Aggregate::Kind::values: {
      if (aggregate.columns.size() == 1) return {selection.add("count(" + cell(0).value + ")")};
      std::string condition;
      for (std::size_t i = 0; i < aggregate.columns.size(); ++i)
        condition += (i == 0 ? "" : " AND ") + cell(i).value + " IS NOT NULL";
      return {selection.add("count(*) FILTER (WHERE " + condition + ")")};
    }
    case Aggregate::Kind::units:
      // With one row per unit, rows are units: no set of those already seen is needed.
      if (facts.rows_per_unit == 1) return {selection.add("count(*)")};
      if (!reading.rows().number.empty()) return {selection.add("different(" + reading.rows().number + ")")};
      return {selection.add("count(DISTINCT " + reading.rows().unit + ")")};
    case Aggregate::Kind::product: {
      const std::string a = reading.sql().held(cell(0), aggregate.bounds[0]);
      const std::string b = reading.sql().held(cell(1), aggregate.bounds[1]);
      const bool narrow = magnitude_of(aggregate.bounds[0]) * magnitude_of(aggregate.bounds[1]) < (Int128{1} << 63);
      return {0, selection.add("sum(" + a + (narrow ? "" : "::HUGEINT") + " * " + b + ")")};
    }
    case Aggregate::Kind::sum:
    case Aggregate::Kind::bernstein:
      break;
  }
  const std::size_t count = selection.add("count(" + cell(0).value + ")");
  if (aggregate.kind == Aggregate::Kind::bernstein && aggregate.degree == 0) return {count};
  const std::string difference = reading.sql().difference(cell(0), aggregate.bounds[0]);
  const std::size_t sum = selection.add("sum(" + difference + ")");
  if (aggregate.kind == Aggregate::Kind::sum || aggregate.degree == 1) return {count, sum};
  const bool narrow = width_of(aggregate.bounds[0]) < (Int128{1} << 31);
  const std::string wide = difference + (narrow ? "::BIGINT" : "::HUGEINT");
  return {count, sum, selection.add("sum(" + wide + " * " + difference + ")")};
}

/// From counts and sums of differences to what was asked for.
std::vector<Int128> numbers_of(const Aggregate& aggregate, Int128 count, Int128 first, Int128 second) {
  switch (aggregate.kind) {
    case Aggregate::Kind::rows:
    case Aggregate::Kind::values:
    case Aggregate::Kind::units:
      return {count};
    case Aggregate::Kind::product:
      return {first};
    case Aggregate::Kind::sum:
      return {first + count * aggregate.bounds[0].low};
    case Aggregate::Kind::bernstein:
      break;
  }
  const Int128 width = width_of(aggregate.bounds[0]);
  if (aggregate.degree == 0) return {count};
  if (aggregate.degree == 1) return {first, count * width - first};
  return {second, 2 * (width * first - second), count * width * width - 2 * width * first + second};
}

std::vector<sql::KeyValue> keys_of(const duck::Rows& rows, std::size_t row, const std::vector<bool>& text_keys) {
  std::vector<sql::KeyValue> keys;
  for (std::size_t i = 0; i < text_keys.size(); ++i) {
    const duck::RowsColumn& column = rows.columns[i];
    if (column.valid[row] == 0)
      keys.emplace_back();
    else if (text_keys[i])
      keys.emplace_back(column.texts[row]);
    else
      keys.emplace_back(static_cast<std::int64_t>(column.numbers[row]));
  }
  return keys;
}

}  // namespace

Result<AggregateQuery> AggregateQuery::make(const sql::Plan& plan, const Layout& layout, const RelationFacts& facts,
                                            AggregateRequest request) {
  if (facts.columns.size() != plan.catalog.columns.size()) return unfit("facts of other rows");
  AggregateQuery query;
  for (const std::size_t column : plan.group_by)
    query.text_keys_.push_back(plan.catalog.columns[column].type == table::ColumnType::text);
  {
    Reading reading(plan, layout, facts, request);
    Selection selection;
    selection.add("count(*)");  // so that something is selected, whatever is asked for
    for (const Aggregate& aggregate : request.aggregates) {
      PRISM_CHECKED(check_aggregate(aggregate, facts.columns.size(), reading.cells(), facts));
      for (const std::size_t place : select_aggregate(aggregate, facts, reading, selection))
        query.places_.push_back(place);
    }
    query.statements_.push_back(std::move(reading).statement(selection.items(), 0, ""));
  }
  for (const Histogram& histogram : request.histograms) {
    Reading reading(plan, layout, facts, request);
    if (histogram.column >= reading.cells().size() || reading.cells()[histogram.column].text || histogram.width == 0 ||
        histogram.bounds.low > histogram.bounds.high)
      return unfit("a histogram without bounds or width");
    const Cell& cell = reading.cells()[histogram.column];
    // A leaf wider than all values is one leaf.
    const Int128 range = width_of(histogram.bounds);
    const Int128 width = std::min<Int128>(histogram.width, range + 1);
    const std::string leaf = "(" + reading.sql().difference(cell, histogram.bounds) + " // " +
                             (width <= kMost ? reading.parameters().number(static_cast<std::int64_t>(width))
                                             : reading.parameters().huge(width)) +
                             ")";
    const std::string filter = cell.value + " IS NOT NULL";
    query.statements_.push_back(std::move(reading).statement({leaf, "count(*)"}, 1, filter));
  }
  query.request_ = std::move(request);
  return query;
}

Result<std::vector<GroupNumbers>> AggregateQuery::run(duck::Database& database, const duck::Stop& stop) const {
  std::map<std::vector<sql::KeyValue>, GroupNumbers> groups;
  const std::size_t key_count = text_keys_.size();
  PRISM_TRY(const duck::Rows rows, database.query(statements_[0], stop));
  for (std::size_t row = 0; row < rows.count; ++row) {
    GroupNumbers group;
    group.keys = keys_of(rows, row, text_keys_);
    for (std::size_t i = 0; i < request_.aggregates.size(); ++i) {
      const auto number = [&](std::size_t k) {
        return rows.columns[key_count + places_[kPlaces * i + k]].numbers[row];
      };
      group.numbers.push_back(numbers_of(request_.aggregates[i], number(0), number(1), number(2)));
    }
    group.leaves.resize(request_.histograms.size());
    groups.emplace(group.keys, std::move(group));
  }
  for (std::size_t i = 0; i < request_.histograms.size(); ++i) {
    PRISM_TRY(const duck::Rows counts, database.query(statements_[i + 1], stop));
    for (std::size_t row = 0; row < counts.count; ++row) {
      const auto group = groups.find(keys_of(counts, row, text_keys_));
      check(group != groups.end(), "a histogram's group that has no rows");
      group->second.leaves[i].push_back({static_cast<std::uint64_t>(counts.columns[key_count].numbers[row]),
                                         static_cast<std::uint64_t>(counts.columns[key_count + 1].numbers[row])});
    }
  }
  std::vector<GroupNumbers> out;
  for (auto& [keys, group] : groups) {
    for (std::vector<LeafCount>& leaves : group.leaves)
      std::sort(leaves.begin(), leaves.end(), [](LeafCount a, LeafCount b) { return a.leaf < b.leaf; });
    out.push_back(std::move(group));
  }
  return out;
}

Result<duck::Statement> key_multiplicity_statement(const sql::Relation& rows, const Layout& layout,
                                                   const std::vector<std::size_t>& columns) {
  Parameters parameters;
  RelationSql sql(layout, parameters);
  const RowSource source = sql.of(rows, nullptr);
  std::vector<std::string> keys, present;
  for (const std::size_t column : columns) {
    if (column >= source.cells.size()) return unfit("a key that is not there");
    keys.push_back(source.cells[column].value);
    present.push_back(keys.back() + " IS NOT NULL");
  }
  if (keys.empty()) return unfit("no key");
  std::string condition = present[0];
  for (std::size_t i = 1; i < present.size(); ++i) condition += " AND " + present[i];
  return duck::Statement{"SELECT max(n) FROM (SELECT count(*) AS n FROM " + source.from + " WHERE " + condition +
                             " GROUP BY " + listed(keys) + ") AS groups",
                         std::move(parameters).take()};
}

}  // namespace prism::backend::dp
