// prism/sealed/parameters.h - which ring, primes and plaintext modulus a table gets.
#pragma once
#include <functional>

#include "prism/exact/parameters.h"

namespace prism::sealed {

/// What the queries over a table may look like at worst.
struct Demand {
  std::uint64_t rows = 1;
  int measure_level = 0, group_level = 0, predicate_level = 0, filter_level = 0;
  int leaf_depth = 0;  ///< products inside one comparison
  bool filters = false, groups = false;
  rlwe::Security security = rlwe::Security::bits128;
};

/// How many rows of N residues the table takes per block with this t: a smaller t has smaller primes and more limbs.
/// Infinite: impossible.
using RowsForPlain = std::function<double(std::uint64_t t)>;

/// Smallest N first; then the t of at most 33 bits (more only for very many rows) that makes the smallest file, the
/// largest of equals, with primes below 2^50 about 17 bits larger; the worst planned circuit must decrypt by the noise
/// model. One prime a level; one special prime when anything is multiplied. insecure when even N = 2^16 does not carry
/// it. Without `rows_for` the largest t and the largest primes.
Result<std::shared_ptr<const exact::Parameters>> choose_parameters(const Demand& demand,
                                                                   const RowsForPlain& rows_for = {});

/// The widest limbs whose sums over `rows` rows stay within (-t/2, t/2).
int widest_limb_bits(std::uint64_t rows, std::uint64_t t);

}  // namespace prism::sealed
