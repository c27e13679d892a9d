// prism/sql/finish.h - from the counted and summed whole numbers to the rows of the answer.
//
// The rules stand in README.md, section "Finishing rules".
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/sql/plan.h"
#include "prism/table/result_table.h"

namespace prism::sql {

/// NULL, the scaled value of a number or date, or text.
using KeyValue = std::variant<std::monostate, std::int64_t, std::string>;

/// What a backend found for one group.
struct GroupValues {
  std::vector<KeyValue> keys;      ///< as plan.group_by
  std::vector<Int128> primitives;  ///< as plan.primitives
};

/// Evaluates, filters, orders and renders. Groups come in any order; each combination of keys at most once. Without
/// GROUP BY exactly one. Booleans are rendered as text columns, the type of numeric columns is decimal. Errors:
/// mismatch when the groups do not have the plan's shape or a key has the wrong type or repeats; integrity for counts
/// below zero and sums of squares too small for their sums.
Result<table::ResultTable> finish(const Plan& plan, const std::vector<GroupValues>& groups);

}  // namespace prism::sql
