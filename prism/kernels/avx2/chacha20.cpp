// ChaCha20 (RFC 8439), eight blocks side by side: vector w holds word w of every block.
#include <cstring>

#include "prism/kernels/avx2/functions.h"
#include "prism/kernels/avx2/vector.h"

namespace prism::kernels::avx2_set {
namespace {

template <int kBy>
PRISM_INLINE Integers rotate(Integers x) {
  return _mm256_or_si256(_mm256_slli_epi32(x, kBy), _mm256_srli_epi32(x, 32 - kBy));
}
template <>
PRISM_INLINE Integers rotate<16>(Integers x) {
  return _mm256_shuffle_epi8(x, _mm256_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,  //
                                                 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
}
template <>
PRISM_INLINE Integers rotate<8>(Integers x) {
  return _mm256_shuffle_epi8(x, _mm256_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14,  //
                                                 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14));
}

PRISM_INLINE void quarter_round(Integers& a, Integers& b, Integers& c, Integers& d) {
  a = _mm256_add_epi32(a, b);
  d = rotate<16>(_mm256_xor_si256(d, a));
  c = _mm256_add_epi32(c, d);
  b = rotate<12>(_mm256_xor_si256(b, c));
  a = _mm256_add_epi32(a, b);
  d = rotate<8>(_mm256_xor_si256(d, a));
  c = _mm256_add_epi32(c, d);
  b = rotate<7>(_mm256_xor_si256(b, c));
}

/// Eight words of eight blocks: makes vector i hold those words of block i.
PRISM_INLINE void transpose(Integers* x) {
  Integers t[8];
  for (int i = 0; i < 8; i += 4) {  // words i..i+3 of two blocks, one per half
    const Integers low01 = _mm256_unpacklo_epi32(x[i], x[i + 1]), high01 = _mm256_unpackhi_epi32(x[i], x[i + 1]);
    const Integers low23 = _mm256_unpacklo_epi32(x[i + 2], x[i + 3]),
                   high23 = _mm256_unpackhi_epi32(x[i + 2], x[i + 3]);
    t[i] = _mm256_unpacklo_epi64(low01, low23);
    t[i + 1] = _mm256_unpackhi_epi64(low01, low23);
    t[i + 2] = _mm256_unpacklo_epi64(high01, high23);
    t[i + 3] = _mm256_unpackhi_epi64(high01, high23);
  }
  for (int i = 0; i < 4; ++i) {
    x[i] = _mm256_permute2x128_si256(t[i], t[4 + i], 0x20);
    x[4 + i] = _mm256_permute2x128_si256(t[i], t[4 + i], 0x31);
  }
}

}  // namespace

void chacha20(std::uint8_t* out, std::size_t blocks, const std::uint32_t key[8], std::uint32_t counter,
              const std::uint32_t nonce[3]) noexcept {
  constexpr std::uint32_t kExpand[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
  Integers state[16];
  for (int i = 0; i < 4; ++i) state[i] = _mm256_set1_epi32(static_cast<int>(kExpand[i]));
  for (int i = 0; i < 8; ++i) state[4 + i] = _mm256_set1_epi32(static_cast<int>(key[i]));
  state[12] = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(counter)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  for (int i = 0; i < 3; ++i) state[13 + i] = _mm256_set1_epi32(static_cast<int>(nonce[i]));
  while (blocks != 0) {
    Integers x[16];
    for (int i = 0; i < 16; ++i) x[i] = state[i];
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < 4; ++i) quarter_round(x[i], x[4 + i], x[8 + i], x[12 + i]);
      for (int i = 0; i < 4; ++i) quarter_round(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
    }
    for (int i = 0; i < 16; ++i) x[i] = _mm256_add_epi32(x[i], state[i]);
    transpose(x);
    transpose(x + 8);
    Integers stream[16];  // first and second half of each block
    for (int i = 0; i < 8; ++i) stream[2 * i] = x[i], stream[2 * i + 1] = x[8 + i];
    const std::size_t now = blocks < 8 ? blocks : 8;
    std::memcpy(out, stream, 64 * now);
    out += 64 * now;
    blocks -= now;
    state[12] = _mm256_add_epi32(state[12], _mm256_set1_epi32(8));
  }
}

}  // namespace prism::kernels::avx2_set
