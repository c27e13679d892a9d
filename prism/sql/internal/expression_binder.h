// prism/sql/internal/expression_binder.h - names, types and aggregates: syntax to Expression, collecting primitives.
#pragma once
#include <string_view>
#include <vector>

#include "prism/sql/internal/scope.h"
#include "prism/sql/internal/syntax.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

/// Whether PostgreSQL has an aggregate of this (lower-case) name, answered here or not.
bool is_aggregate(std::string_view name);

class ExpressionBinder {
 public:
  /// Adds primitives to `plan`; plan.catalog and plan.group_by must be there.
  ExpressionBinder(const QueryText& query, const ColumnFinder& columns, Plan& plan)
      : query_(query), columns_(columns), plan_(plan) {}

  /// An expression over aggregates, group keys and constants. A quoted literal that nothing gave a type is a text.
  Result<Expression> bind(const Node& node);
  /// The same, where true or false is wanted.
  Result<Expression> bind_condition(const Node& node, std::string_view clause);
  /// A constant: no columns, no aggregates. `untyped` tells whether it is a quoted literal or NULL without a type yet.
  struct Constant {
    Expression expression;
    bool untyped;
  };
  Result<Constant> bind_constant(const Node& node);
  /// The index of the primitive, added if it is new. Columns that are never NULL are left out of counts.
  std::size_t primitive(Primitive::Kind kind, std::vector<std::size_t> columns, Position position,
                        std::int64_t fraction_nano = 0);

 private:
  struct Bound {
    Expression e;
    bool untyped = false;
    std::size_t size = 1;
  };
  Result<Bound> bind_node(const Node& node);
  Result<Bound> bind_column(const Node& node);
  Result<Bound> bind_cast(const Node& node);
  Result<Bound> bind_sign(const Node& node);
  Result<Bound> bind_binary(const Node& node);
  Result<Bound> bind_logic(const Node& node);
  Result<Bound> bind_boolean_test(const Node& node);
  Result<Bound> bind_between(const Node& node);
  Result<Bound> bind_in(const Node& node);
  Result<Bound> bind_distinct(const Node& node);

  Result<Bound> arithmetic(std::string_view op, Bound left, Bound right, Position at);
  Result<Bound> comparison(Expression::Op op, Bound left, Bound right, Position at);
  Result<Bound> combine(Expression::Op op, std::vector<Bound> arguments, Position at);
  Result<Bound> as_boolean(Bound bound, Position at, std::string_view where);
  Result<Bound> as_number(Bound bound, Position at, std::string_view where);
  Bound negation(Bound bound, Position at);

  // aggregate_binder.cpp
  Result<Expression> bind_call(const Node& node);
  Error refuse_call(const Node& node) const;
  Result<Expression> bind_sum(const Node& node, bool average);
  Result<Expression> bind_spread(const Node& node);
  Result<Expression> bind_count(const Node& node);
  Result<Expression> bind_distinct_count(const Node& node);
  Result<Expression> bind_statistic(const Node& node);
  Result<std::int64_t> bind_fraction(const Node& node);
  Result<std::size_t> plain_column(const Node& argument, const std::string& call) const;
  Expression sum_leaf(Expression::Op op, const std::vector<std::size_t>& columns, std::size_t count, bool ones,
                      Position at);
  Error refuse_nulls(const Node& node, const std::vector<std::size_t>& nullables, bool average) const;
  bool nullable(std::size_t column) const { return plan_.catalog.columns[column].nullable; }

  const QueryText& query_;
  const ColumnFinder& columns_;
  Plan& plan_;
};

}  // namespace prism::sql::internal
