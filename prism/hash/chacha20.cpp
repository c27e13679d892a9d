#include "prism/hash/chacha20.h"

#include <algorithm>
#include <bit>

#include "prism/base/check.h"
#include "prism/kernels/kernels.h"

namespace prism::hash {
namespace {

constexpr std::uint64_t kBlocks = std::uint64_t{1} << 32;

std::uint32_t load32(const std::uint8_t* in) {
  return std::uint32_t{in[0]} | std::uint32_t{in[1]} << 8 | std::uint32_t{in[2]} << 16 | std::uint32_t{in[3]} << 24;
}

}  // namespace

ChaCha20Stream::ChaCha20Stream(const secret::Secret<ChaCha20Key>& key, const ChaCha20Nonce& nonce,
                               std::uint32_t counter)
    : ChaCha20Stream(key.reveal(secret::RevealKey()), nonce, counter) {}

ChaCha20Stream::ChaCha20Stream(const ChaCha20Key& key, const ChaCha20Nonce& nonce, std::uint32_t counter)
    : counter_(counter) {
  for (std::size_t i = 0; i < key_.size(); ++i) key_[i] = load32(key.data() + 4 * i);
  for (std::size_t i = 0; i < nonce_.size(); ++i) nonce_[i] = load32(nonce.data() + 4 * i);
}

ChaCha20Stream::~ChaCha20Stream() {
  secret::wipe(buffer_.data(), buffer_.size());
  secret::wipe(key_.data(), sizeof(key_));
}

void ChaCha20Stream::generate(std::uint8_t* out, std::uint64_t blocks) {
  check(blocks <= kBlocks - counter_, "ChaCha20Stream: the key stream is used up");
  kernels::best().chacha20(out, static_cast<std::size_t>(blocks), key_.data(), static_cast<std::uint32_t>(counter_),
                           nonce_.data());
  counter_ += blocks;
}

void ChaCha20Stream::refill() {
  const std::uint64_t blocks = std::min<std::uint64_t>(kBufferedBlocks, kBlocks - counter_);
  check(blocks != 0, "ChaCha20Stream: the key stream is used up");
  generate(buffer_.data(), blocks);
  begin_ = 0;
  end_ = static_cast<std::size_t>(64 * blocks);
}

void ChaCha20Stream::read(MutableByteView out) {
  while (!out.empty()) {
    if (begin_ == end_) {
      const std::size_t blocks = out.size() / 64;
      if (blocks >= kBufferedBlocks) {  // straight to where it is wanted
        generate(out.data(), blocks);
        out = out.subspan(64 * blocks);
        continue;
      }
      refill();
    }
    const std::size_t taken = std::min(out.size(), end_ - begin_);
    std::copy_n(buffer_.data() + begin_, taken, out.data());
    begin_ += taken;
    out = out.subspan(taken);
  }
}

void ChaCha20Stream::read(std::span<std::uint64_t> out) {
  read(MutableByteView(reinterpret_cast<std::uint8_t*>(out.data()), out.size_bytes()));
  if constexpr (std::endian::native == std::endian::big) {
    for (std::uint64_t& word : out) word = __builtin_bswap64(word);
  }
}

std::uint64_t ChaCha20Stream::next_word() {
  std::uint64_t word = 0;
  read(std::span<std::uint64_t>(&word, 1));
  return word;
}

}  // namespace prism::hash
