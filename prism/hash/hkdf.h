// prism/hash/hkdf.h - HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869): new keys from one key.
#pragma once
#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/hash/sha256.h"
#include "prism/secret/secret.h"

namespace prism::hash {

/// Digests compare with secret::equal when one of them is expected to be secret.
class HmacSha256 {
 public:
  explicit HmacSha256(ByteView key);
  HmacSha256& update(ByteView data);
  HmacSha256& update(std::string_view text) { return update(as_bytes(text)); }
  Digest finish();  ///< afterwards the object is as new, with the same key

 private:
  Sha256 inner_start_, outer_start_;  ///< the hashes just after the padded keys
  Sha256 inner_;
};
Digest hmac_sha256(ByteView key, ByteView message);

/// Section 2.2: concentrates input keying material into a pseudo-random key. An empty salt counts as 32 zero bytes.
secret::Secret<Digest> hkdf_extract(ByteView salt, ByteView material);
/// Section 2.3: fills `out`, at most 255 * 32 bytes (else invalid_argument). `info` says what the key is for.
Status hkdf_expand(const secret::Secret<Digest>& key, ByteView info, MutableByteView out);
/// Both.
Status hkdf_sha256(ByteView salt, ByteView material, ByteView info, MutableByteView out);

}  // namespace prism::hash
