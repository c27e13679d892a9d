// tests/queries/query_generator.h - questions that a sealed table should answer, made from its roles and its data.
//
// Everything the dialect has and the roles allow turns up: aggregates and arithmetic over them, nested conditions with
// literals that are in the data, at its ends, outside it, or have digits too many, groups, HAVING, ORDER BY, LIMIT.
// The same seed gives the same questions.
#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "prism/sealed/layout.h"
#include "prism/table/table.h"
#include "tests/queries/condition.h"

namespace prism::queries {

struct Query {
  std::string sql;
  std::string kind;  ///< "where", "where group", ...: what its time depends on
  std::optional<Condition> where;
};

struct Shape {
  std::uint64_t most_groups = 100;                                  ///< of two group columns together
  std::vector<std::uint64_t> leaves = {1, 1, 1, 2, 2, 2, 3, 3, 4};  ///< comparisons in a WHERE, equally likely
};

class QueryGenerator {
 public:
  /// Both references must outlive the generator.
  QueryGenerator(const sealed::Header& header, const table::Table& table, Shape shape, std::uint64_t seed);
  Query next();

 private:
  struct Column {
    std::size_t table = 0;  ///< its number in the table
    const sealed::Column* sealed = nullptr;
  };

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  const table::Column& data(const Column& c) const { return table_.columns[c.table]; }
  std::string name(const Column& c) const { return quoted_name(data(c).schema.name); }

  Constant constant(const Column& column);
  Condition leaf();
  Condition condition(std::uint64_t leaves);
  std::string number();
  std::string aggregate();
  std::string value(const std::vector<Column>& groups, int depth);
  std::string having(const std::vector<Column>& groups, int depth);
  /// With `selections` products still to come: one for a condition, one for groups.
  bool can_multiply(std::size_t a, std::size_t b, int selections) const;

  const sealed::Header& header_;
  const table::Table& table_;
  Shape shape_;
  std::mt19937_64 random_;
  std::vector<Column> columns_, measures_, filters_, groups_;
  std::vector<std::pair<std::size_t, std::size_t>> products_;  ///< of columns_, for the question at hand
};

}  // namespace prism::queries
