// prism/channel/key_schedule.h - from a KEM's shared secret and a transcript to every key of a session.
//
// RFC 8446, section 7.1, over HKDF-SHA-384, with the label prefix "prism1 " in place of "tls13 " (as DTLS 1.3 chose its
// own). docs/protocol.md has every label, length and order.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/crypto/aead.h"
#include "prism/secret/secret.h"

namespace prism::channel {

/// Every secret of the schedule, and every transcript hash, has the length of SHA-384.
inline constexpr std::size_t kSecretBytes = 48;
using TrafficSecret = secret::Secret<std::array<std::uint8_t, kSecretBytes>>;
using TranscriptHash = std::array<std::uint8_t, kSecretBytes>;

inline constexpr std::string_view kLabelPrefix = "prism1 ";

/// HKDF-Extract(salt, material).
Result<TrafficSecret> extract(ByteView salt, ByteView material);
/// HKDF-Expand-Label(secret, label, context, out.size()); label and context are at most 255 bytes with the prefix.
Status expand_label(const TrafficSecret& secret, std::string_view label, ByteView context, MutableByteView out);
/// 48 bytes of it.
Result<TrafficSecret> expand_secret(const TrafficSecret& secret, std::string_view label, ByteView context);
/// Derive-Secret(secret, "derived", ""): what turns one stage's secret into the next stage's salt.
Result<TrafficSecret> next_salt(const TrafficSecret& secret);

/// An AEAD key with its initial vector: expand_label(., "key", "") and expand_label(., "iv", ""). The nonce of message
/// n is iv XOR n, n as 12 big-endian bytes. Each secret is for one direction of one epoch.
struct TrafficKey {
  crypto::Key256 key;
  secret::Secret<crypto::Nonce> iv;
};
Result<TrafficKey> traffic_key(const TrafficSecret& secret);

/// What a finished handshake leaves on both sides, equal on both.
struct TrafficSecrets {
  TrafficSecret client;    ///< "c ap": what the client sends, epoch 0
  TrafficSecret server;    ///< "s ap": what the server sends, epoch 0
  TrafficSecret exporter;  ///< "exp": for other protocols of the same session
  TrafficSecret rekey;     ///< "rekey": mixed with a fresh KEM secret inside the session
};

/// The part between a KEM's secret and the application's: lives as long as the handshake.
class HandshakeSecrets {
 public:
  /// HS and from it "c hs" and "s hs" over TH(M1, M2 header).
  static Result<HandshakeSecrets> derive(ByteView shared_secret, const TranscriptHash& hello);

  /// Keys of the one sealed part that each side sends inside the handshake.
  Result<TrafficKey> client_key() const { return traffic_key(client_); }
  Result<TrafficKey> server_key() const { return traffic_key(server_); }
  /// HMAC-SHA-384(finished key of that side, transcript).
  Result<std::array<std::uint8_t, kSecretBytes>> client_finished(const TranscriptHash& transcript) const;
  Result<std::array<std::uint8_t, kSecretBytes>> server_finished(const TranscriptHash& transcript) const;
  /// The application's secrets over the transcript of M1, M2 and M3.
  Result<TrafficSecrets> application(const TranscriptHash& all) const;
  /// The key of M4, used once: over the same transcript, of its own label, so that records start at number 0.
  Result<TrafficKey> fourth_key(const TranscriptHash& all) const;

 private:
  TrafficSecret client_, server_, master_;
};

}  // namespace prism::channel
