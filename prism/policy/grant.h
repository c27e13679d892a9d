// prism/policy/grant.h - what a data owner fixed once about a dataset: tables, privacy unit, bounds, budget.
//
// A grant is public: it says what the columns are and how far their values may reach, never what they are. It is fixed
// when the ledger is made (ledger.h) and nothing changes it afterwards; its digest is part of every charge.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/accountant.h"
#include "prism/dp/parameters.h"
#include "prism/table/schema.h"

namespace prism::policy {

inline constexpr std::uint64_t kMostTables = 16;
inline constexpr std::uint64_t kMostColumns = 1'000;        ///< of one table
inline constexpr std::uint64_t kMostNameBytes = 128;        ///< of a table, a column, an analyst or a room
inline constexpr std::uint64_t kMostPublicValues = 10'000;  ///< of one column: each may become a group
inline constexpr std::uint64_t kMostShares = 1'000;         ///< analysts of one grant, and rooms
inline constexpr std::uint64_t kMostRowsPerUnit = 1'000'000;
inline constexpr std::uint64_t kMostGrantBytes = std::uint64_t{8} << 20;  ///< of one as JSON

/// Both ends belong. In units of the column: 10^-scale for decimals, days since 1970-01-01 for dates.
struct Bounds {
  std::int64_t low;
  std::int64_t high;
  bool operator==(const Bounds&) const = default;
};

struct ColumnRule {
  table::ColumnSchema schema{};
  /// Not for text. Values outside are moved to the nearer end before anything is added up.
  std::optional<Bounds> bounds{};
  /// Text only: every value that a group can have, whether it occurs or not. Sorted by bytes, each once.
  std::vector<std::string> values{};
  /// The possible values are known to everybody: `values`, or each number or date within `bounds`. Such a column's
  /// groups all appear in answers, empty ones too.
  bool public_values = false;
  bool operator==(const ColumnRule&) const = default;
};

struct TableRule {
  std::string name{};                 ///< in queries
  std::string path{};                 ///< a CSV file; a relative one starts at the folder of the ledger
  std::optional<std::string> unit{};  ///< the column that says whose row it is; none: the table is public
  std::uint64_t rows_per_unit = 1;    ///< rows past this many of one unit never count; 1 for a public table
  std::vector<ColumnRule> columns{};
  bool operator==(const TableRule&) const = default;
};

/// A limit inside the dataset's: analysts can collude, so what binds is the dataset's own.
struct SubLimit {
  std::string name;
  dp::Epsilon epsilon;
  bool operator==(const SubLimit&) const = default;
};

/// 10^-5, rounded down.
inline constexpr Uint128 kDefaultDeltaUnits = (Uint128{1} << 120) / 100'000;
/// 0.1: what is at least this protects nobody.
inline constexpr Uint128 kMostDeltaUnits = (Uint128{1} << 120) / 10;

struct Grant {
  std::vector<TableRule> tables;  ///< the first is the dataset
  /// The most groups of one answer that one unit counts in; none: as many as it has rows.
  std::optional<std::uint64_t> groups_per_unit;

  dp::Epsilon epsilon = dp::Epsilon::from_nano(1'000'000'000);  ///< for all queries together, for ever
  dp::Delta delta = dp::Delta::from_units(kDefaultDeltaUnits);
  dp::Epsilon query_least = dp::Epsilon::from_nano(100'000'000);  ///< what one query may ask for
  dp::Epsilon query_most = dp::Epsilon::from_nano(3'000'000'000);
  dp::Method accounting = dp::Method::basic;  ///< basic or zcdp: how charges add up
  /// When any is listed, each query must name one. Each limit is at most `epsilon`; together they may be more.
  std::vector<SubLimit> analysts;
  std::vector<SubLimit> rooms;

  std::uint64_t most_rows = 100'000'000;  ///< of each file: private ones when the grant is made, public ones always
  std::uint64_t most_groups = 10'000;     ///< of one answer
  std::chrono::milliseconds bucket{500};  ///< answers appear at multiples of this after the query's start
  std::chrono::milliseconds time_limit{60'000};
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;
  bool operator==(const Grant&) const = default;
};

/// Everything above, checked: counts, names, bounds, that the first table has a unit and each unit column exists.
/// Errors: invalid_argument, with the place as a JSON pointer ("/tables/0/columns/3/low").
Status check_grant(const Grant& grant);

/// One grant, one text: fixed order, two spaces, a line end at the end. The grant must pass check_grant.
std::string to_json(const Grant& grant);
/// Strict: unknown and repeated members are refused, numbers are read exactly (never as floating point), the result
/// passes check_grant. Errors: malformed with line and column, or invalid_argument with a JSON pointer.
Result<Grant> grant_from_json(std::string_view json);

/// The tables of a schema file, which an owner writes: {"version": 1, "columns": [...], "tables": [...]}. The columns
/// are those of the dataset itself, which comes first; `tables` holds further ones for joins. The dataset's "name",
/// "unit" and "rows_per_unit" may be said too; else its name and path are empty and its unit is absent, for the caller
/// to fill in. Errors as above; what only check_grant can say is left to it.
Result<std::vector<TableRule>> schema_from_json(std::string_view json);
/// A schema file to edit.
std::string schema_to_json(std::span<const TableRule> tables);

/// Of to_json(grant): what charges and ledgers name the grant by.
Digest digest_of(const Grant& grant);

/// The share of the grant's delta that goes with a share of its epsilon: delta * epsilon / grant.epsilon, rounded down.
dp::Delta default_delta(const Grant& grant, dp::Epsilon epsilon);

/// Whether every possible value of the column is public, and how many there are; NULL, when the column is nullable, is
/// one more and not counted.
std::optional<std::uint64_t> public_value_count(const ColumnRule& column);

}  // namespace prism::policy
