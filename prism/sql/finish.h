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

/// An estimate: numerator / denominator, denominator > 0. A denominator of 0 says "no estimate".
struct Ratio {
  Int128 numerator = 0;
  Int128 denominator = 0;
};

/// What a backend estimates for one group: numbers that need not be whole, may be below zero and may disagree.
struct GroupEstimates {
  std::vector<KeyValue> keys;     ///< as plan.group_by
  std::vector<Ratio> primitives;  ///< as plan.primitives
};

struct Estimated {
  table::ResultTable table;
  std::vector<std::size_t> group_of_row;  ///< index into the groups given, for each row of the table
};

/// As finish, from estimates, and total: no value makes an error, only a wrong shape does (mismatch, as in finish). The
/// differences, in README.md, section "Estimates": no group is dropped for its count; counts and integers are rounded
/// to whole numbers, decimals to their scale (half away from zero); a sum or statistic is not made NULL by its count;
/// averages over a count <= 0 and sample variances over a count <= 1 are NULL; a variance below zero is 0; whatever has
/// no estimate, and days outside the years 0001 to 9999, are NULL.
Result<Estimated> finish_estimates(const Plan& plan, const std::vector<GroupEstimates>& groups);

}  // namespace prism::sql
