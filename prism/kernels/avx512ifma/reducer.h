// prism/kernels/avx512ifma/reducer.h - reductions modulo a 50-bit prime, eight at a time.
// They are those of portable/pointwise.cpp in 52-bit words; the estimates' errors are derived beside each.
#pragma once
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

  /// high * 2^52 + low mod q for sums of at most 64 products, each below 2^50 * q: high < 2^(bits+4) + 2^12, low <
  /// 2^58.
  /// `few`: at most kFew products, so that high < 16 * 2^50 * q / 2^52 = 4q and two corrections do.
  PRISM_INLINE Vector reduce_sum(Vector high, Vector low, bool few) const {
    high = add64(high, _mm512_srli_epi64(low, 52));
    low = low52(low);
    if (few) return reduce_high(from_four(high), low);
    // high mod q up to 3q: with u = floor(high / 2^(bits-1)), floor(2u * barrett / 2^52) is low by less than 1 + 1 +
    // 2^-40.
    const Vector u = _mm512_slli_epi64(_mm512_srl_epi64(high, bits_less_1), 1);
    const Vector rough = madd_high(zero(), u, barrett);
    return reduce_high(from_four(low52(madd_low(high, rough, minus_q))), low);
  }
  static constexpr std::size_t kFew = 16;

  /// high * 2^52 + low mod q for high < q and low < 2^52.
  PRISM_INLINE Vector reduce_high(Vector high, Vector low) const {
    // What is left is high * two52 + low < q^2 + 2^52; see portable/pointwise.cpp.
    const Vector sum_low = madd_low(low, high, two52);
    const Vector sum_high = add64(madd_high(zero(), high, two52), _mm512_srli_epi64(sum_low, 52));
    low = low52(sum_low);
    const Vector h = _mm512_or_si512(_mm512_sll_epi64(sum_high, up_to_52), _mm512_srl_epi64(low, bits));
    const Vector quotient = madd_high(zero(), _mm512_slli_epi64(h, 1), barrett2);
    return from_four(low52(madd_low(low, quotient, minus_q)));
  }

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

  Vector q, two_q, minus_q, barrett, barrett2, two52;
  __m128i bits, bits_less_1, up_to_52, up_to_53;
};

}  // namespace prism::kernels::avx512ifma_set

#endif  // __AVX512IFMA__
