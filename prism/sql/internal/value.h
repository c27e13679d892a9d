// prism/sql/internal/value.h - one value of an expression, exactly, and the evaluator that folds constants and finishes
// answers.
#pragma once
#include <gmpxx.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "prism/base/result.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

struct Value {
  enum class Kind { null, boolean, number, date, text };
  Kind kind = Kind::null;
  bool truth = false;
  mpq_class number{};
  std::int64_t day = 0;
  std::string text{};

  static Value of(bool truth) { return {Kind::boolean, truth}; }
  static Value of(mpq_class number) { return {Kind::number, false, std::move(number)}; }
  static Value of_date(std::int64_t day) { return {Kind::date, false, {}, day}; }
  static Value of_text(std::string text) { return {Kind::text, false, {}, 0, std::move(text)}; }
  bool is_null() const { return kind == Kind::null; }
};

/// -1, 0, 1. Both of one kind and not NULL.
int compare(const Value& a, const Value& b);

/// 10^n.
mpz_class power_of_ten(unsigned n);

/// The square root of v >= 0, rounded to 20 significant digits, half away from zero, from the exact value.
mpq_class root_rounded(const mpq_class& v);

/// To the nearest whole number, half away from zero.
mpz_class nearest(const mpq_class& v);

/// The leaves that stand for group keys and primitives, in one group (leaves.h).
class Leaves {
 public:
  virtual ~Leaves() = default;
  virtual Result<Value> value(const Expression& leaf) const = 0;
};

/// The value of an expression in one group, by README's finishing rules. `leaves` may be null when the expression is
/// constant. Errors: those of the leaves.
Result<Value> evaluate(const Expression& expression, const Leaves* leaves);

/// A number as README's rendering rules want it.
std::string render_integer(const mpq_class& v);
std::string render_decimal(const mpq_class& v, int scale);
std::string render_numeric(const mpq_class& v);

}  // namespace prism::sql::internal
