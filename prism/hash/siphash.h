// prism/hash/siphash.h - SipHash-2-4 (Aumasson and Bernstein, 2012): a short keyed hash for choosing and sorting.
//
// Who does not know the key can neither predict nor steer it. 64 bits are too few for anything that must not collide.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace prism::hash {

/// Of a sequence of whole 64-bit words. For bytes: siphash().
class SipHash {
 public:
  using Key = std::array<std::uint8_t, 16>;
  explicit SipHash(const Key& key) : SipHash(word_at(key, 0), word_at(key, 8)) {}

  void update(std::uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
    ++words_;
  }
  std::uint64_t finish() const { return finish_with(0, 8 * words_); }
  /// The last word holds `bytes % 8` bytes; the length of everything stands in its top byte (section 2.2).
  std::uint64_t finish_with(std::uint64_t rest, std::uint64_t bytes) const {
    SipHash h = *this;
    h.update(rest | (bytes << 56));
    h.v2_ ^= 0xFF;
    for (int i = 0; i < 4; ++i) h.round();
    return h.v0_ ^ h.v1_ ^ h.v2_ ^ h.v3_;
  }

 private:
  SipHash(std::uint64_t k0, std::uint64_t k1)
      : v0_(k0 ^ 0x736f6d6570736575U),
        v1_(k1 ^ 0x646f72616e646f6dU),
        v2_(k0 ^ 0x6c7967656e657261U),
        v3_(k1 ^ 0x7465646279746573U) {}

  static std::uint64_t word_at(const Key& key, std::size_t from) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) word |= std::uint64_t{key[from + i]} << (8 * i);
    return word;
  }

  void round() {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t words_ = 0;
};

/// Of bytes.
std::uint64_t siphash(const SipHash::Key& key, std::string_view bytes);

}  // namespace prism::hash
