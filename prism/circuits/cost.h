// prism/circuits/cost.h - what a circuit costs, in operations that take time.
#pragma once
#include <cstddef>

#include "prism/rlwe/parameters.h"

namespace prism::circuits {

/// Circuits state it before they run, and count it while they run when they are given a Cost to add to.
struct Cost {
  int levels = 0;                  ///< between the operand and the result
  std::size_t decompositions = 0;  ///< a part raised to Q*P; rotations of one ciphertext share one
  std::size_t switches = 0;        ///< digits times a key: reads one key each
  std::size_t divisions = 0;       ///< of one part by P, or by P and the primes of a level at once
  std::size_t plain_products = 0;  ///< ciphertexts times an encoded plaintext
  std::size_t rescales = 0;        ///< of a ciphertext of two parts, apart from a division by P
  std::size_t products = 0;        ///< of two ciphertexts

  bool operator==(const Cost&) const = default;
  Cost& operator+=(const Cost& other);
  friend Cost operator+(Cost a, const Cost& b) { return a += b; }
  /// Transforms of one row when all of it happens at `level`, with L primes there, k special ones and n digits: n(L+k)
  /// for a decomposition, L+k for a division, 2L for a rescale. Nothing else above has any.
  std::size_t transforms(const rlwe::Parameters& parameters, rlwe::Level level) const;
};

}  // namespace prism::circuits
