// prism/channel/rekey.h - the two messages of a fresh key exchange inside a session, and the secrets they lead to.
//
//   first   {1: 1 (version), 2: generation, 3: attempt, 4: KEM public key}    client to server
//   second  {1: 1 (version), 2: generation, 3: attempt, 4: KEM ciphertext}    server to client
//
// Deterministic CBOR, as bodies of ordinary records, whose tags authenticate them. The session's suite says which KEM.
// Whoever stole a session's traffic keys can neither follow (the KEM secret is fresh) nor answer in the server's place
// (the old rekey secret is mixed in).
#pragma once
#include <cstdint>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/channel/key_schedule.h"
#include "prism/channel/suite.h"
#include "prism/crypto/kem.h"

namespace prism::channel {

struct RekeyMessage {
  std::uint16_t generation = 0;  ///< the one that this exchange starts: the session's present one and 1
  /// Counts a client's tries for this generation from 1. A server refuses one that is not higher than the last it
  /// answered, so that messages which overtake one another cannot leave the sides with different keys.
  std::uint32_t attempt = 0;
  Bytes kem;  ///< public key or ciphertext
};
Bytes encode_rekey(const RekeyMessage& message);
/// `kem_bytes` is the exact length of the last field. Errors: malformed, unsupported (version).
Result<RekeyMessage> decode_rekey(ByteView bytes, std::size_t kem_bytes);

/// What the next generation starts from.
struct NextSecrets {
  TrafficSecret client, server;  ///< update 0 of each direction
  TrafficSecret rekey;           ///< for the generation after that
};
/// M = Extract(next_salt(old rekey secret), shared secret); then "c ap", "s ap" and "rekey" of M over
/// SHA-384(first || second).
Result<NextSecrets> next_secrets(const TrafficSecret& rekey, const crypto::SharedSecret& shared, ByteView first,
                                 ByteView second);

}  // namespace prism::channel
