// prism/sql/internal/literal.h - numbers and dates as written in a query.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "prism/sql/internal/query_text.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

/// digits / 10^scale, as written: 1.50 is {"150", 2}, 1e3 is {"1000", 0}.
struct DecimalLiteral {
  std::string digits;  ///< '-' in front when negative; "0" for zero
  int scale = 0;
  bool whole = true;  ///< written without point and exponent, and within int64: an integer to PostgreSQL
};
/// [+-] digits [. digits] [e [+-] digits]; at most 60 digits before and 60 after the point once written out.
/// nullopt: not a number. `too_long` is set when it is one, but longer.
std::optional<DecimalLiteral> parse_number(std::string_view text, bool& too_long);

/// Spaces that PostgreSQL ignores around a quoted number or date.
std::string_view trimmed(std::string_view text);

/// A literal node of the plan.
Expression number_expression(const DecimalLiteral& literal, Position position);
Expression integer_expression(long value, Position position);
Expression boolean_expression(bool value, Position position);

/// Gives a quoted literal (or NULL) the type of what it stands beside. `literal` is of op text or null.
/// Errors: invalid_argument when the text is not of that type.
Result<Expression> coerce(const QueryText& query, const Expression& literal, ValueType type);

/// "an integer", "a text", ... for messages.
std::string_view article_name(ValueType type);

}  // namespace prism::sql::internal
