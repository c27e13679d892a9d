// prism/crypto/chunked.h - large messages in authenticated pieces: Cobblestone-256 (c2sp.org/chunked-encryption).
//
//   salt 24 | commitment 32 | chunks: AES-256-GCM of 16 KiB each (16,400 bytes), the last one shorter, perhaps of
//   nothing
//
// Key, base nonce and commitment come from HKDF-Expand-SHA-512(input key, salt, context), so a wrong key or context is
// noticed at the head, and nobody can make one ciphertext that opens under two keys. A chunk's number is in its nonce
// and only the last is short: cutting, reordering, repeating and extending are noticed. Memory is one chunk.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/crypto/aead.h"

namespace prism::crypto {

inline constexpr std::size_t kChunkBytes = 16'384;
inline constexpr std::size_t kSealedChunkBytes = kChunkBytes + kTagBytes;
inline constexpr std::size_t kChunkSaltBytes = 24;
inline constexpr std::size_t kChunkedHeadBytes = kChunkSaltBytes + 32;
inline constexpr std::uint64_t kMaxChunks = std::uint64_t{1} << 38;
/// The context is hashed once per message; longer ones are refused as invalid_argument.
inline constexpr std::size_t kMaxChunkedContextBytes = 4096;

using ChunkSalt = std::array<std::uint8_t, kChunkSaltBytes>;
using ChunkedHead = std::array<std::uint8_t, kChunkedHeadBytes>;

/// Bytes of the whole ciphertext, head included.
constexpr std::uint64_t chunked_sealed_bytes(std::uint64_t plain) {
  return kChunkedHeadBytes + plain + (plain / kChunkBytes + 1) * kTagBytes;
}
/// Bytes of the message in a ciphertext of this length; nothing for lengths no ciphertext has.
std::optional<std::uint64_t> chunked_plain_bytes(std::uint64_t sealed);

/// Key and place of one message: seals and opens any chunk by its number, in any order. The base of the two streams
/// below, and what a reader that seeks uses. One thread at a time.
class ChunkCipher {
 public:
  /// For sealing. `key` must be uniform; one salt is good for one message under one key.
  static Result<ChunkCipher> make(const Key256& key, ByteView context, const ChunkSalt& salt);
  /// For opening. Errors: unauthorised when key, context and head do not belong together.
  static Result<ChunkCipher> open(const Key256& key, ByteView context, const ChunkedHead& head);

  /// Salt and commitment: the first bytes of the ciphertext.
  const ChunkedHead& head() const { return head_; }
  /// `out` has plain.size() + kTagBytes; it may begin where `plain` begins. A chunk shorter than kChunkBytes is the
  /// last. Each number once per message.
  Status seal_chunk(std::uint64_t number, ByteView plain, MutableByteView out);
  /// `out` has sealed.size() - kTagBytes; it may begin where `sealed` begins, and is all zeros after an error.
  /// Errors: unauthorised.
  Status open_chunk(std::uint64_t number, ByteView sealed, MutableByteView out);

 private:
  ChunkCipher(const Key256& key, const Nonce& base, const ChunkedHead& head) : aead_(key), base_(base), head_(head) {}
  static Result<ChunkCipher> derive(const Key256& key, ByteView context, const ChunkSalt& salt);
  Nonce nonce(std::uint64_t number) const;

  Aead aead_;
  Nonce base_;
  ChunkedHead head_;
};

/// Write head() first, then what update() and finish() give.
class ChunkSealer {
 public:
  static Result<ChunkSealer> start(const Key256& key, ByteView context, Random& random);
  static Result<ChunkSealer> start(const Key256& key, ByteView context, const ChunkSalt& salt);

  const ChunkedHead& head() const { return cipher_.head(); }
  /// How much update() will write for that many more bytes.
  std::size_t update_bytes(std::size_t plain) const;
  /// Seals every chunk that is full now; whole chunks go straight from `plain` to `out`, which must have
  /// update_bytes(plain.size()) at least and must not overlap `plain`. Returns the bytes written.
  Result<std::size_t> update(ByteView plain, MutableByteView out);
  /// How much finish() will write.
  std::size_t finish_bytes() const { return held_ + kTagBytes; }
  /// The last chunk. Nothing may follow.
  Result<std::size_t> finish(MutableByteView out);

 private:
  explicit ChunkSealer(ChunkCipher cipher);

  ChunkCipher cipher_;
  std::uint64_t next_ = 0;
  std::size_t held_ = 0;
  bool finished_ = false;
  secret::SecretVector<std::uint8_t> buffer_;  ///< made when a chunk arrives in parts
};

/// Give it the first kChunkedHeadBytes at the start, then the rest in pieces of any size. What update() has written is
/// authentic, in order and complete so far; only a good finish() says that it is all of it. After an error every call
/// gives that error again.
class ChunkOpener {
 public:
  /// Errors: unauthorised for a wrong key, context or head.
  static Result<ChunkOpener> start(const Key256& key, ByteView context, const ChunkedHead& head);

  std::size_t update_bytes(std::size_t sealed) const;
  /// `out` must have update_bytes(sealed.size()) at least and must not overlap `sealed`. Returns the bytes written.
  Result<std::size_t> update(ByteView sealed, MutableByteView out);
  /// The most finish() writes.
  std::size_t finish_bytes() const { return held_ < kTagBytes ? 0 : held_ - kTagBytes; }
  /// Errors: unauthorised when the message was cut or goes on.
  Result<std::size_t> finish(MutableByteView out);

 private:
  explicit ChunkOpener(ChunkCipher cipher);

  ChunkCipher cipher_;
  std::uint64_t next_ = 0;
  std::size_t held_ = 0;
  bool finished_ = false, failed_ = false;
  Bytes buffer_;  ///< made when a chunk arrives in parts; sealed bytes, so not secret
};

/// Whole messages in memory.
Result<Bytes> chunked_seal(const Key256& key, ByteView context, ByteView plain, Random& random);
/// Errors: unauthorised, in the same words whatever is wrong.
Result<Bytes> chunked_open(const Key256& key, ByteView context, ByteView sealed);

}  // namespace prism::crypto
