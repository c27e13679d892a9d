// prism/hash/chacha20.h - the ChaCha20 key stream (RFC 8439, section 2.4) as a stream of bytes or words.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "prism/base/bytes.h"
#include "prism/secret/secret.h"

namespace prism::hash {

using ChaCha20Key = std::array<std::uint8_t, 32>;
using ChaCha20Nonce = std::array<std::uint8_t, 12>;

/// Bytes of the key stream in order, from block `counter` on; words are eight bytes each, little-endian, wherever the
/// stream stands. The same bytes come out however the reads are cut. One (key, nonce) gives 2^32 blocks (256 GiB);
/// reading on past them is a broken invariant. Key and buffered stream are wiped.
class ChaCha20Stream {
 public:
  /// A secret seed: noise, keys.
  ChaCha20Stream(const secret::Secret<ChaCha20Key>& key, const ChaCha20Nonce& nonce, std::uint32_t counter = 0);
  /// A public seed: the uniform half of ciphertexts and keys.
  ChaCha20Stream(const ChaCha20Key& key, const ChaCha20Nonce& nonce, std::uint32_t counter = 0);
  ~ChaCha20Stream();
  ChaCha20Stream(const ChaCha20Stream&) = delete;
  ChaCha20Stream& operator=(const ChaCha20Stream&) = delete;

  void read(MutableByteView out);
  void read(std::span<std::uint64_t> out);
  std::uint64_t next_word();

 private:
  void refill();
  void generate(std::uint8_t* out, std::uint64_t blocks);

  static constexpr std::size_t kBufferedBlocks = 16;  ///< what the widest kernel makes at once
  alignas(64) std::array<std::uint8_t, 64 * kBufferedBlocks> buffer_;
  std::size_t begin_ = 0, end_ = 0;  ///< unread part of buffer_
  std::array<std::uint32_t, 8> key_;
  std::array<std::uint32_t, 3> nonce_;
  std::uint64_t counter_;  ///< next block; at most 2^32
};

}  // namespace prism::hash
