// prism/rlwe/key_switch.h - hybrid key switching (Han-Ki 2019/688): decompose by digits of primes, raise to Q*P, multiply with the key, divide by P.
#pragma once
#include <utility>
#include <vector>

#include "prism/rlwe/keys.h"

namespace prism::rlwe {

/// The digits of a polynomial raised to Q*P: what all rotations of one ciphertext share (hoisting).
struct Decomposition {
  Level level{0};
  std::vector<ring::Evaluations> digits;   ///< each over primes(level) ∪ special
};

/// Owns the tables of one parameter set and plaintext modulus (t: BGV, the division by P keeps the message; 1: BFV, CKKS). Immutable, thread-safe.
class KeySwitcher {
 public:
  KeySwitcher(std::shared_ptr<const Parameters> parameters, std::uint64_t t);
  Decomposition decompose(const ring::Evaluations& d) const;
  /// (u0, u1) over d's primes with u0 + u1*s = d*s' + t*e: see noise(). `key` must reach d's level (mismatch otherwise).
  Result<std::pair<ring::Evaluations, ring::Evaluations>> apply(const Decomposition& d, const SwitchKey& key) const;
  /// The same for digits first moved by X -> X^g (hoisted rotation).
  Result<std::pair<ring::Evaluations, ring::Evaluations>> apply_permuted(const Decomposition& d, std::uint32_t g, const SwitchKey& key) const;
  Result<std::pair<ring::Evaluations, ring::Evaluations>> switch_key(const ring::Evaluations& d, const SwitchKey& key) const;

 private:
  std::shared_ptr<const Parameters> parameters_;
  std::uint64_t t_;
  // per level: converters of each digit and the divider by P, built on first use or at construction
};

/// What a key switch at `level` adds to each coefficient of the noise, in units of error_scale, failing with probability <= 2^-140.
struct SwitchNoise { math::Bound infinity, euclidean, canonical; };
SwitchNoise switch_noise(const Parameters& parameters, Level level, const SecretNorms& secret);

}  // namespace prism::rlwe
