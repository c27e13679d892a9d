// prism/channel/bundle.h - what a server publishes about itself: its key, its suites and for how long, signed; and how
// one key hands over to the next.
//
// A bundle proves only that its key's holder wrote it. Whether that key is the right one is the pin's question (pin.h).
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/channel/suite.h"
#include "prism/crypto/signature.h"

namespace prism::channel {

/// How far two clocks may be apart: for a bundle's validity and for a handshake's time.
inline constexpr std::chrono::seconds kClockTolerance{300};
inline constexpr std::chrono::seconds kMaxBundleLifetime{24 * 3600};
inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxRotations = 8;
/// Nothing longer is looked at: eight rotations of the largest keys, and the rest.
inline constexpr std::size_t kMaxBundleBytes = 72 * 1024;

/// Whether a name of a server or client may be used: 1 to kMaxNameBytes printable ASCII characters, no blanks.
bool is_name(std::string_view name);

/// FIPS 204 context strings: a signature made for one purpose is none for another.
inline constexpr std::string_view kBundleContext = "prism/v1/bundle";
inline constexpr std::string_view kServerContext = "prism/v1/server-auth";
inline constexpr std::string_view kClientContext = "prism/v1/client-auth";
inline constexpr std::string_view kRotateContext = "prism/v1/rotate";

/// Whose key a rotation is about; the number is signed.
enum class KeyOwner : std::uint8_t { server = 1, client = 2 };

/// One key handing over to the next: the previous key signs {owner, its own fingerprint, the next one's, time}.
struct RotationLink {
  crypto::VerifyKey previous;
  std::chrono::seconds issued{};
  Bytes signature;
};
/// Signs the hand-over from `previous` to `next`.
Result<RotationLink> sign_rotation(KeyOwner owner, const crypto::SigningKey& previous, const crypto::VerifyKey& next,
                                   std::chrono::seconds now, Random& random);
/// Checks a chain, oldest link first, that ends at `current`: every link's signature over the key after it. At most
/// kMaxRotations links. The fingerprints of the earlier keys, oldest first. Errors: integrity.
Result<std::vector<Digest>> verify_rotations(KeyOwner owner, std::span<const RotationLink> links,
                                             const crypto::VerifyKey& current);
/// A chain as bytes (for the file beside a key) and back. Errors: malformed. Signatures are not checked here.
Bytes encode_rotations(std::span<const RotationLink> links);
Result<std::vector<RotationLink>> decode_rotations(ByteView bytes);

/// A bundle whose signature and chain have been checked. Immutable.
class IdentityBundle {
 public:
  struct Content {
    std::string server_id;                ///< a name (see is_name)
    std::uint64_t epoch = 0;              ///< grows with every change of key or content; clients refuse a smaller one
    std::vector<SuiteId> suites;          ///< by the server's preference; all of the key's algorithm
    Digest profiles{};                    ///< digest of the parameters that the server computes with
    std::chrono::seconds not_before{};    ///< inclusive
    std::chrono::seconds not_after{};     ///< inclusive; at most kMaxBundleLifetime later
    std::vector<RotationLink> rotations;  ///< how older keys led to this one, oldest first
  };

  /// Errors: invalid_argument for content out of its bounds; those of signing.
  static Result<IdentityBundle> sign(const crypto::SigningKey& key, Content content, Random& random);
  /// Reads and checks all that does not depend on time or trust: form, bounds, signature, chain. Errors: malformed,
  /// unsupported, integrity.
  static Result<IdentityBundle> open(ByteView bytes);

  /// Errors: refused, saying which clock to look at, unless not_before - kClockTolerance <= at <= not_after +
  /// kClockTolerance.
  Status valid_at(std::chrono::seconds at) const;

  const Content& content() const { return content_; }
  const crypto::VerifyKey& key() const { return key_; }
  const Digest& fingerprint() const { return fingerprint_; }
  /// Fingerprints of the earlier keys that lead to this one, oldest first.
  std::span<const Digest> previous() const { return previous_; }
  const Bytes& bytes() const { return bytes_; }

 private:
  IdentityBundle(Content content, crypto::VerifyKey key, std::vector<Digest> previous, Bytes bytes);

  Content content_;
  crypto::VerifyKey key_;
  Digest fingerprint_;
  std::vector<Digest> previous_;
  Bytes bytes_;
};

}  // namespace prism::channel
