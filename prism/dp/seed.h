// prism/dp/seed.h - all randomness of one answer, fixed before any data is read.
//
// A NoiseSeed is drawn once; every draw takes a stream of its own, derived from the draw's number and, inside groups,
// from the group's key. So the order in which rows and groups come, how many groups there are and how work is spread
// over threads change no draw, and failing half way and starting again with the same seed would tell nothing new.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/hash/chacha20.h"
#include "prism/hash/hkdf.h"
#include "prism/secret/secret.h"

namespace prism::dp {

/// Uniform words of one draw: the ChaCha20 key stream under a key of its own. 2^35 words.
class DrawStream {
 public:
  void read(std::span<std::uint64_t> out) { words_.read(out); }
  std::uint64_t next_word() { return words_.next_word(); }

 private:
  friend class NoiseSeed;
  explicit DrawStream(const secret::Secret<hash::ChaCha20Key>& key) : words_(key, hash::ChaCha20Nonce{}) {}
  hash::ChaCha20Stream words_;
};

/// 32 secret bytes. One seed serves one answer: a second answer from the same seed would repeat its noise.
class NoiseSeed {
 public:
  using Key = std::array<std::uint8_t, 32>;

  /// From the machine's randomness; the error is the source's.
  static Result<NoiseSeed> fresh(Random& random);
  /// For tests and simulations, which say which seed they use.
  static NoiseSeed from_bytes(const Key& bytes);
  NoiseSeed(NoiseSeed&&) noexcept = default;
  NoiseSeed& operator=(NoiseSeed&&) noexcept = default;

  /// The stream of draw number `draw`. The same number gives the same stream: numbers are the caller's to keep apart.
  /// Key: HMAC-SHA-256 under the seed of a tag, the number, and whether and which group key follows.
  DrawStream stream(std::uint64_t draw) const;
  /// That of draw number `draw` in the group with this key (any length; the empty key is a key like any other).
  DrawStream stream(std::uint64_t draw, ByteView group_key) const;

 private:
  explicit NoiseSeed(const secret::Secret<Key>& key);
  DrawStream derive(std::uint64_t draw, std::uint8_t kind, ByteView group_key) const;

  hash::HmacSha256 keyed_;  ///< just after the key and the tag; wiped at the end of life
};

}  // namespace prism::dp
