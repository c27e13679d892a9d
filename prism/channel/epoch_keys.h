// prism/channel/epoch_keys.h - the keys of one direction in one epoch, and how the next ones come from them.
#pragma once
#include <cstdint>

#include "prism/base/result.h"
#include "prism/channel/key_schedule.h"
#include "prism/channel/record.h"
#include "prism/crypto/aead.h"

namespace prism::channel {

class EpochKeys {
 public:
  static Result<EpochKeys> make(Epoch epoch, TrafficSecret secret);

  Epoch epoch() const { return epoch_; }
  /// The keys `steps` >= 1 symmetric updates later: expand_secret(., "traffic upd", "") each. These here stay as they
  /// are. Errors: exhausted, when the update counter would not hold it.
  Result<EpochKeys> later(unsigned steps = 1) const;
  /// iv XOR sequence.
  crypto::Nonce nonce(std::uint64_t sequence) const;
  /// Cobblestone's input key for the stream of that number: expand_label(., "body", sequence as 8 bytes).
  Result<crypto::Key256> body_key(std::uint64_t sequence) const;
  crypto::Aead& aead() { return aead_; }

 private:
  EpochKeys(Epoch epoch, TrafficSecret secret, TrafficKey key);

  Epoch epoch_;
  TrafficSecret secret_;
  secret::Secret<crypto::Nonce> iv_;
  crypto::Aead aead_;
};

}  // namespace prism::channel
