// prism/sql/internal/from_binder.h - FROM to a Relation: tables, joins by equality, derived tables.
#pragma once
#include <span>
#include <vector>

#include "prism/sql/internal/scope.h"
#include "prism/sql/internal/syntax.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

/// A SELECT's rows before anything is selected.
struct Source {
  /// A condition of WHERE or ON that is no equality of two parts, and the parts it may name.
  struct Condition {
    const Node* node;
    std::size_t first_part, end_part;
  };
  Relation relation;
  Scope scope;
  std::vector<Condition> conditions;
};

class FromBinder {
 public:
  FromBinder(const QueryText& query, std::span<const Catalog> database) : query_(query), database_(database) {}

  /// FROM with the equalities that ON, USING and WHERE ask for; what else those ask for is left in `conditions`, which
  /// point into `select`.
  Result<Source> bind(const Select& select);
  /// All conditions of a source, as one predicate over its columns.
  Result<Predicate> where(const Source& source) const;

 private:
  Result<Relation> bind_part(const FromPart& part);
  Result<Relation> bind_table(const FromPart& part) const;
  Result<Relation> bind_derived(const FromPart& part);
  Result<DerivedColumn> bind_output(const Select::Target& target, const ColumnFinder& columns,
                                    const Relation& relation) const;
  Status check_grouped(std::size_t column, const Node& node, const ColumnFinder& columns,
                       const Relation& relation) const;
  Status check_derived(const Select& select) const;
  /// Takes an equality of two parts as a key; false when the condition is something else.
  Result<bool> take_key(const Source::Condition& condition, Source& source) const;
  Status add_key(std::size_t a, std::size_t b, Position at, Source& source) const;

  const QueryText& query_;
  std::span<const Catalog> database_;
};

}  // namespace prism::sql::internal
