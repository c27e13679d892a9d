// prism/ckks/encryptor.h - plaintexts to ciphertexts, with the secret key (half size, less noise) or the public one.
//
// Nothing here branches on, or indexes by, the message, the secret or the errors. A plaintext's scale is kept; to
// combine with computed ciphertexts of a level, encode at the level's canonical scale.
#pragma once
#include "prism/ckks/ciphertext.h"
#include "prism/ckks/plaintext.h"
#include "prism/rlwe/keys.h"

namespace prism::ckks {

/// Keeps a reference to the key, which must outlive it. Immutable, thread-safe.
class SymmetricEncryptor {
 public:
  SymmetricEncryptor(const rlwe::SecretKey& key, std::shared_ptr<const Parameters> parameters,
                     NoiseModel::Mode mode = NoiseModel::Mode::tails);

  /// (public_seed, stream) gives the uniform half and must never be used twice under one key; (error_seed,
  /// error_stream) gives the error, is secret, and must never be used twice either. Both come from the system's
  /// randomness outside tests. Refuses (invalid_argument) a message that does not fit the level's modulus.
  Result<SeededCiphertext> encrypt(const Plaintext& plaintext, rlwe::Level level, const ring::Seed& public_seed,
                                   std::uint64_t stream, const ring::SecretSeed& error_seed,
                                   std::uint64_t error_stream) const;
  /// With fresh seeds; without a level at the top.
  Result<Ciphertext> encrypt(const Plaintext& plaintext, Random& random) const;
  Result<Ciphertext> encrypt(const Plaintext& plaintext, rlwe::Level level, Random& random) const;
  /// The second half of a seeded ciphertext, made again.
  Ciphertext expand(const SeededCiphertext& seeded) const { return ckks::expand(seeded); }
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }

 private:
  const rlwe::SecretKey* key_;
  std::shared_ptr<const Parameters> parameters_;
  NoiseModel noise_;
};

/// Encrypts at the level asked for, with the key's primes of that level.
class PublicEncryptor {
 public:
  /// Refuses (mismatch) a key of other parameters or of another scheme (its errors must not be scaled).
  static Result<PublicEncryptor> make(std::shared_ptr<const rlwe::PublicKey> key,
                                      std::shared_ptr<const Parameters> parameters,
                                      NoiseModel::Mode mode = NoiseModel::Mode::tails);
  Result<Ciphertext> encrypt(const Plaintext& plaintext, Random& random) const;
  Result<Ciphertext> encrypt(const Plaintext& plaintext, rlwe::Level level, Random& random) const;
  /// Into memory that is there; nothing secret stays in the workspace. Three transforms a prime, and 3*N narrow draws.
  Status encrypt(Ciphertext& out, const Plaintext& plaintext, rlwe::Level level, Random& random,
                 ring::Workspace& workspace) const;
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }

 private:
  PublicEncryptor(std::shared_ptr<const rlwe::PublicKey> key, std::shared_ptr<const Parameters> parameters,
                  NoiseModel::Mode mode);
  std::shared_ptr<const rlwe::PublicKey> key_;  // shared with other encryptors
  std::shared_ptr<const Parameters> parameters_;
  NoiseModel noise_;
};

}  // namespace prism::ckks
