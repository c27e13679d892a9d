// ChaCha20 (RFC 8439), sixteen blocks side by side: vector w holds word w of every block.
#include <cstring>

#include "prism/kernels/avx512ifma/functions.h"
#include "prism/kernels/avx512ifma/vector.h"

namespace prism::kernels::avx512ifma_set {
namespace {

template <int kBy>
PRISM_INLINE Vector rotate(Vector x) {
  return _mm512_rol_epi32(x, kBy);
}

PRISM_INLINE void quarter_round(Vector& a, Vector& b, Vector& c, Vector& d) {
  a = _mm512_add_epi32(a, b);
  d = rotate<16>(_mm512_xor_si512(d, a));
  c = _mm512_add_epi32(c, d);
  b = rotate<12>(_mm512_xor_si512(b, c));
  a = _mm512_add_epi32(a, b);
  d = rotate<8>(_mm512_xor_si512(d, a));
  c = _mm512_add_epi32(c, d);
  b = rotate<7>(_mm512_xor_si512(b, c));
}

/// Makes vector i hold the sixteen words of block i.
PRISM_INLINE void transpose(Vector (&x)[16]) {
  Vector t[16];
  for (int i = 0; i < 16; i += 4) {  // words i..i+3 of four blocks per lane of 128 bits
    const Vector low01 = _mm512_unpacklo_epi32(x[i], x[i + 1]), high01 = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    const Vector low23 = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]), high23 = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);
    t[i] = _mm512_unpacklo_epi64(low01, low23);
    t[i + 1] = _mm512_unpackhi_epi64(low01, low23);
    t[i + 2] = _mm512_unpacklo_epi64(high01, high23);
    t[i + 3] = _mm512_unpackhi_epi64(high01, high23);
  }
  for (int i = 0; i < 4; ++i) {  // t[4g + i]: words 4g..4g+3 of blocks i, 4 + i, 8 + i, 12 + i
    const Vector low01 = _mm512_shuffle_i32x4(t[i], t[4 + i], 0x44),
                 high01 = _mm512_shuffle_i32x4(t[i], t[4 + i], 0xEE);
    const Vector low23 = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0x44);
    const Vector high23 = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0xEE);
    x[i] = _mm512_shuffle_i32x4(low01, low23, 0x88);
    x[4 + i] = _mm512_shuffle_i32x4(low01, low23, 0xDD);
    x[8 + i] = _mm512_shuffle_i32x4(high01, high23, 0x88);
    x[12 + i] = _mm512_shuffle_i32x4(high01, high23, 0xDD);
  }
}

}  // namespace

void chacha20(std::uint8_t* out, std::size_t blocks, const std::uint32_t key[8], std::uint32_t counter,
              const std::uint32_t nonce[3]) noexcept {
  constexpr std::uint32_t kExpand[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
  Vector state[16];
  for (int i = 0; i < 4; ++i) state[i] = _mm512_set1_epi32(static_cast<int>(kExpand[i]));
  for (int i = 0; i < 8; ++i) state[4 + i] = _mm512_set1_epi32(static_cast<int>(key[i]));
  state[12] = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(counter)),
                               _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  for (int i = 0; i < 3; ++i) state[13 + i] = _mm512_set1_epi32(static_cast<int>(nonce[i]));
  while (blocks != 0) {
    Vector x[16];
    for (int i = 0; i < 16; ++i) x[i] = state[i];
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < 4; ++i) quarter_round(x[i], x[4 + i], x[8 + i], x[12 + i]);
      for (int i = 0; i < 4; ++i) quarter_round(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
    }
    for (int i = 0; i < 16; ++i) x[i] = _mm512_add_epi32(x[i], state[i]);
    transpose(x);
    const std::size_t now = blocks < 16 ? blocks : 16;
    if (now == 16) {
      for (int i = 0; i < 16; ++i) _mm512_storeu_si512(out + 64 * i, x[i]);
    } else {
      std::memcpy(out, x, 64 * now);
    }
    out += 64 * now;
    blocks -= now;
    state[12] = _mm512_add_epi32(state[12], _mm512_set1_epi32(16));
  }
}

}  // namespace prism::kernels::avx512ifma_set
