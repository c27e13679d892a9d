// prism/crypto/signature.h - ML-DSA signatures (FIPS 204): who said this, and for which purpose.
//
// The context string names the purpose; a signature made under one context is none under another. Messages are signed
// as they are (pure ML-DSA, not HashML-DSA). Signing is hedged (section 3.4): it mixes 32 fresh bytes from `random`.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/secret/secret.h"

namespace prism::crypto {

enum class SignatureAlgorithm : std::uint8_t { ml_dsa_65, ml_dsa_87 };
/// "ML-DSA-65", "ML-DSA-87".
std::string_view name_of(SignatureAlgorithm algorithm);

struct SignatureSizes {
  std::size_t public_key, signature;
};
SignatureSizes sizes_of(SignatureAlgorithm algorithm);

inline constexpr std::size_t kMaxContextBytes = 255;
/// FIPS 204's xi.
inline constexpr std::size_t kSigningSeedBytes = 32;

/// Somebody's public key. Copies share the parsed key, which nobody changes; several threads may verify with it.
class VerifyKey {
 public:
  /// FIPS 204's pk. Errors: malformed for another length.
  static Result<VerifyKey> from_raw(SignatureAlgorithm algorithm, ByteView raw);
  /// SubjectPublicKeyInfo (RFC 9881), which also says the algorithm. Errors: malformed, also for other algorithms.
  static Result<VerifyKey> from_spki(ByteView der);

  SignatureAlgorithm algorithm() const;
  ByteView raw() const;
  Bytes spki() const;
  /// SHA-256 of the SPKI.
  const Digest& fingerprint() const;
  bool operator==(const VerifyKey& other) const { return fingerprint() == other.fingerprint(); }

  /// Errors: integrity when it is not this key's signature of this message in this context, whatever the reason;
  /// invalid_argument for a context above kMaxContextBytes.
  Status verify(ByteView message, std::string_view context, ByteView signature) const;

 private:
  friend class SigningKey;
  struct Parts;
  explicit VerifyKey(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;  // owned by all copies of one key
};

/// A secret key, ready for use. Several threads may sign with it, each with its own Random.
class SigningKey {
 public:
  static Result<SigningKey> generate(SignatureAlgorithm algorithm, Random& random);
  /// Errors: malformed unless it has kSigningSeedBytes.
  static Result<SigningKey> from_seed(SignatureAlgorithm algorithm, ByteView seed);
  /// A key whose seed was not kept: FIPS 204's sk, 4032 or 4896 bytes. Errors: malformed.
  static Result<SigningKey> from_expanded(SignatureAlgorithm algorithm, ByteView sk);
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  SignatureAlgorithm algorithm() const { return verify_key().algorithm(); }
  const VerifyKey& verify_key() const;

  /// Errors: invalid_argument for a context above kMaxContextBytes; those of `random`.
  Result<Bytes> sign(ByteView message, std::string_view context, Random& random) const;

  /// For key files. Empty when the key was made from_expanded.
  ByteView reveal_seed(secret::RevealKey) const;
  /// FIPS 204's sk.
  Result<secret::SecretVector<std::uint8_t>> reveal_expanded(secret::RevealKey) const;

 private:
  struct Parts;
  explicit SigningKey(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace prism::crypto
