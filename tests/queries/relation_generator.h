// tests/queries/relation_generator.h - questions over several tables, each spelled twice.
//
// Joins, derived tables inside and beside each other, three-valued conditions, groups by up to four keys, and the
// aggregates whose answers are exact. `sql` is in our dialect. `engine` asks the same of a database whose tables are
// t0, t1, ... with columns c0, c1, ... that hold scaled whole numbers: a second implementation can answer it that never
// saw our grammar, binder or plan. The same seed gives the same questions.
#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "prism/table/table.h"

namespace prism::queries {

struct RelationQuery {
  std::string sql;
  std::string engine;
  std::string kind;  ///< "table", "join", "derived", "derived join", ...
};

/// A column of the database: table, then column.
using Place = std::pair<std::size_t, std::size_t>;

struct RelationOptions {
  bool joins = true;
  bool derived = true;
  int deepest = 3;        ///< derived tables inside each other
  std::size_t parts = 3;  ///< tables and derived tables of one FROM at the most
  /// Averages, variances, arithmetic, ORDER BY and LIMIT as well: things that only exact rationals answer exactly. Then
  /// `engine` is empty.
  bool rationals = false;
};

class RelationGenerator {
 public:
  /// `links` are pairs of columns that may be joined: of one type and scale, and with few rows per value. The tables
  /// must outlive the generator.
  RelationGenerator(std::vector<const table::Table*> tables, std::vector<std::pair<Place, Place>> links,
                    RelationOptions options, std::uint64_t seed);
  RelationQuery next();

 private:
  /// A text in both spellings.
  struct Text {
    std::string sql, engine;
    Text& operator+=(const Text& o);
    Text& operator+=(const std::string& o);
  };
  struct Column {
    std::string part;  ///< name of its table in FROM
    Text name;         ///< without the part
    table::ColumnType type = table::ColumnType::integer;
    int scale = 0;
    std::optional<Place> origin;  ///< absent for what was aggregated
  };
  struct Rows {
    Text from;
    std::vector<Column> columns;
    std::vector<Text> conditions;  ///< equalities for WHERE, when FROM has commas
  };

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  Rows rows(int depth);
  Rows part(int depth);
  Rows table();
  Rows derived(int depth);
  bool add_part(Rows& rows, Rows part);
  bool linked(const Column& a, const Column& b) const;
  Text written(const Column& column);
  Text constant(const Column& column);
  Text leaf(const std::vector<Column>& columns);
  Text condition(const std::vector<Column>& columns, std::uint64_t leaves);
  Text where(const Rows& rows);
  Text aggregate(const std::vector<Column>& columns);
  std::string rational(const std::vector<Column>& columns);

  std::vector<const table::Table*> tables_;
  std::vector<std::pair<Place, Place>> links_;
  RelationOptions options_;
  std::mt19937_64 random_;
  int names_ = 0;
  bool joined_ = false, derived_ = false;
};

}  // namespace prism::queries
