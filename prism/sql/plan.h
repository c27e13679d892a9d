// prism/sql/plan.h - a query as typed data: what every backend lowers, and the only thing it sees of SQL.
//
// The plan is what is left when text, names and spelling are gone: which rows count (Predicate), which whole numbers
// are counted and summed over them (Primitive), and what is done with those once they are known (Expression). All
// column values are scaled integers: a decimal column of scale 2 holds 12.34 as 1234, a date its days since 1970-01-01.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/table/schema.h"

namespace prism::sql {

/// Where in the query something stands: byte offset from 0. -1 when it has no place of its own.
using Position = int;

/// What the binder knows of a table a query may name. Columns in table order.
struct Catalog {
  std::string table;
  std::vector<table::ColumnSchema> columns;
};

/// Values from low to high, both included. Never empty: low <= high.
struct Interval {
  std::int64_t low, high;
  bool operator==(const Interval&) const = default;
};
/// The same for text, in byte order. An absent end is unbounded.
struct TextInterval {
  std::optional<std::string> low, high;
  bool low_included = true, high_included = true;
  bool operator==(const TextInterval&) const = default;
};

/// "This column's value is one of these": all comparisons of one column with constants, combined.
/// True for a non-NULL value inside one of the intervals, and for NULL iff null_is_true. Three-valued logic is already
/// resolved: unknown counts as not true. Intervals are sorted, disjoint and not adjacent (numbers) / not overlapping
/// (text).
struct ColumnTest {
  std::size_t column;
  std::vector<Interval> intervals;  ///< for integer, decimal and date columns
  std::vector<TextInterval> texts;  ///< for text columns
  bool null_is_true = false;
  Position position = -1;  ///< of the first comparison that went into it
};

/// Negation-free tree of tests. `always`/`never` occur only as the whole predicate.
/// Children of `all` are not `all`, of `any` not `any`; one column occurs at most once among the direct tests of a
/// node.
struct Predicate {
  enum class Kind { always, never, test, all, any };
  Kind kind = Kind::always;
  ColumnTest test{};                  ///< kind test
  std::vector<Predicate> children{};  ///< kind all, any: two or more
};

/// A whole number computed over the rows of one group that satisfy the predicate:
///   count []      rows                              sum [c]     scaled values of c, NULLs skipped
///   count [c]     rows where c is not NULL          sum [a, b]  a*b (scales add), rows with a NULL skipped;
///   count [a, b]  rows where neither is NULL                    a <= b, a == b is a square
///   count_distinct [c]  different values of c, NULL is none; c of any type
///   minimum [c], maximum [c]  scaled value; 0 when every c is NULL (its count tells); c is no text
///   quantile [c]  of the n values that are not NULL, in ascending order, the one at place max(1, ceil(fraction n)),
///                 counted from 1: always a value of the column, of two in the middle the lower; 0 when n is 0
struct Primitive {
  enum class Kind { count, sum, count_distinct, minimum, maximum, quantile };
  Kind kind;
  std::vector<std::size_t> columns;
  Position position = -1;
  std::int64_t fraction_nano = 0;  ///< quantile: in billionths, 0 to 10^9; otherwise 0
  bool same(const Primitive& o) const {
    return kind == o.kind && columns == o.columns && fraction_nano == o.fraction_nano;
  }
};

enum class ValueType { integer, decimal, numeric, date, text, boolean };

/// Computed when the primitives are known, exactly (rationals), per group. NULL spreads as in SQL.
struct Expression {
  enum class Op {
    number,   ///< literal: numerator / 10^scale; of type date: days since 1970-01-01
    text,     ///< literal
    boolean,  ///< literal: numerator != 0
    null,     ///< literal
    key,      ///< the group key number `index`
    count,    ///< primitive `index`: a count or count_distinct
    sum,      ///< primitives: index = the sum, count = its count; NULL when the count is 0; value / 10^scale
    average,  ///< sum / count, NULL when the count is 0
    variance_population,
    variance_sample,
    deviation_population,
    deviation_sample,
    ///< from index (sum), square (sum of squares), count; sample forms are NULL when count < 2
    negate,
    add,
    subtract,
    multiply,
    divide,  ///< integer / integer truncates towards zero as in PostgreSQL; otherwise exact; by zero: NULL
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    logical_and,
    logical_or,
    logical_not,  ///< three-valued; `and` and `or` take two or more arguments
    is_null,
    is_not_null,
    statistic,  ///< primitives: index = a minimum, maximum or quantile, count = its count; NULL when the count is 0;
                ///< value / 10^scale; type and scale are the column's
  };
  Op op;
  ValueType type;
  int scale = 0;  ///< type decimal: decimal places of the value; average, variance, deviation: of what was summed
  std::string digits{};   ///< number: decimal integer numerator, '-' in front when negative, up to 400 digits
  std::string literal{};  ///< text
  std::size_t index = 0, count = 0, square = 0;
  std::vector<Expression> arguments{};
  Position position = -1;
};

struct OutputColumn {
  std::string name;  ///< the alias, or PostgreSQL's name (count, sum, ?column?, ...)
  Expression value;
};
struct OrderKey {
  Expression value;
  bool descending = false;
  bool nulls_first = false;  ///< PostgreSQL: NULLs last when ascending, first when descending, unless said
};

/// One equality of a join: both sides not NULL and the same. Both columns have one type and scale.
struct JoinKey {
  std::size_t left;   ///< column of the rows so far: of the parts before this one, counted through
  std::size_t right;  ///< column of the part that is joined
  Position position = -1;
  bool same(const JoinKey& o) const { return left == o.left && right == o.right; }
};

/// One column of a derived table. Without `grouped` all are `column`; with it, a `column` is one of group_by.
struct DerivedColumn {
  enum class Kind {
    column,   ///< as it is
    count,    ///< rows, or with a column: where that is not NULL
    sum,      ///< of a number; NULL without values; held to the range of int64 (saturated)
    minimum,  ///< of a number or date; NULL without values
    maximum
  };
  Kind kind = Kind::column;
  std::optional<std::size_t> column;  ///< of parts[0]; only a count may have none
  std::string name;                   ///< as the outer query writes it; not part of encode()
  Position position = -1;
};

/// Where the rows of a query come from. A tree; its leaves are tables of the database.
///   table    the rows of table number `table`, with the columns of that catalog
///   join     parts from left to right, inner, parts[i + 1] on all of keys[i]. Its columns are those of the parts one
///            after the other. No part is a join: joins in a row are flat.
///   derived  a SELECT in brackets over parts[0] (of any kind): the rows that satisfy `where`, then either the columns
///            named in `outputs` of each row, or (`grouped`) one row per group. Groups with NULL keys are groups.
///            Grouped without group_by is one row, also when no row qualified.
/// Columns that a join compares are not nullable behind it.
struct Relation {
  enum class Kind { table, join, derived };
  Kind kind = Kind::table;
  Catalog catalog;        ///< its rows. Name: the alias, or the table's own. A join's columns are named part.column,
                          ///< for people; find columns by their place. Names of aliases are not part of encode().
  std::size_t table = 0;  ///< table: which of the database
  std::string name{};     ///< table: its own name, whatever alias it has
  std::vector<Relation> parts{};             ///< join: two to eight; derived: one
  std::vector<std::vector<JoinKey>> keys{};  ///< join: one list, never empty, for each part after the first
  Predicate where{};                         ///< derived: over the columns of parts[0]
  std::vector<std::size_t> group_by{};       ///< derived: columns of parts[0], at most four, ascending
  bool grouped = false;                      ///< derived
  std::vector<DerivedColumn> outputs{};      ///< derived: as many as catalog.columns
  Position position = -1;
};

/// One query.
/// Rows of the answer: without GROUP BY exactly one, else one per group that has at least one row; then having, order,
/// limit. primitives[0] is always count [] when there are groups, because an empty group must not show.
struct Plan {
  Catalog catalog;  ///< the columns that all numbers here count through: of the table, or of `from`
  Predicate where;
  std::vector<std::size_t> group_by;  ///< columns, at most four, in GROUP BY order
  std::vector<Primitive> primitives;  ///< no two the same
  std::vector<OutputColumn> outputs;
  std::optional<Expression> having;
  std::vector<OrderKey> order;  ///< ties are broken by group keys ascending, NULLs last, so that answers are unique
  std::optional<std::uint64_t> limit;
  std::uint64_t offset = 0;
  std::optional<Relation> from{};  ///< absent: the rows of table 0 of the database; else catalog == from->catalog
};

/// Canonical bytes of a plan without positions: the same question, the same bytes. Version-prefixed: plans over one
/// table with counts and sums alone and at most two group columns have version 1, all others version 2.
Bytes encode(const Plan& plan);

}  // namespace prism::sql
