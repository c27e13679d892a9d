// prism/exact/decryptor.h - ciphertexts to plaintexts, never past the public noise bound.
#pragma once
#include <vector>

#include "prism/exact/ciphertext.h"
#include "prism/exact/plaintext.h"
#include "prism/math/natural.h"
#include "prism/rlwe/keys.h"

namespace prism::exact {

/// Keeps a reference to the key, which must outlive it. Immutable, thread-safe. Branch-free in the key and in what it
/// decrypts. What decrypts, and that something was refused, must not reach anyone who can choose ciphertexts.
class Decryptor {
 public:
  Decryptor(const rlwe::SecretKey& key, std::shared_ptr<const Parameters> parameters);

  /// Refuses (noise_exceeded) when the bound does not exclude a wrong result, (mismatch) another parameter set. Two or
  /// three parts.
  Result<Plaintext> decrypt(const Ciphertext& ciphertext) const;
  /// The message's constant coefficient, in [0, t).
  Result<std::uint64_t> decrypt_lwe(const LweSample& sample) const;
  /// Several samples of one level and correction at the cost of one: at most N.
  Result<std::vector<std::uint64_t>> decrypt_lwe(std::span<const LweSample> samples) const;
  /// The noise polynomial itself, centred, whatever the bound says. For tests: it reveals the key to whoever sees
  /// enough of it.
  Result<std::vector<math::Integer>> phase(const Ciphertext& ciphertext) const;
  /// log2 of the largest |v_k|; minus infinity for zero. For tests and measurements by the key holder only.
  Result<double> measured_noise(const Ciphertext& ciphertext) const;

 private:
  ring::Coefficients raw_phase(const Ciphertext& ciphertext, const ring::PrimeSet& primes) const;
  ring::PrimeSet sufficient_primes(rlwe::Level level, math::Bound bound) const;
  Status check_sizes(const Ciphertext& ciphertext) const;
  Plaintext to_plaintext(ring::Coefficients&& phase, rlwe::Level level, std::uint64_t correction) const;
  const rlwe::SecretKey* key_;
  std::shared_ptr<const Parameters> parameters_;
};

/// Whether |v| <= `bound` < Q/2 at this level, with the margin that fixed-point conversion asks.
bool decrypts(const Parameters& parameters, rlwe::Level level, math::Bound bound);

}  // namespace prism::exact
