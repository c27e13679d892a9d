// prism/crypto/agreement.h - classical key agreement: X25519 (RFC 7748) and ECDH on P-384 (SP 800-56A,
// section 5.7.1.2).
//
// Half of a hybrid KEM (kem.h), not a key exchange by itself: a quantum computer breaks both.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/secret/secret.h"

namespace prism::crypto {

enum class Group : std::uint8_t { x25519, p384 };
/// "X25519", "P-384".
std::string_view name_of(Group group);

/// In bytes: a scalar (X25519 little-endian, P-384 big-endian), a point (P-384 uncompressed), the shared secret.
struct GroupSizes {
  std::size_t scalar, point, secret;
};
GroupSizes sizes_of(Group group);

class AgreementKey {
 public:
  static Result<AgreementKey> generate(Group group, Random& random);
  /// Errors: malformed for a wrong length, and on P-384 for zero or what is not below the group's order.
  static Result<AgreementKey> from_scalar(Group group, ByteView scalar);
  AgreementKey(AgreementKey&&) noexcept;
  AgreementKey& operator=(AgreementKey&&) noexcept;
  ~AgreementKey();

  Group group() const;
  const Bytes& public_key() const;
  ByteView reveal_scalar(secret::RevealKey) const;

  /// The x coordinate. Errors: malformed for what is not a point, and for a point of small order, which would give zero
  /// to everybody.
  Result<secret::SecretVector<std::uint8_t>> agree(ByteView peer_public) const;

 private:
  struct Parts;
  explicit AgreementKey(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Whether the bytes are a point of the group: length, and the curve equation on P-384. Errors: malformed.
Status check_point(Group group, ByteView point);

}  // namespace prism::crypto
