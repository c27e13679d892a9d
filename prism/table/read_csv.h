// prism/table/read_csv.h - a CSV file to a typed table, in two passes: what is it, then read it.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/result.h"
#include "prism/table/csv_reader.h"
#include "prism/table/table.h"

namespace prism::table {

/// The most decimals a scale is inferred to; more are rounded and reported. Ask for more with ColumnOverride::scale.
inline constexpr int kMaxInferredScale = 6;

/// What the owner knows better than inference.
struct ColumnOverride {
  std::optional<ColumnType> type;
  /// 0..18; the column becomes decimal (0: integer), and values with more decimals are rounded and reported.
  std::optional<int> scale;
};

struct CsvOptions {
  /// By column name, found as by find_column.
  std::map<std::string, ColumnOverride> overrides;
  CsvLimits limits;
  /// Fields that do not fit the type they were asked to have are NULL instead of an error, and so are those that
  /// Misfits::missing names, which for a ragged record are all of them: what one row holds must not decide whether a
  /// private table can be read at all. Quotes that do not match stay an error.
  bool misfits_are_null = false;
};

/// Opens the same bytes from their beginning; called twice.
using OpenSource = std::function<Result<ByteSource>()>;

/// Inference, by all values of a column:
/// - An empty field without quotes is NULL. A quoted empty field is the empty text in a text column, NULL elsewhere.
/// - NA, N/A, NULL, null and NaN are NULL if everything else in the column is a number or a date; in a text column they
///   are text like any other.
/// - integer: whole numbers within 64 bits. decimal: also points or exponents; the scale is the largest number of
///   decimals that matter, 1 to 6, and longer ones are rounded half away from zero and reported in Column::rounding.
/// - date: YYYY-MM-DD only. text: everything else, true and false too.
/// - Leading zeros or a leading plus (030001, +49) mean an identifier: the column stays text, so that nothing is lost.
///   Numbers that do not fit 64 bits stay text as well. Column::note says so in both cases.
/// - A column without any value is text.
/// An override that does not fit names row, line and column, never the value. mismatch: rows, names or a value changed
/// between the passes so that they no longer fit; the table is always what the second pass read.
/// Memory: the table, plus one hash table per text column, plus the reader's.
Result<Table> read_csv(std::string name, const OpenSource& open, const CsvOptions& options = {});
/// The same from memory.
Result<Table> read_csv_text(std::string name, std::string_view bytes, const CsvOptions& options = {});

}  // namespace prism::table
