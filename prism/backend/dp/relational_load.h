// prism/backend/dp/relational_load.h - rows into the engine: at most M of each privacy unit, measures clamped on the
// way.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "prism/backend/dp/relational.h"
#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/duck/database.h"
#include "prism/table/table.h"

namespace prism::backend::dp {

/// Decides which rows of a unit count when it has too many. Privacy does not rest on it, only that nobody can arrange
/// to be chosen; the same key for all queries on a dataset keeps the choice the same.
using RowKey = std::array<std::uint8_t, 16>;

struct BoundedRows {
  std::vector<std::uint32_t> rows;      ///< places in the table, ascending
  std::vector<std::int32_t> units;      ///< per row of the table: the number of its unit, in order of appearance
  std::uint64_t incomplete = 0;         ///< left out: the unit is NULL, or a column that is declared to have no NULLs
  std::uint64_t over_the_bound = 0;     ///< left out: their unit has rows_per_unit others
  std::uint64_t most_rows_of_unit = 0;  ///< complete ones, before rows_per_unit is applied
};

/// The rows of a private table that count: of each unit the rows_per_unit complete ones whose contents have the
/// smallest keyed hash. That depends on the unit's own rows alone and not on the order of rows, except between rows
/// whose contents are equal. `places` says where in the table the layout's columns are. 32 bytes of memory per row
/// while it runs. Counts in the result are private: for the data's owner alone. exhausted: 2^31 rows or more.
Result<BoundedRows> bounded_rows(const TableLayout& layout, const table::Table& table,
                                 const std::vector<std::size_t>& places, const RowKey& key);

/// Names what a table holds: columns, types, values and their order. For public tables, which are read more than once.
/// The same in one process only: numbers are hashed as memory holds them.
Digest digest_of(const table::Table& table);

/// Stores table number `number` of the layout as t<number>: its columns (found by name, of the layout's types and
/// scales), then one clamped copy of each number column whose bounds are narrower than 2^31, less its lower bound,
/// then, for a private table, the unit's number. A private table's rows are bounded_rows, so nothing about them is an
/// error; of a public table all rows are stored, and a NULL that its layout rules out is a mismatch, as other columns
/// are. Further errors are the database's.
Status load_table(duck::Database& database, const Layout& layout, std::size_t number, const table::Table& table,
                  const RowKey& key, const duck::Stop& stop = {});

}  // namespace prism::backend::dp
