#include "prism/sql/internal/literal.h"

#include <algorithm>
#include <cstdint>

#include "prism/table/date.h"

namespace prism::sql::internal {
namespace {

constexpr std::size_t kMostDigits = 60;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether an unsigned run of digits without leading zeros is at most `bound`.
bool at_most(std::string_view digits, std::string_view bound) {
  return digits.size() < bound.size() || (digits.size() == bound.size() && digits <= bound);
}

std::optional<bool> parse_boolean(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const char* word : {"true", "t", "yes", "y", "on", "1"}) {
    if (lower == word) return true;
  }
  for (const char* word : {"false", "f", "no", "n", "off", "0"}) {
    if (lower == word) return false;
  }
  return std::nullopt;
}

}  // namespace

std::optional<DecimalLiteral> parse_number(std::string_view text, bool& too_long) {
  too_long = false;
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  std::string digits;
  int scale = 0;
  bool whole = true;
  std::size_t i = 0;
  while (i < text.size() && is_digit(text[i])) digits += text[i++];
  if (i < text.size() && text[i] == '.') {
    whole = false;
    for (++i; i < text.size() && is_digit(text[i]); ++i) {
      digits += text[i];
      ++scale;
    }
  }
  if (digits.empty()) return std::nullopt;
  int exponent = 0;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    whole = false;
    ++i;
    bool down = false;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) down = text[i++] == '-';
    if (i == text.size()) return std::nullopt;
    for (; i < text.size() && is_digit(text[i]); ++i) exponent = std::min(10 * exponent + (text[i] - '0'), 1'000'000);
    if (down) exponent = -exponent;
  }
  if (i != text.size()) return std::nullopt;
  scale -= exponent;
  const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  digits.erase(0, zeros);
  if (scale < 0 && digits != "0") {
    if (static_cast<std::size_t>(-scale) > kMostDigits) {
      too_long = true;
      return std::nullopt;
    }
    digits.append(static_cast<std::size_t>(-scale), '0');
  }
  scale = std::max(scale, 0);
  if (static_cast<std::size_t>(scale) > kMostDigits || digits.size() > kMostDigits + static_cast<std::size_t>(scale)) {
    too_long = true;
    return std::nullopt;
  }
  whole = whole && at_most(digits, negative ? "9223372036854775808" : "9223372036854775807");
  if (negative && digits != "0") digits.insert(0, "-");
  return DecimalLiteral{std::move(digits), scale, whole};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\r\f\v";
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

Expression number_expression(const DecimalLiteral& literal, Position position) {
  Expression e{Expression::Op::number, literal.whole ? ValueType::integer : ValueType::decimal};
  e.scale = literal.scale;
  e.digits = literal.digits;
  e.position = position;
  return e;
}

Expression integer_expression(long value, Position position) {
  return number_expression({std::to_string(value), 0, true}, position);
}

Expression boolean_expression(bool value, Position position) {
  Expression e{Expression::Op::boolean, ValueType::boolean};
  e.digits = value ? "1" : "0";
  e.position = position;
  return e;
}

std::string_view article_name(ValueType type) {
  switch (type) {
    case ValueType::integer:
      return "an integer";
    case ValueType::decimal:
    case ValueType::numeric:
      return "a number";
    case ValueType::date:
      return "a date";
    case ValueType::text:
      return "a text";
    case ValueType::boolean:
      return "true or false";
  }
  return "a value";
}

Result<Expression> coerce(const QueryText& query, const Expression& literal, ValueType type) {
  Expression out = literal;
  if (literal.op == Expression::Op::null || type == ValueType::text) {
    out.type = type;
    return out;
  }
  const auto wrong = [&](std::string_view hint) {
    return query.refuse(
        ErrorCode::invalid_argument, literal.position, "sql/literal",
        "this text stands where " + std::string(article_name(type)) + " is wanted, and does not read as one", hint);
  };
  const std::string_view text = trimmed(literal.literal);
  if (type == ValueType::date) {
    const auto day = table::parse_date(text);
    if (!day) return wrong("write a day that exists as 'YYYY-MM-DD'");
    out.op = Expression::Op::number;
    out.type = ValueType::date;
    out.literal.clear();
    out.digits = std::to_string(*day);
    return out;
  }
  if (type == ValueType::boolean) {
    const auto truth = parse_boolean(text);
    if (!truth) return wrong("write TRUE or FALSE");
    return boolean_expression(*truth, literal.position);
  }
  bool too_long = false;
  const auto number = parse_number(text, too_long);
  if (too_long)
    return query.refuse(ErrorCode::invalid_argument, literal.position, "sql/literal",
                        "numbers have at most 60 digits on each side of the point");
  if (!number || (type == ValueType::integer && !number->whole))
    return wrong(type == ValueType::integer ? "write a whole number, or a number without quotes"
                                            : "write a number without quotes");
  return number_expression(*number, literal.position);
}

}  // namespace prism::sql::internal
