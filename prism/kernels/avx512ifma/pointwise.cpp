// Row arithmetic, eight residues at a time; reductions are in reducer.h. Rows are multiples of eight values: no tails.
#include "prism/kernels/avx512ifma/functions.h"
#include "prism/kernels/avx512ifma/reducer.h"
#include "prism/kernels/avx512ifma/vector.h"

namespace prism::kernels::avx512ifma_set {
namespace {

/// Eight values of a within one aligned group, in the order of index[0..7].
PRISM_INLINE Vector load_eight(const Word* a, std::size_t group, Vector lanes) {
  return _mm512_permutexvar_epi64(lanes, load(a + group));  // looks at the low three bits of a lane's index
}
PRISM_INLINE Vector load_lanes(const std::uint32_t* index) {
  return _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)));
}

/// out[k][i] = (kAdd: out[k][i] +) sum_j a[j][i or index[i]] * b[k][j][i].
template <bool kAdd, bool kPermuted>
PRISM_INLINE void two_inner_products(Word* const (&out)[2], const Word* const* a, const Word* const* const (&b)[2],
                                     std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) {
  const Reducer r(m);
  const bool few = count <= Reducer::kFew;
  for (std::size_t i = 0; i < n; i += 8) {
    const Vector lanes = kPermuted ? load_lanes(index + i) : zero();
    const std::size_t group = kPermuted ? index[i] / 8 * 8 : i;
    Vector low0 = zero(), high0 = r.q, low1 = zero(), high1 = r.q;
    for (std::size_t j = 0; j < count; ++j) {
      const Vector x = kPermuted ? load_eight(a[j], group, lanes) : load(a[j] + i);
      const Vector y0 = load(b[0][j] + i), y1 = load(b[1][j] + i);
      low0 = madd_low(low0, x, y0);
      high0 = madd_high(high0, x, y0);
      low1 = madd_low(low1, x, y1);
      high1 = madd_high(high1, x, y1);
    }
    Vector sum0 = r.reduce_sum(high0, low0, few), sum1 = r.reduce_sum(high1, low1, few);
    if constexpr (kAdd) {
      sum0 = reduce_once(add64(sum0, load(out[0] + i)), r.q);
      sum1 = reduce_once(add64(sum1, load(out[1] + i)), r.q);
    }
    store(out[0] + i, sum0);
    store(out[1] + i, sum1);
  }
}

/// combine() from its term number kFirst on; the sum so far is below 2q. A term, taken as a*w - floor(a*w52 / 2^52)*q,
/// is below 1.25 q because a < 2^50, so one correction by 2q keeps the sum below 2q.
template <std::size_t kFirst, std::size_t kCount>
PRISM_INLINE void combine_rows(Word* out, const Word* const* a, const Multiplier* s, std::size_t count, Vector offset,
                               std::size_t n, const Reducer& r) {
  for (std::size_t i = 0; i < n; i += 8) {
    Vector sum = kFirst == 0 ? offset : reduce_once(add64(offset, load(a[0] + i)), r.two_q);
    for (std::size_t j = kFirst; j < (kCount != 0 ? kCount : count); ++j) {
      const Vector x = load(a[j] + i);
      const Vector quotient = madd_high(zero(), x, all_lanes(s[j].w52));
      sum = reduce_once(low52(madd_low(madd_low(sum, x, all_lanes(s[j].w)), quotient, r.minus_q)), r.two_q);
    }
    store(out + i, reduce_once(sum, r.q));
  }
}

}  // namespace

void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Vector q = all_lanes(m.q);
  for (std::size_t i = 0; i < n; i += 8) store(out + i, reduce_once(add64(load(a + i), load(b + i)), q));
}

void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Vector q = all_lanes(m.q);
  for (std::size_t i = 0; i < n; i += 8) {
    const Vector d = sub64(load(a + i), load(b + i));
    store(out + i, _mm512_min_epu64(d, add64(d, q)));  // a negative difference wraps to a huge number
  }
}

void negate(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
  const Vector q = all_lanes(m.q);
  for (std::size_t i = 0; i < n; i += 8) store(out + i, reduce_once(sub64(q, load(a + i)), q));
}

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 8) store(out + i, r.multiply_add(load(a + i), load(b + i), zero()));
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 8) store(out + i, r.multiply_add(load(a + i), load(b + i), load(out + i)));
}

void multiply_scalar(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector w = all_lanes(s.w), w52 = all_lanes(s.w52);
  for (std::size_t i = 0; i < n; i += 8) store(out + i, r.multiply_by(load(a + i), w, w52));
}

void multiply_scalar_add(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector w = all_lanes(s.w), w52 = all_lanes(s.w52);
  for (std::size_t i = 0; i < n; i += 8) {
    store(out + i, reduce_once(add64(load(out + i), r.multiply_by(load(a + i), w, w52)), r.q));
  }
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, Multiplier s, std::size_t n,
                              const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector w = all_lanes(s.w), w52 = all_lanes(s.w52);
  for (std::size_t i = 0; i < n; i += 8) {
    store(out + i, r.multiply_by(sub64(add64(load(a + i), r.q), load(b + i)), w, w52));
  }
}

void tensor_add(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1,
                std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 8) {
    const Vector x0 = load(a0 + i), x1 = load(a1 + i), y0 = load(b0 + i), y1 = load(b1 + i);
    store(c0 + i, r.multiply_add(x0, y0, load(c0 + i)));
    const Vector low = madd_low(madd_low(load(c1 + i), x0, y1), x1, y0);
    const Vector high = madd_high(madd_high(zero(), x0, y1), x1, y0);
    store(c1 + i, r.reduce_two_products(high, low));
    store(c2 + i, r.multiply_add(x1, y1, load(c2 + i)));
  }
}

void tensor(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1, std::size_t n,
            const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 8) {
    const Vector x0 = load(a0 + i), x1 = load(a1 + i), y0 = load(b0 + i), y1 = load(b1 + i);
    store(c0 + i, r.multiply_add(x0, y0, zero()));
    const Vector low = madd_low(madd_low(zero(), x0, y1), x1, y0);
    const Vector high = madd_high(madd_high(zero(), x0, y1), x1, y0);
    store(c1 + i, r.reduce_two_products(high, low));
    store(c2 + i, r.multiply_add(x1, y1, zero()));
  }
}

void tensor_square(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 8) {
    const Vector x0 = load(a0 + i), x1 = load(a1 + i), twice = add64(x0, x0);
    store(c0 + i, r.multiply_add(x0, x0, zero()));
    store(c1 + i, r.reduce_two_products(madd_high(zero(), twice, x1), madd_low(zero(), twice, x1)));
    store(c2 + i, r.multiply_add(x1, x1, zero()));
  }
}

void inner_product(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
                   const Modulus& m) noexcept {
  const Reducer r(m);
  const bool few = count <= Reducer::kFew;
  for (std::size_t i = 0; i + 16 <= n; i += 16) {
    Vector low0 = zero(), high0 = r.q, low1 = zero(), high1 = r.q;
    for (std::size_t j = 0; j < count; ++j) {
      const Vector x0 = load(a[j] + i), y0 = load(b[j] + i), x1 = load(a[j] + i + 8), y1 = load(b[j] + i + 8);
      low0 = madd_low(low0, x0, y0);
      high0 = madd_high(high0, x0, y0);
      low1 = madd_low(low1, x1, y1);
      high1 = madd_high(high1, x1, y1);
    }
    store(out + i, r.reduce_sum(high0, low0, few));
    store(out + i + 8, r.reduce_sum(high1, low1, few));
  }
  if (n % 16 != 0) {
    const std::size_t i = n - 8;
    Vector low = zero(), high = r.q;
    for (std::size_t j = 0; j < count; ++j) {
      low = madd_low(low, load(a[j] + i), load(b[j] + i));
      high = madd_high(high, load(a[j] + i), load(b[j] + i));
    }
    store(out + i, r.reduce_sum(high, low, few));
  }
}

void inner_product_pair(Word* out0, Word* out1, const Word* const* a, const Word* const* b0, const Word* const* b1,
                        std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) noexcept {
  if (index == nullptr) {
    two_inner_products<false, false>({out0, out1}, a, {b0, b1}, count, index, n, m);
  } else {
    two_inner_products<false, true>({out0, out1}, a, {b0, b1}, count, index, n, m);
  }
}

void inner_product_pair_add(Word* out0, Word* out1, const Word* const* a, const Word* const* b0, const Word* const* b1,
                            std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) noexcept {
  if (index == nullptr) {
    two_inner_products<true, false>({out0, out1}, a, {b0, b1}, count, index, n, m);
  } else {
    two_inner_products<true, true>({out0, out1}, a, {b0, b1}, count, index, n, m);
  }
}

void inner_product_scalar(Word* out, const Word* const* a, const Word* s, std::size_t count, std::size_t n,
                          const Modulus& m) noexcept {
  const Reducer r(m);
  const bool few = count <= Reducer::kFew;
  Vector w[64];
  for (std::size_t j = 0; j < count; ++j) w[j] = r.multiply_add(all_lanes(s[j]), r.two52, zero());
  for (std::size_t i = 0; i + 16 <= n; i += 16) {
    Vector low0 = zero(), high0 = r.q, low1 = zero(), high1 = r.q;
    for (std::size_t j = 0; j < count; ++j) {
      const Vector x0 = load(a[j] + i), x1 = load(a[j] + i + 8);
      low0 = madd_low(low0, x0, w[j]);
      high0 = madd_high(high0, x0, w[j]);
      low1 = madd_low(low1, x1, w[j]);
      high1 = madd_high(high1, x1, w[j]);
    }
    store(out + i, r.reduce_scaled_sum(high0, low0, few));
    store(out + i + 8, r.reduce_scaled_sum(high1, low1, few));
  }
  if (n % 16 != 0) {
    const std::size_t i = n - 8;
    Vector low = zero(), high = r.q;
    for (std::size_t j = 0; j < count; ++j) {
      low = madd_low(low, load(a[j] + i), w[j]);
      high = madd_high(high, load(a[j] + i), w[j]);
    }
    store(out + i, r.reduce_scaled_sum(high, low, few));
  }
}

void combine(Word* out, const Word* const* a, const Multiplier* s, std::size_t count, Word first_below, Word offset,
             std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector start = all_lanes(offset);
  if (count != 0 && s[0].w == 1 && first_below <= 2 * m.q) {
    switch (count) {
      case 2:
        return combine_rows<1, 2>(out, a, s, count, start, n, r);
      case 3:
        return combine_rows<1, 3>(out, a, s, count, start, n, r);
      case 4:
        return combine_rows<1, 4>(out, a, s, count, start, n, r);
      default:
        return combine_rows<1, 0>(out, a, s, count, start, n, r);
    }
  }
  switch (count) {
    case 1:
      return combine_rows<0, 1>(out, a, s, count, start, n, r);
    case 2:
      return combine_rows<0, 2>(out, a, s, count, start, n, r);
    case 3:
      return combine_rows<0, 3>(out, a, s, count, start, n, r);
    case 4:
      return combine_rows<0, 4>(out, a, s, count, start, n, r);
    default:
      return combine_rows<0, 0>(out, a, s, count, start, n, r);
  }
}

void reduce(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 8) store(out + i, r.reduce_word(load(a + i)));
}

void recentre(Word* out, const Word* a, const Modulus& from, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector half = all_lanes(from.q / 2), shift = all_lanes(m.q - from.q % m.q);
  for (std::size_t i = 0; i < n; i += 8) {
    const Vector x = load(a + i);
    const __mmask8 upper = _mm512_cmpgt_epu64_mask(x, half);  // x stands for x - from.q
    const Vector y = r.reduce_word(x);
    store(out + i, reduce_once(_mm512_mask_add_epi64(y, upper, y, shift), r.q));
  }
}

void fraction_round(Word* out, const Word* const* a, const Modulus* m, std::size_t count, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; i += 8) {
    Vector sum = all_lanes(Word{1} << 49);
    for (std::size_t j = 0; j < count; ++j) {
      const __m128i up = _mm_cvtsi32_si128(static_cast<int>(52 - m[j].bits));
      sum = madd_high(sum, _mm512_sll_epi64(load(a[j] + i), up), all_lanes(m[j].barrett));
    }
    store(out + i, _mm512_srli_epi64(sum, 50));
  }
}

void permute(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; i += 8) {
    const __m256i where = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index + i));
    store(out + i, _mm512_i32gather_epi64(where, a, 8));
  }
}

void permute_eights(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; i += 8) store(out + i, load_eight(a, index[i] / 8 * 8, load_lanes(index + i)));
}

}  // namespace prism::kernels::avx512ifma_set
