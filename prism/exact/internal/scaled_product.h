// prism/exact/internal/scaled_product.h - BFV's product: tensor over the integers, times t/Q, rounded.
//
// Halevi-Polyakov-Shoup (ePrint 2018/117, section 4) in fixed point. Operands are raised exactly from Q to Q*B, where
// no product wraps: |tensor| <= N*Q^2/2, so the scaled one is at most t*N*Q/2 + 1/2 < B/2. Then, with x the tensor's
// residues and z_i = x_i*t*(Q/q_i)^-1 mod q_i, v = round(sum z_i/q_i):
//   y = round(t*x/Q) = t*x/Q - sum z_i/q_i + v      modulo every prime b_j of B: one inner product of L + 2 rows,
//   y modulo q_i = sum_j w_j*B/b_j - v'*B           with w_j = y_j*(B/b_j)^-1 mod b_j, which the first inner product
//                                                   gives at once because its constants carry the factor, v' =
//                                                   round(sum w_j/b_j).
// Nothing but the inner products touches a residue twice. Fixed point may round the first quotient v the other way only
// within 64*2^-49 of a tie, which the bound on y's rounding covers (docs/noise.md); v' is exact, since B leaves room.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "prism/exact/parameters.h"
#include "prism/ring/poly.h"

namespace prism::exact {

/// The tables of one level. Immutable. L primes at the level, K auxiliary ones (K = L + 1 or L + 2).
class ScaledProduct {
 public:
  ScaledProduct(const Parameters& parameters, rlwe::Level level);
  /// Words that multiply() borrows.
  std::size_t scratch_words() const { return (4 * auxiliary_.size() + 3 * base_.size()) * degree_ + tile_words(); }
  /// out[0] + out[1] s + out[2] s^2 = round(t/Q * (a0 + a1 s)(b0 + b1 s)): three arrays of L rows of N residues, L
  /// given by the level, transformed. `a` and `b` are two transformed polynomials each; the same pointers for a square,
  /// which costs 2L + 2K transforms and two conversions less.
  /// Costs 10L + 7K transforms and 10 base conversions between L and K primes: at N = 2^14 with 6 primes three fifths
  /// and a fifth of the time. Tensors take the place of raised operands, so that less memory is gone through.
  void multiply(const std::array<std::uint64_t*, 3>& out, const std::array<const ring::Evaluations*, 2>& a,
                const std::array<const ring::Evaluations*, 2>& b, std::uint64_t* scratch) const;
  const ring::PrimeSet& primes() const { return base_; }

 private:
  std::size_t tile_words() const;
  void raise(std::uint64_t* rows, const ring::Evaluations& x, std::uint64_t* coefficients, std::uint64_t* tile) const;
  void scale(std::uint64_t* out, const std::uint64_t* base, const std::uint64_t* auxiliary, std::uint64_t* tile) const;

  const ring::Ring* ring_;  // wide: ciphertext primes at their own indexes, auxiliary ones after them
  std::size_t degree_;
  ring::PrimeSet base_, auxiliary_;
  std::vector<kernels::Modulus> base_moduli_, auxiliary_moduli_;
  std::vector<kernels::Multiplier> raise_;            // (Q/q_i)^-1 mod q_i
  std::vector<std::vector<std::uint64_t>> raise_to_;  // [j][i] = Q/q_i mod b_j, then -Q mod b_j
  std::vector<kernels::Multiplier> scale_;            // t*(Q/q_i)^-1 mod q_i
  std::vector<std::vector<std::uint64_t>> scale_to_;  // [j]: factors of z_i, v and x_j in w_j
  std::vector<std::vector<std::uint64_t>> back_to_;   // [i][j] = B/b_j mod q_i, then -B mod q_i
};

}  // namespace prism::exact
