// prism/backend/dp/internal/measures.h - which sums over the rows a plan's expressions need, and no others.
//
// A plan lists primitives; its expressions need some of them, and some only for NULLs that noisy answers do not have. A
// measure gathers everything that is needed of one column (or one product), so that it becomes one release.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "prism/sql/plan.h"

namespace prism::backend::dp::internal {

/// What is needed of the values of one column {c}, or of the products of two {a, b}.
struct Measure {
  std::vector<std::size_t> columns;
  bool count = false;   ///< rows with a value
  bool sum = false;     ///< of the values (products)
  bool square = false;  ///< of the values' squares; one column only
  sql::Position position = -1;
};

struct Needs {
  bool rows = false;  ///< COUNT(*)
  std::vector<Measure> measures;
  std::vector<std::size_t> distinct;          ///< primitives of kind count_distinct
  std::vector<std::size_t> order_statistics;  ///< primitives: minimum, maximum, quantile
  bool nothing() const { return !rows && measures.empty() && distinct.empty() && order_statistics.empty(); }
};

/// Of outputs, HAVING and ORDER BY.
Needs needs_of(const sql::Plan& plan);

/// The columns of the measure that a sum, sum of squares or count over columns belongs to: {c, c} is about {c}.
std::vector<std::size_t> measured(const sql::Primitive& primitive);

/// Whether expressions of this kind are leaves that read primitives.
inline bool reads_primitives(sql::Expression::Op op) {
  using Op = sql::Expression::Op;
  switch (op) {
    case Op::count:
    case Op::sum:
    case Op::average:
    case Op::variance_population:
    case Op::variance_sample:
    case Op::deviation_population:
    case Op::deviation_sample:
    case Op::statistic:
      return true;
    default:
      return false;
  }
}

/// Calls `visit` with every leaf that reads primitives.
template <class E, class Visit>
void each_leaf(E& expression, const Visit& visit) {
  if (reads_primitives(expression.op)) return visit(expression);
  for (auto& argument : expression.arguments) each_leaf(argument, visit);
}
template <class P, class Visit>
void each_leaf_of_plan(P& plan, const Visit& visit) {
  for (auto& output : plan.outputs) each_leaf(output.value, visit);
  if (plan.having) each_leaf(*plan.having, visit);
  for (auto& key : plan.order) each_leaf(key.value, visit);
}

}  // namespace prism::backend::dp::internal
