// prism/kernels/avx2/vector.h - four residues at a time, held as doubles.
//
// Without a wide integer multiplier, the fused multiply-add is the way to an exact product of 50-bit numbers: with h
// the rounded product, fma(a, b, -h) is exactly what rounding lost. All values are integers below 2^53 in magnitude,
// every operation but the two products that estimate a quotient is exact, and an estimate's error only moves the
// remainder by a multiple of q; so results are the same integers whatever the rounding mode. (Cf. NTL's and FLINT's
// small-prime transforms.)
// Empty for compilations without the instructions, such as the check that headers stand alone.
#pragma once
#if defined(__AVX2__)
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "prism/kernels/kernels.h"

#define PRISM_INLINE inline __attribute__((always_inline))

namespace prism::kernels::avx2_set {

using Integers = __m256i;
using Doubles = __m256d;

PRISM_INLINE Integers load_integers(const std::uint64_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
PRISM_INLINE void store_integers(std::uint64_t* p, Integers v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
}
PRISM_INLINE Integers all_lanes(std::uint64_t x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }

/// Integers below 2^52: their bits under the exponent of 2^52 are 2^52 + x.
PRISM_INLINE Doubles to_doubles(Integers x) {
  const Doubles two52 = _mm256_set1_pd(0x1p52);
  return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, _mm256_castpd_si256(two52))), two52);
}
/// Integers 0 <= x < 2^52 held as doubles.
PRISM_INLINE Integers to_integers(Doubles x) {
  const Doubles two52 = _mm256_set1_pd(0x1p52);
  return _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(x, two52)), _mm256_castpd_si256(two52));
}
PRISM_INLINE Doubles load_doubles(const std::uint64_t* p) { return to_doubles(load_integers(p)); }

PRISM_INLINE Doubles round(Doubles x) { return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

struct Reducer {
  explicit Reducer(const Modulus& m)
      : q(_mm256_set1_pd(static_cast<double>(m.q))), inverse(_mm256_set1_pd(1.0 / static_cast<double>(m.q))) {}

  /// A representative within q/2 (and a little): x - round(x/q) q.
  PRISM_INLINE Doubles centre(Doubles x) const { return _mm256_fnmadd_pd(round(_mm256_mul_pd(x, inverse)), q, x); }
  /// Canonical from within (-q, q).
  PRISM_INLINE Doubles lift(Doubles x) const {
    return _mm256_add_pd(x, _mm256_and_pd(_mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_LT_OQ), q));
  }
  /// a * b mod q within 0.51 q, for |a b| < 2^50 q.
  PRISM_INLINE Doubles multiply(Doubles a, Doubles b) const {
    const Doubles high = _mm256_mul_pd(a, b), lost = _mm256_fmsub_pd(a, b, high);
    const Doubles quotient = round(_mm256_mul_pd(high, inverse));
    return _mm256_add_pd(_mm256_fnmadd_pd(quotient, q, high), lost);
  }
  Doubles q, inverse;
};

}  // namespace prism::kernels::avx2_set

#endif  // __AVX2__
