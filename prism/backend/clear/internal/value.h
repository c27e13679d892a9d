// prism/backend/clear/internal/value.h - what an expression is worth: NULL, a truth, an exact number, a day or a text.
#pragma once
#include <gmpxx.h>

#include <string>
#include <variant>

#include "prism/sql/plan.h"
#include "prism/table/result_table.h"

namespace prism::backend::clear {

/// Days since 1970-01-01.
struct Day {
  long number;
};
/// monostate is NULL.
using Value = std::variant<std::monostate, bool, mpq_class, Day, std::string>;

inline bool is_null(const Value& value) { return value.index() == 0; }

/// -1, 0 or 1 for two values of one kind, neither NULL: numbers by value, days by number, text by unsigned bytes, false
/// before true.
int compare(const Value& a, const Value& b);

/// 10^exponent as an integer; exponent >= 0.
mpz_class power_of_ten(unsigned long exponent);

/// sqrt(value) to 20 significant digits, to nearest, half away from zero; value >= 0.
mpq_class rounded_root(const mpq_class& value);

/// The cell of a value of that type and, for decimals, scale.
table::Cell render(const Value& value, sql::ValueType type, int scale);

}  // namespace prism::backend::clear
