// prism/crypto/hash.h - SHA-384, HMAC-SHA-384 and SHA3-256 by OpenSSL: transcripts, finished MACs, combiners.
//
// SHA-256 is prism/hash, which also works where OpenSSL does not.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "prism/base/bytes.h"

namespace prism::crypto {

/// A SHA-384 digest or MAC. Compare secret ones with secret::equal.
using Digest384 = std::array<std::uint8_t, 48>;

/// Sha384 h; h.update(a).update(b); const Digest384 d = h.finish();
/// A copy goes on from a common prefix: the transcript hash at each point of a handshake.
class Sha384 {
 public:
  Sha384();
  Sha384(const Sha384& other);
  Sha384& operator=(const Sha384& other);
  Sha384(Sha384&&) noexcept;
  Sha384& operator=(Sha384&&) noexcept;
  ~Sha384();

  Sha384& update(ByteView data);
  /// The digest of all of it; afterwards the object is as new.
  Digest384 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest384 sha384(ByteView data);
/// FIPS 202. The parts are hashed one after the other.
Digest sha3_256(std::span<const ByteView> parts);
Digest sha3_256(ByteView data);
/// RFC 2104. Keys of any length.
Digest384 hmac_sha384(ByteView key, ByteView message);

/// The same into memory of the caller's, of exactly the right size, for results that are secret.
void sha3_256_into(std::span<const ByteView> parts, MutableByteView out);
void hmac_sha384_into(ByteView key, ByteView message, MutableByteView out);

}  // namespace prism::crypto
