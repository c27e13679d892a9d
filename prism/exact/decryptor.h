// prism/exact/decryptor.h - ciphertexts to plaintexts, never past the public noise bound.
//
// May results be shown to others? An exact result carries no noise, so what stands against approximate schemes (Li,
// Micciancio, ePrint 2020/1533) finds nothing to read, and there is one decrypt(), not a private and a flooded one.
// What reveals keys of exact schemes is decryption that fails: a wrong result says that the noise passed Q/2, and a few
// of those solve for the secret (Cheon et al., ePrint 2024/127; Checri et al., ePrint 2024/116). Their circuits make
// noise that average-case estimates do not foresee. Here the bound is worst-case over messages and circuits and wrong
// with probability below 2^-128 (docs/noise.md), it is computed from public facts alone, and decryption refuses beyond
// it: a refusal tells nothing that was not public. This holds for ciphertexts made with this library from honest keys.
// It does not hold for ciphertexts, or noise bounds, that an adversary wrote byte by byte: results of those must not
// reach whoever wrote them, whatever the scheme.
#pragma once
#include <vector>

#include "prism/exact/ciphertext.h"
#include "prism/exact/plaintext.h"
#include "prism/math/natural.h"
#include "prism/rlwe/keys.h"

namespace prism::exact {

/// Keeps a reference to the key, which must outlive it. Immutable, thread-safe. Branch-free in the key and in what it
/// decrypts. What forged ciphertexts decrypt to must not reach whoever forged them.
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
