#include <algorithm>

#include "prism/sql/internal/expression_binder.h"
#include "prism/sql/internal/literal.h"
#include "prism/sql/internal/polynomial.h"
#include "prism/sql/internal/value.h"

namespace prism::sql::internal {
namespace {

using Kind = Node::Kind;
using Op = Expression::Op;

constexpr std::string_view kSpreads[] = {"var_pop",    "var_samp",    "variance", "var",
                                         "stddev_pop", "stddev_samp", "stddev"};
constexpr std::string_view kStatistics[] = {"min", "max", "median", "quantile", "percentile_cont", "percentile_disc"};
constexpr std::string_view kAggregates[] = {"array_agg", "string_agg",  "json_agg",  "jsonb_agg", "bool_and",
                                            "bool_or",   "every",       "bit_and",   "bit_or",    "any_value",
                                            "mode",      "first_value", "last_value"};
constexpr std::string_view kVolatile[] = {"random",          "now",
                                          "clock_timestamp", "statement_timestamp",
                                          "nextval",         "transaction_timestamp",
                                          "timeofday",       "gen_random_uuid",
                                          "setseed",         "uuid"};
constexpr std::string_view kAnswered =
    "the aggregates are COUNT, SUM, AVG, VAR_POP, VAR_SAMP, STDDEV_POP, STDDEV_SAMP, MIN, MAX, MEDIAN and QUANTILE";

template <std::size_t n>
bool among(std::string_view name, const std::string_view (&names)[n]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

Expression binary(Op op, Expression a, Expression b, Position at) {
  const bool whole = a.type == ValueType::integer && b.type == ValueType::integer;
  const bool numeric = a.type == ValueType::numeric || b.type == ValueType::numeric;
  Expression e{op, whole ? ValueType::integer : numeric ? ValueType::numeric : ValueType::decimal};
  const int scale_a = a.type == ValueType::decimal ? a.scale : 0;
  const int scale_b = b.type == ValueType::decimal ? b.scale : 0;
  if (e.type == ValueType::decimal) e.scale = op == Op::multiply ? scale_a + scale_b : std::max(scale_a, scale_b);
  e.arguments.push_back(std::move(a));
  e.arguments.push_back(std::move(b));
  e.position = at;
  return e;
}

}  // namespace

bool is_aggregate(std::string_view name) {
  return name == "count" || name == "sum" || name == "avg" || among(name, kSpreads) || among(name, kStatistics) ||
         among(name, kAggregates);
}

std::size_t ExpressionBinder::primitive(Primitive::Kind kind, std::vector<std::size_t> columns, Position position,
                                        std::int64_t fraction_nano) {
  if (kind == Primitive::Kind::count) {
    columns.erase(std::remove_if(columns.begin(), columns.end(), [&](std::size_t c) { return !nullable(c); }),
                  columns.end());
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  }
  const Primitive wanted{kind, std::move(columns), position, fraction_nano};
  for (std::size_t i = 0; i < plan_.primitives.size(); ++i) {
    if (plan_.primitives[i].same(wanted)) return i;
  }
  plan_.primitives.push_back(wanted);
  return plan_.primitives.size() - 1;
}

Result<Expression> ExpressionBinder::bind_call(const Node& node) {
  const std::string& name = node.text;
  const bool spread = among(name, kSpreads);
  const bool statistic = among(name, kStatistics);
  if (name != "count" && name != "sum" && name != "avg" && !spread && !statistic) return refuse_call(node);
  const bool fraction_first = name == "percentile_cont" || name == "percentile_disc";
  if (node.within != fraction_first)
    return query_.refuse(ErrorCode::unsupported, node.position, "sql/aggregate-order",
                         upper(name) + (node.within ? " takes no" : " wants") + " WITHIN GROUP (ORDER BY column)",
                         fraction_first ? "write " + upper(name) + "(0.5) WITHIN GROUP (ORDER BY column)" : "");
  // The smallest of the different values is the smallest of all.
  if (node.distinct && name != "count" && name != "min" && name != "max")
    return query_.refuse(ErrorCode::unsupported, node.position, "sql/aggregate-distinct",
                         upper(name) + "(DISTINCT ...) is not answered", "leave DISTINCT out");
  if (node.star && name != "count")
    return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/aggregate-argument",
                         upper(name) + "(*) has no meaning", "name a column");
  const std::size_t wanted = name == "quantile" || fraction_first ? 2 : 1;
  if (!node.star && node.arguments.size() != wanted)
    return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/aggregate-argument",
                         upper(name) + (wanted == 2 ? " takes a column and a fraction" : " takes one argument") +
                             ", and there are " + std::to_string(node.arguments.size()),
                         name == "count"      ? "write COUNT(*)"
                         : name == "quantile" ? "write QUANTILE(column, 0.5)"
                                              : "");
  if (name == "count") return node.distinct ? bind_distinct_count(node) : bind_count(node);
  if (statistic) return bind_statistic(node);
  if (spread) return bind_spread(node);
  return bind_sum(node, name == "avg");
}

Error ExpressionBinder::refuse_call(const Node& node) const {
  const std::string& name = node.text;
  if (among(name, kVolatile))
    return query_.refuse(ErrorCode::unsupported, node.position, "sql/volatile",
                         upper(name) + " may be worth something else each time, and an answer must not depend on that",
                         "write the value itself");
  if (among(name, kAggregates))
    return query_.refuse(ErrorCode::unsupported, node.position, "sql/aggregate", upper(name) + " is not answered",
                         kAnswered);
  if (name == "corr" || name.substr(0, 6) == "covar_" || name.substr(0, 5) == "regr_")
    return query_.refuse(
        ErrorCode::unsupported, node.position, "sql/aggregate", upper(name) + " is not answered",
        "write it with sums: AVG(x*y) - AVG(x)*AVG(y) is the population covariance where no value is NULL");
  if (name == "extract" || name == "date_part" || name == "date_trunc")
    return query_.refuse(ErrorCode::unsupported, node.position, "sql/function", "parts of dates are not taken",
                         "compare dates, as in day BETWEEN DATE '2024-03-01' AND DATE '2024-03-31'");
  const std::string near =
      nearest_name(name, {"count", "sum", "avg", "var_pop", "var_samp", "variance", "var", "stddev_pop", "stddev_samp",
                          "stddev", "min", "max", "median", "quantile", "percentile_cont", "percentile_disc"});
  return query_.refuse(ErrorCode::unsupported, node.position, "sql/function",
                       "the function " + upper(name) + " is not answered",
                       near.empty() ? std::string(kAnswered) : "did you mean " + upper(near) + "?");
}

Result<std::size_t> ExpressionBinder::plain_column(const Node& argument, const std::string& call) const {
  if (argument.has_call)
    return query_.refuse(ErrorCode::invalid_argument, argument.position, "sql/nested-aggregate",
                         "an aggregate stands inside another one", "write them side by side");
  if (call == "QUANTILE" && !argument.has_column)
    return query_.refuse(ErrorCode::invalid_argument, argument.position, "sql/aggregate-argument",
                         "QUANTILE takes the column first and the fraction second", "write QUANTILE(column, 0.5)");
  if (argument.kind != Kind::column)
    return query_.refuse(ErrorCode::unsupported, argument.position, "sql/aggregate-argument",
                         call + " takes one plain column", "do the arithmetic outside, as in 2 * MAX(a)");
  return columns_.find(argument);
}

Result<Expression> ExpressionBinder::bind_distinct_count(const Node& node) {
  PRISM_TRY(const std::size_t column, plain_column(node.arguments[0], "COUNT(DISTINCT ...)"));
  Expression e{Op::count, ValueType::integer};
  e.position = node.position;
  e.index = primitive(Primitive::Kind::count_distinct, {column}, node.position);
  return e;
}

Result<std::int64_t> ExpressionBinder::bind_fraction(const Node& node) {
  const auto refuse = [&] {
    return query_.refuse(ErrorCode::invalid_argument, node.position, "sql/fraction",
                         "a fraction is a constant from 0 to 1 with at most 9 decimal places", "write 0.5");
  };
  if (node.has_column || node.has_call) return refuse();
  PRISM_TRY(const Constant constant, bind_constant(node));
  PRISM_TRY(const Value value, evaluate(constant.expression, nullptr));
  if (value.kind != Value::Kind::number || value.number < 0 || value.number > 1) return refuse();
  const mpq_class nano = value.number * power_of_ten(9);
  if (nano.get_den() != 1) return refuse();
  return nano.get_num().get_si();
}

/// MIN, MAX and quantiles: always a value of the column.
Result<Expression> ExpressionBinder::bind_statistic(const Node& node) {
  const std::string& name = node.text;
  const bool extreme = name == "min" || name == "max";
  const bool fraction_first = node.within;
  const Node& argument = node.arguments[fraction_first ? 1 : 0];
  PRISM_TRY(const std::size_t column, plain_column(argument, upper(name)));
  const table::ColumnSchema& schema = plan_.catalog.columns[column];
  if (schema.type == table::ColumnType::text)
    return query_.refuse(ErrorCode::unsupported, argument.position, "sql/type",
                         upper(name) + " wants numbers or dates, and \"" + schema.name + "\" holds text",
                         "write GROUP BY " + argument.text + ", which lists the texts in order");
  std::int64_t fraction = 0;
  if (name == "median") fraction = 500'000'000;
  if (!extreme && name != "median") {
    PRISM_TRY(fraction, bind_fraction(node.arguments[fraction_first ? 0 : 1]));
  }
  Expression e{Op::statistic, schema.type == table::ColumnType::date      ? ValueType::date
                              : schema.type == table::ColumnType::decimal ? ValueType::decimal
                                                                          : ValueType::integer};
  e.scale = schema.scale;
  e.position = node.position;
  e.count = primitive(Primitive::Kind::count, {column}, node.position);
  e.index = primitive(name == "min"   ? Primitive::Kind::minimum
                      : name == "max" ? Primitive::Kind::maximum
                                      : Primitive::Kind::quantile,
                      {column}, node.position, fraction);
  return e;
}

Result<Expression> ExpressionBinder::bind_count(const Node& node) {
  std::vector<std::size_t> columns;
  if (!node.star) {
    const Node& argument = node.arguments[0];
    if (argument.kind == Kind::column) {
      PRISM_TRY(const std::size_t column, columns_.find(argument));
      columns.push_back(column);
    } else if (!argument.has_column && !argument.has_call) {
      PRISM_TRY(const Constant constant, bind_constant(argument));
      PRISM_TRY(const Value value, evaluate(constant.expression, nullptr));
      if (value.is_null())
        return query_.refuse(ErrorCode::invalid_argument, argument.position, "sql/aggregate-argument",
                             "COUNT of NULL is always 0", "write COUNT(*) or name a column");
    } else {
      const std::string call = "COUNT";
      PRISM_TRY(const Polynomial polynomial, PolynomialReader(query_, columns_, plan_.catalog, call).read(argument));
      for (const std::size_t c : polynomial.columns) {
        if (nullable(c)) columns.push_back(c);
      }
      if (columns.size() > 2)
        return query_.refuse(ErrorCode::unsupported, argument.position, "sql/aggregate-argument",
                             "COUNT asks whether more than two columns are all there",
                             "write COUNT(*) with WHERE a IS NOT NULL AND b IS NOT NULL AND ...");
    }
  }
  Expression e{Op::count, ValueType::integer};
  e.position = node.position;
  e.index = primitive(Primitive::Kind::count, std::move(columns), node.position);
  return e;
}

Expression ExpressionBinder::sum_leaf(Op op, const std::vector<std::size_t>& columns, std::size_t count, bool ones,
                                      Position at) {
  Expression e{op, ValueType::integer};
  e.position = at;
  e.count = count;
  e.index = ones ? count : primitive(Primitive::Kind::sum, columns, at);
  for (const std::size_t c : columns) {
    if (plan_.catalog.columns[c].type == table::ColumnType::decimal) e.type = ValueType::decimal;
    e.scale += plan_.catalog.columns[c].scale;
  }
  if (op == Op::average) e.type = ValueType::numeric;
  return e;
}

Error ExpressionBinder::refuse_nulls(const Node& node, const std::vector<std::size_t>& nullables, bool average) const {
  std::string names;
  for (const std::size_t c : nullables) names += (names.empty() ? "" : ", ") + plan_.catalog.columns[c].name;
  const std::string call = upper(node.text);
  return query_.refuse(
      ErrorCode::unsupported, node.position, "sql/nulls-in-sum",
      "a row counts here only if none of its columns is NULL, and NULLs may be in " + names,
      average ? "take the average of each column on its own"
              : "write " + call + "(a) + " + call + "(b), which skips the NULLs of each column on its own");
}

Result<Expression> ExpressionBinder::bind_sum(const Node& node, bool average) {
  const Op op = average ? Op::average : Op::sum;
  const std::string call = upper(node.text);
  PRISM_TRY(const Polynomial polynomial,
            PolynomialReader(query_, columns_, plan_.catalog, call).read(node.arguments[0]));
  std::vector<std::size_t> nullables;
  for (const std::size_t c : polynomial.columns) {
    if (nullable(c)) nullables.push_back(c);
  }
  // A row counts only if no named column is NULL there, so each term has to name every nullable one.
  std::vector<std::pair<std::vector<std::size_t>, Factor>> terms;
  for (const auto& term : polynomial.terms) {
    if (term.second.digits != 0) terms.push_back(term);
  }
  if (terms.empty())
    terms.push_back({{}, polynomial.terms.empty() ? Factor{0, 0, true} : polynomial.terms.begin()->second});
  for (const auto& [columns, factor] : terms) {
    const bool all =
        nullables.size() <= 2 &&
        (columns.empty() || std::all_of(nullables.begin(), nullables.end(), [&, &term = columns](std::size_t c) {
           return std::find(term.begin(), term.end(), c) != term.end();
         }));
    if (!all) return refuse_nulls(node, nullables, average);
  }
  const std::size_t count = primitive(Primitive::Kind::count, nullables, node.position);
  std::optional<Expression> total;
  for (const auto& [columns, factor] : terms) {
    Expression e = sum_leaf(op, columns, count, columns.empty(), node.position);
    const bool one = factor.digits == 1 && factor.scale == 0 && factor.whole;
    if (!one) {
      const Expression constant =
          number_expression({factor.digits.get_str(), factor.scale, factor.whole}, node.position);
      e = binary(Op::multiply, std::move(e), constant, node.position);
    }
    total = total ? binary(Op::add, std::move(*total), std::move(e), node.position) : std::move(e);
  }
  return std::move(*total);
}

Result<Expression> ExpressionBinder::bind_spread(const Node& node) {
  const Node& argument = node.arguments[0];
  const std::string call = upper(node.text);
  if (argument.kind != Kind::column) {
    if (argument.has_call)
      return query_.refuse(ErrorCode::invalid_argument, argument.position, "sql/nested-aggregate",
                           "an aggregate stands inside another one", "write them side by side");
    return query_.refuse(ErrorCode::unsupported, argument.position, "sql/aggregate-argument",
                         call + " takes one plain column",
                         "write " + (node.text.substr(0, 3) == "var" ? "2 * 2 * " + call + "(a) for " + call + "(2 * a)"
                                                                     : "2 * " + call + "(a) for " + call + "(2 * a)"));
  }
  PRISM_TRY(const Polynomial checked, PolynomialReader(query_, columns_, plan_.catalog, call).read(argument));
  const std::size_t column = *checked.columns.begin();
  Expression e{Op::variance_sample, ValueType::numeric};
  if (node.text == "var_pop") e.op = Op::variance_population;
  if (node.text == "stddev_pop") e.op = Op::deviation_population;
  if (node.text == "stddev_samp" || node.text == "stddev") e.op = Op::deviation_sample;
  e.position = node.position;
  e.scale = plan_.catalog.columns[column].scale;
  e.count = primitive(Primitive::Kind::count, {column}, node.position);
  e.index = primitive(Primitive::Kind::sum, {column}, node.position);
  e.square = primitive(Primitive::Kind::sum, {column, column}, node.position);
  return e;
}

}  // namespace prism::sql::internal
