#include "prism/channel/internal/transcript.h"

#include <array>

#include "prism/crypto/hash.h"

namespace prism::channel {

Transcript::Transcript() : hash_(crypto::sha384(as_bytes("prism/v1/transcript"))) {}

const TranscriptHash& Transcript::absorb(Part part, ByteView bytes) {
  std::array<std::uint8_t, 9> frame{static_cast<std::uint8_t>(part)};
  for (std::size_t i = 0; i < 8; ++i)
    frame[1 + i] = static_cast<std::uint8_t>(std::uint64_t{bytes.size()} >> (56 - 8 * i));
  crypto::Sha384 hash;
  hash.update(hash_).update(frame).update(bytes);
  hash_ = hash.finish();
  return hash_;
}

}  // namespace prism::channel
