// prism/sql/internal/scope.h - the columns that names in one SELECT may mean.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "prism/sql/internal/query_text.h"
#include "prism/sql/internal/syntax.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

/// The parts of FROM and their columns, one part after the other.
struct Scope {
  struct Part {
    std::string name;   ///< its alias, else its own
    std::size_t first;  ///< of its columns
    std::size_t count;
  };
  std::vector<Part> parts;
  std::vector<std::string> names;  ///< of the columns alone
  std::vector<bool> hidden;        ///< one of the two columns that USING makes one

  void add(const std::string& name, const std::vector<table::ColumnSchema>& columns);
  std::size_t part_of(std::size_t column) const;
};

/// The place of a column. not_found suggests the nearest name; invalid_argument when several columns answer to it.
class ColumnFinder {
 public:
  ColumnFinder(const QueryText& query, const Scope& scope) : query_(query), scope_(scope) {}
  /// Sees only the parts from `first` up to `end`.
  ColumnFinder(const QueryText& query, const Scope& scope, std::size_t first, std::size_t end)
      : query_(query), scope_(scope), first_(first), end_(end) {}
  Result<std::size_t> find(const Node& column) const;
  /// As find, but no column of that name is no error.
  bool knows(const Node& column) const;
  /// The columns that a star stands for.
  Result<std::vector<std::size_t>> all(const Node& star) const;
  /// As a query has to write it, with its part where there are several.
  std::string written(std::size_t column) const;

 private:
  std::size_t end() const { return std::min(end_, scope_.parts.size()); }
  /// The one part that the qualifier names; without one, all that are seen.
  Result<std::pair<std::size_t, std::size_t>> range(const Node& column) const;
  Error unknown(const Node& column, std::size_t first, std::size_t end) const;

  const QueryText& query_;
  const Scope& scope_;
  std::size_t first_ = 0;
  std::size_t end_ = SIZE_MAX;
};

/// Two identifiers that mean the same: equal but for ASCII case. PostgreSQL cuts identifiers at 63 bytes; so is `name`.
bool same_identifier(std::string_view name, std::string_view written);
/// The candidate with the smallest edit distance to `wanted`, if it is near; otherwise empty.
std::string nearest_name(std::string_view wanted, const std::vector<std::string_view>& candidates);
/// A name as it has to be written in SQL: in double quotes unless it is plain.
std::string quoted_name(const std::string& name);

}  // namespace prism::sql::internal
