#include "prism/sql/internal/syntax_reader.h"

#include <algorithm>

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

const Json& list_field(const Json& body, const char* name) {
  static const Json empty = Json::array();
  const Json* value = field(body, name);
  return value != nullptr && value->is_array() ? *value : empty;
}

/// PostgreSQL's FigureColname, for what the dialect has.
std::string column_name_of(const Node& node) {
  if (node.kind == Node::Kind::column || node.kind == Node::Kind::call) return node.text;
  if (node.kind == Node::Kind::cast) {
    if (node.text == "integer") return "int4";
    if (node.text == "boolean") return "bool";
    return node.text;
  }
  return "?column?";
}

}  // namespace

std::pair<std::string_view, const Json*> tagged(const Json& node) {
  static const Json nothing;
  if (!node.is_object() || node.size() != 1) return {{}, &nothing};
  return {node.begin().key(), &node.begin().value()};
}

std::string_view string_field(const Json& body, const char* name) {
  const Json* value = body.is_object() ? field(body, name) : nullptr;
  return value != nullptr && value->is_string() ? std::string_view(value->get_ref<const std::string&>())
                                                : std::string_view();
}

Position place_of(const Json& node) {
  if (node.is_object()) {
    const Json* location = field(node, "location");
    if (location != nullptr && location->is_number_integer() && location->get<int>() >= 0) return location->get<int>();
  }
  Position first = -1;
  if (node.is_structured()) {
    for (const Json& child : node) {
      const Position place = place_of(child);
      if (place >= 0 && (first < 0 || place < first)) first = place;
    }
  }
  return first;
}

Status SyntaxReader::only(const Json& body, std::initializer_list<std::string_view> known, Position at,
                          std::string_view what) const {
  for (const auto& [key, value] : body.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      return query_.refuse(kOutside, at, "sql/clause",
                           std::string(what) + " has a part this dialect lacks (" + key + ")");
  }
  return {};
}

Result<Select> SyntaxReader::read(const Json& tree) {
  const Json& statements = list_field(tree, "stmts");
  if (statements.empty())
    return query_.refuse(ErrorCode::malformed, 0, "sql/empty", "there is no query", "write SELECT COUNT(*) FROM table");
  if (statements.size() > 1) {
    const Json* start = field(statements[1], "stmt_location");
    Position at = start != nullptr && start->is_number_integer() ? start->get<int>() : 0;
    const std::string_view sql = query_.text();
    while (static_cast<std::size_t>(at) < sql.size() &&
           std::string_view(" \t\r\n\f;").find(sql[static_cast<std::size_t>(at)]) != std::string_view::npos)
      ++at;
    return query_.refuse(kOutside, at, "sql/multiple-statements", "a second statement begins here",
                         "ask one question at a time");
  }
  const Json* statement = field(statements[0], "stmt");
  Position start = 0;
  if (const Json* location = field(statements[0], "stmt_location");
      location != nullptr && location->is_number_integer())
    start = location->get<int>();
  const std::string_view sql = query_.text();
  while (static_cast<std::size_t>(start) < sql.size() &&
         std::string_view(" \t\r\n\f").find(sql[static_cast<std::size_t>(start)]) != std::string_view::npos)
    ++start;
  static const Json nothing;
  const auto [tag, body] = tagged(statement == nullptr ? nothing : *statement);
  if (tag != "SelectStmt") return query_.refuse(kOutside, start, "sql/not-select", "only SELECT can be answered here");
  return read_select(*body, start);
}

Result<Select> SyntaxReader::read_select(const Json& select, Position start) {
  if (++selects_ > kDeepestSelect)
    return query_.refuse(kOutside, start, "sql/depth", "SELECTs are nested more than 8 deep");
  auto out = read_clauses(select, start);
  --selects_;
  return out;
}

Result<Select> SyntaxReader::read_clauses(const Json& select, Position start) {
  const auto at = [&](const char* name) {
    const Position place = place_of(*field(select, name));
    return place >= 0 ? place : start;
  };
  if (field(select, "withClause") != nullptr)
    return query_.refuse(kOutside, at("withClause"), "sql/with", "WITH queries are not answered",
                         "write the inner SELECT into FROM, as in FROM (SELECT ...) AS name");
  if (string_field(select, "op") != "SETOP_NONE")
    return query_.refuse(kOutside, start, "sql/set-operation", "UNION, INTERSECT and EXCEPT are not answered",
                         "ask the queries one by one");
  if (field(select, "valuesLists") != nullptr)
    return query_.refuse(kOutside, start, "sql/not-select", "VALUES names no table", "write SELECT ... FROM table");
  if (field(select, "intoClause") != nullptr)
    return query_.refuse(kOutside, at("intoClause"), "sql/into", "SELECT INTO would write a table", "leave INTO out");
  if (field(select, "distinctClause") != nullptr)
    return query_.refuse(kOutside, start, "sql/distinct", "SELECT DISTINCT is not answered",
                         "write GROUP BY the columns, which lists each combination once");
  if (field(select, "windowClause") != nullptr)
    return query_.refuse(kOutside, at("windowClause"), "sql/window",
                         "window functions give one value per row, and rows are not shown");
  if (field(select, "lockingClause") != nullptr)
    return query_.refuse(kOutside, start, "sql/locking", "FOR UPDATE and FOR SHARE lock rows; nothing is locked here",
                         "leave it out");
  if (flag(select, "groupDistinct"))
    return query_.refuse(kOutside, at("groupClause"), "sql/group-by", "GROUP BY DISTINCT is not answered",
                         "leave DISTINCT out");
  if (string_field(select, "limitOption") == "LIMIT_OPTION_WITH_TIES")
    return query_.refuse(kOutside, field(select, "limitCount") != nullptr ? at("limitCount") : start, "sql/with-ties",
                         "WITH TIES is not answered", "write FETCH FIRST ... ROWS ONLY");
  PRISM_CHECKED(only(select,
                     {"targetList", "fromClause", "whereClause", "groupClause", "havingClause", "sortClause",
                      "limitOffset", "limitCount", "limitOption", "op"},
                     start, "SELECT"));

  Select out;
  if (list_field(select, "fromClause").empty())
    return query_.refuse(kOutside, start, "sql/from", "the query names no table", "write FROM and the table's name");
  out.position = start;
  for (const Json& item : select["fromClause"]) PRISM_CHECKED(read_from_item(item, out.from.size(), out));
  if (list_field(select, "targetList").empty())
    return query_.refuse(kOutside, start, "sql/no-aggregate", "the query selects nothing", "write SELECT COUNT(*)");
  if (select["targetList"].size() > 256)
    return query_.refuse(kOutside, start, "sql/size", "more than 256 columns are selected");
  for (const Json& target : select["targetList"]) {
    PRISM_TRY(Select::Target read, read_target(target));
    out.targets.push_back(std::move(read));
  }
  if (const Json* where = field(select, "whereClause")) {
    PRISM_TRY(out.where, read_expression(*where));
  }
  for (const Json& group : list_field(select, "groupClause")) {
    const auto [tag, body] = tagged(group);
    if (tag == "GroupingSet")
      return query_.refuse(kOutside, place_of(group), "sql/group-by",
                           "ROLLUP, CUBE, GROUPING SETS and GROUP BY () are not answered",
                           "ask one query per grouping");
    PRISM_TRY(Node node, read_expression(group));
    out.group.push_back(std::move(node));
  }
  if (const Json* having = field(select, "havingClause")) {
    PRISM_TRY(out.having, read_expression(*having));
  }
  for (const Json& sort : list_field(select, "sortClause")) {
    PRISM_TRY(Select::Sort read, read_sort(sort));
    out.order.push_back(std::move(read));
  }
  if (const Json* limit = field(select, "limitCount")) {
    PRISM_TRY(out.limit, read_expression(*limit));
  }
  if (const Json* offset = field(select, "limitOffset")) {
    PRISM_TRY(out.offset, read_expression(*offset));
  }
  return out;
}

Result<Select::Target> SyntaxReader::read_target(const Json& target) {
  const auto [tag, body] = tagged(target);
  const Json* value = tag == "ResTarget" ? field(*body, "val") : nullptr;
  if (value == nullptr) return query_.refuse(kOutside, place_of(target), "sql/clause", "this cannot be selected");
  PRISM_CHECKED(only(*body, {"name", "val", "location"}, place_of(target), "the SELECT list"));
  PRISM_TRY(Node node, read_expression(*value));
  Select::Target out{std::string(string_field(*body, "name")), {}, std::move(node)};
  out.name = out.alias.empty() ? column_name_of(out.value) : out.alias;
  return out;
}

Result<Select::Sort> SyntaxReader::read_sort(const Json& sort) {
  const auto [tag, body] = tagged(sort);
  const Json* value = tag == "SortBy" ? field(*body, "node") : nullptr;
  const std::string_view direction = tag == "SortBy" ? string_field(*body, "sortby_dir") : std::string_view();
  if (value == nullptr || direction == "SORTBY_USING")
    return query_.refuse(kOutside, place_of(sort), "sql/order-by", "ORDER BY ... USING is not answered",
                         "write ASC or DESC");
  PRISM_TRY(Node node, read_expression(*value));
  const bool descending = direction == "SORTBY_DESC";
  const std::string_view nulls = string_field(*body, "sortby_nulls");
  return Select::Sort{std::move(node), descending,
                      nulls == "SORTBY_NULLS_DEFAULT" ? descending : nulls == "SORTBY_NULLS_FIRST"};
}

}  // namespace prism::sql::internal
