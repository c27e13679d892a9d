// prism/backend/dp/internal/slow_relation_test.h - for tests: a plan's rows one by one, with clamping and bounds.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "prism/backend/dp/relational.h"
#include "prism/backend/dp/relational_load.h"
#include "prism/sql/finish.h"
#include "prism/sql/plan.h"
#include "prism/table/table.h"

namespace prism::backend::dp {

struct SlowRow {
  std::vector<sql::KeyValue> cells;
  sql::KeyValue unit;  ///< NULL in public rows
};

/// Where a group of a unit stands among its groups: the engine's hash, which is arbitrary to the slow reading.
using GroupHash = std::function<std::uint64_t(const sql::KeyValue& unit, const std::vector<sql::KeyValue>& keys)>;

class SlowRelation {
 public:
  SlowRelation(const sql::Plan& plan, const Layout& layout, const RelationFacts& facts,
               const std::vector<table::Table>& tables, const RowKey& key);

  /// Before WHERE: the most rows that name one unit; 0 for public rows.
  std::uint64_t most_rows_of_unit() const;
  std::vector<GroupNumbers> groups(const AggregateRequest& request, const GroupHash& hash) const;

 private:
  std::vector<SlowRow> of(const sql::Relation& relation, const RelationFacts& facts) const;
  std::vector<SlowRow> table(std::size_t number) const;
  std::vector<SlowRow> derived(const sql::Relation& relation, const RelationFacts& facts) const;

  const sql::Plan& plan_;
  const Layout& layout_;
  const RelationFacts& facts_;
  const std::vector<table::Table>& tables_;
  RowKey key_;
  std::vector<SlowRow> rows_;
};

}  // namespace prism::backend::dp
