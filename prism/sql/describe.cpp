#include "prism/sql/sql.h"
#include "prism/table/date.h"
#include "prism/table/decimal.h"

namespace prism::sql {
namespace {

using Op = Expression::Op;

constexpr std::int64_t kLowest = INT64_MIN;
constexpr std::int64_t kHighest = INT64_MAX;

/// A text in quotes, as SQL writes it; bytes that are not printable ASCII or part of UTF-8 text would not help.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "''";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += "\\x" + to_hex(as_bytes(std::string_view(&c, 1)));
    else
      out += c;
  }
  return out + "'";
}

/// A stored whole number as its column shows it.
std::string stored(std::int64_t value, const table::ColumnSchema& column) {
  static const std::int64_t first_day = *table::parse_date("0001-01-01");
  static const std::int64_t last_day = *table::parse_date("9999-12-31");
  if (column.type == table::ColumnType::date)
    return value >= first_day && value <= last_day ? table::format_date(value) : "day " + std::to_string(value);
  return table::format_decimal(value, column.scale);
}

std::string describe(const ColumnTest& test, const Catalog& catalog) {
  const table::ColumnSchema& column = catalog.columns[test.column];
  const bool text = column.type == table::ColumnType::text;
  std::vector<std::string> items;
  bool full = false;
  for (const Interval& i : test.intervals) {
    full = i.low == kLowest && i.high == kHighest;
    if (i.low == i.high) {
      items.push_back(stored(i.low, column));
    } else {
      items.push_back((i.low == kLowest ? "" : stored(i.low, column)) + ".." +
                      (i.high == kHighest ? "" : stored(i.high, column)));
    }
  }
  for (const TextInterval& i : test.texts) {
    full = !i.low && !i.high;
    if (i.low && i.high && *i.low == *i.high) {
      items.push_back(quoted(*i.low));
    } else {
      std::string item;
      if (i.low) item += (i.low_included ? "" : ">") + quoted(*i.low);
      item += "..";
      if (i.high) item += (i.high_included ? "" : "<") + quoted(*i.high);
      items.push_back(std::move(item));
    }
  }
  const bool empty = text ? test.texts.empty() : test.intervals.empty();
  if (empty && test.null_is_true) return column.name + " is null";
  if (full && !test.null_is_true) return column.name + " is not null";
  if (test.null_is_true) items.emplace_back("null");
  std::string out = column.name + " in {";
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : ", ") + items[i];
  return out + "}";
}

std::string describe(const Predicate& predicate, const Catalog& catalog, bool outermost) {
  switch (predicate.kind) {
    case Predicate::Kind::always:
      return "always";
    case Predicate::Kind::never:
      return "never";
    case Predicate::Kind::test:
      return describe(predicate.test, catalog);
    case Predicate::Kind::all:
    case Predicate::Kind::any:
      break;
  }
  std::string out;
  for (const Predicate& child : predicate.children) {
    if (!out.empty()) out += predicate.kind == Predicate::Kind::all ? " and " : " or ";
    out += describe(child, catalog, false);
  }
  return outermost ? out : "(" + out + ")";
}

std::string number(const Expression& e) {
  if (e.type == ValueType::date) return table::format_date(std::stoll(e.digits));
  const bool negative = e.digits[0] == '-';
  std::string digits = e.digits.substr(negative ? 1 : 0);
  const auto scale = static_cast<std::size_t>(e.scale);
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, ".");
  return negative ? "-" + digits : digits;
}

/// "sum(a*b)" with its name changed, for the leaves built on a sum.
std::string leaf(std::string_view name, const Expression& e, const Plan& plan) {
  const Primitive& primitive = plan.primitives[e.index];
  std::string out(name);
  if (primitive.kind == Primitive::Kind::count) return out + "(1 over " + describe(primitive, plan.catalog) + ")";
  return out + describe(primitive, plan.catalog).substr(3);
}

/// Billionths as a decimal without zeros at its end: 500000000 is 0.5.
std::string fraction(std::int64_t nano) {
  std::string out = table::format_decimal(nano, 9);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

std::string derived(DerivedColumn::Kind kind, const std::string& column) {
  switch (kind) {
    case DerivedColumn::Kind::column:
      return column;
    case DerivedColumn::Kind::count:
      return "count(" + column + ")";
    case DerivedColumn::Kind::sum:
      return "sum(" + column + ")";
    case DerivedColumn::Kind::minimum:
      return "min(" + column + ")";
    case DerivedColumn::Kind::maximum:
      return "max(" + column + ")";
  }
  return {};
}

std::string_view sign(Op op) {
  switch (op) {
    case Op::add:
      return " + ";
    case Op::subtract:
      return " - ";
    case Op::multiply:
      return " * ";
    case Op::divide:
      return " / ";
    case Op::equal:
      return " = ";
    case Op::not_equal:
      return " <> ";
    case Op::less:
      return " < ";
    case Op::less_equal:
      return " <= ";
    case Op::greater:
      return " > ";
    case Op::greater_equal:
      return " >= ";
    case Op::logical_and:
      return " and ";
    case Op::logical_or:
      return " or ";
    default:
      return "";
  }
}

}  // namespace

std::string describe(const Predicate& predicate, const Catalog& catalog) { return describe(predicate, catalog, true); }

std::string describe(const Primitive& primitive, const Catalog& catalog) {
  const bool sum = primitive.kind == Primitive::Kind::sum;
  if (primitive.columns.empty()) return "count(*)";
  const std::string& first = catalog.columns[primitive.columns[0]].name;
  switch (primitive.kind) {
    case Primitive::Kind::count_distinct:
      return "count(distinct " + first + ")";
    case Primitive::Kind::minimum:
      return "min(" + first + ")";
    case Primitive::Kind::maximum:
      return "max(" + first + ")";
    case Primitive::Kind::quantile:
      return "quantile(" + first + ", " + fraction(primitive.fraction_nano) + ")";
    case Primitive::Kind::count:
    case Primitive::Kind::sum:
      break;
  }
  std::string out = sum ? "sum(" : "count(";
  for (std::size_t i = 0; i < primitive.columns.size(); ++i) {
    if (i > 0) out += sum ? "*" : ", ";
    out += catalog.columns[primitive.columns[i]].name;
  }
  return out + ")";
}

std::string describe(const Expression& e, const Plan& plan) {
  switch (e.op) {
    case Op::number:
      return number(e);
    case Op::text:
      return quoted(e.literal);
    case Op::boolean:
      return e.digits != "0" ? "true" : "false";
    case Op::null:
      return "null";
    case Op::key:
      return plan.catalog.columns[plan.group_by[e.index]].name;
    case Op::count:
    case Op::statistic:
      return describe(plan.primitives[e.index], plan.catalog);
    case Op::sum:
      return leaf("sum", e, plan);
    case Op::average:
      return leaf("avg", e, plan);
    case Op::variance_population:
      return leaf("var_pop", e, plan);
    case Op::variance_sample:
      return leaf("var_samp", e, plan);
    case Op::deviation_population:
      return leaf("stddev_pop", e, plan);
    case Op::deviation_sample:
      return leaf("stddev_samp", e, plan);
    case Op::negate:
      return "-" + describe(e.arguments[0], plan);
    case Op::logical_not:
      return "not " + describe(e.arguments[0], plan);
    case Op::is_null:
      return "(" + describe(e.arguments[0], plan) + " is null)";
    case Op::is_not_null:
      return "(" + describe(e.arguments[0], plan) + " is not null)";
    default:
      break;
  }
  std::string out = "(";
  for (std::size_t i = 0; i < e.arguments.size(); ++i) {
    if (i > 0) out += sign(e.op);
    out += describe(e.arguments[i], plan);
  }
  return out + ")";
}

std::string describe(const Relation& relation) {
  const auto named = [](const Catalog& inner, std::size_t column) { return inner.columns[column].name; };
  switch (relation.kind) {
    case Relation::Kind::table:
      return relation.name + (relation.catalog.table == relation.name ? "" : " as " + relation.catalog.table);
    case Relation::Kind::join: {
      std::string out = describe(relation.parts[0]);
      for (std::size_t i = 1; i < relation.parts.size(); ++i) {
        const Relation& part = relation.parts[i];
        out += " join " + describe(part) + " on ";
        const std::vector<JoinKey>& keys = relation.keys[i - 1];
        for (std::size_t k = 0; k < keys.size(); ++k)
          out += (k == 0 ? "" : " and ") + named(relation.catalog, keys[k].left) + " = " + part.catalog.table + "." +
                 named(part.catalog, keys[k].right);
      }
      return out;
    }
    case Relation::Kind::derived:
      break;
  }
  const Catalog& inner = relation.parts[0].catalog;
  std::string out = "(select ";
  for (std::size_t i = 0; i < relation.outputs.size(); ++i) {
    const DerivedColumn& column = relation.outputs[i];
    const std::string of = column.column ? named(inner, *column.column) : "*";
    out += (i == 0 ? "" : ", ") + derived(column.kind, of);
    if (derived(column.kind, of) != column.name) out += " as " + column.name;
  }
  out += " from " + describe(relation.parts[0]);
  if (relation.where.kind != Predicate::Kind::always) out += " where " + describe(relation.where, inner);
  for (std::size_t i = 0; i < relation.group_by.size(); ++i)
    out += (i == 0 ? " group by " : ", ") + named(inner, relation.group_by[i]);
  return out + ") as " + relation.catalog.table;
}

std::string describe(const Plan& plan) {
  std::string out = plan.from ? "from " + describe(*plan.from) + "\n" : "table " + plan.catalog.table + "\n";
  out += "where " + describe(plan.where, plan.catalog) + "\n";
  for (const std::size_t column : plan.group_by) out += "group by " + plan.catalog.columns[column].name + "\n";
  for (const Primitive& primitive : plan.primitives) out += "compute " + describe(primitive, plan.catalog) + "\n";
  for (const OutputColumn& output : plan.outputs)
    out += "show " + output.name + " = " + describe(output.value, plan) + "\n";
  if (plan.having) out += "having " + describe(*plan.having, plan) + "\n";
  for (const OrderKey& key : plan.order) {
    out += "order by " + describe(key.value, plan) + (key.descending ? " descending" : " ascending") +
           (key.nulls_first ? ", nulls first" : ", nulls last") + "\n";
  }
  if (plan.offset > 0) out += "skip " + std::to_string(plan.offset) + "\n";
  if (plan.limit) out += "keep " + std::to_string(*plan.limit) + "\n";
  return out;
}

}  // namespace prism::sql
