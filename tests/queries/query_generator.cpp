#include "tests/queries/query_generator.h"

#include <algorithm>

#include "prism/table/date.h"
#include "prism/table/decimal.h"

namespace prism::queries {
namespace {

using table::ColumnType;

Int128 magnitude(const sealed::Column& c) {
  const Int128 low = c.low, high = c.high;
  return std::max(low < 0 ? -low : low, high < 0 ? -high : high);
}

}  // namespace

QueryGenerator::QueryGenerator(const sealed::Header& header, const table::Table& table, Shape shape, std::uint64_t seed)
    : header_(header), table_(table), shape_(std::move(shape)), random_(seed) {
  for (const sealed::Column& c : header.columns) {
    Column column{0, &c};
    while (table.columns[column.table].schema.name != c.schema.name) ++column.table;
    columns_.push_back(column);
    if (c.measure) measures_.push_back(column);
    if (c.filter) filters_.push_back(column);
    if (c.group) groups_.push_back(column);
  }
}

/// Sealed as such, or both narrow enough to be multiplied under encryption with a level to spare.
bool QueryGenerator::can_multiply(std::size_t a, std::size_t b, int selections) const {
  const sealed::Column &ca = header_.columns[a], &cb = header_.columns[b];
  if (!ca.measure || !cb.measure) return false;
  if (a == b && ca.square) return true;
  for (const sealed::Product& p : header_.products)
    if (p.a == a && p.b == b) return true;
  return header_.measure_level > selections && ca.value->count == 1 && cb.value->count == 1 &&
         magnitude(ca) * magnitude(cb) * static_cast<Int128>(header_.rows) <
             static_cast<Int128>(header_.parameters->plain_modulus() / 2);
}

Constant QueryGenerator::constant(const Column& column) {
  const table::Column& d = data(column);
  const std::size_t row = table_.rows > 0 ? below(table_.rows) : 0;
  const bool there = table_.rows > 0 && d.valid[row] != 0;
  Constant out;
  if (d.schema.type == ColumnType::text) {
    const auto word = [&]() -> std::string {
      if (d.dictionary.empty()) return "x";
      return there && chance(60) ? d.dictionary[static_cast<std::size_t>(d.values[row])] : pick(d.dictionary);
    };
    out.text = word();
    switch (below(10)) {
      case 0:
        out.text += "z";
        break;
      case 1:
        out.text = out.text.substr(0, out.text.size() / 2);
        while (!out.text.empty() && (static_cast<unsigned char>(out.text.back()) & 0x80) != 0) out.text.pop_back();
        break;
      case 2:
        out.text = pick(std::vector<std::string>{"", "zzzzzz", "A", "~", "no such word", "\xC3\xA9"});
        break;
      default:
        break;
    }
    out.sql = quoted_text(out.text);
    return out;
  }
  std::int64_t value = there ? d.values[row] : d.min;
  switch (below(12)) {
    case 0:
      value = d.min - static_cast<std::int64_t>(below(2));
      break;
    case 1:
      value = d.max + static_cast<std::int64_t>(below(2));
      break;
    case 2:
      value = column.sealed->low - static_cast<std::int64_t>(below(3));
      break;
    case 3:
      value = column.sealed->high + static_cast<std::int64_t>(below(3)) - 1;
      break;
    case 4:
      value += static_cast<std::int64_t>(below(5)) - 2;
      break;
    case 5:
      value = d.min + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(d.max - d.min) + 1));
      break;
    case 6:
      if (d.schema.type != ColumnType::date) value = chance(50) ? 1'000'000'000'000 : -1'000'000'000'000;
      break;
    default:
      break;
  }
  if (d.schema.type == ColumnType::date) {
    value = std::clamp<std::int64_t>(value, *table::parse_date("0001-01-01"), *table::parse_date("9999-12-31"));
    out.sql = quoted_text(table::format_date(value));
    out.number = static_cast<Int128>(value) * 1000;
    return out;
  }
  static_assert(kExtraDigits == 3);
  out.number = static_cast<Int128>(value) * 1000;
  if (chance(12)) out.number += static_cast<Int128>(below(1999)) - 999;
  const bool whole = out.number % 1000 == 0;
  out.sql = table::format_decimal(whole ? out.number / 1000 : out.number,
                                  whole ? d.schema.scale : d.schema.scale + kExtraDigits);
  if (whole && chance(10)) out.sql += d.schema.scale > 0 ? "00" : ".0";
  if (chance(5)) out.sql = quoted_text(out.sql);
  // A quoted literal takes the column's type, and an integer is not written with a point.
  if (out.sql[0] == '\'' && d.schema.type == ColumnType::integer && out.sql.find('.') != std::string::npos)
    out.sql = out.sql.substr(1, out.sql.size() - 2);
  return out;
}

Condition QueryGenerator::leaf() {
  Condition c;
  if (chance(12)) {
    c.kind = Condition::Kind::null;
    c.column = pick(columns_).table;
    c.negated = chance(50);
    return c;
  }
  const Column column = pick(filters_);
  c.column = column.table;
  const bool text = data(column).schema.type == ColumnType::text;
  const std::uint64_t dice = below(text ? 11 : 10);
  if (dice < 5) {
    c.op = pick(std::vector<std::string>{"=", "<>", "<", "<=", ">", ">="});
    c.constants = {constant(column)};
  } else if (dice < 8) {
    c.kind = Condition::Kind::between;
    c.negated = chance(25);
    c.constants = {constant(column), constant(column)};
    const Constant &a = c.constants[0], &b = c.constants[1];
    const bool backwards = text ? b.text < a.text : b.number < a.number;
    if (backwards && chance(85)) std::swap(c.constants[0], c.constants[1]);
  } else if (dice < 10) {
    c.kind = Condition::Kind::in;
    c.negated = chance(40);
    for (std::uint64_t n = 1 + below(4); n > 0; --n) c.constants.push_back(constant(column));
  } else {
    c.kind = Condition::Kind::like;
    c.negated = chance(30);
    Constant prefix = constant(column);
    prefix.text = prefix.text.substr(0, 1);
    if (prefix.text.empty() || prefix.text[0] < ' ' || prefix.text[0] == '%' || prefix.text[0] == '_' ||
        prefix.text[0] == '\\')
      prefix.text = "a";  // bytes of a longer character, and the pattern's own letters
    prefix.sql = quoted_text(prefix.text + "%");
    c.constants = {prefix};
  }
  return c;
}

Condition QueryGenerator::condition(std::uint64_t leaves) {
  Condition c;
  if (leaves == 1) {
    c = leaf();
  } else {
    c.kind = chance(55) ? Condition::Kind::all : Condition::Kind::any;
    while (leaves > 0) {
      const std::uint64_t here = c.children.empty() ? 1 + below(leaves - 1) : 1 + below(leaves);
      c.children.push_back(condition(here));
      leaves -= here;
    }
  }
  if (!chance(15)) return c;
  Condition negation;
  negation.kind = Condition::Kind::negation;
  negation.children.push_back(std::move(c));
  return negation;
}

std::string QueryGenerator::number() {
  static const std::vector<std::string> kNumbers = {"0",  "1",   "2",    "7",      "100",
                                                    "-3", "0.5", "1.25", "-0.001", "1000000"};
  return pick(kNumbers);
}

std::string QueryGenerator::aggregate() {
  const std::uint64_t dice = below(100);
  if (dice < 18 || measures_.empty()) return "COUNT(*)";
  if (dice < 30) return "COUNT(" + name(pick(columns_)) + ")";
  if (dice < 50) return "SUM(" + name(pick(measures_)) + ")";
  if (dice < 63) return "AVG(" + name(pick(measures_)) + ")";
  if (dice < 70) {
    const std::string factor = pick(std::vector<std::string>{"2", "-3", "0.25", "1000", "1.50"});
    const std::string column = name(pick(measures_));
    return std::string(chance(70) ? "SUM(" : "AVG(") +
           (chance(50) ? factor + " * " + column : column + " * " + factor) + ")";
  }
  if (dice < 82 && !products_.empty()) {
    const auto [a, b] = pick(products_);
    const bool turned = chance(30);
    return std::string(chance(60)   ? "SUM("
                       : chance(60) ? "AVG("
                                    : "COUNT(") +
           name(columns_[turned ? b : a]) + " * " + name(columns_[turned ? a : b]) + ")";
  }
  std::vector<std::string> squares;
  for (const auto& [a, b] : products_)
    if (a == b) squares.push_back(name(columns_[a]));
  if (squares.empty()) return "COUNT(*)";
  return pick(std::vector<std::string>{"VAR_POP", "VAR_SAMP", "VARIANCE", "STDDEV_POP", "STDDEV_SAMP", "STDDEV"}) +
         "(" + pick(squares) + ")";
}

std::string QueryGenerator::value(const std::vector<Column>& groups, int depth) {
  if (!groups.empty() && chance(5)) {
    const Column& key = pick(groups);
    if (data(key).schema.type != ColumnType::text && data(key).schema.type != ColumnType::date)
      return "(" + name(key) + " + " + number() + ")";
  }
  if (depth == 0 || chance(70)) return aggregate();
  const std::string op = pick(std::vector<std::string>{" + ", " - ", " * ", " / "});
  switch (below(4)) {
    case 0:
      return "(" + value(groups, depth - 1) + op + pick(std::vector<std::string>{"2", "7", "-3", "0.5", "1.25"}) + ")";
    case 1:
      return "(- " + value(groups, depth - 1) + ")";
    default:
      return "(" + aggregate() + op + value({}, 0) + ")";
  }
}

std::string QueryGenerator::having(const std::vector<Column>& groups, int depth) {
  if (depth > 0 && chance(30)) {
    return (chance(30) ? "NOT (" : "(") + having(groups, depth - 1) + (chance(50) ? " AND " : " OR ") +
           having(groups, depth - 1) + ")";
  }
  if (chance(15)) return aggregate() + (chance(50) ? " IS NULL" : " IS NOT NULL");
  if (chance(25)) return aggregate() + " < " + aggregate();
  return aggregate() + pick(std::vector<std::string>{" > ", " <= ", " = ", " <> "}) + number();
}

Query QueryGenerator::next() {
  Query query;
  std::vector<Column> groups;
  if (!groups_.empty() && chance(35)) {
    groups.push_back(pick(groups_));
    if (chance(25)) {
      const Column other = pick(groups_);
      const std::uint64_t pairs = (groups[0].sealed->code->size + 1) * (other.sealed->code->size + 1);
      if (other.table != groups[0].table && pairs <= shape_.most_groups) groups.push_back(other);
    }
  }
  const bool selects = !filters_.empty() && chance(75);
  products_.clear();
  for (std::size_t a = 0; a < columns_.size(); ++a)
    for (std::size_t b = a; b < columns_.size(); ++b)
      if (can_multiply(a, b, (selects ? 1 : 0) + (groups.empty() ? 0 : 1))) products_.emplace_back(a, b);
  std::vector<std::string> outputs;
  for (const Column& key : groups)
    if (chance(90)) outputs.push_back(name(key));
  for (std::uint64_t n = 1 + below(3); n > 0; --n) {
    outputs.push_back(value(groups, 2));
    if (chance(8)) outputs.back() += " > " + number();  // a truth
  }
  std::string select;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    select += (i > 0 ? ", " : "") + outputs[i] + " AS c" + std::to_string(i + 1);
  query.sql = "SELECT " + select + " FROM " + quoted_name(table_.name);
  if (selects) {
    query.where = condition(pick(shape_.leaves));
    query.sql += " WHERE " + to_sql(*query.where, table_);
    query.kind = "where";
  }
  for (std::size_t i = 0; i < groups.size(); ++i) query.sql += (i == 0 ? " GROUP BY " : ", ") + name(groups[i]);
  if (!groups.empty())
    query.kind += std::string(query.kind.empty() ? "" : " ") + (groups.size() == 1 ? "group" : "group2");
  if (query.kind.empty()) query.kind = "plain";
  if (chance(groups.empty() ? 5 : 25)) query.sql += " HAVING " + having(groups, 2);
  if (chance(groups.empty() ? 5 : 50)) {
    query.sql += " ORDER BY ";
    for (std::uint64_t n = 1 + below(2), i = 0; i < n; ++i) {
      if (i > 0) query.sql += ", ";
      query.sql += chance(60) ? "c" + std::to_string(1 + below(outputs.size())) : aggregate();
      if (chance(40)) query.sql += chance(80) ? " DESC" : " ASC";
      if (chance(25)) query.sql += chance(50) ? " NULLS FIRST" : " NULLS LAST";
    }
  }
  if (chance(groups.empty() ? 3 : 25)) query.sql += " LIMIT " + std::to_string(below(groups.empty() ? 3 : 12));
  if (chance(groups.empty() ? 3 : 15)) query.sql += " OFFSET " + std::to_string(below(3));
  return query;
}

}  // namespace prism::queries
