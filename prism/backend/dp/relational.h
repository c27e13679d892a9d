// prism/backend/dp/relational.h - from a plan to statements that read the rows, and back to whole numbers per group.
//
//   analyse               whose rows a plan reads, and how many of them one privacy unit can have
//   AggregateQuery::make  the statements, from public facts alone
//   AggregateQuery::run   the numbers
//
// The statements hold only names of ours and bound parameters, and they are total: no row of any table makes one fail,
// because values are clamped before they are added or multiplied, in types wide enough for 2^40 rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/duck/database.h"
#include "prism/sql/finish.h"
#include "prism/sql/plan.h"
#include "prism/table/schema.h"

namespace prism::backend::dp {

/// What is public about one stored table. Its columns are those of the catalog that plans were made with.
struct TableLayout {
  std::vector<table::ColumnSchema> columns;
  std::vector<std::optional<sql::Interval>> bounds;  ///< declared, as columns; none for text
  std::optional<std::size_t> unit;                   ///< whose row it is; none: the table is public
  std::uint64_t rows_per_unit = 1;                   ///< as load_table (relational_load.h) keeps them
};
/// Tables in the order of the database that plan_query was given; table number i is stored as t<i>.
struct Layout {
  std::vector<TableLayout> tables;
};

struct ColumnOrigin {
  std::size_t table, column;
  bool operator==(const ColumnOrigin&) const = default;
};
struct ColumnFacts {
  /// Where values are held to before they are added up: declared, or following from what was declared. A COUNT of at
  /// most M rows lies in [0, M], a SUM of them in [min(low, M low), max(high, M high)]. Absent: nothing is known.
  std::optional<sql::Interval> bounds;
  bool is_unit = false;                ///< its value names the privacy unit of its row
  std::optional<ColumnOrigin> origin;  ///< the stored column whose values these are, unchanged
};
/// What is public about the rows that the aggregates of a plan read.
struct RelationFacts {
  bool is_private = false;
  std::uint64_t rows_per_unit = 1;     ///< the most rows that name one unit; 1 when public
  std::vector<ColumnFacts> columns;    ///< as plan.catalog.columns
  std::vector<RelationFacts> parts{};  ///< of the relation's parts, in their order
};
/// The most rows of a public relation that agree in all of `columns`, none of them NULL; at least 1. Exact: rows are
/// public. Answered by running key_multiplicity_statement on the public tables.
using KeyMultiplicity =
    std::function<Result<std::uint64_t>(const sql::Relation& rows, const std::vector<std::size_t>& columns)>;

inline constexpr std::uint64_t kMostRowsPerUnit = 1'000'000'000;

/// Follows the privacy unit through joins and derived tables. Private rows join private rows on the unit of both
/// (bounds multiply) and public rows on anything (the bound grows by the key's multiplicity). A derived table of
/// private rows keeps them one by one, or groups by the unit and possibly more; it need not show the unit's column, for
/// each private row carries its unit along. Columns are kept apart from the rows' unit, so nothing else can stand in
/// for it.
///
/// Errors: refused, with `rule=dp/join position=27` as detail and without the place in the message (the caller has the
/// query's text); those of `multiplicity`; mismatch when plan and layout do not belong together.
/// Rules: dp/join (private rows that meet without the unit), dp/derived (groups across units), dp/rows (one unit could
/// have more than kMostRowsPerUnit rows).
Result<RelationFacts> analyse(const sql::Plan& plan, const Layout& layout, const KeyMultiplicity& multiplicity);

/// One row, one number: NULL (no such rows) or the multiplicity.
Result<duck::Statement> key_multiplicity_statement(const sql::Relation& rows, const Layout& layout,
                                                   const std::vector<std::size_t>& columns);

/// Numbers computed per group over the rows that satisfy the plan's WHERE.
struct Aggregate {
  enum class Kind {
    rows,       ///< rows
    values,     ///< rows where none of `columns` is NULL
    units,      ///< different privacy units
    sum,        ///< of columns[0], clamped to bounds[0]
    bernstein,  ///< of columns[0], clamped to bounds[0]: degree + 1 numbers; with y the value, W = high - low:
                ///<   0: count.  1: sum(y - low), sum(high - y)
                ///<   2: sum((y - low)^2), sum(2 (y - low)(high - y)), sum((high - y)^2)
                ///< Each row adds numbers >= 0 that together are W^degree.
    product,    ///< sum of columns[0] * columns[1], each clamped to its bounds
  };
  Kind kind = Kind::rows;
  std::vector<std::size_t> columns{};
  std::vector<sql::Interval> bounds{};
  int degree = 1;

  std::size_t numbers() const { return kind == Kind::bernstein ? static_cast<std::size_t>(degree) + 1 : 1; }
};

/// How many values that are not NULL fall into leaf (clamp(value) - bounds.low) / width, rounded down.
struct Histogram {
  std::size_t column = 0;
  sql::Interval bounds{0, 0};
  std::uint64_t width = 1;  ///< at least 1
};

struct AggregateRequest {
  std::vector<Aggregate> aggregates;
  std::vector<Histogram> histograms{};
  /// Rows outside count nowhere; joined to the plan's WHERE. For public keys: what lies outside them has no group.
  sql::Predicate keep{};
  /// At most so many groups of the answer count rows of one unit; which ones, a hash of unit and
  /// group decides, so that it depends on the unit's own rows alone and no group is favoured. Absent, or at least
  /// rows_per_unit: no further bound.
  std::optional<std::uint64_t> groups_per_unit{};
};

struct LeafCount {
  std::uint64_t leaf;
  std::uint64_t count;
  bool operator==(const LeafCount&) const = default;
};
struct GroupNumbers {
  std::vector<sql::KeyValue> keys;             ///< as plan.group_by
  std::vector<std::vector<Int128>> numbers;    ///< as request.aggregates, each numbers() long; sums of nothing are 0
  std::vector<std::vector<LeafCount>> leaves;  ///< as request.histograms; only leaves that occur, ascending
  bool operator==(const GroupNumbers&) const = default;
};

/// Statements for one plan and one request; made once, run as often as wanted.
class AggregateQuery {
 public:
  /// `facts` are those of analyse() for the same plan and layout. Errors: refused with rule dp/range as detail when
  /// bounds are so wide that 2^40 rows might not fit 126 bits (sums: any int64 bounds do; degree 2: high - low below
  /// 2^42; products: the product of the largest magnitudes below 2^86); mismatch for requests that do not fit the plan.
  static Result<AggregateQuery> make(const sql::Plan& plan, const Layout& layout, const RelationFacts& facts,
                                     AggregateRequest request);

  /// Without GROUP BY exactly one group, else those with a row that counts, in the order of their keys (NULL first).
  /// Errors are the database's (database.h); none depends on values.
  Result<std::vector<GroupNumbers>> run(duck::Database& database, const duck::Stop& stop = {}) const;

  /// All of them, for tests and for whoever wants to see what is run: [0] the aggregates, then one per histogram.
  const std::vector<duck::Statement>& statements() const { return statements_; }

 private:
  AggregateQuery() = default;
  AggregateRequest request_;
  std::vector<bool> text_keys_;
  std::vector<std::size_t> places_;  ///< three per aggregate: columns of statement 0 behind the keys
  std::vector<duck::Statement> statements_;
};

}  // namespace prism::backend::dp
