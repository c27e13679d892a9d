// prism/ckks/internal/integer_rows.h - 128-bit coefficients as residues modulo any prime, without a branch or a
// division on them.
#pragma once
#include "prism/ckks/plaintext.h"

namespace prism::ckks {

/// The coefficients of a plaintext, cut into limbs that kernels take.
class IntegerRows {
 public:
  explicit IntegerRows(const Plaintext& plaintext);
  /// Writes the residues modulo one prime of the ring: N words, 64-byte aligned.
  void write(std::uint64_t* out, const kernels::Modulus& m) const;

 private:
  const ring::Ring& ring_;
  secret::SecretVector<std::uint64_t> limbs_;  // low, middle, high and a row of ones
};

/// The residue of an integer below 2^126 in size modulo q.
std::uint64_t reduce_wide(Int128 value, std::uint64_t q);

/// The plaintext over the primes of a level, transformed: one transform a prime.
ring::Evaluations lift(const Plaintext& plaintext, rlwe::Level level);

}  // namespace prism::ckks
