// prism/sql/internal/leaves.h - what the leaves of an expression are worth in one group: exactly, or estimated.
#pragma once
#include "prism/sql/finish.h"
#include "prism/sql/internal/value.h"

namespace prism::sql::internal {

/// By README's finishing rules. Errors: integrity for numbers that cannot be (a negative count or variance).
class ExactLeaves final : public Leaves {
 public:
  explicit ExactLeaves(const GroupValues& group) : group_(group) {}
  Result<Value> value(const Expression& leaf) const override;

 private:
  Result<Value> sum(const Expression& e) const;
  Result<Value> spread(const Expression& e) const;
  Result<Int128> count(const Expression& e) const;

  const GroupValues& group_;
};

/// By README's rules for estimates. Never an error.
class EstimatedLeaves final : public Leaves {
 public:
  explicit EstimatedLeaves(const GroupEstimates& group) : group_(group) {}
  Result<Value> value(const Expression& leaf) const override;

 private:
  /// Absent: no estimate.
  std::optional<mpq_class> primitive(std::size_t index) const;
  Value average(const Expression& e) const;
  Value spread(const Expression& e) const;

  const GroupEstimates& group_;
};

/// Whether a number of days has a name: years 0001 to 9999.
bool in_calendar(const mpq_class& day);

}  // namespace prism::sql::internal
