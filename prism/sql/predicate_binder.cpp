#include "prism/sql/internal/predicate_binder.h"

#include <algorithm>

#include "prism/sql/internal/literal.h"

namespace prism::sql::internal {
namespace {

using NodeKind = Node::Kind;
using Kind = Predicate::Kind;

// IS UNKNOWN asks two questions of what stands below it, so nesting it doubles; this stops it.
constexpr int kMostWork = 50'000;

ValueType value_type(table::ColumnType type) {
  switch (type) {
    case table::ColumnType::integer:
      return ValueType::integer;
    case table::ColumnType::decimal:
      return ValueType::decimal;
    case table::ColumnType::date:
      return ValueType::date;
    case table::ColumnType::text:
      return ValueType::text;
  }
  check(false, "unknown column type");
  return ValueType::text;
}

bool is_number(ValueType type) {
  return type == ValueType::integer || type == ValueType::decimal || type == ValueType::numeric;
}

std::string_view mirrored(std::string_view op) {
  if (op == "<") return ">";
  if (op == "<=") return ">=";
  if (op == ">") return "<";
  if (op == ">=") return "<=";
  return op;
}

/// The cut below which exactly the whole numbers < v (or <= v, if `with`) lie, kept within int64.
NumberCut cut_at(const mpq_class& v, bool with) {
  mpz_class whole;
  if (with) {
    mpz_fdiv_q(whole.get_mpz_t(), v.get_num().get_mpz_t(), v.get_den().get_mpz_t());
    ++whole;
  } else {
    mpz_cdiv_q(whole.get_mpz_t(), v.get_num().get_mpz_t(), v.get_den().get_mpz_t());
  }
  const auto as_mpz = [](const NumberCut& cut) { return mpz_class(to_string(cut.value)); };
  if (whole <= as_mpz(NumberCut::first())) return NumberCut::first();
  if (whole >= as_mpz(NumberCut::last())) return NumberCut::last();
  return {Int128{whole.get_si()}};
}

template <class Set, class Cut>
Set values_where(std::string_view op, const Cut& before, const Cut& behind) {
  const Set equal = Set::between(before, behind);
  if (op == "=") return equal;
  if (op == "<>") return equal.complement();
  if (op == "<") return Set::between(Cut::first(), before);
  if (op == "<=") return Set::between(Cut::first(), behind);
  if (op == ">") return Set::between(behind, Cut::last());
  return Set::between(before, Cut::last());
}

/// The first text in byte order that begins with no text starting like `prefix`.
TextCut past_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (prefix.empty()) return TextCut::last();
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return TextCut::before(std::move(prefix));
}

Node comparison_node(std::string op, Node left, Node right, Position at) {
  Node node{NodeKind::binary, at, std::move(op)};
  node.has_column = left.has_column || right.has_column;
  node.has_call = left.has_call || right.has_call;
  node.arguments.push_back(std::move(left));
  node.arguments.push_back(std::move(right));
  return node;
}

Node connective_node(NodeKind kind, std::vector<Node> arguments, Position at) {
  Node node{kind, at};
  for (const Node& argument : arguments) {
    node.has_column |= argument.has_column;
    node.has_call |= argument.has_call;
  }
  node.arguments = std::move(arguments);
  return node;
}

/// Whether the node is true or false by its form, so that IS NULL asks about a condition.
bool is_condition(const Node& node) {
  switch (node.kind) {
    case NodeKind::binary:
      return node.text != "+" && node.text != "-" && node.text != "*" && node.text != "/";
    case NodeKind::logical_and:
    case NodeKind::logical_or:
    case NodeKind::logical_not:
    case NodeKind::is_null:
    case NodeKind::boolean_test:
    case NodeKind::between:
    case NodeKind::in:
    case NodeKind::like:
    case NodeKind::distinct:
      return true;
    default:
      return false;
  }
}

}  // namespace

PredicateBinder::Want PredicateBinder::swapped(Want want) {
  switch (want) {
    case Want::is_true:
      return Want::is_false;
    case Want::is_false:
      return Want::is_true;
    case Want::not_true:
      return Want::not_false;
    case Want::not_false:
      return Want::not_true;
  }
  return want;
}

Result<Predicate> PredicateBinder::where(const Node& node, Want want) {
  PRISM_CHECKED(spend(node.position));
  if (node.has_call)
    // Found early, so that the message names the aggregate whatever stands around it.
    for (const Node* at = &node;;) {
      if (at->kind == NodeKind::call && !is_aggregate(at->text))
        return query_.refuse(ErrorCode::unsupported, at->position, "sql/function",
                             "functions of values are not answered in WHERE", "compare a column with a constant");
      if (at->kind == NodeKind::call)
        return query_.refuse(ErrorCode::unsupported, at->position, "sql/aggregate-in-where",
                             "WHERE picks rows, before anything is counted or summed",
                             "put conditions on aggregates into HAVING");
      const auto next =
          std::find_if(at->arguments.begin(), at->arguments.end(), [](const Node& n) { return n.has_call; });
      if (next == at->arguments.end()) return not_a_condition(node);
      at = &*next;
    }
  if (!node.has_column) return where_constant(node, want);
  switch (node.kind) {
    case NodeKind::logical_and:
      return where_all(node.arguments, true, want);
    case NodeKind::logical_or:
      return where_all(node.arguments, false, want);
    case NodeKind::logical_not:
      return where(node.arguments[0], swapped(want));
    case NodeKind::boolean_test:
      return where_tested(node, want);
    case NodeKind::is_null:
      return where_null(node, want);
    case NodeKind::between:
      return where_between(node, want);
    case NodeKind::in:
      return where_in(node, want);
    case NodeKind::like:
      return where_like(node, want);
    case NodeKind::distinct:
      return where_distinct(node, want);
    case NodeKind::binary:
      if (is_condition(node)) return compare(node.text, node.arguments[0], node.arguments[1], node.position, want);
      return not_a_condition(node);
    default:
      return not_a_condition(node);
  }
}

Status PredicateBinder::spend(Position at) {
  if (++work_ <= kMostWork) return {};
  return query_.refuse(ErrorCode::unsupported, at, "sql/size",
                       "this condition has more than 50000 parts when written out",
                       "use fewer nested IS UNKNOWN, or shorter lists");
}

Error PredicateBinder::not_a_condition(const Node& node) const {
  if (node.kind == NodeKind::column) {
    if (auto column = columns_.find(node); !column) return std::move(column).error();
  }
  return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/type",
                       "a condition is wanted, and this is a value", "compare it with a constant");
}

Result<Predicate> PredicateBinder::where_all(const std::vector<Node>& nodes, bool conjunction, Want want) {
  // "A AND B" is false, and not true, where one of them is.
  const bool all = conjunction == (want == Want::is_true || want == Want::not_false);
  std::vector<Predicate> children;
  for (const Node& node : nodes) {
    PRISM_TRY(Predicate child, where(node, want));
    children.push_back(std::move(child));
  }
  return join(all ? Kind::all : Kind::any, std::move(children), catalog_);
}

Result<Predicate> PredicateBinder::where_tested(const Node& node, Want want) {
  // The test itself is never unknown, so "not false" is "true" and "not true" is "false".
  const bool holds = (want == Want::is_true || want == Want::not_false) != node.negated;
  const Node& inner = node.arguments[0];
  if (node.text == "true") return where(inner, holds ? Want::is_true : Want::not_true);
  if (node.text == "false") return where(inner, holds ? Want::is_false : Want::not_false);
  PRISM_TRY(Predicate a, where(inner, holds ? Want::not_true : Want::is_true));
  PRISM_TRY(Predicate b, where(inner, holds ? Want::not_false : Want::is_false));
  return join(holds ? Kind::all : Kind::any, {std::move(a), std::move(b)}, catalog_);
}

Result<Predicate> PredicateBinder::where_null(const Node& node, Want want) {
  const Node& inner = node.arguments[0];
  if (inner.kind == NodeKind::column) {
    PRISM_TRY(const std::size_t column, columns_.find(inner));
    const bool null = (want == Want::is_true || want == Want::not_false) != node.negated;
    ColumnTest out{column, {}, {}, null, node.position};
    if (!null && catalog_.columns[column].type == table::ColumnType::text) out.texts = to_intervals(TextSet::full());
    if (!null && catalog_.columns[column].type != table::ColumnType::text)
      out.intervals = to_intervals(NumberSet::full());
    return simplified(std::move(out), catalog_);
  }
  if (is_condition(inner)) {
    Node unknown = node;
    unknown.kind = NodeKind::boolean_test;
    unknown.text = "unknown";
    return where_tested(unknown, want);
  }
  return query_.refuse(ErrorCode::unsupported, inner.position, "sql/predicate-arithmetic",
                       "columns are tested as they are, not after arithmetic",
                       "write a IS NULL OR b IS NULL, column by column");
}

Result<Predicate> PredicateBinder::where_between(const Node& node, Want want) {
  const auto within = [&](const Node& low, const Node& high) {
    return connective_node(NodeKind::logical_and,
                           {comparison_node(">=", node.arguments[0], low, node.position),
                            comparison_node("<=", node.arguments[0], high, node.position)},
                           node.position);
  };
  Node whole = within(node.arguments[1], node.arguments[2]);
  if (node.symmetric)
    whole = connective_node(NodeKind::logical_or, {std::move(whole), within(node.arguments[2], node.arguments[1])},
                            node.position);
  return where(whole, node.negated ? swapped(want) : want);
}

Result<Predicate> PredicateBinder::where_in(const Node& node, Want want) {
  if (node.negated) want = swapped(want);
  const bool all = want == Want::is_false || want == Want::not_true;
  std::vector<Predicate> cases;
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    PRISM_TRY(Predicate one, compare("=", node.arguments[0], node.arguments[i], node.position, want));
    cases.push_back(std::move(one));
  }
  return join(all ? Kind::all : Kind::any, std::move(cases), catalog_);
}

Result<Predicate> PredicateBinder::where_distinct(const Node& node, Want want) {
  const bool same = (want == Want::is_true || want == Want::not_false) == node.negated;
  Node column = node.arguments[0];
  Node constant = node.arguments[1];
  if (!column.has_column) std::swap(column, constant);
  PRISM_CHECKED(check_column(column, constant, node.position));
  PRISM_TRY(const std::size_t index, columns_.find(column));
  PRISM_TRY(const Value value, fold(constant, value_type(catalog_.columns[index].type), node.position));
  if (value.is_null()) {
    Node null{NodeKind::is_null, node.position};
    null.negated = !same;
    null.arguments.push_back(std::move(column));
    return where_null(null, Want::is_true);
  }
  return compare_column(column, "=", constant, node.position, same ? Want::is_true : Want::not_true);
}

Result<Predicate> PredicateBinder::where_like(const Node& node, Want want) {
  if (node.negated) want = swapped(want);
  const Node& column = node.arguments[0];
  const Node& pattern = node.arguments[1];
  const auto refuse = [&](Position at, std::string_view why) {
    return query_.refuse(ErrorCode::unsupported, at, "sql/like", why, "write LIKE 'prefix%' or compare with =");
  };
  if (column.kind != NodeKind::column) return refuse(node.position, "LIKE takes a column on its left side");
  PRISM_TRY(const std::size_t index, columns_.find(column));
  if (catalog_.columns[index].type != table::ColumnType::text)
    return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/type",
                         "LIKE wants text, and \"" + catalog_.columns[index].name + "\" holds none",
                         "write a range with BETWEEN");
  if (pattern.kind == NodeKind::null) return test(index, TextSet::empty(), true, node.position, want);
  if (pattern.kind != NodeKind::string) return refuse(pattern.position, "LIKE takes a quoted pattern");
  std::string prefix;
  bool open = false;
  for (std::size_t i = 0; i < pattern.text.size(); ++i) {
    const char c = pattern.text[i];
    if (c == '_' || (open && c != '%'))
      return refuse(pattern.position,
                    "only a % at the end of a pattern is answered, because texts are kept in order of their bytes");
    if (c == '%') {
      open = true;
      continue;
    }
    if (c == '\\' && ++i == pattern.text.size())
      return refuse(pattern.position, "the pattern ends in its escape character");
    prefix += pattern.text[i];
  }
  const TextCut from = TextCut::before(prefix);
  return test(index, TextSet::between(from, open ? past_prefix(prefix) : TextCut::behind(prefix)), false, node.position,
              want);
}

Result<Predicate> PredicateBinder::where_constant(const Node& node, Want want) {
  PRISM_TRY(const Value value, fold(node, ValueType::boolean, node.position));
  bool holds = false;
  switch (want) {
    case Want::is_true:
      holds = !value.is_null() && value.truth;
      break;
    case Want::is_false:
      holds = !value.is_null() && !value.truth;
      break;
    case Want::not_true:
      holds = value.is_null() || !value.truth;
      break;
    case Want::not_false:
      holds = value.is_null() || value.truth;
      break;
  }
  return Predicate{holds ? Kind::always : Kind::never};
}

Result<Value> PredicateBinder::fold(const Node& constant, ValueType type, Position at) {
  PRISM_TRY(ExpressionBinder::Constant bound, constants_.bind_constant(constant));
  if (bound.untyped) {
    PRISM_TRY(bound.expression, coerce(query_, bound.expression, type));
  }
  const ValueType found = bound.expression.type;
  if (found != type && !(is_number(found) && is_number(type))) {
    const std::string hint = type == ValueType::text   ? "put it into single quotes"
                             : type == ValueType::date ? "write DATE '2020-01-31'"
                                                       : "write a value of that type";
    return query_.refuse(
        ErrorCode::invalid_argument, constant.position >= 0 ? constant.position : at, "sql/type",
        std::string(article_name(type)) + " is wanted, and this is " + std::string(article_name(found)), hint);
  }
  PRISM_TRY(Value value, evaluate(bound.expression, nullptr));
  return value;
}

Status PredicateBinder::check_column(const Node& side, const Node& other, Position at) const {
  if (side.has_column && other.has_column)
    return query_.refuse(ErrorCode::unsupported, at, "sql/column-comparison",
                         "two columns are compared; only comparisons with constants are answered",
                         "add the comparison as a column of the table, or compare with = to join two tables");
  if (side.kind == NodeKind::column) return {};
  if (is_condition(side))
    return query_.refuse(ErrorCode::unsupported, at, "sql/type", "a condition is compared with a value",
                         "write (condition) IS TRUE or IS FALSE");
  return query_.refuse(ErrorCode::unsupported, side.position, "sql/predicate-arithmetic",
                       "columns are compared as they are, not after arithmetic",
                       "move the arithmetic to the constant's side: write a > 5 - 1 for a + 1 > 5");
}

Result<Predicate> PredicateBinder::compare(std::string_view op, const Node& left, const Node& right, Position at,
                                           Want want) {
  if (!left.has_column && !right.has_column)
    return where_constant(comparison_node(std::string(op), left, right, at), want);
  const Node& column = left.has_column ? left : right;
  const Node& constant = left.has_column ? right : left;
  PRISM_CHECKED(check_column(column, constant, at));
  return compare_column(column, left.has_column ? op : mirrored(op), constant, at, want);
}

Result<Predicate> PredicateBinder::compare_column(const Node& column, std::string_view op, const Node& constant,
                                                  Position at, Want want) {
  PRISM_CHECKED(spend(at));
  PRISM_TRY(const std::size_t index, columns_.find(column));
  const table::ColumnSchema& schema = catalog_.columns[index];
  PRISM_TRY(const Value value, fold(constant, value_type(schema.type), at));
  if (schema.type == table::ColumnType::text) {
    if (value.is_null()) return test(index, TextSet::empty(), true, at, want);
    return test(index, values_where<TextSet>(op, TextCut::before(value.text), TextCut::behind(value.text)), false, at,
                want);
  }
  if (value.is_null()) return test(index, NumberSet::empty(), true, at, want);
  mpq_class scaled;
  if (value.kind == Value::Kind::date)
    scaled = mpz_class(std::to_string(value.day));
  else
    scaled = value.number * power_of_ten(static_cast<unsigned>(schema.scale));
  return test(index, values_where<NumberSet>(op, cut_at(scaled, false), cut_at(scaled, true)), false, at, want);
}

template <class Set>
Predicate PredicateBinder::test(std::size_t column, const Set& truth, bool rest_unknown, Position at, Want want) const {
  const Set falsity = rest_unknown ? Set::empty() : truth.complement();
  ColumnTest out{column, {}, {}, want == Want::not_true || want == Want::not_false, at};
  const Set set = want == Want::is_true    ? truth
                  : want == Want::is_false ? falsity
                  : want == Want::not_true ? truth.complement()
                                           : falsity.complement();
  if constexpr (std::is_same_v<Set, TextSet>)
    out.texts = to_intervals(set);
  else
    out.intervals = to_intervals(set);
  return simplified(std::move(out), catalog_);
}

}  // namespace prism::sql::internal
