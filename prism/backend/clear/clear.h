// prism/backend/clear/clear.h - answers a plan over plaintext rows: the oracle for backends that never see them.
//
// Row by row, with exact rationals; nothing is encoded, shared or estimated. The rules are those of
// prism/sql/README.md, section "Finishing rules", read and written down a second time: no code of sql/finish or of
// another backend is used here.
#pragma once
#include <string_view>

#include "prism/base/result.h"
#include "prism/sql/plan.h"
#include "prism/table/result_table.h"
#include "prism/table/table.h"

namespace prism::backend::clear {

/// What SQL may name of a table: all its columns, in its order.
sql::Catalog catalog_of(const table::Table& table);

/// The plan's columns are found in the table by name; it may have more. mismatch: a column that is not there, has
/// another type or scale, or holds NULLs where the plan was told there are none.
/// O(rows * size of the plan); memory grows with the groups alone.
Result<table::ResultTable> answer(const sql::Plan& plan, const table::Table& table);
/// The same from SQL, planned over catalog_of(table).
Result<table::ResultTable> answer(std::string_view sql, const table::Table& table);

}  // namespace prism::backend::clear
