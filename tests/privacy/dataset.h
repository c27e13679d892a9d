// tests/privacy/dataset.h - small datasets and all their neighbours, for tests of privacy.
#pragma once
#include <cstdint>
#include <vector>

namespace prism::privacy {

/// One row of one privacy unit.
struct Row {
  std::uint32_t unit = 0;
  std::int64_t group = 0;
  std::int64_t value = 0;
};
using Dataset = std::vector<Row>;

/// Two datasets that differ by all rows of one unit, or by the order of their rows.
struct Neighbours {
  Dataset with, without;
};

/// What datasets may hold.
struct Domain {
  std::int64_t low = 0, high = 10;  ///< values, both ends included
  std::uint32_t rows_per_unit = 1;  ///< each unit has 1 to so many rows
  std::int64_t groups = 1;          ///< group keys 0, 1, ...
  std::uint32_t most_units = 4;
  bool reordered = false;  ///< the two sides list their rows in opposite orders
};

/// Element `index` of the Halton sequence with this base, in [0, 1).
double halton(std::uint64_t index, unsigned base);

/// Neighbours out of datasets with Halton values (and, first, with all values at the ends of the domain): of each
/// dataset every subset of its units, and every way to remove one more unit. `most` of them, taken evenly from all of
/// `datasets` datasets.
std::vector<Neighbours> neighbours(const Domain& domain, std::size_t datasets, std::size_t most);

}  // namespace prism::privacy
