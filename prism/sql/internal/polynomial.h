// prism/sql/internal/polynomial.h - what may stand inside SUM, AVG and COUNT: constants times products of up to two
// columns, added up.
#pragma once
#include <gmpxx.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "prism/sql/internal/scope.h"
#include "prism/sql/internal/syntax.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

/// A constant factor: digits / 10^scale, an integer to PostgreSQL or not.
struct Factor {
  mpz_class digits;
  int scale = 0;
  bool whole = true;

  Factor plus(const Factor& o, int sign) const;
  Factor times(const Factor& o) const;
};

struct Polynomial {
  std::map<std::vector<std::size_t>, Factor> terms;  ///< the empty product is the constant
  std::set<std::size_t> columns;                     ///< named, even where the factor came out as 0
};

/// Reads the argument of the aggregate `call`.
class PolynomialReader {
 public:
  PolynomialReader(const QueryText& query, const ColumnFinder& finder, const Catalog& catalog, const std::string& call)
      : query_(query), finder_(finder), catalog_(catalog), call_(call) {}
  Result<Polynomial> read(const Node& node) const;

 private:
  Error refuse(const Node& node) const;
  Result<Polynomial> read_binary(const Node& node) const;

  const QueryText& query_;
  const ColumnFinder& finder_;
  const Catalog& catalog_;
  const std::string& call_;
};

}  // namespace prism::sql::internal
