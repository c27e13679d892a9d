// prism/ckks/decryptor.h - ciphertexts to plaintexts, never past the public error bound.
//
// What CKKS decrypts contains its error: whoever sees enough exact results of decryption, together with their
// ciphertexts, learns the secret key (Li-Micciancio 2020/1533). So these results are for the key holder alone. What
// others may see goes through Releaser (release.h).
#pragma once
#include "prism/ckks/ciphertext.h"
#include "prism/ckks/plaintext.h"
#include "prism/rlwe/keys.h"

namespace prism::ckks {

/// Keeps a reference to the key, which must outlive it. Immutable, thread-safe. Branch-free in the key and, for phases
/// below 2^124, in what it decrypts. That something was refused depends on public bounds alone.
class Decryptor {
 public:
  Decryptor(const rlwe::SecretKey& key, std::shared_ptr<const Parameters> parameters);

  /// Refuses (noise_exceeded) when message and error together might wrap modulo Q, (mismatch) another parameter set.
  /// Two or three parts. The plaintext carries the error bound. Uses only as many primes as the bounds ask for.
  Result<Plaintext> decrypt_private(const Ciphertext& ciphertext) const;
  /// Refuses (noise_exceeded) also when the error bound is above 2^-precision_bits.
  Result<Plaintext> decrypt_private(const Ciphertext& ciphertext, int precision_bits) const;

 private:
  Status check_sizes(const Ciphertext& ciphertext) const;
  const rlwe::SecretKey* key_;
  std::shared_ptr<const Parameters> parameters_;
};

}  // namespace prism::ckks
