#include <algorithm>

#include "prism/sql/internal/expression_binder.h"
#include "prism/sql/internal/literal.h"
#include "prism/sql/internal/predicate_binder.h"
#include "prism/sql/internal/syntax.h"
#include "prism/sql/sql.h"

namespace prism::sql {
namespace {

using internal::ColumnFinder;
using internal::ExpressionBinder;
using internal::Node;
using internal::QueryText;
using internal::Select;

/// One SELECT on its way to a plan: FROM, GROUP BY, WHERE, then what is selected, kept and ordered.
class SelectBinder {
 public:
  SelectBinder(const QueryText& query, const Select& select, const Catalog& catalog)
      : query_(query),
        select_(select),
        plan_(),
        columns_(query, plan_.catalog, select.alias),
        expressions_(query, columns_, plan_) {
    plan_.catalog = catalog;
  }
  SelectBinder(const SelectBinder&) = delete;
  SelectBinder& operator=(const SelectBinder&) = delete;

  Result<Plan> bind() {
    PRISM_CHECKED(bind_table());
    PRISM_CHECKED(bind_groups());
    if (select_.where) {
      internal::PredicateBinder predicates(query_, columns_, plan_.catalog, expressions_);
      PRISM_TRY(plan_.where, predicates.bind(*select_.where));
    }
    for (const Select::Target& target : select_.targets) {
      PRISM_TRY(Expression value, expressions_.bind(target.value));
      plan_.outputs.push_back({target.name, std::move(value)});
    }
    if (select_.having) {
      PRISM_TRY(plan_.having, expressions_.bind_condition(*select_.having, "HAVING"));
    }
    PRISM_CHECKED(bind_order());
    PRISM_TRY(plan_.limit, bind_count(select_.limit, "LIMIT"));
    PRISM_TRY(const auto offset, bind_count(select_.offset, "OFFSET"));
    plan_.offset = offset.value_or(0);
    if (plan_.primitives.empty()) {
      if (!select_.having)
        return query_.refuse(ErrorCode::unsupported, select_.targets[0].value.position, "sql/no-aggregate",
                             "this asks for one row per row of the table, and rows stay encrypted",
                             "select an aggregate such as COUNT(*)");
      expressions_.primitive(Primitive::Kind::count, {}, -1);
    }
    return std::move(plan_);
  }

 private:
  Status bind_table() {
    if (internal::same_identifier(plan_.catalog.table, select_.table)) return {};
    return query_.refuse(ErrorCode::not_found, select_.table_position, "sql/unknown-table",
                         "there is no table \"" + select_.table + "\" here",
                         "write FROM " + quoted(plan_.catalog.table));
  }

  /// As it has to be written in SQL.
  static std::string quoted(const std::string& name) {
    const bool plain =
        !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        });
    if (plain) return name;
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
  }

  /// The output a whole-number constant names by its place, counted from 1.
  Result<std::size_t> ordinal(const Node& node, std::string_view clause) const {
    bool too_long = false;
    const auto number = internal::parse_number(node.text, too_long);
    const bool whole = number && number->whole && number->digits.size() <= 4;
    const int place = whole ? std::stoi(number->digits) : 0;
    if (!whole || place < 1 || static_cast<std::size_t>(place) > select_.targets.size())
      return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/ordinal",
                           std::string(clause) + " " + node.text + " names no selected column; there are " +
                               std::to_string(select_.targets.size()),
                           "count the SELECT list from 1");
    return static_cast<std::size_t>(place) - 1;
  }

  /// The output of this name. Two of one name are fine when they are the same expression; `ambiguous` tells that they
  /// are not.
  std::optional<std::size_t> named_output(const Node& node, bool aliases_only, bool& ambiguous) const {
    ambiguous = false;
    std::optional<std::size_t> found;
    if (node.kind != Node::Kind::column || !node.qualifier.empty()) return found;
    for (std::size_t i = 0; i < select_.targets.size(); ++i) {
      const Select::Target& target = select_.targets[i];
      if (!internal::same_identifier(aliases_only ? target.alias : target.name, node.text)) continue;
      if (!found)
        found = i;
      else
        ambiguous = true;
    }
    return found;
  }

  Status bind_groups() {
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
                             "name a column, or add the expression as a column before sealing");
      PRISM_TRY(const std::size_t column, columns_.find(*node));
      if (std::find(plan_.group_by.begin(), plan_.group_by.end(), column) != plan_.group_by.end()) continue;
      if (plan_.group_by.size() == 2)
        return query_.refuse(ErrorCode::unsupported, written.position, "sql/group-by-columns",
                             "groups are made by two columns at the most",
                             "ask once per value of the third column, with WHERE");
      plan_.group_by.push_back(column);
    }
    if (!plan_.group_by.empty()) expressions_.primitive(Primitive::Kind::count, {}, -1);
    return {};
  }

  Status bind_order() {
    for (const Select::Sort& sort : select_.order) {
      OrderKey key{{Expression::Op::null, ValueType::text}, sort.descending, sort.nulls_first};
      bool ambiguous = false;
      if (sort.value.kind == Node::Kind::number) {
        PRISM_TRY(const std::size_t place, ordinal(sort.value, "ORDER BY"));
        key.value = plan_.outputs[place].value;
      } else if (const auto output = named_output(sort.value, false, ambiguous)) {
        if (ambiguous)
          return query_.refuse(ErrorCode::invalid_argument, sort.value.position, "sql/ambiguous-column",
                               "several selected columns are called \"" + sort.value.text + "\"",
                               "order by their place, as in ORDER BY 1, or give them names with AS");
        key.value = plan_.outputs[*output].value;
      } else {
        if (!sort.value.has_column && !sort.value.has_call)
          return query_.refuse(ErrorCode::invalid_argument, sort.value.position, "sql/order-by",
                               "a constant orders nothing", "name a selected column or an aggregate");
        PRISM_TRY(key.value, expressions_.bind(sort.value));
      }
      plan_.order.push_back(std::move(key));
    }
    return {};
  }

  Result<std::optional<std::uint64_t>> bind_count(const std::optional<Node>& node, std::string_view clause) const {
    using Count = std::optional<std::uint64_t>;
    if (!node || node->kind == Node::Kind::null) return Count{};
    bool too_long = false;
    const auto number = node->kind == Node::Kind::number ? internal::parse_number(node->text, too_long) : std::nullopt;
    if (!number || !number->whole || number->digits[0] == '-')
      return query_.refuse(ErrorCode::invalid_argument, node->position, "sql/limit",
                           std::string(clause) + " wants a whole number from 0 to 9223372036854775807",
                           "write " + std::string(clause) + " 10");
    return Count{std::stoull(number->digits)};
  }

  const QueryText& query_;
  const Select& select_;
  Plan plan_;
  ColumnFinder columns_;
  ExpressionBinder expressions_;
};

}  // namespace

Result<Plan> plan_query(std::string_view sql, std::span<const Catalog> database) {
  const QueryText query(sql);
  PRISM_TRY(const Select select, internal::read_query(query));
  std::size_t chosen = 0;
  for (std::size_t i = 1; i < database.size(); ++i)
    if (internal::same_identifier(database[i].table, select.table)) chosen = i;
  PRISM_TRY(Plan plan, SelectBinder(query, select, database[chosen]).bind());
  if (chosen != 0) {
    plan.from.emplace();
    plan.from->catalog = plan.catalog;
    plan.from->table = chosen;
    plan.from->position = select.table_position;
  }
  return plan;
}

Result<Plan> plan_query(std::string_view sql, const Catalog& catalog) {
  return plan_query(sql, std::span(&catalog, 1));
}

}  // namespace prism::sql
