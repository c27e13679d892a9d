#include "tests/queries/condition.h"

#include <algorithm>

namespace prism::queries {
namespace {

std::string doubled(const std::string& text, char mark) {
  std::string out(1, mark);
  for (const char c : text) out += c == mark ? std::string(2, c) : std::string(1, c);
  return out + mark;
}

/// -1, 0, 1 of a row's value against a literal.
int order(const table::Column& column, std::size_t row, const Constant& constant) {
  if (column.schema.type == table::ColumnType::text) {
    const std::string& text = column.dictionary[static_cast<std::size_t>(column.values[row])];
    return std::clamp(text.compare(constant.text), -1, 1);
  }
  Int128 value = column.values[row];
  for (int i = 0; i < kExtraDigits; ++i) value *= 10;
  return value < constant.number ? -1 : (value > constant.number ? 1 : 0);
}

bool holds(const std::string& op, int c) {
  if (op == "=") return c == 0;
  if (op == "<>") return c != 0;
  if (op == "<") return c < 0;
  if (op == "<=") return c <= 0;
  if (op == ">") return c > 0;
  return c >= 0;
}

}  // namespace

std::string quoted_name(const std::string& name) { return doubled(name, '"'); }
std::string quoted_text(const std::string& text) { return doubled(text, '\''); }

std::string to_sql(const Condition& c, const table::Table& table) {
  const auto name = [&] { return quoted_name(table.columns[c.column].schema.name); };
  const std::string negation = c.negated ? " NOT" : "";
  const auto joined = [&](const char* word) {
    std::string out = "(";
    for (std::size_t i = 0; i < c.children.size(); ++i) out += (i > 0 ? word : "") + to_sql(c.children[i], table);
    return out + ")";
  };
  switch (c.kind) {
    case Condition::Kind::compare:
      return name() + " " + c.op + " " + c.constants[0].sql;
    case Condition::Kind::between:
      return name() + negation + " BETWEEN " + c.constants[0].sql + " AND " + c.constants[1].sql;
    case Condition::Kind::in: {
      std::string list;
      for (const Constant& constant : c.constants) list += (list.empty() ? "" : ", ") + constant.sql;
      return name() + negation + " IN (" + list + ")";
    }
    case Condition::Kind::like:
      return name() + negation + " LIKE " + c.constants[0].sql;
    case Condition::Kind::null:
      return name() + " IS" + negation + " NULL";
    case Condition::Kind::all:
      return joined(" AND ");
    case Condition::Kind::any:
      return joined(" OR ");
    case Condition::Kind::negation:
      return "NOT (" + to_sql(c.children[0], table) + ")";
  }
  return {};
}

std::optional<bool> truth(const Condition& c, const table::Table& table, std::size_t row) {
  if (c.kind == Condition::Kind::all || c.kind == Condition::Kind::any) {
    const bool decisive = c.kind == Condition::Kind::any;
    bool unknown = false;
    for (const Condition& child : c.children) {
      const auto t = truth(child, table, row);
      if (t == decisive) return decisive;
      unknown = unknown || !t;
    }
    return unknown ? std::nullopt : std::optional<bool>(!decisive);
  }
  if (c.kind == Condition::Kind::negation) {
    const auto t = truth(c.children[0], table, row);
    return t ? std::optional<bool>(!*t) : std::nullopt;
  }
  const table::Column& column = table.columns[c.column];
  const bool there = column.valid[row] != 0;
  if (c.kind == Condition::Kind::null) return there == c.negated;
  if (!there) return std::nullopt;
  bool result = false;
  if (c.kind == Condition::Kind::compare) result = holds(c.op, order(column, row, c.constants[0]));
  if (c.kind == Condition::Kind::between)
    result = order(column, row, c.constants[0]) >= 0 && order(column, row, c.constants[1]) <= 0;
  if (c.kind == Condition::Kind::in)
    for (const Constant& constant : c.constants) result = result || order(column, row, constant) == 0;
  if (c.kind == Condition::Kind::like)
    result = column.dictionary[static_cast<std::size_t>(column.values[row])].starts_with(c.constants[0].text);
  return result != c.negated;
}

}  // namespace prism::queries
