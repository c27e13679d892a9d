// prism/hash/sha256.h - SHA-256 (FIPS 180-4) of bytes that arrive in pieces.
#pragma once
#include <array>
#include <string_view>

#include "prism/base/bytes.h"

namespace prism::hash {

/// Sha256 h; h.update(a).update(b); const Digest d = h.finish();
/// State and buffer are wiped at the end of life: HMAC runs keys through here. At most 2^61 - 1 bytes.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = default;  ///< goes on from a common prefix
  Sha256& operator=(const Sha256&) = default;
  Sha256& update(ByteView data);
  Sha256& update(std::string_view text) { return update(as_bytes(text)); }
  /// Eight bytes, little-endian: lengths and counters in front of what they describe keep encodings unambiguous.
  Sha256& update_u64(std::uint64_t value);
  /// The digest of all of it; afterwards the object is as new.
  Digest finish();

 private:
  void reset();
  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> buffer_;
  std::uint64_t size_ = 0;  ///< bytes so far; size_ % 64 of them wait in buffer_
};

Digest sha256(ByteView data);

/// A hash of its own per purpose: begins with the tag's length and the tag, so that a digest made for one purpose is
/// never one for another. Tags are constants of ours such as "prism sealed block v1".
Sha256 tagged_sha256(std::string_view tag);

}  // namespace prism::hash
