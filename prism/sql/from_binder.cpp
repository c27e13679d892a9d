#include "prism/sql/internal/from_binder.h"

#include <algorithm>
#include <tuple>

#include "prism/sql/internal/predicate_binder.h"

namespace prism::sql::internal {
namespace {

/// The conditions that a nested AND asks for one by one.
void split(const Node& node, std::size_t first, std::size_t end, std::vector<Source::Condition>& out) {
  if (node.kind == Node::Kind::logical_and) {
    for (const Node& argument : node.arguments) split(argument, first, end, out);
  } else {
    out.push_back({&node, first, end});
  }
}

}  // namespace

Result<Source> FromBinder::bind(const Select& select) {
  Source source;
  std::vector<Relation> parts;
  for (const FromPart& part : select.from) {
    PRISM_TRY(Relation relation, bind_part(part));
    for (const Scope::Part& other : source.scope.parts)
      if (same_identifier(other.name, relation.catalog.table))
        return query_.refuse(ErrorCode::invalid_argument, part.position, "sql/ambiguous-table",
                             "two tables are called \"" + other.name + "\"", "give one another name with AS");
    source.scope.add(relation.catalog.table, relation.catalog.columns);
    parts.push_back(std::move(relation));
  }
  if (parts.size() == 1) {
    source.relation = std::move(parts[0]);
    if (select.where) source.conditions.push_back({&*select.where, 0, 1});
    return source;
  }

  Relation& join = source.relation;
  join.kind = Relation::Kind::join;
  join.position = select.from[1].position;
  join.keys.resize(parts.size() - 1);
  for (const Relation& part : parts) {
    join.catalog.table += (join.catalog.table.empty() ? "" : " join ") + part.catalog.table;
    for (table::ColumnSchema column : part.catalog.columns) {
      column.name = part.catalog.table + "." + column.name;
      join.catalog.columns.push_back(std::move(column));
    }
  }
  join.parts = std::move(parts);

  std::vector<Source::Condition> asked;
  for (std::size_t i = 0; i < select.from.size(); ++i) {
    const FromPart& part = select.from[i];
    for (const Node& shared : part.shared) {
      PRISM_TRY(const std::size_t left, ColumnFinder(query_, source.scope, part.first_visible, i).find(shared));
      PRISM_TRY(const std::size_t right, ColumnFinder(query_, source.scope, i, i + 1).find(shared));
      PRISM_CHECKED(add_key(left, right, shared.position, source));
      source.scope.hidden[right] = true;
    }
    if (part.on) split(*part.on, part.first_visible, i + 1, asked);
  }
  if (select.where) split(*select.where, 0, select.from.size(), asked);
  for (const Source::Condition& condition : asked) {
    PRISM_TRY(const bool taken, take_key(condition, source));
    if (!taken) source.conditions.push_back(condition);
  }
  for (std::size_t i = 1; i < select.from.size(); ++i) {
    std::vector<JoinKey>& keys = join.keys[i - 1];
    if (keys.empty()) {
      const std::string& name = source.scope.parts[i].name;
      return query_.refuse(ErrorCode::unsupported, select.from[i].position, "sql/joins",
                           "nothing says which rows of \"" + name + "\" belong to rows of the tables before it",
                           "write JOIN " + name + " ON a.key = " + name + ".key");
    }
    std::sort(keys.begin(), keys.end(),
              [](const JoinKey& a, const JoinKey& b) { return std::tie(a.left, a.right) < std::tie(b.left, b.right); });
    keys.erase(std::unique(keys.begin(), keys.end(), [](const JoinKey& a, const JoinKey& b) { return a.same(b); }),
               keys.end());
  }
  return source;
}

Result<bool> FromBinder::take_key(const Source::Condition& condition, Source& source) const {
  const Node& node = *condition.node;
  if (node.kind != Node::Kind::binary || node.text != "=" || node.arguments[0].kind != Node::Kind::column ||
      node.arguments[1].kind != Node::Kind::column)
    return false;
  const ColumnFinder columns(query_, source.scope, condition.first_part, condition.end_part);
  PRISM_TRY(const std::size_t a, columns.find(node.arguments[0]));
  PRISM_TRY(const std::size_t b, columns.find(node.arguments[1]));
  if (source.scope.part_of(a) == source.scope.part_of(b)) return false;  // refused as a comparison of two columns
  PRISM_CHECKED(add_key(std::min(a, b), std::max(a, b), node.position, source));
  return true;
}

Status FromBinder::add_key(std::size_t a, std::size_t b, Position at, Source& source) const {
  std::vector<table::ColumnSchema>& columns = source.relation.catalog.columns;
  if (columns[a].type != columns[b].type || columns[a].scale != columns[b].scale)
    return query_.refuse(ErrorCode::unsupported, at, "sql/join-types",
                         "\"" + columns[a].name + "\" is " + table::type_text(columns[a]) + " and \"" +
                             columns[b].name + "\" is " + table::type_text(columns[b]),
                         "join by columns of the same type and scale");
  // Rows with NULL in a key have no partner.
  columns[a].nullable = false;
  columns[b].nullable = false;
  const std::size_t part = source.scope.part_of(b);
  source.relation.keys[part - 1].push_back({a, b - source.scope.parts[part].first, at});
  return {};
}

Result<Predicate> FromBinder::where(const Source& source) const {
  // Conditions on one column are merged across all clauses, so they are joined at the end and only bound one by one.
  std::vector<Predicate> children;
  for (const Source::Condition& condition : source.conditions) {
    const ColumnFinder columns(query_, source.scope, condition.first_part, condition.end_part);
    Plan constants_only;
    ExpressionBinder constants(query_, columns, constants_only);
    PredicateBinder predicates(query_, columns, source.relation.catalog, constants);
    PRISM_TRY(Predicate child, predicates.bind(*condition.node));
    children.push_back(std::move(child));
  }
  return internal::join(Predicate::Kind::all, std::move(children), source.relation.catalog);
}

Result<Relation> FromBinder::bind_part(const FromPart& part) {
  if (part.query.empty()) return bind_table(part);
  return bind_derived(part);
}

Result<Relation> FromBinder::bind_table(const FromPart& part) const {
  std::vector<std::size_t> found;
  std::optional<std::size_t> exact;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < database_.size(); ++i) {
    names.push_back(database_[i].table);
    if (database_[i].table == part.table) exact = i;
    if (same_identifier(database_[i].table, part.table)) found.push_back(i);
  }
  if (!exact && found.size() == 1) exact = found[0];
  if (!exact && found.size() > 1)
    return query_.refuse(ErrorCode::invalid_argument, part.position, "sql/ambiguous-table",
                         "several tables are called \"" + part.table + "\" but for letter case",
                         "write the name as it is, in double quotes");
  if (!exact) {
    std::string hint;
    if (const std::string near = nearest_name(part.table, names); !near.empty()) {
      hint = "write " + quoted_name(near);
    } else if (names.size() == 1) {
      hint = quoted_name(database_[0].table) + " is the only table here";
    } else {
      hint = "the tables are ";
      for (std::size_t i = 0; i < names.size() && i < 12; ++i) hint.append(i == 0 ? "" : ", ").append(names[i]);
      if (names.size() > 12) hint += ", ...";
    }
    return query_.refuse(ErrorCode::not_found, part.position, "sql/unknown-table",
                         "there is no table \"" + part.table + "\" here", hint);
  }
  Relation out;
  out.catalog = database_[*exact];
  out.name = out.catalog.table;
  out.table = *exact;
  out.position = part.position;
  if (!part.alias.empty()) out.catalog.table = part.alias;
  return out;
}

}  // namespace prism::sql::internal
