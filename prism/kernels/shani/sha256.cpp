// SHA-256 with the SHA instructions (Intel SHA Extensions, 2013), which work on (a b e f) and (c d g h). Compiled with
// SSE and SHA flags only; processors without them get the portable loop.
#include <immintrin.h>

#include "prism/kernels/internal/cpu.h"
#include "prism/kernels/internal/sha256_constants.h"
#include "prism/kernels/internal/sha_instructions.h"
#include "prism/kernels/kernels.h"

namespace prism::kernels::shani {
namespace {

void sha256_instructions(std::uint32_t state[8], const std::uint8_t* data, std::size_t blocks) noexcept {
  const __m128i byte_swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i* const constants = reinterpret_cast<const __m128i*>(internal::kSha256Constants);
  __m128i* const words = reinterpret_cast<__m128i*>(state);
  const __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xB1);      // b a d c, from the low lane up
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1B);  // h g f e
  __m128i abef = _mm_alignr_epi8(abcd, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, abcd, 0xF0);
  for (; blocks != 0; --blocks, data += 64) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 16; ++i) {  // four rounds each
      if (i < 4) {
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data + 16 * i)), byte_swap);
      } else {
        const __m128i s0 = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
        const __m128i w7 = _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4);
        w[i % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(s0, w7), w[(i + 3) % 4]);
      }
      const __m128i sum = _mm_add_epi32(w[i % 4], _mm_load_si128(constants + i));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace

void sha256(std::uint32_t state[8], const std::uint8_t* data, std::size_t blocks) noexcept {
  static const bool instructions = internal::cpu_has_sha();
  if (instructions) {
    sha256_instructions(state, data, blocks);
  } else {
    portable.sha256(state, data, blocks);
  }
}

}  // namespace prism::kernels::shani
