// prism/table/date.h - calendar dates as days since 1970-01-01.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace prism::table {

/// Exactly YYYY-MM-DD (ISO 8601), a day that exists in the proleptic Gregorian calendar, years 0001 to 9999.
std::optional<std::int32_t> parse_date(std::string_view text);
/// The inverse of parse_date. `days` must lie within its range.
std::string format_date(std::int64_t days);

}  // namespace prism::table
