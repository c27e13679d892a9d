#include <algorithm>

#include "prism/sql/internal/syntax_reader.h"

namespace prism::sql::internal {
namespace {

using Json = nlohmann::json;
using Kind = Node::Kind;
constexpr auto kOutside = ErrorCode::unsupported;

bool has(const Json& body, const char* name) { return body.find(name) != body.end(); }

const Json& child(const Json& body, const char* name) {
  static const Json nothing;
  const auto it = body.find(name);
  return it == body.end() ? nothing : *it;
}

std::vector<std::string> names_of(const Json& body, const char* name) {
  std::vector<std::string> out;
  for (const Json& item : child(body, name)) {
    const auto [tag, value] = tagged(item);
    out.emplace_back(tag == "String" ? string_field(*value, "sval") : std::string_view());
  }
  return out;
}

/// The constant at `at`, known to be 0 or negative: digits, or digits behind signs, brackets, spaces and comments
/// (the grammar folds "- (5)" into one constant that begins at its first sign).
std::string not_positive_integer(std::string_view sql, Position position) {
  std::size_t at = position < 0 ? sql.size() : static_cast<std::size_t>(position);
  const auto starts = [&](std::string_view what) { return sql.substr(std::min(at, sql.size()), what.size()) == what; };
  bool sign = false;
  while (at < sql.size() && !(sql[at] >= '0' && sql[at] <= '9')) {
    if (starts("--")) {
      at = std::min(sql.find_first_of("\r\n", at), sql.size());
    } else if (starts("/*")) {
      int depth = 0;
      do {
        const int step = starts("/*") ? 1 : starts("*/") ? -1 : 0;
        depth += step;
        at += step == 0 ? 1 : 2;
      } while (depth > 0 && at < sql.size());
    } else {
      sign |= sql[at] == '-';
      ++at;
    }
  }
  std::string digits;
  for (; at < sql.size() && sql[at] >= '0' && sql[at] <= '9'; ++at) digits += sql[at];
  if (digits.empty()) return "0";
  return sign ? "-" + digits : digits;
}

Node make(Kind kind, Position position) {
  Node node{kind, position};
  return node;
}

}  // namespace

Status SyntaxReader::add_argument(Node& parent, const Json& node) {
  PRISM_TRY(Node argument, read_expression(node));
  parent.has_column |= argument.has_column;
  parent.has_call |= argument.has_call;
  parent.arguments.push_back(std::move(argument));
  return {};
}

Result<Node> SyntaxReader::read_expression(const Json& node) {
  const auto [tag, body] = tagged(node);
  if (++depth_ > kDeepestExpression)
    return query_.refuse(kOutside, place_of(node), "sql/depth", "expressions are nested more than 200 deep");
  auto result = read_tagged(tag, *body);
  --depth_;
  return result;
}

Result<Node> SyntaxReader::read_tagged(std::string_view tag, const Json& body) {
  if (tag == "A_Const") return read_constant(body);
  if (tag == "ColumnRef") return read_column(body);
  if (tag == "A_Expr") return read_operator(body);
  if (tag == "BoolExpr") return read_logic(body);
  if (tag == "BooleanTest") return read_boolean_test(body);
  if (tag == "FuncCall") return read_call(body);
  if (tag == "TypeCast") return read_cast(body);
  if (tag == "NullTest") {
    Node node = make(Kind::is_null, place_of(child(body, "arg")));
    node.negated = string_field(body, "nulltesttype") == "IS_NOT_NULL";
    PRISM_CHECKED(add_argument(node, child(body, "arg")));
    return node;
  }
  return refuse_expression(tag, body);
}

Result<Node> SyntaxReader::refuse_expression(std::string_view tag, const Json& body) {
  struct Rule {
    std::string_view tag, rule, why, hint;
  };
  static constexpr Rule kRules[] = {
      {"SubLink", "sql/subquery", "subqueries are not answered",
       "ask the inner query first and write its answer as a constant"},
      {"ParamRef", "sql/parameter", "a parameter has no value here", "write the value itself"},
      {"CaseExpr", "sql/case", "CASE is not answered", "ask one query per case, with the condition in WHERE"},
      {"CoalesceExpr", "sql/function", "COALESCE is not answered",
       "NULLs are skipped by SUM and AVG, and counted by COUNT(*) - COUNT(column)"},
      {"MinMaxExpr", "sql/function", "GREATEST and LEAST are not answered", ""},
      {"SQLValueFunction", "sql/function", "the answer to a query must not depend on when it is asked",
       "write the date as DATE '2020-01-31'"},
      {"RowExpr", "sql/row", "rows of values are not compared", "compare the columns one by one with AND"},
      {"A_ArrayExpr", "sql/array", "arrays are not answered", "write column IN (...)"},
      {"A_Indirection", "sql/array", "subscripts and fields are not answered", ""},
      {"CollateClause", "sql/collate", "text compares by bytes; no other collation is answered", "leave COLLATE out"},
      {"GroupingFunc", "sql/group-by", "GROUPING is not answered", ""},
      {"SetToDefault", "sql/expression", "DEFAULT has no meaning here", ""},
  };
  const Position at = place_of(body);
  for (const Rule& rule : kRules) {
    if (tag == rule.tag) return query_.refuse(kOutside, at, rule.rule, rule.why, rule.hint);
  }
  return query_.refuse(kOutside, at, "sql/expression",
                       "this kind of expression is not answered (" + std::string(tag) + ")");
}

Result<Node> SyntaxReader::read_constant(const Json& body) {
  Node node = make(Kind::null, place_of(body));
  if (has(body, "isnull")) return node;
  if (has(body, "ival")) {
    node.kind = Kind::number;
    const Json& value = child(child(body, "ival"), "ival");
    // This version of libpg_query leaves out not only 0 but every negative value, so those are read from the text.
    node.text = value.is_number_integer() ? std::to_string(value.get<long long>())
                                          : not_positive_integer(query_.text(), node.position);
    return node;
  }
  if (has(body, "fval")) {
    node.kind = Kind::number;
    node.text = string_field(child(body, "fval"), "fval");
    return node;
  }
  if (has(body, "boolval")) {
    node.kind = Kind::boolean;
    const Json& value = child(child(body, "boolval"), "boolval");  // absent when false
    node.negated = !(value.is_boolean() && value.get<bool>());
    return node;
  }
  if (has(body, "sval")) {
    node.kind = Kind::string;
    node.text = string_field(child(body, "sval"), "sval");
    return node;
  }
  return query_.refuse(kOutside, node.position, "sql/literal", "bit strings are not answered",
                       "write a number or a quoted text");
}

Result<Node> SyntaxReader::read_column(const Json& body) {
  Node node = make(Kind::column, place_of(body));
  node.has_column = true;
  const Json& fields = child(body, "fields");
  std::vector<std::string> names = names_of(body, "fields");
  if (!fields.empty() && tagged(fields.back()).first == "A_Star") {
    node.star = true;  // whether all columns may be selected is for the binder to say
    names.back() = "*";
  }
  if (names.empty() || names.size() > 2)
    return query_.refuse(kOutside, node.position, "sql/schema-name", "there are no schemas here",
                         "write column or table.column");
  node.text = std::move(names.back());
  if (names.size() == 2) node.qualifier = std::move(names.front());
  return node;
}

Result<Node> SyntaxReader::read_logic(const Json& body) {
  const std::string_view op = string_field(body, "boolop");
  const Kind kind = op == "AND_EXPR" ? Kind::logical_and : op == "OR_EXPR" ? Kind::logical_or : Kind::logical_not;
  Node node = make(kind, place_of(body));
  for (const Json& argument : child(body, "args")) PRISM_CHECKED(add_argument(node, argument));
  if (node.arguments.size() < (kind == Kind::logical_not ? 1U : 2U))
    return query_.refuse(kOutside, node.position, "sql/expression", "AND, OR or NOT without operands");
  return node;
}

Result<Node> SyntaxReader::read_boolean_test(const Json& body) {
  Node node = make(Kind::boolean_test, place_of(child(body, "arg")));
  std::string_view test = string_field(body, "booltesttype");
  if (test.substr(0, 3) == "IS_") test.remove_prefix(3);
  if (test.substr(0, 4) == "NOT_") {
    node.negated = true;
    test.remove_prefix(4);
  }
  node.text = test == "TRUE" ? "true" : test == "FALSE" ? "false" : "unknown";
  PRISM_CHECKED(add_argument(node, child(body, "arg")));
  return node;
}

Result<Node> SyntaxReader::read_operator(const Json& body) {
  const std::string_view kind = string_field(body, "kind");
  const Position own = place_of(body);
  const std::vector<std::string> names = names_of(body, "name");
  const std::string name = names.size() == 1 ? names[0] : std::string();
  const Json& left = child(body, "lexpr");
  const Json& right = child(body, "rexpr");
  // An operator's own place is its sign; a comparison is easier found by where it begins.
  Position begin = place_of(left);
  if (begin < 0 || (own >= 0 && own < begin)) begin = own;

  if (kind == "AEXPR_OP") {
    const bool unary = left.is_null();
    static constexpr std::string_view kOperators[] = {"+", "-", "*", "/", "=", "<>", "<", "<=", ">", ">="};
    const bool known = std::find(std::begin(kOperators), std::end(kOperators), name) != std::end(kOperators);
    if (!known || (unary && name != "+" && name != "-")) {
      const bool pattern = !name.empty() && (name.find('~') != std::string::npos);
      return query_.refuse(kOutside, own, pattern ? "sql/like" : "sql/operator",
                           pattern ? std::string("regular expressions are not answered")
                                   : "the operator " + (name.empty() ? "OPERATOR(...)" : name) + " is not answered",
                           pattern ? "write LIKE 'prefix%'" : "");
    }
    Node node = make(unary ? (name == "-" ? Kind::negate : Kind::plus) : Kind::binary, unary ? own : begin);
    if (!unary) {
      node.text = name;
      PRISM_CHECKED(add_argument(node, left));
    }
    PRISM_CHECKED(add_argument(node, right));
    return node;
  }
  if (kind == "AEXPR_DISTINCT" || kind == "AEXPR_NOT_DISTINCT") {
    Node node = make(Kind::distinct, begin);
    node.negated = kind == "AEXPR_NOT_DISTINCT";
    PRISM_CHECKED(add_argument(node, left));
    PRISM_CHECKED(add_argument(node, right));
    return node;
  }
  if (kind == "AEXPR_IN" || kind.find("BETWEEN") != std::string_view::npos) {
    Node node = make(kind == "AEXPR_IN" ? Kind::in : Kind::between, begin);
    node.negated = kind == "AEXPR_IN" ? name == "<>" : kind.find("NOT_") != std::string_view::npos;
    node.symmetric = kind.find("SYM") != std::string_view::npos;
    const auto [tag, list] = tagged(right);
    const Json& items = tag == "List" ? child(*list, "items") : child(body, "none");
    if (items.size() > kLongestList)
      return query_.refuse(kOutside, begin, "sql/in-list",
                           "the list has " + std::to_string(items.size()) + " items, 1000 are the most",
                           "write a range with BETWEEN, or split the query");
    if (items.empty() || (node.kind == Kind::between && items.size() != 2))
      return query_.refuse(kOutside, begin, "sql/expression", "this list cannot be read");
    PRISM_CHECKED(add_argument(node, left));
    for (const Json& item : items) PRISM_CHECKED(add_argument(node, item));
    return node;
  }
  if (kind == "AEXPR_LIKE") {
    Node node = make(Kind::like, begin);
    node.negated = name == "!~~";
    PRISM_CHECKED(add_argument(node, left));
    if (tagged(right).first == "FuncCall")
      return query_.refuse(kOutside, place_of(right), "sql/like", "LIKE takes a quoted pattern without ESCAPE",
                           "write LIKE 'prefix%'");
    PRISM_CHECKED(add_argument(node, right));
    return node;
  }
  if (kind == "AEXPR_ILIKE" || kind == "AEXPR_SIMILAR")
    return query_.refuse(kOutside, own, "sql/like", "ILIKE and SIMILAR TO are not answered",
                         "write LIKE 'prefix%', which minds upper and lower case");
  if (kind == "AEXPR_OP_ANY" || kind == "AEXPR_OP_ALL")
    return query_.refuse(kOutside, own, "sql/array", "ANY and ALL over arrays are not answered",
                         "write column IN (...)");
  if (kind == "AEXPR_NULLIF") return query_.refuse(kOutside, own, "sql/function", "NULLIF is not answered");
  return query_.refuse(kOutside, own, "sql/operator", "this operator is not answered");
}

Result<Node> SyntaxReader::read_call(const Json& body) {
  Node node = make(Kind::call, place_of(body));
  if (const Json& own = child(body, "location"); own.is_number_integer()) node.position = own.get<int>();
  node.has_call = true;
  const std::vector<std::string> names = names_of(body, "funcname");
  if (names.size() != 1)
    return query_.refuse(kOutside, node.position, "sql/function",
                         "this function is not answered (" + (names.empty() ? std::string() : names.back()) + ")");
  node.text = names[0];
  std::transform(node.text.begin(), node.text.end(), node.text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (has(body, "over"))
    return query_.refuse(kOutside, node.position, "sql/window",
                         "window functions give one value per row, and rows are not shown",
                         "leave OVER out; GROUP BY gives one row per group");
  if (has(body, "agg_filter"))
    return query_.refuse(kOutside, node.position, "sql/filter", "FILTER is not answered",
                         "put the condition into WHERE, one query per condition");
  if (has(body, "agg_order") && !has(body, "agg_within_group"))
    return query_.refuse(kOutside, node.position, "sql/aggregate-order", "ORDER BY inside an aggregate is not answered",
                         "leave it out: no aggregate here depends on the order");
  PRISM_CHECKED(only(
      body, {"funcname", "args", "agg_star", "agg_distinct", "agg_order", "agg_within_group", "funcformat", "location"},
      node.position, "the call"));
  node.star = has(body, "agg_star");
  node.distinct = has(body, "agg_distinct");
  for (const Json& argument : child(body, "args")) PRISM_CHECKED(add_argument(node, argument));
  if (has(body, "agg_within_group")) PRISM_CHECKED(read_within(body, node));
  return node;
}

/// WITHIN GROUP (ORDER BY column): the column becomes the last argument.
Status SyntaxReader::read_within(const Json& body, Node& call) {
  call.within = true;
  const Json& order = child(body, "agg_order");
  const auto [tag, sort] = order.size() == 1 ? tagged(order[0]) : tagged(order);
  if (tag != "SortBy")
    return query_.refuse(kOutside, call.position, "sql/aggregate-order", "WITHIN GROUP orders by more than one value",
                         "write WITHIN GROUP (ORDER BY column)");
  const std::string_view direction = string_field(*sort, "sortby_dir");
  if ((direction != "SORTBY_DEFAULT" && direction != "SORTBY_ASC") ||
      string_field(*sort, "sortby_nulls") != "SORTBY_NULLS_DEFAULT")
    return query_.refuse(kOutside, place_of(order), "sql/aggregate-order", "quantiles count from the smallest value",
                         "leave DESC and NULLS out; for DESC write 1 minus the fraction");
  return add_argument(call, child(*sort, "node"));
}

Result<Node> SyntaxReader::read_cast(const Json& body) {
  Node node = make(Kind::cast, place_of(body));
  const Json& type = child(body, "typeName");
  std::vector<std::string> names = names_of(type, "names");
  if (names.size() == 2 && names[0] == "pg_catalog") names.erase(names.begin());
  const std::string name = names.size() == 1 ? names[0] : std::string();
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"int2", "integer"}, {"int4", "integer"}, {"int8", "integer"}, {"numeric", "numeric"},
      {"date", "date"},    {"text", "text"},    {"varchar", "text"}, {"bool", "boolean"},
  };
  for (const auto& [theirs, ours] : kTypes) {
    if (name == theirs) node.text = ours;
  }
  if (node.text.empty() || has(type, "typmods") || has(type, "arrayBounds") || has(type, "setof"))
    return query_.refuse(kOutside, node.position, "sql/cast", "this type is not known here",
                         "literals may be cast to integer, numeric, date, text or boolean, without a length");
  PRISM_CHECKED(add_argument(node, child(body, "arg")));
  const Kind inner = node.arguments[0].kind;
  if (inner != Kind::null && inner != Kind::number && inner != Kind::string && inner != Kind::boolean)
    return query_.refuse(kOutside, node.position, "sql/cast", "only literals can be cast",
                         "columns and aggregates keep their types");
  return node;
}

}  // namespace prism::sql::internal
