// prism/table/schema.h - what a column is: its name, its type, and how many decimals it keeps.
#pragma once
#include <string>
#include <string_view>

#include "prism/base/result.h"

namespace prism::table {

/// Every type is stored as one int64 per row:
enum class ColumnType {
  integer,  ///< the number itself
  decimal,  ///< the number times 10^scale
  date,     ///< days since 1970-01-01, proleptic Gregorian, years 0001 to 9999
  text,     ///< an index into the column's dictionary, which is sorted byte by byte
};
/// `integer`, `decimal`, `date`, `text`.
std::string_view name_of(ColumnType type);
/// The inverse of name_of, as written on a command line; invalid_argument lists the four names.
Result<ColumnType> column_type_from(std::string_view name);

struct ColumnSchema {
  std::string name;
  ColumnType type = ColumnType::text;
  int scale = 0;          ///< digits after the point; 1..18 for decimal, 0 for every other type
  bool nullable = false;  ///< some row has no value
  bool operator==(const ColumnSchema&) const = default;
};
/// `integer`, `decimal(2)`, `date`, `text`.
std::string type_text(const ColumnSchema& schema);

}  // namespace prism::table
