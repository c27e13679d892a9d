// prism/backend/clear/internal/relation.h - the rows that a plan reads: of a table, joined, or derived.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "prism/base/result.h"
#include "prism/sql/plan.h"
#include "prism/table/table.h"

namespace prism::backend::clear {

/// Columns of one length; those of joins and derived tables are made here.
struct Rows {
  std::size_t count = 0;
  std::vector<const table::Column*> columns;
  std::vector<std::unique_ptr<table::Column>> made;
};

/// The rows of table `index` of the database with these columns. mismatch: no such table or column, another type or
/// scale, or NULLs where there should be none.
Result<Rows> table_rows(const sql::Catalog& catalog, std::size_t index, std::span<const table::Table* const> database);

/// mismatch as above; exhausted when a join has more than 2^26 rows.
Result<Rows> rows_of(const sql::Relation& relation, std::span<const table::Table* const> database);

}  // namespace prism::backend::clear
