#include "prism/sql/internal/polynomial.h"

#include <algorithm>

#include "prism/sql/internal/literal.h"
#include "prism/sql/internal/value.h"

namespace prism::sql::internal {
namespace {

using Kind = Node::Kind;

void add(Polynomial& out, const std::vector<std::size_t>& columns, const Factor& factor, int sign) {
  Factor& sum = out.terms.try_emplace(columns, Factor{0, 0, true}).first->second;
  sum = sum.plus(factor, sign);
}

}  // namespace

Factor Factor::plus(const Factor& o, int sign) const {
  const int common = std::max(scale, o.scale);
  return {digits * power_of_ten(static_cast<unsigned>(common - scale)) +
              sign * o.digits * power_of_ten(static_cast<unsigned>(common - o.scale)),
          common, whole && o.whole};
}

Factor Factor::times(const Factor& o) const { return {digits * o.digits, scale + o.scale, whole && o.whole}; }

Result<Polynomial> PolynomialReader::read(const Node& node) const {
  switch (node.kind) {
    case Kind::number: {
      bool too_long = false;
      const auto number = parse_number(node.text, too_long);
      if (!number)
        return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/literal",
                             "numbers have at most 60 digits on each side of the point");
      Polynomial out;
      out.terms[{}] = {mpz_class(number->digits), number->scale, number->whole};
      return out;
    }
    case Kind::column: {
      PRISM_TRY(const std::size_t column, finder_.find(node));
      const table::ColumnSchema& schema = catalog_.columns[column];
      if (schema.type != table::ColumnType::integer && schema.type != table::ColumnType::decimal)
        return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/type",
                             call_ + " wants numbers, and \"" + schema.name + "\" holds " +
                                 (schema.type == table::ColumnType::date ? "dates" : "text"),
                             "write COUNT(" + node.text + ")");
      Polynomial out;
      out.terms[{column}] = {1, 0, true};
      out.columns.insert(column);
      return out;
    }
    case Kind::plus:
      return read(node.arguments[0]);
    case Kind::negate: {
      PRISM_TRY(Polynomial inner, read(node.arguments[0]));
      for (auto& [columns, factor] : inner.terms) factor.digits = -factor.digits;
      return inner;
    }
    case Kind::binary:
      return read_binary(node);
    case Kind::call:
      return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/nested-aggregate",
                           "an aggregate stands inside another one", "write them side by side");
    default:
      return refuse(node);
  }
}

Error PolynomialReader::refuse(const Node& node) const {
  return query_.refuse(
      ErrorCode::unsupported, node.position, "sql/aggregate-argument",
      call_ + " takes a column, a product of two columns, a column times a constant, or sums of these");
}

Result<Polynomial> PolynomialReader::read_binary(const Node& node) const {
  const std::string& op = node.text;
  if (op == "/")
    return query_.refuse(ErrorCode::unsupported, node.position, "sql/aggregate-argument",
                         "rows are not divided one by one",
                         "divide the aggregate, as in SUM(a) / 2, or multiply by a constant, as in SUM(a * 0.5)");
  if (op != "+" && op != "-" && op != "*") return refuse(node);
  PRISM_TRY(Polynomial left, read(node.arguments[0]));
  PRISM_TRY(const Polynomial right, read(node.arguments[1]));
  Polynomial out;
  out.columns = left.columns;
  out.columns.insert(right.columns.begin(), right.columns.end());
  if (op == "*") {
    for (const auto& [a, factor_a] : left.terms) {
      for (const auto& [b, factor_b] : right.terms) {
        std::vector<std::size_t> product = a;
        product.insert(product.end(), b.begin(), b.end());
        std::sort(product.begin(), product.end());
        if (product.size() > 2)
          return query_.refuse(ErrorCode::unsupported, node.position, "sql/aggregate-argument",
                               "a product of more than two columns is not summed",
                               "add the product as a column of the table");
        add(out, product, factor_a.times(factor_b), 1);
      }
    }
  } else {
    out.terms = std::move(left.terms);
    for (const auto& [columns, factor] : right.terms) add(out, columns, factor, op == "+" ? 1 : -1);
  }
  // Bounded work: a short query must not multiply out into a long one.
  if (out.terms.size() > 1000)
    return query_.refuse(ErrorCode::unsupported, node.position, "sql/size", "more than 1000 terms when multiplied out",
                         "sum the parts one by one");
  for (const auto& [columns, factor] : out.terms) {
    if (factor.scale > 120 || mpz_sizeinbase(factor.digits.get_mpz_t(), 10) > 300)
      return query_.refuse(ErrorCode::unsupported, node.position, "sql/literal",
                           "the constants multiply to more than 300 digits", "use shorter constants");
  }
  return out;
}

}  // namespace prism::sql::internal
