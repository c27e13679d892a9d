// prism/fhe/intent.h - what is to be computed, in words of the problem; parameters and keys follow from it.
//
// Depth counts what a value goes through one after another: each product with a ciphertext, with a public vector or
// with a fraction is one (sums and products with integers are none). mean() adds one for Approximate. A mask is one:
// rotate() takes it, but for an Approximate vector that fills exactly one ciphertext; and of a vector that does not
// fill its ciphertexts and to which a single sum or mean was added, or which is the result of evaluate(), so do sums
// and Chebyshev series.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "prism/ckks/parameters.h"
#include "prism/exact/parameters.h"
#include "prism/rlwe/keys.h"

namespace prism::fhe {

using rlwe::Security;

/// Which evaluation keys the key holder makes. Each costs memory (Context::describe() says how much), so none is made
/// that was not asked for; depth > 0 makes the relinearisation key.
struct Movement {
  bool sums = false;  ///< sum(), mean(), dot(): log2 N keys
  /// rotate() by exactly these, one key each: one key switch. For Approximate vectors that fill their ciphertexts, and
  /// Exact ones of N/2 values; others turn at their end by another number of slots, and need any_rotation.
  std::vector<int> rotations{};
  bool any_rotation =
      false;  ///< rotate() by any number: log2 N keys (those of sums), one switch for each bit that is set
};

/// Real numbers, with an error that is bounded and small: CKKS.
struct ApproximateIntent {
  int depth = 1;
  int precision_bits = 20;       ///< the error of every result is at most 2^-precision_bits
  double largest_magnitude = 1;  ///< of every input; public. Magnitudes multiply: a product of two 10s is a 100
  std::size_t values = 1;        ///< in the longest vector that is summed
  std::size_t additions = 2;     ///< vectors added up after the last product
  Movement movement{};
  Security security = Security::bits128;
};

/// Whole numbers, exactly: BGV (cheap products) or BFV (the same modulus at every depth).
struct ExactIntent {
  int depth = 1;
  std::uint64_t largest_value = 1 << 20;  ///< |v| of any input or result; beyond it, arithmetic is modulo t
  std::size_t additions = 2;              ///< vectors added up after the last product
  Movement movement{};
  Security security = Security::bits128;
  exact::Scheme scheme = exact::Scheme::bgv;
};

/// The smallest parameters that carry the intent. Errors: unsupported when none do, naming what would;
/// invalid_argument for an intent that makes no sense.
Result<std::shared_ptr<const ckks::Parameters>> parameters_for(const ApproximateIntent& intent);
Result<std::shared_ptr<const exact::Parameters>> parameters_for(const ExactIntent& intent);

/// The keys that `depth` and `movement` ask for, all usable at every level. invalid_argument for a rotation by N/2 or
/// more.
Result<std::vector<rlwe::KeyId>> keys_for(const rlwe::Parameters& parameters, int depth, const Movement& movement);

}  // namespace prism::fhe
