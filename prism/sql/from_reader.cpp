#include "prism/sql/internal/syntax_reader.h"

namespace prism::sql::internal {
namespace {

using Json = nlohmann::json;
constexpr auto kOutside = ErrorCode::unsupported;

const Json* field(const Json& body, const char* name) {
  const auto it = body.find(name);
  return it == body.end() ? nullptr : &*it;
}

bool flag(const Json& body, const char* name) {
  const Json* value = field(body, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

const Json& child(const Json& body, const char* name) {
  static const Json nothing;
  const Json* value = field(body, name);
  return value == nullptr ? nothing : *value;
}

}  // namespace

Status SyntaxReader::read_from_item(const Json& item, std::size_t first_visible, Select& out) {
  const auto [tag, body] = tagged(item);
  if (tag == "JoinExpr") return read_join(*body, first_visible, out);
  FromPart part;
  part.position = place_of(item);
  part.first_visible = first_visible;
  if (tag == "RangeVar") {
    PRISM_CHECKED(read_table(*body, part));
  } else if (tag == "RangeSubselect") {
    PRISM_CHECKED(read_derived(*body, part));
  } else {
    return query_.refuse(kOutside, part.position, "sql/from", "FROM names something that is not a table",
                         "name a table");
  }
  if (out.from.size() == kMostParts)
    return query_.refuse(kOutside, part.position, "sql/joins", "more than 8 tables are joined", "join fewer tables");
  out.from.push_back(std::move(part));
  return {};
}

Status SyntaxReader::read_join(const Json& join, std::size_t first_visible, Select& out) {
  const Json& right = child(join, "rarg");
  const Position at = place_of(right);
  const std::string_view type = string_field(join, "jointype");
  if (type != "JOIN_INNER")
    return query_.refuse(kOutside, at, "sql/joins",
                         std::string(type == "JOIN_LEFT"    ? "LEFT"
                                     : type == "JOIN_RIGHT" ? "RIGHT"
                                     : type == "JOIN_FULL"  ? "FULL"
                                                            : "this kind of") +
                             " JOIN is not answered; it would keep rows without a partner",
                         "write JOIN, and ask for the rows of one table alone in a second query");
  if (flag(join, "isNatural"))
    return query_.refuse(kOutside, at, "sql/joins", "NATURAL JOIN does not say by which columns",
                         "name them, as in JOIN ... USING (column)");
  if (field(join, "alias") != nullptr || field(join, "join_using_alias") != nullptr)
    return query_.refuse(kOutside, at, "sql/alias", "a join has no name of its own", "name each of its tables");
  if (tagged(right).first == "JoinExpr")
    return query_.refuse(kOutside, at, "sql/joins", "joins in brackets are not answered",
                         "write them one after the other: FROM a JOIN b ON ... JOIN c ON ...");
  PRISM_CHECKED(only(join, {"jointype", "larg", "rarg", "quals", "usingClause", "rtindex"}, at, "the join"));
  if (++depth_ > kDeepestExpression)
    return query_.refuse(kOutside, at, "sql/depth", "joins are nested more than 200 deep");
  PRISM_CHECKED(read_from_item(child(join, "larg"), first_visible, out));
  PRISM_CHECKED(read_from_item(right, first_visible, out));
  --depth_;
  FromPart& part = out.from.back();
  if (const Json* condition = field(join, "quals")) {
    PRISM_TRY(part.on, read_expression(*condition));
  }
  for (const Json& name : child(join, "usingClause")) {
    const auto [tag, body] = tagged(name);
    Node column{Node::Kind::column, at, std::string(tag == "String" ? string_field(*body, "sval") : "")};
    column.has_column = true;
    part.shared.push_back(std::move(column));
  }
  return {};
}

Status SyntaxReader::read_table(const Json& table, FromPart& out) {
  if (field(table, "schemaname") != nullptr || field(table, "catalogname") != nullptr)
    return query_.refuse(kOutside, out.position, "sql/schema-name", "there are no schemas here",
                         "write the table's name alone; quote it if it holds a point");
  if (!flag(table, "inh"))
    return query_.refuse(kOutside, out.position, "sql/from", "ONLY has no meaning here", "leave it out");
  if (++tables_ > kMostTables)
    return query_.refuse(kOutside, out.position, "sql/size", "the query names more than 64 tables",
                         "ask in several queries");
  PRISM_CHECKED(only(table, {"relname", "inh", "relpersistence", "alias", "location"}, out.position, "FROM"));
  out.table = string_field(table, "relname");
  return read_alias(table, out);
}

Status SyntaxReader::read_derived(const Json& derived, FromPart& out) {
  if (flag(derived, "lateral"))
    return query_.refuse(kOutside, out.position, "sql/lateral", "LATERAL is asked row by row, which is not answered",
                         "join the derived table on its key");
  PRISM_CHECKED(only(derived, {"subquery", "alias", "lateral"}, out.position, "FROM"));
  const auto [tag, body] = tagged(child(derived, "subquery"));
  if (tag != "SelectStmt")
    return query_.refuse(kOutside, out.position, "sql/from", "FROM names something that is not a table",
                         "name a table");
  PRISM_TRY(Select inner, read_select(*body, out.position));
  out.query.push_back(std::move(inner));
  PRISM_CHECKED(read_alias(derived, out));
  if (out.alias.empty())
    return query_.refuse(kOutside, out.position, "sql/alias", "a derived table needs a name",
                         "write FROM (SELECT ...) AS name");
  return {};
}

Status SyntaxReader::read_alias(const Json& body, FromPart& out) const {
  const Json* alias = field(body, "alias");
  if (alias == nullptr) return {};
  if (field(*alias, "colnames") != nullptr)
    return query_.refuse(kOutside, out.position, "sql/alias", "columns cannot be renamed in FROM",
                         "rename them in the SELECT list with AS");
  out.alias = string_field(*alias, "aliasname");
  return {};
}

}  // namespace prism::sql::internal
