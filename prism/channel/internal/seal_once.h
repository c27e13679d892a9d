// prism/channel/internal/seal_once.h - what both machines do alike: sealing a proof under a key that is used once.
#pragma once
#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/channel/key_schedule.h"
#include "prism/crypto/aead.h"

namespace prism::channel {

/// Message 0 of the key: its nonce is the initial vector itself. Each key of the handshake seals one message.
inline Result<Bytes> seal_once(const TrafficKey& key, ByteView aad, ByteView plaintext) {
  return crypto::aead_seal(key.key, key.iv.reveal(secret::RevealKey{}), aad, plaintext);
}
inline Result<Bytes> open_once(const TrafficKey& key, ByteView aad, ByteView sealed) {
  return crypto::aead_open(key.key, key.iv.reveal(secret::RevealKey{}), aad, sealed);
}

}  // namespace prism::channel
