// prism/kernels/avx512ifma/vector.h - eight residues at a time: 52-bit multiplication and reductions.
// VPMADD52 multiplies the low 52 bits of two lanes and adds the low, or the high, 52 bits of the product to a third.
// Empty for compilations without the instructions, such as the check that headers stand alone.
#pragma once
#if defined(__AVX512IFMA__)
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define PRISM_INLINE inline __attribute__((always_inline))

namespace prism::kernels::avx512ifma_set {

using Vector = __m512i;

PRISM_INLINE Vector load(const std::uint64_t* p) { return _mm512_loadu_si512(p); }
PRISM_INLINE void store(std::uint64_t* p, Vector v) { _mm512_storeu_si512(p, v); }
PRISM_INLINE Vector all_lanes(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
PRISM_INLINE Vector zero() { return _mm512_setzero_si512(); }
PRISM_INLINE Vector add64(Vector a, Vector b) { return _mm512_add_epi64(a, b); }
PRISM_INLINE Vector sub64(Vector a, Vector b) { return _mm512_sub_epi64(a, b); }
/// acc + low (high) 52 bits of a * b
PRISM_INLINE Vector madd_low(Vector acc, Vector a, Vector b) { return _mm512_madd52lo_epu64(acc, a, b); }
PRISM_INLINE Vector madd_high(Vector acc, Vector a, Vector b) { return _mm512_madd52hi_epu64(acc, a, b); }
/// x - bound if that is not negative, else x: the wrapped difference is the larger number.
PRISM_INLINE Vector reduce_once(Vector x, Vector bound) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, bound)); }
PRISM_INLINE Vector low52(Vector x) { return _mm512_and_si512(x, all_lanes((std::uint64_t{1} << 52) - 1)); }

/// Whether a loop that reads `in` and writes `out` should go downwards. A load whose address agrees with that of a
/// recent store in its low 12 bits waits for it; the direction is chosen so that such loads come first. Upwards, rows
/// take twice their time, and transforms a quarter more, where out is 64 to 512 bytes ahead of in modulo 4096, as
/// neighbours from one allocator often are.
inline bool downwards(const std::uint64_t* out, const std::uint64_t* in) {
  const std::uintptr_t ahead = (reinterpret_cast<std::uintptr_t>(out) - reinterpret_cast<std::uintptr_t>(in)) % 4096;
  return ahead != 0 && ahead < 2048;
}
/// body(i) for every eighth i below n, in the direction that is better for more pairs of an output and an input.
template <std::size_t kOut, std::size_t kIn, class Body>
PRISM_INLINE void for_row(const std::uint64_t* const (&out)[kOut], const std::uint64_t* const (&in)[kIn], std::size_t n,
                          Body body) {
  int score = 0;
  for (const std::uint64_t* const to : out) {
    for (const std::uint64_t* const from : in) score += downwards(to, from) - downwards(from, to);
  }
  const std::size_t step = score > 0 ? std::size_t{0} - 8 : 8;
  for (std::size_t left = n, i = score > 0 ? n - 8 : 0; left != 0; left -= 8, i += step) body(i);
}

}  // namespace prism::kernels::avx512ifma_set

#endif  // __AVX512IFMA__
