#include "tests/queries/relation_generator.h"

#include <algorithm>

#include "prism/table/date.h"
#include "prism/table/decimal.h"
#include "tests/queries/condition.h"

namespace prism::queries {
namespace {

using table::ColumnType;

bool is_number(ColumnType type) { return type == ColumnType::integer || type == ColumnType::decimal; }

}  // namespace

RelationGenerator::Text& RelationGenerator::Text::operator+=(const Text& o) {
  sql += o.sql;
  engine += o.engine;
  return *this;
}

RelationGenerator::Text& RelationGenerator::Text::operator+=(const std::string& o) {
  sql += o;
  engine += o;
  return *this;
}

RelationGenerator::RelationGenerator(std::vector<const table::Table*> tables,
                                     std::vector<std::pair<Place, Place>> links, RelationOptions options,
                                     std::uint64_t seed)
    : tables_(std::move(tables)), links_(std::move(links)), options_(options), random_(seed) {}

bool RelationGenerator::linked(const Column& a, const Column& b) const {
  if (!a.origin || !b.origin) return false;
  return std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
    return (link.first == a.origin && link.second == b.origin) || (link.first == b.origin && link.second == a.origin);
  });
}

RelationGenerator::Text RelationGenerator::written(const Column& column) {
  Text out{column.part, column.part};
  out += ".";
  out += column.name;
  return out;
}

RelationGenerator::Rows RelationGenerator::table() {
  const std::size_t number = below(tables_.size());
  const table::Table& table = *tables_[number];
  const std::string alias = "a" + std::to_string(++names_);
  Rows out;
  out.from = {quoted_name(table.name) + (chance(50) ? " AS " : " ") + alias,
              "t" + std::to_string(number) + " AS " + alias};
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const table::ColumnSchema& schema = table.columns[c].schema;
    out.columns.push_back(
        {alias, {quoted_name(schema.name), "c" + std::to_string(c)}, schema.type, schema.scale, Place{number, c}});
  }
  return out;
}

RelationGenerator::Rows RelationGenerator::derived(int depth) {
  derived_ = true;
  const Rows inner = rows(depth - 1);
  const std::string alias = "d" + std::to_string(++names_);
  Rows out;
  Text items;
  const auto add = [&](const Text& value, ColumnType type, int scale, std::optional<Place> origin) {
    const std::string name = "x" + std::to_string(out.columns.size() + 1);
    if (!items.sql.empty()) items += ", ";
    items += value;
    items += " AS " + name;
    out.columns.push_back({alias, {name, name}, type, scale, origin});
  };
  const bool grouped = chance(65);
  Text groups;
  std::vector<Column> kept;
  for (std::uint64_t n = grouped ? below(10) == 0 ? 0 : 1 + below(3) : 1 + below(5); n > 0; --n) {
    const Column& column = pick(inner.columns);
    // A key with links makes the derived table worth joining.
    const Column* best = &column;
    for (const Column& other : inner.columns)
      if (kept.empty() && chance(40) && std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
            return link.first == other.origin || link.second == other.origin;
          }))
        best = &other;
    kept.push_back(*best);
    add(written(*best), best->type, best->scale, best->origin);
    if (!groups.sql.empty()) groups += ", ";
    groups += written(*best);
  }
  for (std::uint64_t n = grouped ? (kept.empty() ? 1 : 0) + below(3) : 0; n > 0; --n) {
    const Column& column = pick(inner.columns);
    const std::uint64_t dice = below(10);
    Text call;
    if (dice < 3) {
      call += "COUNT(*)";
      add(call, ColumnType::integer, 0, {});
      continue;
    }
    const bool text = column.type == ColumnType::text;
    const std::string name = dice < 5 || text ? "COUNT" : dice < 7 ? "MIN" : dice < 9 ? "MAX" : "SUM";
    if (name == "SUM" && !is_number(column.type)) continue;
    call += name + "(";
    call += written(column);
    call += ")";
    add(call, name == "COUNT" ? ColumnType::integer : column.type, name == "COUNT" ? 0 : column.scale, {});
  }
  if (out.columns.empty()) add({"COUNT(*)", "COUNT(*)"}, ColumnType::integer, 0, {});
  out.from += "(SELECT ";
  out.from += items;
  out.from += " FROM ";
  out.from += inner.from;
  out.from += where(inner);
  if (grouped && !groups.sql.empty()) {
    out.from += " GROUP BY ";
    out.from += groups;
  }
  out.from += ") AS " + alias;
  return out;
}

RelationGenerator::Rows RelationGenerator::part(int depth) {
  return options_.derived && depth > 0 && chance(35) ? derived(depth) : table();
}

/// Joins by one or two links; false when there is none.
bool RelationGenerator::add_part(Rows& rows, Rows part) {
  std::vector<std::pair<Column, Column>> ways;
  for (const Column& a : rows.columns)
    for (const Column& b : part.columns)
      if (linked(a, b)) ways.emplace_back(a, b);
  if (ways.empty()) return false;
  joined_ = true;
  std::vector<Text> equalities;
  for (std::uint64_t n = chance(25) ? 2 : 1; n > 0; --n) {
    const auto& [a, b] = pick(ways);
    const bool turned = chance(50);
    Text equality = written(turned ? b : a);
    equality += " = ";
    equality += written(turned ? a : b);
    equalities.push_back(equality);
  }
  if (chance(30)) {  // a condition of one part may stand in ON
    Text extra = leaf(part.columns);
    equalities.push_back(extra);
  }
  Text on;
  for (std::size_t i = 0; i < equalities.size(); ++i) {
    if (i > 0) on += " AND ";
    on += equalities[i];
  }
  const bool comma = chance(25);
  rows.from.sql += comma ? (chance(50) ? ", " : " CROSS JOIN ") : chance(80) ? " JOIN " : " INNER JOIN ";
  rows.from.engine += " JOIN ";
  rows.from += part.from;
  rows.from.engine += " ON " + on.engine;
  if (comma)
    rows.conditions.push_back({on.sql, "TRUE"});
  else
    rows.from.sql += " ON " + on.sql;
  for (const Text& condition : part.conditions) rows.conditions.push_back(condition);
  rows.columns.insert(rows.columns.end(), part.columns.begin(), part.columns.end());
  return true;
}

RelationGenerator::Rows RelationGenerator::rows(int depth) {
  Rows out = part(depth);
  if (!options_.joins) return out;
  for (std::size_t parts = 1; parts < options_.parts && chance(45); ++parts) {
    // A part with a comma before it and JOIN behind it would change what ON may name, so commas come last.
    if (!out.conditions.empty()) break;
    for (int attempt = 0; attempt < 4 && !add_part(out, part(depth)); ++attempt) {
    }
  }
  return out;
}

RelationGenerator::Text RelationGenerator::constant(const Column& column) {
  if (!column.origin) {
    const auto value = static_cast<std::int64_t>(below(40)) - 4;
    if (column.type == ColumnType::date)
      return {quoted_text(table::format_date(value * 700)), std::to_string(value * 700)};
    return {table::format_decimal(value, column.scale), std::to_string(value)};
  }
  const table::Table& table = *tables_[column.origin->first];
  const table::Column& data = table.columns[column.origin->second];
  const std::size_t row = table.rows > 0 ? below(table.rows) : 0;
  const bool there = table.rows > 0 && data.valid[row] != 0;
  if (column.type == ColumnType::text) {
    std::string text = there ? data.dictionary[static_cast<std::size_t>(data.values[row])] : "m";
    if (chance(15)) text += "z";
    return {quoted_text(text), quoted_text(text)};
  }
  std::int64_t value = there ? data.values[row] : data.max;
  if (chance(25)) value += static_cast<std::int64_t>(below(5)) - 2;
  if (column.type != ColumnType::date) return {table::format_decimal(value, column.scale), std::to_string(value)};
  value = std::clamp<std::int64_t>(value, *table::parse_date("0001-01-01"), *table::parse_date("9999-12-31"));
  return {quoted_text(table::format_date(value)), std::to_string(value)};
}

RelationGenerator::Text RelationGenerator::leaf(const std::vector<Column>& columns) {
  const Column& column = pick(columns);
  Text out = written(column);
  const std::uint64_t dice = below(10);
  const std::string negation = chance(30) ? "NOT " : "";
  if (dice == 0) {
    out += " IS " + negation + "NULL";
  } else if (dice < 3) {
    out += " " + negation + "BETWEEN ";
    out += constant(column);
    out += " AND ";
    out += constant(column);
  } else if (dice < 5) {
    out += " " + negation + "IN (";
    out += constant(column);
    for (std::uint64_t n = below(3); n > 0; --n) {
      out += ", ";
      out += constant(column);
    }
    out += ")";
  } else {
    out += " " + pick(std::vector<std::string>{"=", "<>", "<", "<=", ">", ">="}) + " ";
    out += constant(column);
  }
  return out;
}

RelationGenerator::Text RelationGenerator::condition(const std::vector<Column>& columns, std::uint64_t leaves) {
  Text out;
  if (leaves == 1) {
    out = leaf(columns);
  } else {
    const std::uint64_t left = 1 + below(leaves - 1);
    out += "(";
    out += condition(columns, left);
    out += chance(50) ? " AND " : " OR ";
    out += condition(columns, leaves - left);
    out += ")";
  }
  if (!chance(15)) return out;
  Text negation;
  negation += "NOT (";
  negation += out;
  negation += ")";
  return negation;
}

RelationGenerator::Text RelationGenerator::where(const Rows& rows) {
  std::vector<Text> parts = rows.conditions;
  if (chance(60)) parts.push_back(condition(rows.columns, 1 + below(4)));
  std::shuffle(parts.begin(), parts.end(), random_);
  Text out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out += i == 0 ? " WHERE (" : " AND (";
    out += parts[i];
    out += ")";
  }
  // Our equalities that join are looked for in ANDs, which brackets do not hide.
  return out;
}

RelationGenerator::Text RelationGenerator::aggregate(const std::vector<Column>& columns) {
  const Column& column = pick(columns);
  const bool text = column.type == ColumnType::text;
  Text out;
  const std::uint64_t dice = below(12);
  const auto call = [&](const std::string& before, const std::string& behind) {
    out += before;
    out += written(column);
    out += behind;
  };
  if (dice < 2) {
    out += "COUNT(*)";
  } else if (dice < 4) {
    call("COUNT(", ")");
  } else if (dice < 6) {
    call("COUNT(DISTINCT ", ")");
  } else if (dice < 8 && is_number(column.type)) {
    call("SUM(", ")");
  } else if (dice < 10 && !text) {
    call(dice == 8 ? "MIN(" : "MAX(", ")");
  } else if (!text) {
    // Fractions of two, so that no implementation rounds them.
    const std::string fraction = pick(std::vector<std::string>{"0", "0.25", "0.5", "0.75", "0.125", "1"});
    const std::string column_sql = written(column).sql;
    const std::string median = fraction == "0.5" && chance(50) ? "MEDIAN(" + column_sql + ")" : "";
    const std::string within = "PERCENTILE_DISC(" + fraction + ") WITHIN GROUP (ORDER BY " + column_sql + ")";
    out.sql = !median.empty() ? median : chance(50) ? within : "QUANTILE(" + column_sql + ", " + fraction + ")";
    out.engine = "quantile_disc(" + written(column).engine + ", " + fraction + ")";
  } else {
    out += "COUNT(*)";
  }
  return out;
}

std::string RelationGenerator::rational(const std::vector<Column>& columns) {
  std::vector<Column> numbers;
  std::copy_if(columns.begin(), columns.end(), std::back_inserter(numbers),
               [](const Column& c) { return is_number(c.type); });
  if (numbers.empty()) return "COUNT(*) / 7.0";
  const std::string column = written(pick(numbers)).sql;
  return pick(std::vector<std::string>{"AVG(", "VAR_POP(", "VAR_SAMP(", "STDDEV_POP(", "STDDEV(", "2 * SUM(",
                                       "COUNT(*) / SUM(", "-MAX(", "MEDIAN("}) +
         column + ")";
}

RelationQuery RelationGenerator::next() {
  names_ = 0;
  joined_ = derived_ = false;
  const Rows source = rows(options_.deepest);
  Text items, groups;
  std::vector<Text> keys;
  for (std::uint64_t n = chance(45) ? 1 + below(4) : 0; n > 0; --n) {
    const Text key = written(pick(source.columns));
    keys.push_back(key);
    if (!groups.sql.empty()) groups += ", ";
    groups += key;
  }
  int outputs = 0;
  const auto add = [&](const Text& value) {
    if (outputs > 0) items += ", ";
    items += value;
    items += " AS o" + std::to_string(++outputs);
  };
  for (const Text& key : keys) add(key);
  for (std::uint64_t n = 1 + below(4); n > 0; --n) {
    if (options_.rationals && chance(50)) {
      const std::string text = rational(source.columns);
      add({text, text});
    } else {
      add(aggregate(source.columns));
    }
  }
  Text all;
  all += "SELECT ";
  all += items;
  all += " FROM ";
  all += source.from;
  all += where(source);
  if (!groups.sql.empty()) {
    all += " GROUP BY ";
    all += groups;
  }
  if (chance(20)) {
    all += " HAVING ";
    all += "COUNT(*) > " + std::to_string(below(5));
  }
  RelationQuery out{all.sql, all.engine, std::string(derived_ ? "derived" : "")};
  if (joined_) out.kind += out.kind.empty() ? "join" : " join";
  if (out.kind.empty()) out.kind = "table";
  if (!keys.empty()) out.kind += " group";
  if (options_.rationals) {
    out.engine.clear();
    if (chance(40)) out.sql += " ORDER BY o" + std::to_string(1 + below(static_cast<std::uint64_t>(outputs)));
    if (chance(20)) out.sql += " LIMIT " + std::to_string(below(6));
  }
  return out;
}

}  // namespace prism::queries
