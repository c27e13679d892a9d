// prism/table/result_table.h - an answer as people and programs see it: exact numbers as text, and three ways to print.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "prism/base/result.h"
#include "prism/table/schema.h"
#include "prism/table/table.h"

namespace prism::table {

/// An exact number in the grammar JSON has for numbers: -12.50, 0, 3. Text, because no float holds it.
struct Number {
  std::string text;
  bool operator==(const Number&) const = default;
};
/// NULL, a number, or text (dates are text, YYYY-MM-DD).
using Cell = std::variant<std::monostate, Number, std::string>;

struct ResultColumn {
  std::string name;
  ColumnType type = ColumnType::text;
  bool operator==(const ResultColumn&) const = default;
};

struct ResultTable {
  std::vector<ResultColumn> columns;
  std::vector<std::vector<Cell>> rows;  ///< each as long as columns
  bool operator==(const ResultTable&) const = default;
};

/// One stored value as a cell.
Cell cell_at(const Column& column, std::size_t row);
/// One encoded value of a column as a cell: what cell_at does for a value that is there.
Cell cell_of(const Column& column, std::int64_t value);
/// Rows [first, first + count) of a table, cut at its end.
ResultTable to_result(const Table& table, std::size_t first = 0, std::size_t count = static_cast<std::size_t>(-1));

/// Aligned columns under a header: numbers right, the rest left, NULL as NULL. Control characters are shown as escapes,
/// so that text from a file cannot steer a terminal.
std::string to_text_table(const ResultTable& result);
/// RFC 4180 with LF line ends: NULL is an empty field, the empty text is "". read_csv reads it back.
std::string to_csv(const ResultTable& result);
/// An array of objects keyed by column name, numbers verbatim. invalid_argument when two columns share a name.
Result<std::string> to_json(const ResultTable& result);

}  // namespace prism::table
