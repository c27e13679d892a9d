// prism/exact/ciphertext.h - what BGV and BFV compute on.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "prism/exact/noise.h"
#include "prism/exact/parameters.h"
#include "prism/ring/sampler.h"

namespace prism::exact {

/// Two parts, or three between a product and its relinearisation, transformed, over the primes of `level`.
/// The noise polynomial is v = c0 + c1 s (+ c2 s^2) mod Q for BGV, with v = correction*m mod t; and v = t*(c0 + c1 s (+
/// c2 s^2)) mod Q for BFV, with v = -Q*m mod t. `noise` bounds v. Megabytes: copied by clone() only.
struct Ciphertext {
  std::shared_ptr<const Parameters> parameters;  // shared with every other value of the parameter set
  std::vector<ring::Evaluations> parts;
  rlwe::Level level{0};
  std::uint64_t correction = 1;  ///< BFV: 1
  Noise noise;
  Ciphertext clone() const;
};
/// out = a, in the memory that `out` has.
void copy(Ciphertext& out, const Ciphertext& a);

/// A fresh symmetric ciphertext at half its size: the second part is uniform(seed, stream).
struct SeededCiphertext {
  std::shared_ptr<const Parameters> parameters;
  ring::Evaluations b;
  ring::Seed seed{};
  std::uint64_t stream = 0;
  rlwe::Level level{0};
  std::uint64_t correction = 1;
  Noise noise;
};
/// Costs the expansion of N residues a prime.
Ciphertext expand(const SeededCiphertext& seeded);
/// A ciphertext from rows kept elsewhere: `b` holds primes(level).size() rows of N canonical residues (what
/// encrypt_row_into wrote). Correction and noise are those of every fresh symmetric ciphertext of the level.
Ciphertext expand(std::shared_ptr<const Parameters> parameters, std::span<const std::uint64_t> b,
                  const ring::Seed& seed, std::uint64_t stream, rlwe::Level level, const Noise& noise);
/// Names the randomness of (seed, stream): ciphertexts of different streams share no ancestry.
Ancestry ancestry_of(const ring::Seed& seed, std::uint64_t stream);

/// The constant coefficient of a ciphertext, alone: modulo each prime p_i of the level, phase = b[i] + sum_j a[i][j] *
/// s_j, where s_j are the coefficients of the secret. Decrypts to the constant coefficient of the message; the sum of
/// all slots is N times that.
struct LweSample {
  std::shared_ptr<const Parameters> parameters;
  std::vector<Residues> a;       ///< one row of N residues per prime
  std::vector<std::uint64_t> b;  ///< one residue per prime
  rlwe::Level level{0};
  std::uint64_t correction = 1;
  math::Bound noise;  ///< of the phase's noise
};

}  // namespace prism::exact
