#include "prism/channel/epoch_keys.h"

#include <limits>
#include <utility>

#include "prism/base/check.h"

namespace prism::channel {

using secret::RevealKey;

EpochKeys::EpochKeys(Epoch epoch, TrafficSecret secret, TrafficKey key)
    : epoch_(epoch), secret_(std::move(secret)), iv_(std::move(key.iv)), aead_(key.key) {}

Result<EpochKeys> EpochKeys::make(Epoch epoch, TrafficSecret secret) {
  PRISM_TRY(TrafficKey key, traffic_key(secret));
  return EpochKeys(epoch, std::move(secret), std::move(key));
}

Result<EpochKeys> EpochKeys::later(unsigned steps) const {
  check(steps >= 1, "epoch keys: no step");
  if (steps > unsigned{std::numeric_limits<std::uint16_t>::max()} - epoch_.update)
    return fail(ErrorCode::exhausted, "the session has used up its updates; run a fresh key exchange or a handshake");
  PRISM_TRY(TrafficSecret secret, expand_secret(secret_, "traffic upd", {}));
  for (unsigned i = 1; i < steps; ++i) {
    PRISM_TRY(secret, expand_secret(secret, "traffic upd", {}));
  }
  return make({epoch_.generation, static_cast<std::uint16_t>(epoch_.update + steps)}, std::move(secret));
}

crypto::Nonce EpochKeys::nonce(std::uint64_t sequence) const {
  crypto::Nonce nonce = iv_.reveal(RevealKey{});
  for (std::size_t i = 0; i < 8; ++i) {
    std::uint8_t& byte = nonce[nonce.size() - 1 - i];
    byte = static_cast<std::uint8_t>(byte ^ (sequence >> (8 * i)));
  }
  return nonce;
}

Result<crypto::Key256> EpochKeys::body_key(std::uint64_t sequence) const {
  std::array<std::uint8_t, 8> number;
  for (std::size_t i = 0; i < number.size(); ++i) number[i] = static_cast<std::uint8_t>(sequence >> (56 - 8 * i));
  crypto::Key256 key;
  PRISM_CHECKED(expand_label(secret_, "body", number, key.reveal(RevealKey{})));
  return key;
}

}  // namespace prism::channel
