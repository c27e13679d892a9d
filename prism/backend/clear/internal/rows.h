// prism/backend/clear/internal/rows.h - which rows count, and what is counted and summed over them.
#pragma once
#include <gmpxx.h>

#include <cstdint>
#include <vector>

#include "prism/backend/clear/internal/value.h"
#include "prism/sql/plan.h"
#include "prism/table/table.h"

namespace prism::backend::clear {

struct Group {
  std::vector<Value> keys;            ///< as plan.group_by
  std::vector<mpz_class> primitives;  ///< as plan.primitives
  /// As plan.primitives: the values that distinct counts, minima, maxima and quantiles look at when all are there.
  std::vector<std::vector<std::int64_t>> values;
};

/// The groups that have rows; exactly one without GROUP BY. `columns` are the plan's, found in the table.
std::vector<Group> groups_of(const sql::Plan& plan, const std::vector<const table::Column*>& columns, std::size_t rows);

/// Whether one row satisfies the predicate.
bool satisfies(const sql::Predicate& predicate, const std::vector<const table::Column*>& columns, std::size_t row);

}  // namespace prism::backend::clear
