#include "prism/table/result_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "prism/table/date.h"
#include "prism/table/decimal.h"
#include "prism/table/utf8.h"

namespace prism::table {
namespace {

/// RFC 8259 section 6: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
bool is_json_number(std::string_view text) {
  const auto number = scan_decimal(text);
  if (!number || number->padded || text.front() == '+') return false;
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return true;
  const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  return point > 0 && digit(point - 1) && digit(point + 1);
}

std::string json_string(std::string_view text) {
  // Names and values are UTF-8 already; should one not be, a replacement character is better than an exception.
  return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string csv_field(std::string_view text) {
  // The empty text, because an empty field is NULL; a leading byte order mark, because readers remove it.
  const bool quote =
      text.empty() || text.find_first_of(",\"\r\n") != std::string_view::npos || text.starts_with("\xEF\xBB\xBF");
  if (!quote) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

/// Control characters (C0, DEL, C1) as \xHH, so that a terminal shows them instead of obeying.
std::string visible(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    // C1 controls are C2 80 .. C2 9F in UTF-8.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) byte = static_cast<unsigned char>(text[++i]);
    if (byte == '\n') {
      shown += "\\n";
    } else if (byte == '\t') {
      shown += "\\t";
    } else if (byte == '\r') {
      shown += "\\r";
    } else if (byte < 0x20 || byte == 0x7F || c1) {
      shown.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    } else {
      shown += static_cast<char>(byte);
    }
  }
  return shown;
}

struct CellText {
  std::string operator()(std::monostate) const { return "NULL"; }
  std::string operator()(const Number& number) const { return number.text; }
  std::string operator()(const std::string& text) const { return visible(text); }
};

void append_line(std::string& out, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                 const std::vector<bool>& right) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i != 0) line += "  ";
    const std::string padding(widths[i] - code_points(cells[i]), ' ');
    line += right[i] ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

void check_shape(const ResultTable& result) {
  for (const auto& row : result.rows) check(row.size() == result.columns.size(), "a result row of the wrong length");
}

}  // namespace

Cell cell_of(const Column& column, std::int64_t value) {
  switch (column.schema.type) {
    case ColumnType::integer:
    case ColumnType::decimal:
      return Number{format_decimal(value, column.schema.scale)};
    case ColumnType::date:
      return format_date(value);
    case ColumnType::text:
      break;
  }
  check(value >= 0 && static_cast<std::size_t>(value) < column.dictionary.size(),
        "a text index outside its dictionary");
  return column.dictionary[static_cast<std::size_t>(value)];
}

Cell cell_at(const Column& column, std::size_t row) {
  check(row < column.values.size(), "a row past the end of its column");
  if (column.valid[row] == 0) return std::monostate{};
  return cell_of(column, column.values[row]);
}

ResultTable to_result(const Table& table, std::size_t first, std::size_t count) {
  ResultTable result;
  for (const Column& column : table.columns) result.columns.push_back({column.schema.name, column.schema.type});
  first = std::min(first, table.rows);
  const std::size_t last = first + std::min(count, table.rows - first);
  for (std::size_t row = first; row < last; ++row) {
    std::vector<Cell> cells;
    cells.reserve(table.columns.size());
    for (const Column& column : table.columns) cells.push_back(cell_at(column, row));
    result.rows.push_back(std::move(cells));
  }
  return result;
}

std::string to_text_table(const ResultTable& result) {
  check_shape(result);
  std::vector<std::string> names;
  std::vector<std::string> rules;
  std::vector<bool> right;
  std::vector<std::size_t> widths;
  for (const ResultColumn& column : result.columns) {
    names.push_back(visible(column.name));
    widths.push_back(std::max<std::size_t>(1, code_points(names.back())));
    right.push_back(column.type == ColumnType::integer || column.type == ColumnType::decimal);
  }
  std::vector<std::vector<std::string>> lines;
  for (const auto& row : result.rows) {
    lines.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      lines.back().push_back(std::visit(CellText{}, row[i]));
      widths[i] = std::max(widths[i], code_points(lines.back().back()));
    }
  }
  for (const std::size_t width : widths) rules.emplace_back(width, '-');
  std::string out;
  append_line(out, names, widths, right);
  append_line(out, rules, widths, right);
  for (const auto& line : lines) append_line(out, line, widths, right);
  return out;
}

std::string to_csv(const ResultTable& result) {
  check_shape(result);
  std::string out;
  for (std::size_t i = 0; i < result.columns.size(); ++i)
    out.append(i == 0 ? "" : ",").append(csv_field(result.columns[i].name));
  out += "\n";
  for (const auto& row : result.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) out += ",";
      if (const auto* number = std::get_if<Number>(&row[i])) out += number->text;
      if (const auto* text = std::get_if<std::string>(&row[i])) out += csv_field(*text);
    }
    out += "\n";
  }
  return out;
}

Result<std::string> to_json(const ResultTable& result) {
  check_shape(result);
  std::set<std::string_view> seen;
  std::vector<std::string> keys;
  for (const ResultColumn& column : result.columns) {
    if (!seen.insert(column.name).second)
      return fail(ErrorCode::invalid_argument, "two result columns are named `", column.name,
                  "`, and JSON objects need distinct names; give one an alias with AS");
    keys.push_back(json_string(column.name));
  }
  std::string out = "[";
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    out += r == 0 ? "\n  {" : ",\n  {";
    for (std::size_t i = 0; i < keys.size(); ++i) {
      out.append(i == 0 ? "" : ", ").append(keys[i]).append(": ");
      const Cell& cell = result.rows[r][i];
      if (const auto* number = std::get_if<Number>(&cell)) {
        check(is_json_number(number->text), "a result number that is none");
        out += number->text;
      } else if (const auto* text = std::get_if<std::string>(&cell)) {
        out += json_string(*text);
      } else {
        out += "null";
      }
    }
    out += "}";
  }
  out += result.rows.empty() ? "]\n" : "\n]\n";
  return out;
}

}  // namespace prism::table
