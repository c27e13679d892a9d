// prism/ckks/internal/integer_rows.h - 128-bit coefficients as residues modulo any prime, without a branch or a
// division on them.
#pragma once
#include "prism/ckks/plaintext.h"

namespace prism::ckks {

/// The coefficients of a plaintext, cut into limbs that kernels take: one below 2^48, two below 2^96, else three. Which
/// is read off the plaintext's public bounds.
class IntegerRows {
 public:
  /// How many rows of N words it works in.
  static std::size_t rows(const Plaintext& plaintext) { return limbs_of(plaintext) + 1; }
  /// `memory`: 64-byte aligned, for the life of this object; holds what the plaintext holds. `errors`, if any: one
  /// small integer per coefficient (below 2^31 in size) that is added.
  IntegerRows(const Plaintext& plaintext, std::uint64_t* memory, std::span<const std::int32_t> errors = {});
  /// Writes the residues modulo one prime of the ring: N words, 64-byte aligned.
  void write(std::uint64_t* out, const kernels::Modulus& m) const;

 private:
  static std::size_t limbs_of(const Plaintext& plaintext);

  const ring::Ring& ring_;
  const std::uint64_t* memory_;  // the limbs, lowest first, and a row of ones
  std::size_t limbs_;
};

/// The residue of an integer below 2^126 in size modulo q.
std::uint64_t reduce_wide(Int128 value, std::uint64_t q);

/// The plaintext over some primes, transformed: one transform a prime. What it holds stays in the workspace.
void lift(ring::Evaluations& out, const Plaintext& plaintext, const ring::PrimeSet& primes, ring::Workspace& workspace);

}  // namespace prism::ckks
