// prism/backend/clear/clear.h - answers a plan over plaintext rows: the oracle for backends that never see them.
//
// Row by row, with exact rationals; nothing is encoded, shared or estimated. The rules are those of
// prism/sql/README.md, section "Finishing rules", read and written down a second time: no code of sql/finish or of
// another backend is used here.
#pragma once
#include <span>
#include <string_view>

#include "prism/base/result.h"
#include "prism/sql/plan.h"
#include "prism/table/result_table.h"
#include "prism/table/table.h"

namespace prism::backend::clear {

/// What SQL may name of a table: all its columns, in its order.
sql::Catalog catalog_of(const table::Table& table);

/// `database` in the order that the plan was made with. The plan's columns are found in its tables by name; those may
/// have more. mismatch: a column that is not there, has another type or scale, or holds NULLs where the plan was told
/// there are none; exhausted: a join with more than 2^26 rows.
/// O(rows * size of the plan); memory grows with the groups, and with the rows of joins and derived tables.
Result<table::ResultTable> answer(const sql::Plan& plan, std::span<const table::Table* const> database);
/// The same from SQL, planned over the catalog_of each table.
Result<table::ResultTable> answer(std::string_view sql, std::span<const table::Table* const> database);
/// The same over one table.
Result<table::ResultTable> answer(const sql::Plan& plan, const table::Table& table);
Result<table::ResultTable> answer(std::string_view sql, const table::Table& table);

}  // namespace prism::backend::clear
