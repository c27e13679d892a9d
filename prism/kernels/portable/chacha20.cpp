// RFC 8439, section 2.3.
#include "prism/kernels/portable/functions.h"

namespace prism::kernels::portable_set {
namespace {

std::uint32_t rotate_left(std::uint32_t x, unsigned by) { return (x << by) | (x >> (32 - by)); }

void quarter_round(std::uint32_t* x, unsigned a, unsigned b, unsigned c, unsigned d) {
  x[a] += x[b];
  x[d] = rotate_left(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = rotate_left(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = rotate_left(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = rotate_left(x[b] ^ x[c], 7);
}

}  // namespace

void chacha20(std::uint8_t* out, std::size_t blocks, const std::uint32_t key[8], std::uint32_t counter,
              const std::uint32_t nonce[3]) noexcept {
  std::uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
  for (unsigned i = 0; i < 8; ++i) state[4 + i] = key[i];
  for (unsigned i = 0; i < 3; ++i) state[13 + i] = nonce[i];
  for (; blocks != 0; --blocks, out += 64) {
    state[12] = counter++;
    std::uint32_t x[16];
    for (unsigned i = 0; i < 16; ++i) x[i] = state[i];
    for (unsigned round = 0; round < 10; ++round) {
      for (unsigned i = 0; i < 4; ++i) quarter_round(x, i, 4 + i, 8 + i, 12 + i);
      for (unsigned i = 0; i < 4; ++i) quarter_round(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (unsigned i = 0; i < 16; ++i) {
      const std::uint32_t word = x[i] + state[i];
      for (unsigned byte = 0; byte < 4; ++byte) out[4 * i + byte] = static_cast<std::uint8_t>(word >> (8 * byte));
    }
  }
}

}  // namespace prism::kernels::portable_set
