// FIPS 180-4, section 6.2.2.
#include <array>

#include "prism/kernels/internal/sha256_constants.h"
#include "prism/kernels/portable/functions.h"

namespace prism::kernels::portable_set {
namespace {

std::uint32_t rotate_right(std::uint32_t x, unsigned by) { return (x >> by) | (x << (32 - by)); }

}  // namespace

void sha256(std::uint32_t state[8], const std::uint8_t* data, std::size_t blocks) noexcept {
  for (; blocks != 0; --blocks, data += 64) {
    std::uint32_t w[64];
    for (unsigned i = 0; i < 16; ++i) {
      w[i] = 0;
      for (unsigned byte = 0; byte < 4; ++byte) w[i] = (w[i] << 8) | data[4 * i + byte];
    }
    for (unsigned i = 16; i < 64; ++i) {
      const std::uint32_t s0 = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ (w[i - 15] >> 3);
      const std::uint32_t s1 = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    std::uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (unsigned i = 0; i < 64; ++i) {
      const std::uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
      const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + internal::kSha256Constants[i] + w[i];
      const std::uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
      const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    const std::uint32_t add[8] = {a, b, c, d, e, f, g, h};
    for (unsigned i = 0; i < 8; ++i) state[i] += add[i];
  }
}

}  // namespace prism::kernels::portable_set
