#include "prism/sql/internal/expression_binder.h"

#include <algorithm>

#include "prism/sql/internal/literal.h"

namespace prism::sql::internal {
namespace {

using Kind = Node::Kind;
using Op = Expression::Op;

// BETWEEN, IN and IS DISTINCT FROM repeat their left side, so nesting them multiplies; this stops it.
constexpr std::size_t kLargestExpression = 20'000;
constexpr int kLargestScale = 120;

bool is_number(ValueType type) {
  return type == ValueType::integer || type == ValueType::decimal || type == ValueType::numeric;
}

Op comparison_op(std::string_view op) {
  if (op == "=") return Op::equal;
  if (op == "<>") return Op::not_equal;
  if (op == "<") return Op::less;
  if (op == "<=") return Op::less_equal;
  return op == ">" ? Op::greater : Op::greater_equal;
}

Expression make(Op op, ValueType type, Position at) {
  Expression e{op, type};
  e.position = at;
  return e;
}

}  // namespace

Result<Expression> ExpressionBinder::bind(const Node& node) {
  PRISM_TRY(Bound bound, bind_node(node));
  return std::move(bound.e);
}

Result<Expression> ExpressionBinder::bind_condition(const Node& node, std::string_view clause) {
  PRISM_TRY(Bound bound, bind_node(node));
  PRISM_TRY(Bound condition, as_boolean(std::move(bound), node.position, clause));
  return std::move(condition.e);
}

Result<ExpressionBinder::Constant> ExpressionBinder::bind_constant(const Node& node) {
  check(!node.has_column && !node.has_call, "bind_constant is for constants");
  PRISM_TRY(Bound bound, bind_node(node));
  return Constant{std::move(bound.e), bound.untyped};
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_node(const Node& node) {
  switch (node.kind) {
    case Kind::null:
      return Bound{make(Op::null, ValueType::text, node.position), true};
    case Kind::boolean:
      return Bound{boolean_expression(!node.negated, node.position)};
    case Kind::number: {
      bool too_long = false;
      const auto number = parse_number(node.text, too_long);
      if (!number)
        return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/literal",
                             "numbers have at most 60 digits on each side of the point");
      return Bound{number_expression(*number, node.position)};
    }
    case Kind::string: {
      Expression e = make(Op::text, ValueType::text, node.position);
      e.literal = node.text;
      return Bound{std::move(e), true};
    }
    case Kind::cast:
      return bind_cast(node);
    case Kind::column:
      return bind_column(node);
    case Kind::call: {
      PRISM_TRY(Expression e, bind_call(node));
      return Bound{std::move(e), false, 16};
    }
    case Kind::plus:
    case Kind::negate:
      return bind_sign(node);
    case Kind::binary:
      return bind_binary(node);
    case Kind::logical_and:
    case Kind::logical_or:
    case Kind::logical_not:
      return bind_logic(node);
    case Kind::is_null: {
      PRISM_TRY(Bound inner, bind_node(node.arguments[0]));
      std::vector<Bound> arguments;
      arguments.push_back(std::move(inner));
      return combine(node.negated ? Op::is_not_null : Op::is_null, std::move(arguments), node.position);
    }
    case Kind::boolean_test:
      return bind_boolean_test(node);
    case Kind::between:
      return bind_between(node);
    case Kind::in:
      return bind_in(node);
    case Kind::distinct:
      return bind_distinct(node);
    case Kind::like:
      return query_.refuse(ErrorCode::unsupported, node.position, "sql/like", "LIKE is answered in WHERE only",
                           "compare with = or a range");
  }
  check(false, "unknown node");
  return Bound{make(Op::null, ValueType::text, -1)};
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_column(const Node& node) {
  PRISM_TRY(const std::size_t column, columns_.find(node));
  const auto it = std::find(plan_.group_by.begin(), plan_.group_by.end(), column);
  const table::ColumnSchema& schema = plan_.catalog.columns[column];
  if (it == plan_.group_by.end()) {
    const bool number = schema.type == table::ColumnType::integer || schema.type == table::ColumnType::decimal;
    return query_.refuse(
        ErrorCode::unsupported, node.position, "sql/plain-column",
        "single values of \"" + schema.name + "\" are not shown; a column stands inside an aggregate or in GROUP BY",
        number ? "write SUM(" + node.text + ") or AVG(" + node.text + ")"
               : "write GROUP BY " + node.text + ", or COUNT(" + node.text + ")");
  }
  Expression e = make(Op::key, ValueType::text, node.position);
  switch (schema.type) {
    case table::ColumnType::integer:
      e.type = ValueType::integer;
      break;
    case table::ColumnType::decimal:
      e.type = ValueType::decimal;
      e.scale = schema.scale;
      break;
    case table::ColumnType::date:
      e.type = ValueType::date;
      break;
    case table::ColumnType::text:
      break;
  }
  e.index = static_cast<std::size_t>(it - plan_.group_by.begin());
  return Bound{std::move(e)};
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_cast(const Node& node) {
  PRISM_TRY(Bound inner, bind_node(node.arguments[0]));
  const ValueType type = node.text == "integer"   ? ValueType::integer
                         : node.text == "numeric" ? ValueType::decimal
                         : node.text == "date"    ? ValueType::date
                         : node.text == "boolean" ? ValueType::boolean
                                                  : ValueType::text;
  if (inner.untyped) {
    PRISM_TRY(Expression e, coerce(query_, inner.e, type));
    if (type == ValueType::decimal && e.type == ValueType::integer) e.type = ValueType::decimal;
    return Bound{std::move(e)};
  }
  if (inner.e.type == type) return inner;
  if (type == ValueType::decimal && inner.e.type == ValueType::integer) {
    inner.e.type = type;
    return inner;
  }
  return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/cast",
                       std::string(article_name(inner.e.type)) + " cannot be cast to " + node.text + " here",
                       "write the literal in the type you want");
}

ExpressionBinder::Bound ExpressionBinder::negation(Bound bound, Position at) {
  Expression e = make(Op::logical_not, ValueType::boolean, at);
  e.arguments.push_back(std::move(bound.e));
  return Bound{std::move(e), false, bound.size + 1};
}

Result<ExpressionBinder::Bound> ExpressionBinder::combine(Op op, std::vector<Bound> arguments, Position at) {
  Bound out{make(op, ValueType::boolean, at)};
  for (Bound& argument : arguments) {
    out.size += argument.size;
    out.e.arguments.push_back(std::move(argument.e));
  }
  if (out.size > kLargestExpression)
    return query_.refuse(ErrorCode::unsupported, at, "sql/size",
                         "this expression grows beyond 20000 nodes when written out",
                         "use fewer nested BETWEEN and IN");
  return out;
}

Result<ExpressionBinder::Bound> ExpressionBinder::as_boolean(Bound bound, Position at, std::string_view where) {
  if (bound.untyped) {
    PRISM_TRY(bound.e, coerce(query_, bound.e, ValueType::boolean));
    bound.untyped = false;
  }
  if (bound.e.type == ValueType::boolean) return bound;
  return query_.refuse(
      ErrorCode::invalid_argument, at, "sql/type",
      std::string(where) + " wants true or false, and this is " + std::string(article_name(bound.e.type)),
      "compare it with something");
}

Result<ExpressionBinder::Bound> ExpressionBinder::as_number(Bound bound, Position at, std::string_view where) {
  if (bound.untyped) {
    PRISM_TRY(bound.e, coerce(query_, bound.e, ValueType::integer));
    bound.untyped = false;
  }
  if (is_number(bound.e.type)) return bound;
  return query_.refuse(ErrorCode::invalid_argument, at, "sql/type",
                       std::string(where) + " wants numbers, and this is " + std::string(article_name(bound.e.type)));
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_sign(const Node& node) {
  PRISM_TRY(Bound inner, bind_node(node.arguments[0]));
  PRISM_TRY(Bound number, as_number(std::move(inner), node.position, "a sign"));
  if (node.kind == Kind::plus) return number;
  Expression e = make(Op::negate, number.e.type, node.position);
  e.scale = number.e.type == ValueType::decimal ? number.e.scale : 0;
  e.arguments.push_back(std::move(number.e));
  return Bound{std::move(e), false, number.size + 1};
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_binary(const Node& node) {
  PRISM_TRY(Bound left, bind_node(node.arguments[0]));
  PRISM_TRY(Bound right, bind_node(node.arguments[1]));
  const std::string& op = node.text;
  if (op == "+" || op == "-" || op == "*" || op == "/")
    return arithmetic(op, std::move(left), std::move(right), node.position);
  return comparison(comparison_op(op), std::move(left), std::move(right), node.position);
}

Result<ExpressionBinder::Bound> ExpressionBinder::arithmetic(std::string_view op, Bound left, Bound right,
                                                             Position at) {
  if (left.e.type == ValueType::date || right.e.type == ValueType::date)
    return query_.refuse(ErrorCode::unsupported, at, "sql/type", "dates are compared here, not added or subtracted",
                         "write the date you mean as DATE '2020-01-31'");
  // A quoted number takes the type of its neighbour.
  const auto settle = [&](Bound& one, const Bound& other) -> Status {
    if (!one.untyped || other.untyped || !is_number(other.e.type)) return {};
    PRISM_TRY(one.e, coerce(query_, one.e, other.e.type));
    one.untyped = false;
    return {};
  };
  PRISM_CHECKED(settle(left, right));
  PRISM_CHECKED(settle(right, left));
  PRISM_TRY(Bound a, as_number(std::move(left), at, "arithmetic"));
  PRISM_TRY(Bound b, as_number(std::move(right), at, "arithmetic"));
  const bool whole = a.e.type == ValueType::integer && b.e.type == ValueType::integer;
  const bool numeric = a.e.type == ValueType::numeric || b.e.type == ValueType::numeric;
  const int scale_a = a.e.type == ValueType::decimal ? a.e.scale : 0;
  const int scale_b = b.e.type == ValueType::decimal ? b.e.scale : 0;
  Expression e = make(Op::add, whole ? ValueType::integer : numeric ? ValueType::numeric : ValueType::decimal, at);
  if (op == "/" && b.e.op == Op::number && b.e.digits == "0")
    return query_.refuse(ErrorCode::invalid_argument, b.e.position, "sql/division-by-zero", "this divides by zero");
  if (op == "/") {
    e.op = Op::divide;
    if (!whole) e.type = ValueType::numeric;
  } else if (op == "*") {
    e.op = Op::multiply;
    e.scale = scale_a + scale_b;
  } else {
    e.op = op == "+" ? Op::add : Op::subtract;
    e.scale = std::max(scale_a, scale_b);
  }
  if (e.type != ValueType::decimal) e.scale = 0;
  if (e.scale > kLargestScale)
    return query_.refuse(ErrorCode::unsupported, at, "sql/literal", "this product has more than 120 decimal places",
                         "use shorter constants");
  e.arguments.push_back(std::move(a.e));
  e.arguments.push_back(std::move(b.e));
  return Bound{std::move(e), false, a.size + b.size + 1};
}

Result<ExpressionBinder::Bound> ExpressionBinder::comparison(Op op, Bound left, Bound right, Position at) {
  if (left.untyped && right.untyped) {
    left.untyped = right.untyped = false;  // two texts
  } else if (left.untyped) {
    PRISM_TRY(left.e, coerce(query_, left.e, right.e.type));
  } else if (right.untyped) {
    PRISM_TRY(right.e, coerce(query_, right.e, left.e.type));
  }
  if (left.e.type != right.e.type && !(is_number(left.e.type) && is_number(right.e.type)))
    return query_.refuse(
        ErrorCode::invalid_argument, at, "sql/type",
        std::string(article_name(left.e.type)) + " is compared with " + std::string(article_name(right.e.type)),
        "compare values of one type");
  std::vector<Bound> sides;
  sides.push_back(std::move(left));
  sides.push_back(std::move(right));
  return combine(op, std::move(sides), at);
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_logic(const Node& node) {
  std::vector<Bound> arguments;
  for (const Node& argument : node.arguments) {
    PRISM_TRY(Bound bound, bind_node(argument));
    PRISM_TRY(Bound condition, as_boolean(std::move(bound), argument.position,
                                          node.kind == Kind::logical_not   ? "NOT"
                                          : node.kind == Kind::logical_and ? "AND"
                                                                           : "OR"));
    arguments.push_back(std::move(condition));
  }
  if (node.kind == Kind::logical_not) return negation(std::move(arguments[0]), node.position);
  return combine(node.kind == Kind::logical_and ? Op::logical_and : Op::logical_or, std::move(arguments),
                 node.position);
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_boolean_test(const Node& node) {
  PRISM_TRY(Bound bound, bind_node(node.arguments[0]));
  PRISM_TRY(Bound inner, as_boolean(std::move(bound), node.position, "IS TRUE"));
  const Position at = node.position;
  std::vector<Bound> parts;
  if (node.text == "unknown") {
    parts.push_back(std::move(inner));
    return combine(node.negated ? Op::is_not_null : Op::is_null, std::move(parts), at);
  }
  // x IS TRUE: x is not NULL, and x. Never NULL itself.
  PRISM_TRY(Bound known, combine(Op::is_not_null, {inner}, at));
  parts.push_back(std::move(known));
  parts.push_back(node.text == "true" ? std::move(inner) : negation(std::move(inner), at));
  PRISM_TRY(Bound out, combine(Op::logical_and, std::move(parts), at));
  return node.negated ? negation(std::move(out), at) : std::move(out);
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_between(const Node& node) {
  const Position at = node.position;
  PRISM_TRY(const Bound value, bind_node(node.arguments[0]));
  PRISM_TRY(const Bound low, bind_node(node.arguments[1]));
  PRISM_TRY(const Bound high, bind_node(node.arguments[2]));
  const auto within = [&](const Bound& from, const Bound& to) -> Result<Bound> {
    PRISM_TRY(Bound above, comparison(Op::greater_equal, value, from, at));
    PRISM_TRY(Bound below, comparison(Op::less_equal, value, to, at));
    return combine(Op::logical_and, {std::move(above), std::move(below)}, at);
  };
  PRISM_TRY(Bound out, within(low, high));
  if (node.symmetric) {
    PRISM_TRY(Bound other, within(high, low));
    PRISM_TRY(out, combine(Op::logical_or, {std::move(out), std::move(other)}, at));
  }
  return node.negated ? negation(std::move(out), at) : std::move(out);
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_in(const Node& node) {
  const Position at = node.position;
  PRISM_TRY(const Bound value, bind_node(node.arguments[0]));
  std::vector<Bound> cases;
  std::size_t size = 0;
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    PRISM_TRY(Bound item, bind_node(node.arguments[i]));
    PRISM_TRY(Bound equal, comparison(Op::equal, value, std::move(item), at));
    size += equal.size;
    if (size > kLargestExpression)
      return query_.refuse(ErrorCode::unsupported, at, "sql/size",
                           "this expression grows beyond 20000 nodes when written out", "use a shorter list");
    cases.push_back(std::move(equal));
  }
  Bound out = cases[0];
  if (cases.size() > 1) {
    PRISM_TRY(out, combine(Op::logical_or, std::move(cases), at));
  }
  return node.negated ? negation(std::move(out), at) : std::move(out);
}

Result<ExpressionBinder::Bound> ExpressionBinder::bind_distinct(const Node& node) {
  const Position at = node.position;
  PRISM_TRY(const Bound left, bind_node(node.arguments[0]));
  PRISM_TRY(const Bound right, bind_node(node.arguments[1]));
  PRISM_TRY(Bound equal, comparison(Op::equal, left, right, at));
  // Not distinct: both NULL, or neither and equal.
  PRISM_TRY(Bound no_left, combine(Op::is_null, {left}, at));
  PRISM_TRY(Bound no_right, combine(Op::is_null, {right}, at));
  PRISM_TRY(Bound some_left, combine(Op::is_not_null, {left}, at));
  PRISM_TRY(Bound some_right, combine(Op::is_not_null, {right}, at));
  PRISM_TRY(Bound neither, combine(Op::logical_and, {std::move(no_left), std::move(no_right)}, at));
  PRISM_TRY(Bound both, combine(Op::logical_and, {std::move(some_left), std::move(some_right), std::move(equal)}, at));
  PRISM_TRY(Bound same, combine(Op::logical_or, {std::move(neither), std::move(both)}, at));
  return node.negated ? std::move(same) : negation(std::move(same), at);
}

}  // namespace prism::sql::internal
