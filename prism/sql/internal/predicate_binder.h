// prism/sql/internal/predicate_binder.h - WHERE to a negation-free tree of column tests.
//
// Three-valued logic is resolved by asking four questions of each condition: where is it true, false, not true, not
// false? NOT swaps the first two, IS TRUE and its kin need the others; AND and OR distribute over all four (De Morgan).
// At a comparison the answer is a set of values and a verdict on NULL.
#pragma once
#include <string_view>
#include <vector>

#include "prism/sql/internal/expression_binder.h"
#include "prism/sql/internal/interval_set.h"
#include "prism/sql/internal/value.h"

namespace prism::sql::internal {

class PredicateBinder {
 public:
  PredicateBinder(const QueryText& query, const ColumnFinder& columns, const Catalog& catalog,
                  ExpressionBinder& constants)
      : query_(query), columns_(columns), catalog_(catalog), constants_(constants) {}
  Result<Predicate> bind(const Node& condition) { return where(condition, Want::is_true); }

 private:
  enum class Want { is_true, is_false, not_true, not_false };
  static Want swapped(Want want);

  Result<Predicate> where(const Node& node, Want want);
  Result<Predicate> where_all(const std::vector<Node>& nodes, bool conjunction, Want want);
  Result<Predicate> where_tested(const Node& node, Want want);
  Result<Predicate> where_null(const Node& node, Want want);
  Result<Predicate> where_between(const Node& node, Want want);
  Result<Predicate> where_in(const Node& node, Want want);
  Result<Predicate> where_like(const Node& node, Want want);
  Result<Predicate> where_distinct(const Node& node, Want want);
  Result<Predicate> where_constant(const Node& node, Want want);
  Result<Predicate> compare(std::string_view op, const Node& left, const Node& right, Position at, Want want);
  Result<Predicate> compare_column(const Node& column, std::string_view op, const Node& constant, Position at,
                                   Want want);

  Result<Value> fold(const Node& constant, ValueType type, Position at);
  Status check_column(const Node& side, const Node& other, Position at) const;
  Error not_a_condition(const Node& node) const;
  Status spend(Position at);

  /// A comparison: where it is true among the non-NULL values (the rest is false, or unknown if `rest_unknown`);
  /// NULL is unknown.
  template <class Set>
  Predicate test(std::size_t column, const Set& truth, bool rest_unknown, Position at, Want want) const;

  const QueryText& query_;
  const ColumnFinder& columns_;
  const Catalog& catalog_;
  ExpressionBinder& constants_;
  int work_ = 0;
};

/// Joins conditions: flattens, folds always and never, merges the tests of each column, sorts. Returns the only child
/// if one is left.
Predicate join(Predicate::Kind kind, std::vector<Predicate> children, const Catalog& catalog);
/// A test as a predicate: always or never if it is so for every value the column can hold.
Predicate simplified(ColumnTest test, const Catalog& catalog);

}  // namespace prism::sql::internal
