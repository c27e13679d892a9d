// tests/queries/condition.h - a WHERE condition as the generator means it: its text, and its truth for one row.
//
// The truth is found straight from the meaning of SQL's three values, not from a plan: a second opinion about what the
// binder does before any backend sees the condition.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "prism/base/int128.h"
#include "prism/table/table.h"

namespace prism::queries {

/// Digits that literals may have beyond a column's scale.
inline constexpr int kExtraDigits = 3;

/// A literal: as written, and what it stands for.
struct Constant {
  std::string sql;
  Int128 number = 0;  ///< numbers and dates, in units of 10^-(scale + kExtraDigits)
  std::string text;   ///< text columns
};

struct Condition {
  enum class Kind { compare, between, in, like, null, all, any, negation } kind = Kind::compare;
  std::size_t column = 0;  ///< of the table; leaves only
  std::string op;          ///< compare: = <> < <= > >=
  bool negated = false;    ///< NOT BETWEEN, NOT IN, NOT LIKE, IS NOT NULL
  std::vector<Constant> constants;
  std::vector<Condition> children;
};

std::string to_sql(const Condition& condition, const table::Table& table);
/// nullopt is SQL's unknown.
std::optional<bool> truth(const Condition& condition, const table::Table& table, std::size_t row);

/// "name", with quotes inside doubled; 'text' likewise.
std::string quoted_name(const std::string& name);
std::string quoted_text(const std::string& text);

}  // namespace prism::queries
