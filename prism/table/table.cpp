#include "prism/table/table.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "prism/table/date.h"
#include "prism/table/decimal.h"
#include "prism/table/utf8.h"

namespace prism::table {
namespace {

struct TypeName {
  ColumnType type;
  std::string_view name;
};
constexpr std::array<TypeName, 4> kTypeNames = {{{ColumnType::integer, "integer"},
                                                 {ColumnType::decimal, "decimal"},
                                                 {ColumnType::date, "date"},
                                                 {ColumnType::text, "text"}}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void pad_to(std::string& line, std::size_t width) {
  const std::size_t have = code_points(line);
  if (have < width) line.append(width - have, ' ');
}

std::string range_text(const Column& column) {
  switch (column.schema.type) {
    case ColumnType::integer:
    case ColumnType::decimal:
      return format_decimal(column.min, column.schema.scale) + " .. " + format_decimal(column.max, column.schema.scale);
    case ColumnType::date:
      return format_date(column.min) + " .. " + format_date(column.max);
    case ColumnType::text:
      break;
  }
  return {};
}

/// At most kDistinctCap. Needs min and max.
std::size_t count_distinct(const Column& column) {
  // Most columns of numbers span little: a bitmap is several times faster than a hash table there.
  constexpr std::uint64_t kBitmapSpan = std::uint64_t{1} << 22;
  const std::uint64_t span = static_cast<std::uint64_t>(column.max) - static_cast<std::uint64_t>(column.min);
  std::vector<bool> seen(span < kBitmapSpan ? span + 1 : 0);
  std::unordered_set<std::int64_t> others;
  std::size_t count = 0;
  for (std::size_t i = 0; i < column.values.size() && count < kDistinctCap; ++i) {
    if (column.valid[i] == 0) continue;
    if (seen.empty()) {
      count += others.insert(column.values[i]).second ? 1 : 0;
    } else {
      auto bit = seen[static_cast<std::uint64_t>(column.values[i]) - static_cast<std::uint64_t>(column.min)];
      count += bit ? 0 : 1;
      bit = true;
    }
  }
  return count;
}

}  // namespace

std::string_view name_of(ColumnType type) {
  for (const TypeName& entry : kTypeNames)
    if (entry.type == type) return entry.name;
  check(false, "an unknown column type");
  return {};
}

Result<ColumnType> column_type_from(std::string_view name) {
  for (const TypeName& entry : kTypeNames)
    if (entry.name == name) return entry.type;
  return fail(ErrorCode::invalid_argument, "`", name, "` is no column type; wanted integer, decimal, date or text");
}

std::string type_text(const ColumnSchema& schema) {
  std::string text(name_of(schema.type));
  if (schema.type == ColumnType::decimal) text += "(" + std::to_string(schema.scale) + ")";
  return text;
}

void summarise(Column& column) {
  check(column.values.size() == column.valid.size(), "values and valid differ in length");
  column.nulls = 0;
  column.min = column.max = 0;
  bool any = false;
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    if (column.valid[i] == 0) {
      ++column.nulls;
      continue;
    }
    const std::int64_t value = column.values[i];
    column.min = any ? std::min(column.min, value) : value;
    column.max = any ? std::max(column.max, value) : value;
    any = true;
  }
  column.schema.nullable = column.nulls != 0;
  const bool text = column.schema.type == ColumnType::text;
  column.distinct = text ? column.dictionary.size() : count_distinct(column);
  column.distinct_capped = !text && column.distinct == kDistinctCap;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

Result<std::size_t> find_name(const std::vector<std::string_view>& names, std::string_view name) {
  std::optional<std::size_t> found;
  std::size_t others = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return i;
    if (!equal_ignoring_case(names[i], name)) continue;
    others += found ? 1 : 0;
    if (!found) found = i;
  }
  if (found && others == 0) return *found;
  if (found)
    return fail(ErrorCode::invalid_argument, "`", name, "` could be ", others + 1,
                " columns that differ by upper and lower case; write it as `", names[*found], "` is written");
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < 100; ++i) list.append(i == 0 ? "" : ", ").append(names[i]);
  if (names.size() > 100) list += ", ...";
  return fail(ErrorCode::not_found, "no column `", name, "`; there are: ", list);
}

Result<std::size_t> find_column(const Table& table, std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(table.columns.size());
  for (const Column& column : table.columns) names.push_back(column.schema.name);
  return find_name(names, name);
}

std::optional<std::int64_t> find_text(const Column& column, std::string_view text) {
  const auto at = std::lower_bound(column.dictionary.begin(), column.dictionary.end(), text);
  if (at == column.dictionary.end() || *at != text) return std::nullopt;
  return at - column.dictionary.begin();
}

std::string describe(const Table& table) {
  std::string text = table.name + ": " + std::to_string(table.rows) + (table.rows == 1 ? " row, " : " rows, ") +
                     std::to_string(table.columns.size()) + (table.columns.size() == 1 ? " column\n" : " columns\n");
  std::size_t name_width = 0;
  for (const Column& column : table.columns) name_width = std::max(name_width, code_points(column.schema.name));
  name_width = std::min<std::size_t>(name_width, 40);
  for (const Column& column : table.columns) {
    std::string line = "  " + column.schema.name;
    pad_to(line, 2 + name_width);
    line += "  " + type_text(column.schema);
    pad_to(line, 2 + name_width + 2 + 11);
    std::string sep = "  ";
    const auto add = [&](const std::string& part) {
      line += sep + part;
      sep = ", ";
    };
    const bool any = column.nulls < column.values.size();
    if (any && column.schema.type != ColumnType::text) add(range_text(column));
    add((column.distinct_capped ? "at least " : "") + std::to_string(column.distinct) + " distinct");
    if (column.nulls != 0) add(std::to_string(column.nulls) + " NULL");
    if (column.rounding.rounded != 0)
      add(std::to_string(column.rounding.rounded) + " rounded, by at most " + column.rounding.largest_error);
    if (!column.note.empty()) add(column.note);
    text += line + "\n";
  }
  return text;
}

}  // namespace prism::table
