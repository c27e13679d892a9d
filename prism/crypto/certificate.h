// prism/crypto/certificate.h - X.509 certificates with their keys: made self-signed, read from PEM, fingerprinted.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/secret/secret.h"

namespace prism::crypto {

/// What a certificate's key is. ML-DSA in X.509 is RFC 9881.
enum class CertificateKey : std::uint8_t { ml_dsa_65, ml_dsa_87, ecdsa_p256, ecdsa_p384, other };
/// `ML-DSA-65`, `ECDSA-P256`, ...
std::string_view name_of(CertificateKey key);

/// SHA-256 of the DER of the whole certificate, and of its SubjectPublicKeyInfo. A pin is the latter: it survives a
/// renewal with the same key.
struct Fingerprints {
  Digest certificate{};
  Digest spki{};
  bool operator==(const Fingerprints&) const = default;
};

struct CertificateInfo {
  CertificateKey key = CertificateKey::other;
  Fingerprints fingerprints;
  std::vector<std::string> names;  ///< DNS names and addresses of the subjectAltName
  std::chrono::seconds not_before{};
  std::chrono::seconds not_after{};
};

/// A certificate chain and the private key of its first certificate. Copies share the key.
class CertifiedKey {
 public:
  /// `key` is PKCS#8 or SEC1 PEM without a passphrase. Errors: malformed, mismatch when they do not belong together.
  static Result<CertifiedKey> from_pem(ByteView chain, const secret::SecretVector<std::uint8_t>& key);
  /// Names may be numeric addresses; at least one. The validity starts an hour before `now`, for clocks that are late.
  static Result<CertifiedKey> make_self_signed(CertificateKey key, const std::vector<std::string>& names,
                                               std::chrono::seconds now, std::chrono::seconds validity, Random& random);
  /// A new self-signed certificate for the same key, so that pins of it go on holding.
  Result<CertifiedKey> renewed(const std::vector<std::string>& names, std::chrono::seconds now,
                               std::chrono::seconds validity, Random& random) const;
  const CertificateInfo& info() const;
  /// The chain, leaf first.
  std::string chain_pem() const;
  /// PKCS#8.
  secret::SecretVector<std::uint8_t> key_pem() const;

  struct State;  ///< OpenSSL's objects, for crypto's own .cpp files
  const State& state() const { return *state_; }

 private:
  explicit CertifiedKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  static Result<CertifiedKey> certify(std::shared_ptr<State> state, CertificateKey kind,
                                      const std::vector<std::string>& names, std::chrono::seconds now,
                                      std::chrono::seconds validity, Random& random);
  std::shared_ptr<const State> state_;  ///< owners: the copies of this object
};

/// What a PEM file's first certificate says.
Result<CertificateInfo> inspect_certificate(ByteView pem);

}  // namespace prism::crypto
