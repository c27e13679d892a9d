#include "prism/channel/key_schedule.h"

#include "prism/base/check.h"
#include "prism/crypto/hash.h"
#include "prism/crypto/kdf.h"

namespace prism::channel {
namespace {

constexpr secret::RevealKey kReveal{};
constexpr std::array<std::uint8_t, kSecretBytes> kZeros{};

ByteView view(const TrafficSecret& secret) { return secret.reveal(kReveal); }

Result<std::array<std::uint8_t, kSecretBytes>> finished(const TrafficSecret& secret, const TranscriptHash& transcript) {
  PRISM_TRY(const TrafficSecret key, expand_secret(secret, "finished", {}));
  return crypto::hmac_sha384(view(key), transcript);
}

}  // namespace

Result<TrafficSecret> extract(ByteView salt, ByteView material) { return crypto::hkdf_extract_sha384(salt, material); }

Status expand_label(const TrafficSecret& secret, std::string_view label, ByteView context, MutableByteView out) {
  const std::size_t label_bytes = kLabelPrefix.size() + label.size();
  check(label_bytes <= 255 && context.size() <= 255 && out.size() <= 65535, "expand_label: a length above its field");
  // struct HkdfLabel { uint16 length; opaque label<7..255>; opaque context<0..255>; }
  std::array<std::uint8_t, 2 + 1 + 255 + 1 + 255> info;
  std::size_t size = 0;
  const auto byte = [&](std::size_t value) { info[size++] = static_cast<std::uint8_t>(value); };
  byte(out.size() >> 8);
  byte(out.size() & 255);
  byte(label_bytes);
  for (const char c : kLabelPrefix) byte(static_cast<std::uint8_t>(c));
  for (const char c : label) byte(static_cast<std::uint8_t>(c));
  byte(context.size());
  for (const std::uint8_t b : context) byte(b);
  return crypto::hkdf_expand_sha384(secret, ByteView(info).first(size), out);
}

Result<TrafficSecret> expand_secret(const TrafficSecret& secret, std::string_view label, ByteView context) {
  TrafficSecret out;
  PRISM_CHECKED(expand_label(secret, label, context, out.reveal(kReveal)));
  return out;
}

Result<TrafficSecret> next_salt(const TrafficSecret& secret) {
  return expand_secret(secret, "derived", crypto::sha384({}));
}

Result<TrafficKey> traffic_key(const TrafficSecret& secret) {
  TrafficKey out;
  PRISM_CHECKED(expand_label(secret, "key", {}, out.key.reveal(kReveal)));
  PRISM_CHECKED(expand_label(secret, "iv", {}, out.iv.reveal(kReveal)));
  return out;
}

Result<HandshakeSecrets> HandshakeSecrets::derive(ByteView shared_secret, const TranscriptHash& hello) {
  PRISM_TRY(const TrafficSecret early, extract(kZeros, kZeros));
  PRISM_TRY(const TrafficSecret early_salt, next_salt(early));
  PRISM_TRY(const TrafficSecret handshake, extract(view(early_salt), shared_secret));
  HandshakeSecrets out;
  PRISM_TRY(out.client_, expand_secret(handshake, "c hs", hello));
  PRISM_TRY(out.server_, expand_secret(handshake, "s hs", hello));
  PRISM_TRY(const TrafficSecret salt, next_salt(handshake));
  PRISM_TRY(out.master_, extract(view(salt), kZeros));
  return out;
}

Result<std::array<std::uint8_t, kSecretBytes>> HandshakeSecrets::client_finished(
    const TranscriptHash& transcript) const {
  return finished(client_, transcript);
}

Result<std::array<std::uint8_t, kSecretBytes>> HandshakeSecrets::server_finished(
    const TranscriptHash& transcript) const {
  return finished(server_, transcript);
}

Result<TrafficSecrets> HandshakeSecrets::application(const TranscriptHash& all) const {
  TrafficSecrets out;
  PRISM_TRY(out.client, expand_secret(master_, "c ap", all));
  PRISM_TRY(out.server, expand_secret(master_, "s ap", all));
  PRISM_TRY(out.exporter, expand_secret(master_, "exp", all));
  PRISM_TRY(out.rekey, expand_secret(master_, "rekey", all));
  return out;
}

Result<TrafficKey> HandshakeSecrets::fourth_key(const TranscriptHash& all) const {
  PRISM_TRY(const TrafficSecret secret, expand_secret(master_, "s done", all));
  return traffic_key(secret);
}

}  // namespace prism::channel
