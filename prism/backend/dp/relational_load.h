// prism/backend/dp/relational_load.h - rows into the engine: at most M of each privacy unit, measures clamped on the
// way.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "prism/backend/dp/relational.h"
#include "prism/base/result.h"
#include "prism/duck/database.h"
#include "prism/table/table.h"

namespace prism::backend::dp {

/// Decides which rows of a unit count when it has too many. Privacy does not rest on it, only that nobody can arrange
/// to be chosen; the same key for all queries on a dataset keeps the choice the same.
using RowKey = std::array<std::uint8_t, 16>;

struct BoundedRows {
  std::vector<std::uint32_t> rows;      ///< places in the table, ascending
  std::uint64_t without_unit = 0;       ///< left out because the unit is NULL
  std::uint64_t over_the_bound = 0;     ///< left out because their unit has rows_per_unit others
  std::uint64_t most_rows_of_unit = 0;  ///< before anything is left out
};

/// The rows that count: of each unit the rows_per_unit whose contents have the smallest keyed hash. That depends on the
/// unit's own rows alone and not on the order of rows, except between rows whose contents are equal. `columns` are the
/// places of the layout's columns in the table. 32 bytes of memory per row while it runs.
/// Counts in the result are private: for the data's owner alone.
Result<BoundedRows> bounded_rows(const table::Table& table, std::size_t unit, const std::vector<std::size_t>& columns,
                                 std::uint64_t rows_per_unit, const RowKey& key);

/// Stores table number `number` of the layout as t<number>: its columns (found by name, of the layout's types and
/// scales), then one clamped copy of each number column whose bounds are narrower than 2^31, less its lower bound. A
/// private table's rows are bounded_rows; a public table's all. Errors: mismatch for other columns; the database's.
Status load_table(duck::Database& database, const Layout& layout, std::size_t number, const table::Table& table,
                  const RowKey& key, const duck::Stop& stop = {});

}  // namespace prism::backend::dp
