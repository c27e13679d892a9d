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

/// Four quarter rounds step by step, because each is a chain of dependent operations: columns, or with kShift 1
/// diagonals.
template <unsigned kShift>
PRISM_INLINE void quarter_rounds(Vector (&x)[16]) {
  const auto at = [](unsigned row, unsigned i) { return 4 * row + (i + row * kShift) % 4; };
  const auto add_rotate = [&]<int kBy>(unsigned to, unsigned from,
                                       unsigned other) {  // to += from; other ^= to, rotated
    for (unsigned i = 0; i < 4; ++i) x[at(to, i)] = _mm512_add_epi32(x[at(to, i)], x[at(from, i)]);
    for (unsigned i = 0; i < 4; ++i) x[at(other, i)] = _mm512_xor_si512(x[at(other, i)], x[at(to, i)]);
    for (unsigned i = 0; i < 4; ++i) x[at(other, i)] = rotate<kBy>(x[at(other, i)]);
  };
  add_rotate.template operator()<16>(0, 1, 3);
  add_rotate.template operator()<12>(2, 3, 1);
  add_rotate.template operator()<8>(0, 1, 3);
  add_rotate.template operator()<7>(2, 3, 1);
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
      quarter_rounds<0>(x);
      quarter_rounds<1>(x);
    }
    for (int i = 0; i < 16; ++i) x[i] = _mm512_add_epi32(x[i], state[i]);
    transpose(x);
    const auto write = [&x](std::uint8_t* to) {
      for (int i = 0; i < 16; ++i) _mm512_storeu_si512(to + 64 * i, x[i]);
    };
    if (blocks < 16) {
      alignas(64) std::uint8_t last[16 * 64];
      write(last);
      std::memcpy(out, last, 64 * blocks);
      return;
    }
    write(out);
    out += 16 * 64;
    blocks -= 16;
    state[12] = _mm512_add_epi32(state[12], _mm512_set1_epi32(16));
  }
}

}  // namespace prism::kernels::avx512ifma_set
