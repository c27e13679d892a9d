// prism/kernels/avx512ifma/reducer.h - reductions modulo a 50-bit prime, eight at a time.
// They are those of portable/pointwise.cpp in 52-bit words; the estimates' errors are derived beside each.
#pragma once
#include "prism/kernels/avx512ifma/functions.h"
#include "prism/kernels/avx512ifma/vector.h"
#include "prism/kernels/kernels.h"
#if defined(__AVX512IFMA__)

namespace prism::kernels::avx512ifma_set {

struct Reducer {
  explicit Reducer(const Modulus& m)
      : q(all_lanes(m.q)),
        two_q(all_lanes(2 * m.q)),
        minus_q(all_lanes((Word{1} << 52) - m.q)),
        barrett(all_lanes(m.barrett)),
        barrett2(all_lanes(2 * m.barrett)),
        two52(all_lanes(m.two52)),
        two52_w52(all_lanes(m.two52_w52)),
        inverse(all_lanes(m.inverse)),
        bits(_mm_cvtsi32_si128(static_cast<int>(m.bits))),
        bits_less_1(_mm_cvtsi32_si128(static_cast<int>(m.bits - 1))),
        up_to_52(_mm_cvtsi32_si128(static_cast<int>(52 - m.bits))),
        up_to_53(_mm_cvtsi32_si128(static_cast<int>(53 - m.bits))) {}

  /// To canonical from below 4q.
  PRISM_INLINE Vector from_four(Vector x) const { return reduce_once(reduce_once(x, two_q), q); }

  /// a*b + c mod q, all canonical.
  /// With h = floor(4ab / 2^bits), the quotient floor(h * barrett / 2^52) of ab is low by less than
  /// 2^bits/4q + ab/2^(50+bits) + 1 < 2.5, so the remainder with c stays below 4q.
  PRISM_INLINE Vector multiply_add(Vector a, Vector b, Vector c) const {
    const Vector h = madd_high(zero(), _mm512_sll_epi64(a, up_to_52), _mm512_slli_epi64(b, 2));
    const Vector quotient = madd_high(zero(), h, barrett);
    return from_four(low52(madd_low(madd_low(c, a, b), quotient, minus_q)));
  }

  /// high * 2^52 + low mod q, for a total s < 2q^2 + 2^50 and any split.
  /// With h = floor(s / 2^(bits-1)) < 2^52, the quotient floor(2 h * barrett / 2^52) is low by less than
  /// 2^bits/2q + s/2^(50+bits) + 1 < 4: first term at most 1, second at most 2q/2^bits (+ 2^-bits), 3.5 together.
  PRISM_INLINE Vector reduce_two_products(Vector high, Vector low) const {
    high = add64(high, _mm512_srli_epi64(low, 52));
    low = low52(low);
    const Vector h = _mm512_or_si512(_mm512_sll_epi64(high, up_to_53), _mm512_srl_epi64(low, bits_less_1));
    const Vector quotient = madd_high(zero(), h, barrett2);
    return from_four(low52(madd_low(low, quotient, minus_q)));
  }

  // Sums of at most 64 products s, each below 2^50 * q, are gathered in two halves; the high one starts from q. They
  // are reduced by Montgomery's method: with m = s/q mod 2^52, s - mq is a multiple of 2^52, and (s - mq) / 2^52 + q,
  // the difference of the high halves, is positive and below (1 + count/4) q.

  /// s / 2^52 mod q in [0, 4q). `few`: at most kFew products.
  PRISM_INLINE Vector reduce_sum_lazily(Vector high, Vector low, bool few) const {
    const Vector multiple = madd_low(zero(), low, inverse);
    Vector x = sub64(add64(high, _mm512_srli_epi64(low, 52)), madd_high(zero(), multiple, q));
    if (!few) {  // up to 17q
      for (const unsigned doublings : {3U, 2U, 1U}) x = reduce_once(x, _mm512_slli_epi64(two_q, doublings));
    }
    return x;
  }
  /// s / 2^52 mod q: for sums whose factors have 2^52 in them already.
  PRISM_INLINE Vector reduce_scaled_sum(Vector high, Vector low, bool few) const {
    return from_four(reduce_sum_lazily(high, low, few));
  }
  /// s mod q.
  PRISM_INLINE Vector reduce_sum(Vector high, Vector low, bool few) const {
    return multiply_by(reduce_sum_lazily(high, low, few), two52, two52_w52);
  }
  static constexpr std::size_t kFew = 12;

  /// a mod q for a < 2^50: the estimate is low by less than 2.
  PRISM_INLINE Vector reduce_word(Vector a) const {
    const Vector quotient = _mm512_srl_epi64(madd_high(zero(), _mm512_slli_epi64(a, 2), barrett), bits);
    return reduce_once(low52(madd_low(a, quotient, minus_q)), q);
  }

  /// The same below 2q.
  PRISM_INLINE Vector reduce_word_lazily(Vector a) const {
    const Vector quotient = _mm512_srl_epi64(madd_high(zero(), _mm512_slli_epi64(a, 2), barrett), bits);
    return low52(madd_low(a, quotient, minus_q));
  }

  /// a * s mod q for a < 2^52.
  PRISM_INLINE Vector multiply_by(Vector a, Vector w, Vector w52) const {
    const Vector quotient = madd_high(zero(), a, w52);
    return reduce_once(low52(madd_low(madd_low(zero(), a, w), quotient, minus_q)), q);
  }

  Vector q, two_q, minus_q, barrett, barrett2, two52, two52_w52, inverse;
  __m128i bits, bits_less_1, up_to_52, up_to_53;
};

}  // namespace prism::kernels::avx512ifma_set

#endif  // __AVX512IFMA__
