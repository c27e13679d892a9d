#include "prism/sql/internal/value.h"

namespace prism::sql::internal {
namespace {

using Op = Expression::Op;

mpq_class scaled_down(mpq_class v, int scale) {
  v /= power_of_ten(static_cast<unsigned>(scale));
  return v;
}

/// A group, read for one expression.
class Evaluator {
 public:
  explicit Evaluator(const Leaves* leaves) : leaves_(leaves) {}

  Result<Value> value(const Expression& e) const {
    switch (e.op) {
      case Op::number:
        if (e.type == ValueType::date) return Value::of_date(std::stoll(e.digits));
        return Value::of(scaled_down(mpq_class(e.digits), e.scale));
      case Op::text:
        return Value::of_text(e.literal);
      case Op::boolean:
        return Value::of(e.digits != "0");
      case Op::null:
        return Value{};
      case Op::key:
      case Op::count:
      case Op::sum:
      case Op::average:
      case Op::variance_population:
      case Op::variance_sample:
      case Op::deviation_population:
      case Op::deviation_sample:
      case Op::statistic:
        check(leaves_ != nullptr, "a constant has a leaf that is none");
        return leaves_->value(e);
      case Op::negate:
      case Op::add:
      case Op::subtract:
      case Op::multiply:
      case Op::divide:
        return arithmetic(e);
      case Op::equal:
      case Op::not_equal:
      case Op::less:
      case Op::less_equal:
      case Op::greater:
      case Op::greater_equal:
        return comparison(e);
      case Op::logical_and:
      case Op::logical_or:
      case Op::logical_not:
        return logic(e);
      case Op::is_null:
      case Op::is_not_null: {
        PRISM_TRY(const Value inner, value(e.arguments[0]));
        return Value::of(inner.is_null() == (e.op == Op::is_null));
      }
    }
    check(false, "unknown expression");
    return Value{};
  }

 private:
  Result<Value> arithmetic(const Expression& e) const {
    PRISM_TRY(const Value left, value(e.arguments[0]));
    if (e.op == Op::negate) return left.is_null() ? Value{} : Value::of(mpq_class(-left.number));
    PRISM_TRY(const Value right, value(e.arguments[1]));
    if (left.is_null() || right.is_null()) return Value{};
    const mpq_class& a = left.number;
    const mpq_class& b = right.number;
    if (e.op == Op::add) return Value::of(mpq_class(a + b));
    if (e.op == Op::subtract) return Value::of(mpq_class(a - b));
    if (e.op == Op::multiply) return Value::of(mpq_class(a * b));
    if (sgn(b) == 0) return Value{};
    const mpq_class quotient = a / b;
    if (e.type != ValueType::integer) return Value::of(quotient);
    mpz_class whole;
    mpz_tdiv_q(whole.get_mpz_t(), quotient.get_num().get_mpz_t(), quotient.get_den().get_mpz_t());
    return Value::of(mpq_class(whole));
  }

  Result<Value> comparison(const Expression& e) const {
    PRISM_TRY(const Value left, value(e.arguments[0]));
    PRISM_TRY(const Value right, value(e.arguments[1]));
    if (left.is_null() || right.is_null()) return Value{};
    const int order = compare(left, right);
    switch (e.op) {
      case Op::equal:
        return Value::of(order == 0);
      case Op::not_equal:
        return Value::of(order != 0);
      case Op::less:
        return Value::of(order < 0);
      case Op::less_equal:
        return Value::of(order <= 0);
      case Op::greater:
        return Value::of(order > 0);
      default:
        return Value::of(order >= 0);
    }
  }

  Result<Value> logic(const Expression& e) const {
    if (e.op == Op::logical_not) {
      PRISM_TRY(const Value inner, value(e.arguments[0]));
      return inner.is_null() ? Value{} : Value::of(!inner.truth);
    }
    const bool decides = e.op == Op::logical_or;  // the operand that settles the whole
    bool unknown = false;
    bool settled = false;
    for (const Expression& argument : e.arguments) {
      PRISM_TRY(const Value inner, value(argument));  // all of them, so that an impossible sum is always noticed
      unknown |= inner.is_null();
      settled |= !inner.is_null() && inner.truth == decides;
    }
    if (settled) return Value::of(decides);
    return unknown ? Value{} : Value::of(!decides);
  }

  const Leaves* leaves_;
};

}  // namespace

int compare(const Value& a, const Value& b) {
  check(a.kind == b.kind && !a.is_null(), "values of different types are compared");
  switch (a.kind) {
    case Value::Kind::boolean:
      return int{a.truth} - int{b.truth};
    case Value::Kind::number:
      return sgn(mpq_class(a.number - b.number));
    case Value::Kind::date:
      return a.day < b.day ? -1 : a.day > b.day ? 1 : 0;
    default: {
      const int order = a.text.compare(b.text);
      return order < 0 ? -1 : order > 0 ? 1 : 0;
    }
  }
}

Result<Value> evaluate(const Expression& expression, const Leaves* leaves) {
  return Evaluator(leaves).value(expression);
}

}  // namespace prism::sql::internal
