// prism/channel/identity.h - a server's long-term identity: its signing key and everything it says about itself.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/channel/bundle.h"
#include "prism/channel/suite.h"
#include "prism/crypto/signature.h"

namespace prism::channel {

/// What handshakes verify when there is nothing real to verify, so that a refusal costs what an acceptance costs: a
/// real signature over something else.
struct Decoy {
  crypto::VerifyKey key;
  Bytes signature;
};

struct IdentitySettings {
  std::string server_id = "prism";
  std::uint64_t epoch = 1;
  /// Empty: all suites of the key's algorithm that are not gated.
  std::vector<SuiteId> suites{};
  Digest profiles{};
  std::chrono::seconds bundle_lifetime = kMaxBundleLifetime;
};

/// Movable. Safe to share between threads once made: everything is const.
class Identity {
 public:
  /// Takes the key. `rotations` is the chain that led to it, oldest first (checked). Errors: invalid_argument, mismatch
  /// when a suite does not fit the key, integrity for a chain that does not end here.
  static Result<Identity> create(crypto::SigningKey key, IdentitySettings settings, std::vector<RotationLink> rotations,
                                 Random& random);

  const crypto::SigningKey& key() const { return *key_; }
  const Digest& fingerprint() const { return fingerprint_; }
  const IdentitySettings& settings() const { return settings_; }
  std::span<const RotationLink> rotations() const { return rotations_; }

  /// A bundle valid from `now` on for settings().bundle_lifetime. Sign a new one at half of it.
  Result<IdentityBundle> bundle(std::chrono::seconds now, Random& random) const;

  /// The identity with the next key: epoch one higher, this key's cross-signature at the end of the chain; the oldest
  /// link goes when there are kMaxRotations. Keep this one for handshakes that already expect it.
  Result<Identity> rotate(crypto::SigningKey next, std::chrono::seconds now, Random& random) const;

  const std::shared_ptr<const Decoy>& decoy() const { return decoy_; }

 private:
  Identity() = default;

  std::unique_ptr<const crypto::SigningKey> key_;
  Digest fingerprint_{};
  IdentitySettings settings_;
  std::vector<RotationLink> rotations_;
  /// Owned by the identity and by handshakes that may outlive it after a rotation.
  std::shared_ptr<const Decoy> decoy_;
};

}  // namespace prism::channel
