#include "prism/sql/internal/clauses.h"

#include <algorithm>

#include "prism/sql/internal/literal.h"

namespace prism::sql::internal {

Result<std::size_t> ClauseBinder::ordinal(const Node& node, std::string_view clause) const {
  bool too_long = false;
  const auto number = parse_number(node.text, too_long);
  const bool whole = number && number->whole && number->digits.size() <= 4;
  const int place = whole ? std::stoi(number->digits) : 0;
  if (!whole || place < 1 || static_cast<std::size_t>(place) > select_.targets.size())
    return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/ordinal",
                         std::string(clause) + " " + node.text + " names no selected column; there are " +
                             std::to_string(select_.targets.size()),
                         "count the SELECT list from 1");
  return static_cast<std::size_t>(place) - 1;
}

std::optional<std::size_t> ClauseBinder::named_output(const Node& node, bool aliases_only, bool& ambiguous) const {
  ambiguous = false;
  std::optional<std::size_t> found;
  if (node.kind != Node::Kind::column || !node.qualifier.empty()) return found;
  for (std::size_t i = 0; i < select_.targets.size(); ++i) {
    const Select::Target& target = select_.targets[i];
    if (!same_identifier(aliases_only ? target.alias : target.name, node.text)) continue;
    if (!found)
      found = i;
    else
      ambiguous = true;
  }
  return found;
}

Result<std::vector<std::size_t>> ClauseBinder::groups() const {
  std::vector<std::size_t> out;
  for (const Node& written : select_.group) {
    const Node* node = &written;
    if (node->kind == Node::Kind::number) {
      PRISM_TRY(const std::size_t place, ordinal(*node, "GROUP BY"));
      node = &select_.targets[place].value;
    } else if (node->kind == Node::Kind::column && !columns_.knows(*node)) {
      bool ambiguous = false;
      if (const auto output = named_output(*node, true, ambiguous)) node = &select_.targets[*output].value;
    }
    if (node->has_call)
      return query_.refuse(ErrorCode::invalid_argument, written.position, "sql/group-by",
                           "groups cannot be made by an aggregate", "name a column");
    if (node->kind != Node::Kind::column)
      return query_.refuse(ErrorCode::unsupported, written.position, "sql/group-by",
                           "groups are made by columns, not by expressions",
                           "name a column, or add the expression as a column of the table");
    PRISM_TRY(const std::size_t column, columns_.find(*node));
    if (std::find(out.begin(), out.end(), column) != out.end()) continue;
    if (out.size() == kMostGroupColumns)
      return query_.refuse(ErrorCode::unsupported, written.position, "sql/group-by-columns",
                           "groups are made by four columns at the most",
                           "ask once per value of the fifth column, with WHERE");
    out.push_back(column);
  }
  return out;
}

}  // namespace prism::sql::internal
