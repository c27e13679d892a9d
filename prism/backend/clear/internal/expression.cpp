#include "prism/backend/clear/internal/expression.h"

#include "prism/base/check.h"

namespace prism::backend::clear {
namespace {

using sql::Expression;
using Op = Expression::Op;

mpq_class over(const mpz_class& numerator, const mpz_class& denominator) {
  mpq_class out(numerator, denominator);
  out.canonicalize();
  return out;
}

/// NULL without rows; for samples also with one.
Value variance(const Expression& e, const Group& group, bool sample) {
  const mpz_class &n = group.primitives[e.count], &sum = group.primitives[e.index],
                  &squares = group.primitives[e.square];
  if (n < (sample ? 2 : 1)) return {};
  // The mean of the squared distances from the mean, times n/(n-1) for a sample; the values are unit / 10^scale.
  const mpq_class mean = over(sum, n);
  mpq_class spread = over(squares, n) - mean * mean;
  if (sample) spread *= over(n, n - 1);
  return mpq_class(spread / mpq_class(power_of_ten(2 * static_cast<unsigned long>(e.scale))));
}

Value arithmetic(const Expression& e, const Value& left, const Value& right) {
  if (is_null(left) || is_null(right)) return {};
  const mpq_class &a = std::get<mpq_class>(left), &b = std::get<mpq_class>(right);
  switch (e.op) {
    case Op::add:
      return mpq_class(a + b);
    case Op::subtract:
      return mpq_class(a - b);
    case Op::multiply:
      return mpq_class(a * b);
    default:
      break;
  }
  if (b == 0) return {};
  const mpq_class quotient = a / b;
  const bool whole = e.arguments[0].type == sql::ValueType::integer && e.arguments[1].type == sql::ValueType::integer;
  if (!whole) return quotient;
  mpz_class truncated;
  mpz_tdiv_q(truncated.get_mpz_t(), quotient.get_num_mpz_t(), quotient.get_den_mpz_t());
  return mpq_class(truncated);
}

bool holds(Op op, int order) {
  switch (op) {
    case Op::equal:
      return order == 0;
    case Op::not_equal:
      return order != 0;
    case Op::less:
      return order < 0;
    case Op::less_equal:
      return order <= 0;
    case Op::greater:
      return order > 0;
    default:
      return order >= 0;
  }
}

/// One argument that is `decisive` decides; else one NULL makes NULL.
Value connective(const Expression& e, const Group& group, bool decisive) {
  bool unknown = false;
  for (const Expression& argument : e.arguments) {
    const Value value = evaluate(argument, group);
    if (is_null(value))
      unknown = true;
    else if (std::get<bool>(value) == decisive)
      return decisive;
  }
  if (unknown) return {};
  return !decisive;
}

}  // namespace

Value evaluate(const Expression& e, const Group& group) {
  const auto tens = [&] { return power_of_ten(static_cast<unsigned long>(e.scale)); };
  const auto argument = [&](std::size_t i) { return evaluate(e.arguments[i], group); };
  switch (e.op) {
    case Op::number:
      if (e.type == sql::ValueType::date) return Day{mpz_class(e.digits).get_si()};
      return over(mpz_class(e.digits), tens());
    case Op::text:
      return e.literal;
    case Op::boolean:
      return e.digits != "0";
    case Op::null:
      return {};
    case Op::key:
      return group.keys[e.index];
    case Op::count:
      return mpq_class(group.primitives[e.index]);
    case Op::sum:
      if (group.primitives[e.count] == 0) return {};
      return over(group.primitives[e.index], tens());
    case Op::statistic:
      if (group.primitives[e.count] == 0) return {};
      if (e.type == sql::ValueType::date) return Day{group.primitives[e.index].get_si()};
      return over(group.primitives[e.index], tens());
    case Op::average:
      if (group.primitives[e.count] == 0) return {};
      return over(group.primitives[e.index], group.primitives[e.count] * tens());
    case Op::variance_population:
    case Op::variance_sample:
      return variance(e, group, e.op == Op::variance_sample);
    case Op::deviation_population:
    case Op::deviation_sample: {
      const Value squared = variance(e, group, e.op == Op::deviation_sample);
      if (is_null(squared)) return {};
      return rounded_root(std::get<mpq_class>(squared));
    }
    case Op::negate: {
      const Value value = argument(0);
      if (is_null(value)) return {};
      return mpq_class(-std::get<mpq_class>(value));
    }
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide:
      return arithmetic(e, argument(0), argument(1));
    case Op::equal:
    case Op::not_equal:
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal: {
      const Value left = argument(0), right = argument(1);
      if (is_null(left) || is_null(right)) return {};
      return holds(e.op, compare(left, right));
    }
    case Op::logical_and:
      return connective(e, group, false);
    case Op::logical_or:
      return connective(e, group, true);
    case Op::logical_not: {
      const Value value = argument(0);
      if (is_null(value)) return {};
      return !std::get<bool>(value);
    }
    case Op::is_null:
      return is_null(argument(0));
    case Op::is_not_null:
      return !is_null(argument(0));
  }
  check(false, "unknown Expression::Op");
  return {};
}

}  // namespace prism::backend::clear
