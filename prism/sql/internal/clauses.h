// prism/sql/internal/clauses.h - what GROUP BY and ORDER BY may name: columns, outputs by place, outputs by alias.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "prism/sql/internal/scope.h"
#include "prism/sql/internal/syntax.h"

namespace prism::sql::internal {

inline constexpr std::size_t kMostGroupColumns = 4;

class ClauseBinder {
 public:
  ClauseBinder(const QueryText& query, const Select& select, const ColumnFinder& columns)
      : query_(query), select_(select), columns_(columns) {}

  /// The columns of GROUP BY, each once, in the order written.
  Result<std::vector<std::size_t>> groups() const;
  /// The output a whole-number constant names by its place, counted from 1.
  Result<std::size_t> ordinal(const Node& node, std::string_view clause) const;
  /// The output of this name. Two of one name are fine when they are the same expression; `ambiguous` tells that they
  /// are not.
  std::optional<std::size_t> named_output(const Node& node, bool aliases_only, bool& ambiguous) const;

 private:
  const QueryText& query_;
  const Select& select_;
  const ColumnFinder& columns_;
};

}  // namespace prism::sql::internal
