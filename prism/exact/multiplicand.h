// prism/exact/multiplicand.h - plaintexts made ready for many products, and ciphertexts before the division by P.
#pragma once
#include <memory>

#include "prism/exact/noise.h"
#include "prism/exact/parameters.h"
#include "prism/rlwe/key_switch.h"

namespace prism::exact {

/// A plaintext lifted and transformed once (Evaluator::prepare), used in any number of products at `level` or below. As
/// large as one part of a ciphertext of that level; holds the plaintext's values, and is not wiped: for public ones.
struct Multiplicand {
  std::shared_ptr<const Parameters> parameters;
  rlwe::Level level{0};
  bool with_special = false;  ///< rows modulo the special primes follow those of the level
  ring::Evaluations factor;
};

/// P times a ciphertext, modulo Q*P, as rotations leave it before they divide: sums of these are divided once
/// (Evaluator::finish). `noise` bounds the ciphertext that stands behind it, without the rounding of that division.
struct ExtendedCiphertext {
  std::shared_ptr<const Parameters> parameters;
  rlwe::Extended value;
  std::uint64_t correction = 1;
  Noise noise;
  bool empty() const { return value.empty; }
  /// Stands for zero from here on; keeps the memory.
  void clear() { value.clear(); }
};

}  // namespace prism::exact
