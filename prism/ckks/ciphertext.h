// prism/ckks/ciphertext.h - what CKKS computes on.
#pragma once
#include <memory>
#include <vector>

#include "prism/ckks/noise.h"
#include "prism/ckks/parameters.h"
#include "prism/ring/sampler.h"

namespace prism::ckks {

/// Two parts, or three between a product and its relinearisation, transformed, over the primes of `level`: c0 + c1 s (+
/// c2 s^2) = scale*(message + error) mod Q, bounded by `noise` in every slot. Megabytes: copied by clone() only.
struct Ciphertext {
  std::shared_ptr<const Parameters> parameters;  // shared with every other value of the parameter set
  std::vector<ring::Evaluations> parts;
  rlwe::Level level{0};
  Scale scale;
  Noise noise;
  Ciphertext clone() const;
};

/// A fresh symmetric ciphertext at half its size: the second part is uniform(seed, stream).
struct SeededCiphertext {
  std::shared_ptr<const Parameters> parameters;
  ring::Evaluations b;
  ring::Seed seed{};
  std::uint64_t stream = 0;
  rlwe::Level level{0};
  Scale scale;
  Noise noise;
};
/// Costs the expansion of N residues a prime.
Ciphertext expand(const SeededCiphertext& seeded);

/// Whether polynomials whose coefficients are at most `phase` survive modulo Q of this level: phase < Q/2, with the
/// margin that rounded logarithms ask.
bool decrypts(const Parameters& parameters, rlwe::Level level, math::Bound phase);

}  // namespace prism::ckks
