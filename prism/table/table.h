// prism/table/table.h - a table in memory: typed columns of int64, NULLs beside them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/result.h"
#include "prism/table/schema.h"

namespace prism::table {

/// What a column lost when its decimals were cut.
struct RoundingReport {
  std::uint64_t rounded = 0;        ///< values that changed
  std::string largest_error = "0";  ///< the largest |written - kept|, an exact decimal
  bool operator==(const RoundingReport&) const = default;
};

/// Counting distinct numbers stops here; dictionaries of text are always counted to the end.
inline constexpr std::size_t kDistinctCap = 65'536;

struct Column {
  ColumnSchema schema;
  std::vector<std::int64_t> values;     ///< one per row, as ColumnType says; 0 where there is no value
  std::vector<std::uint8_t> valid;      ///< one per row: 1 for a value, 0 for NULL
  std::vector<std::string> dictionary;  ///< text only: distinct values, sorted by bytes, each in use
  RoundingReport rounding;              ///< integer and decimal only
  std::string note;                     ///< why the type is not what a reader may expect; empty most of the time
  std::int64_t min = 0;                 ///< over the values that are there; 0 when none is
  std::int64_t max = 0;
  std::size_t nulls = 0;
  std::size_t distinct = 0;      ///< distinct values, NULL not counted
  bool distinct_capped = false;  ///< `distinct` is kDistinctCap and there may be more
};

struct Table {
  std::string name;
  std::size_t rows = 0;
  std::vector<Column> columns;
};

/// Fills min, max, nulls, distinct and schema.nullable from values and valid. O(rows).
void summarise(Column& column);

/// The place of a column: the exact name if there is one, else the only name equal to it but for ASCII case.
/// not_found lists the columns; invalid_argument when several names differ by case alone.
Result<std::size_t> find_column(const Table& table, std::string_view name);
/// The same for any list of names.
Result<std::size_t> find_name(const std::vector<std::string_view>& names, std::string_view name);
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// The dictionary index of a text value, if it occurs. O(log dictionary).
std::optional<std::int64_t> find_text(const Column& column, std::string_view text);

/// What was read, for the owner's eyes: one line for the table and one per column with type, range, NULLs, distinct
/// values, rounding and notes. It shows the smallest and largest number or date, but no text.
std::string describe(const Table& table);

}  // namespace prism::table
