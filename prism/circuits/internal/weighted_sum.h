// prism/circuits/internal/weighted_sum.h - linear combinations of ciphertexts with integer weights: one pass over the
// rows, whatever the number of terms.
#pragma once
#include <span>
#include <vector>

#include "prism/base/int128.h"
#include "prism/ring/poly.h"

namespace prism::circuits {

/// weight * (parts[0], parts[1]); a term may have more primes than the sum: rows are found by position, so the primes
/// of the sum must be the first of every term's.
struct WeightedTerm {
  const std::vector<ring::Evaluations>* parts;
  Int128 weight;
};

/// sum += terms, parts 0 and 1, over `primes`; an empty sum (no parts) is zero and becomes one of two parts.
void add_weighted(std::vector<ring::Evaluations>& sum, std::span<const WeightedTerm> terms, const ring::Ring& ring,
                  const ring::PrimeSet& primes);

}  // namespace prism::circuits
