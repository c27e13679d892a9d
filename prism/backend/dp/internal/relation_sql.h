// prism/backend/dp/internal/relation_sql.h - relations and predicates as text of ours with bound parameters.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "prism/backend/dp/relational.h"
#include "prism/duck/statement.h"
#include "prism/sql/plan.h"

namespace prism::backend::dp {

/// The parameters of a statement in the making; equal ones are bound once.
class Parameters {
 public:
  /// "$3::BIGINT", "$4::HUGEINT", "$5::VARCHAR": casts, because the engine would guess the type from the context.
  std::string number(std::int64_t value);
  std::string huge(Int128 value);
  std::string text(const std::string& value);
  std::vector<duck::Value> take() && { return std::move(values_); }

 private:
  std::string add(duck::Value value, const char* type);
  std::vector<duck::Value> values_;
  std::map<duck::Value, std::size_t> places_;
};

/// A column that can be read in a FROM clause.
struct Cell {
  std::string value;     ///< its name
  std::string offset{};  ///< the stored copy, clamped to offset_bounds, less its lower bound; empty: there is none
  sql::Interval offset_bounds{0, 0};
  bool text = false;
};

/// Rows that can be read: what follows FROM, and the names of what is in it.
struct RowSource {
  std::string from;
  std::vector<Cell> cells;
  std::string unit{};    ///< the privacy unit of the row; empty for public rows
  std::string number{};  ///< a small number for it; empty where there is none
};

/// "<value> AS <kind><place>": a column of a subquery.
std::string aliased(const std::string& value, char kind, std::size_t place);
/// "<rows>.<kind><place>".
std::string column_name(const std::string& rows, char kind, std::size_t place);

/// Places of stored columns: the layout's, then one clamped copy per column that can have one.
bool has_offset(const TableLayout& table, std::size_t column);
std::size_t offset_place(const TableLayout& table, std::size_t column);

class RelationSql {
 public:
  RelationSql(const Layout& layout, Parameters& parameters) : layout_(layout), parameters_(parameters) {}

  RowSource table(std::size_t number);
  /// `facts` are the relation's; null for public ones, whose derived sums are not clamped.
  RowSource of(const sql::Relation& relation, const RelationFacts* facts);
  /// A condition that holds where all of them do; empty when that is everywhere.
  std::string condition(const std::vector<const sql::Predicate*>& predicates, const std::vector<Cell>& cells);

  /// The value held to `bounds`, a BIGINT. NULL stays NULL, here and below.
  std::string held(const Cell& cell, sql::Interval bounds);
  /// The same less bounds.low: an INTEGER, BIGINT or HUGEINT that cannot overflow.
  std::string difference(const Cell& cell, sql::Interval bounds);
  std::string fresh_name() { return "r" + std::to_string(names_++); }

 private:
  RowSource join(const sql::Relation& relation, const RelationFacts* facts);
  RowSource derived(const sql::Relation& relation, const RelationFacts* facts);
  std::string derived_value(const sql::DerivedColumn& output, const RowSource& rows, const RelationFacts* facts);
  std::string condition(const sql::Predicate& predicate, const std::vector<Cell>& cells);
  std::string number_test(const sql::ColumnTest& test, const std::string& value);
  std::string text_test(const sql::ColumnTest& test, const std::string& value);

  const Layout& layout_;
  Parameters& parameters_;
  std::size_t names_ = 0;
};

/// The smallest valid UTF-8 text that is not below `bound` in byte order, which may be any bytes; none when all valid
/// texts are below it. The engine takes only valid text, and stored text is valid, so comparisons come out the same.
std::optional<std::string> valid_text_from(const std::string& bound);

}  // namespace prism::backend::dp
