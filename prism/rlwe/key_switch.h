// prism/rlwe/key_switch.h - hybrid key switching (Han-Ki 2019/688): decompose by digits of primes, raise to Q*P,
// multiply with the key, divide by P.
#pragma once
#include <utility>
#include <vector>

#include "prism/ring/conversion.h"
#include "prism/rlwe/keys.h"

namespace prism::rlwe {

/// The digits of a polynomial raised to Q*P: what all rotations of one ciphertext share (hoisting).
struct Decomposition {
  Level level{0};
  std::vector<ring::Evaluations> digits;  ///< each over primes(level) ∪ special
};

/// Owns the tables of one parameter set and plaintext modulus (t: BGV, the division by P keeps the message; 1: BFV,
/// CKKS). Immutable, thread-safe. With L primes at the level, k special ones and n digits, decompose costs L + n*(L+k)
/// - L transforms and n base conversions, apply 2n multiplications per prime and 2(L+k) transforms.
class KeySwitcher {
 public:
  /// t is coprime to P and below 2^50 (checked). Parameters without special primes are fine until something is
  /// switched.
  KeySwitcher(std::shared_ptr<const Parameters> parameters, std::uint64_t t);
  /// d must be over the primes of a level, and there must be special primes (broken invariants otherwise).
  Decomposition decompose(const ring::Evaluations& d) const;
  /// (u0, u1) over d's primes with u0 + u1*s = d*s' + t*e: see switch_noise(). Errors (mismatch): a key that does not
  /// reach d's level, whose error scale is not t, or of another ring.
  Result<std::pair<ring::Evaluations, ring::Evaluations>> apply(const Decomposition& d, const SwitchKey& key) const;
  /// The same for digits first moved by X -> X^g (hoisted rotation): what apply gives for the decomposition of
  /// automorphism(d, g). Bit for bit with one prime per digit; with more, except when a coefficient is within 2^-43 of
  /// half a digit, where the two may round apart and both are within the bound.
  Result<std::pair<ring::Evaluations, ring::Evaluations>> apply_permuted(const Decomposition& d, std::uint32_t g,
                                                                         const SwitchKey& key) const;
  Result<std::pair<ring::Evaluations, ring::Evaluations>> switch_key(const ring::Evaluations& d,
                                                                     const SwitchKey& key) const;

 private:
  struct Tables {
    ring::PrimeSet base, extended;                ///< primes(level), and with the special ones
    std::vector<ring::BaseConverter> converters;  ///< digit -> all other primes of `extended`
    ring::Divider by_special;
  };
  const Tables& tables(Level level) const { return levels_[static_cast<std::size_t>(level.value)]; }
  Status check_key(Level level, const SwitchKey& key) const;
  Level level_of(const ring::Evaluations& d) const;
  /// permutation: null for none.
  std::pair<ring::Evaluations, ring::Evaluations> multiply(const Decomposition& d,
                                                           const std::vector<std::uint32_t>* permutation,
                                                           const SwitchKey& key) const;

  /// apply(decompose(d), key) for one prime per digit, without holding the digits.
  std::pair<ring::Evaluations, ring::Evaluations> stream(const ring::Evaluations& d, Level level,
                                                         const SwitchKey& key) const;

  std::shared_ptr<const Parameters> parameters_;
  std::uint64_t t_;
  std::vector<Tables> levels_;  ///< empty without special primes
};

/// What a key switch at `level` adds to the noise, in units of error_scale.
struct SwitchNoise {
  math::Bound infinity, euclidean, canonical;
};
/// Fails with probability <= 2^-158 over the key's errors and the rounding; assumes that the digits and the rounding do
/// not depend on the errors, which is what RLWE says of anyone without the secret key. Derived in switch_noise.cpp.
SwitchNoise switch_noise(const Parameters& parameters, Level level, const SecretNorms& secret);
/// Assumes nothing about errors, digits or rounding but their largest values; of the secret only its norms.
SwitchNoise strict_switch_noise(const Parameters& parameters, Level level, const SecretNorms& secret);

}  // namespace prism::rlwe
