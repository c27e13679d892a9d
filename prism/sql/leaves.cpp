#include "prism/sql/internal/leaves.h"

#include "prism/table/date.h"

namespace prism::sql::internal {
namespace {

using Op = Expression::Op;

mpq_class number_of(Int128 value) { return mpq_class(to_string(value)); }

mpq_class scaled_down(mpq_class v, int scale) {
  v /= power_of_ten(static_cast<unsigned>(scale));
  return v;
}

mpq_class rounded(const mpq_class& v, int scale) {
  const mpz_class tens = power_of_ten(static_cast<unsigned>(scale));
  mpq_class out(nearest(v * tens), tens);
  out.canonicalize();
  return out;
}

bool is_sample(Op op) { return op == Op::variance_sample || op == Op::deviation_sample; }
bool is_deviation(Op op) { return op == Op::deviation_population || op == Op::deviation_sample; }

/// The stored value of a key, days already checked.
Value key_value(const KeyValue& key, const Expression& e) {
  if (std::holds_alternative<std::monostate>(key)) return Value{};
  if (const auto* text = std::get_if<std::string>(&key)) return Value::of_text(*text);
  const std::int64_t stored = *std::get_if<std::int64_t>(&key);
  if (e.type == ValueType::date) return Value::of_date(stored);
  return Value::of(scaled_down(number_of(stored), e.scale));
}

Error impossible(const char* what) {
  return fail(ErrorCode::integrity, what, "; this answer was not computed from the table");
}

}  // namespace

bool in_calendar(const mpq_class& day) {
  static const std::int64_t first = *table::parse_date("0001-01-01");
  static const std::int64_t last = *table::parse_date("9999-12-31");
  return day >= mpq_class(first) && day <= mpq_class(last);
}

Result<Value> ExactLeaves::value(const Expression& e) const {
  switch (e.op) {
    case Op::key:
      check(e.index < group_.keys.size(), "an expression names a group key that is not there");
      return key_value(group_.keys[e.index], e);
    case Op::count:
      return Value::of(number_of(group_.primitives.at(e.index)));
    case Op::sum:
    case Op::average:
      return sum(e);
    case Op::statistic: {
      PRISM_TRY(const Int128 n, count(e));
      if (n == 0) return Value{};
      const Int128 found = group_.primitives.at(e.index);
      if (e.type != ValueType::date) return Value::of(scaled_down(number_of(found), e.scale));
      if (!in_calendar(number_of(found))) return impossible("a day is outside the years 0001 to 9999");
      return Value::of_date(static_cast<std::int64_t>(found));
    }
    default:
      return spread(e);
  }
}

Result<Int128> ExactLeaves::count(const Expression& e) const {
  const Int128 found = group_.primitives.at(e.count);
  if (found < 0) return impossible(("a count is " + to_string(found)).c_str());
  return found;
}

Result<Value> ExactLeaves::sum(const Expression& e) const {
  PRISM_TRY(const Int128 n, count(e));
  if (n == 0) return Value{};
  const mpq_class total = scaled_down(number_of(group_.primitives.at(e.index)), e.scale);
  if (e.op == Op::sum) return Value::of(total);
  return Value::of(mpq_class(total / number_of(n)));
}

Result<Value> ExactLeaves::spread(const Expression& e) const {
  PRISM_TRY(const Int128 rows, count(e));
  const bool sample = is_sample(e.op);
  if (rows < (sample ? 2 : 1)) return Value{};
  const mpq_class n = number_of(rows);
  const mpq_class s = number_of(group_.primitives.at(e.index));
  const mpq_class q = number_of(group_.primitives.at(e.square));
  const mpq_class divisor = n * (sample ? mpq_class(n - 1) : n);
  const mpq_class variance = scaled_down(mpq_class((n * q - s * s) / divisor), 2 * e.scale);
  if (sgn(variance) < 0) return impossible("a variance is below zero");
  return Value::of(is_deviation(e.op) ? root_rounded(variance) : variance);
}

Result<Value> EstimatedLeaves::value(const Expression& e) const {
  switch (e.op) {
    case Op::key: {
      check(e.index < group_.keys.size(), "an expression names a group key that is not there");
      const auto* day = std::get_if<std::int64_t>(&group_.keys[e.index]);
      if (e.type == ValueType::date && day != nullptr && !in_calendar(mpq_class(*day))) return Value{};
      return key_value(group_.keys[e.index], e);
    }
    case Op::count: {
      const auto n = primitive(e.index);
      return n ? Value::of(rounded(*n, 0)) : Value{};
    }
    case Op::sum:
    case Op::statistic: {
      const auto found = primitive(e.index);
      if (!found) return Value{};
      // One rounding, of the stored number: its last digit is the last decimal place.
      const mpq_class whole = rounded(*found, 0);
      if (e.type != ValueType::date) return Value::of(scaled_down(whole, e.scale));
      return in_calendar(whole) ? Value::of_date(whole.get_num().get_si()) : Value{};
    }
    case Op::average:
      return average(e);
    default:
      return spread(e);
  }
}

std::optional<mpq_class> EstimatedLeaves::primitive(std::size_t index) const {
  const Ratio& ratio = group_.primitives.at(index);
  if (ratio.denominator <= 0) return std::nullopt;
  mpq_class out(mpz_class(to_string(ratio.numerator)), mpz_class(to_string(ratio.denominator)));
  out.canonicalize();
  return out;
}

Value EstimatedLeaves::average(const Expression& e) const {
  const auto n = primitive(e.count);
  const auto total = primitive(e.index);
  if (!n || !total || sgn(*n) <= 0) return Value{};
  return Value::of(scaled_down(mpq_class(*total / *n), e.scale));
}

Value EstimatedLeaves::spread(const Expression& e) const {
  const auto n = primitive(e.count);
  const auto s = primitive(e.index);
  const auto q = primitive(e.square);
  const bool sample = is_sample(e.op);
  if (!n || !s || !q || *n <= (sample ? 1 : 0)) return Value{};
  const mpq_class divisor = *n * (sample ? mpq_class(*n - 1) : *n);
  const mpq_class variance = scaled_down(mpq_class((*n * *q - *s * *s) / divisor), 2 * e.scale);
  if (sgn(variance) < 0) return Value::of(mpq_class(0));
  return Value::of(is_deviation(e.op) ? root_rounded(variance) : variance);
}

}  // namespace prism::sql::internal
