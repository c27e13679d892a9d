#include "prism/channel/rekey.h"

#include <limits>
#include <utility>

#include "prism/crypto/hash.h"
#include "prism/wire/cbor.h"

namespace prism::channel {

using secret::RevealKey;

Bytes encode_rekey(const RekeyMessage& message) {
  wire::CborWriter out;
  out.map(4);
  out.field(1, 1);
  out.field(2, message.generation);
  out.field(3, message.attempt);
  out.field(4, ByteView(message.kem));
  return std::move(out).take();
}

Result<RekeyMessage> decode_rekey(ByteView bytes, std::size_t kem_bytes) {
  wire::CborReader in(bytes, "the rekey message");
  RekeyMessage message;
  PRISM_CHECKED(in.map(4, 4));
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(const std::uint64_t version, in.unsigned_integer());
  if (version != 1) return fail(ErrorCode::unsupported, "a rekey message of version ", version, "; 1 is known");
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(const std::uint64_t generation, in.unsigned_integer(std::numeric_limits<std::uint16_t>::max()));
  PRISM_CHECKED(in.key(3));
  PRISM_TRY(const std::uint64_t attempt, in.unsigned_integer(std::numeric_limits<std::uint32_t>::max()));
  PRISM_CHECKED(in.key(4));
  PRISM_TRY(const ByteView kem, in.bytes(kem_bytes, kem_bytes));
  PRISM_CHECKED(in.finish());
  message.generation = static_cast<std::uint16_t>(generation);
  message.attempt = static_cast<std::uint32_t>(attempt);
  message.kem.assign(kem.begin(), kem.end());
  return message;
}

Result<NextSecrets> next_secrets(const TrafficSecret& rekey, const crypto::SharedSecret& shared, ByteView first,
                                 ByteView second) {
  crypto::Sha384 hash;
  const crypto::Digest384 transcript = hash.update(first).update(second).finish();
  PRISM_TRY(const TrafficSecret salt, next_salt(rekey));
  PRISM_TRY(const TrafficSecret master, extract(salt.reveal(RevealKey{}), shared.reveal(RevealKey{})));
  NextSecrets next;
  PRISM_TRY(next.client, expand_secret(master, "c ap", transcript));
  PRISM_TRY(next.server, expand_secret(master, "s ap", transcript));
  PRISM_TRY(next.rekey, expand_secret(master, "rekey", transcript));
  return next;
}

}  // namespace prism::channel
