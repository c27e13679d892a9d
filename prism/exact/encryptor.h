// prism/exact/encryptor.h - plaintexts to ciphertexts, with the secret key (half size, half the noise) or the public
// one.
//
// A fresh BGV ciphertext at level l carries the canonical correction F_l (F_l*m is what is encrypted), so that it
// combines with computed ciphertexts of its level for free. Nothing here branches on, or indexes by, the message, the
// secret or the errors.
#pragma once
#include "prism/exact/ciphertext.h"
#include "prism/exact/plaintext.h"
#include "prism/rlwe/keys.h"

namespace prism::exact {

/// Keeps a reference to the key, which must outlive it. Immutable, thread-safe.
class SymmetricEncryptor {
 public:
  SymmetricEncryptor(const rlwe::SecretKey& key, std::shared_ptr<const Parameters> parameters,
                     NoiseModel::Mode mode = NoiseModel::Mode::tails);

  /// (public_seed, stream) gives the uniform half and must never be used twice under one key; (error_seed,
  /// error_stream) gives the error, is secret, and must never be used twice either. Both come from the system's
  /// randomness outside tests. The stream is bound by the caller.
  Result<SeededCiphertext> encrypt(const Plaintext& plaintext, rlwe::Level level, const ring::Seed& public_seed,
                                   std::uint64_t stream, const ring::SecretSeed& error_seed,
                                   std::uint64_t error_stream) const;
  /// The same, writing primes(level).size() rows of N residues to `b` (64-byte aligned): for sealing, nothing is
  /// allocated for the result.
  Status encrypt_row_into(std::span<std::uint64_t> b, const Plaintext& plaintext, rlwe::Level level,
                          const ring::Seed& public_seed, std::uint64_t stream, const ring::SecretSeed& error_seed,
                          std::uint64_t error_stream) const;
  /// With fresh seeds.
  Result<Ciphertext> encrypt(const Plaintext& plaintext, Random& random) const;
  Result<Ciphertext> encrypt(const Plaintext& plaintext, rlwe::Level level, Random& random) const;
  /// The second half of a seeded ciphertext, made again.
  Ciphertext expand(const SeededCiphertext& seeded) const { return exact::expand(seeded); }
  /// The noise of every fresh ciphertext, apart from its ancestry.
  const Noise& fresh_noise() const { return fresh_; }

 private:
  const rlwe::SecretKey* key_;
  std::shared_ptr<const Parameters> parameters_;
  Noise fresh_;
};

/// Encrypts at the level asked for, with the key's primes of that level.
class PublicEncryptor {
 public:
  /// Refuses (mismatch) a key of other parameters or of the other scheme.
  static Result<PublicEncryptor> make(std::shared_ptr<const rlwe::PublicKey> key,
                                      std::shared_ptr<const Parameters> parameters,
                                      NoiseModel::Mode mode = NoiseModel::Mode::tails);
  Result<Ciphertext> encrypt(const Plaintext& plaintext, Random& random) const;
  Result<Ciphertext> encrypt(const Plaintext& plaintext, rlwe::Level level, Random& random) const;
  /// Into the memory of `out`. Three transforms a prime; most of the rest is drawing 2N errors in constant time.
  Status encrypt(Ciphertext& out, const Plaintext& plaintext, rlwe::Level level, Random& random) const;

 private:
  PublicEncryptor() = default;
  std::shared_ptr<const rlwe::PublicKey> key_;  // shared with other encryptors
  std::shared_ptr<const Parameters> parameters_;
  Noise fresh_;
};

}  // namespace prism::exact
