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

// Sums of products go four vectors of a row at a time. Rows of one polynomial lie a multiple of 4096 bytes apart, so
// that equal places of all of them share one set of the first cache, which has eight ways: lines fetched ahead for one
// row are thrown out by the others before they are used. Four lines in turn from each row halve the time of nine rows'
// sums.
constexpr std::size_t kTogether = 4;

/// Two sums' halves; the high one starts from q (reducer.h).
struct Sum {
  PRISM_INLINE void add_product(Vector x, Vector y) {
    low = madd_low(low, x, y);
    high = madd_high(high, x, y);
  }
  Vector low, high;
};

/// out[k][i] = (kAdd: out[k][i] +) sum_j a[j][i or index[i]] * b[k][j][i] for 8 * kWidth values of i.
template <bool kAdd, bool kPermuted, std::size_t kWidth>
PRISM_INLINE void two_sums(Word* const (&out)[2], const Word* const* a, const Word* const* const (&b)[2],
                           std::size_t count, const std::uint32_t* index, std::size_t i, bool few, const Reducer& r) {
  Sum sum0[kWidth], sum1[kWidth];
  Vector lanes[kWidth];
  std::size_t from[kWidth];
  for (std::size_t k = 0; k < kWidth; ++k) {
    sum0[k] = sum1[k] = {zero(), r.q};
    lanes[k] = kPermuted ? load_lanes(index + i + 8 * k) : zero();
    from[k] = kPermuted ? index[i + 8 * k] / 8 * 8 : i + 8 * k;
  }
  for (std::size_t j = 0; j < count; ++j) {
    for (std::size_t k = 0; k < kWidth; ++k) {
      const std::size_t at = i + 8 * k;
      const Vector x = kPermuted ? load_eight(a[j], from[k], lanes[k]) : load(a[j] + at);
      sum0[k].add_product(x, load(b[0][j] + at));
      sum1[k].add_product(x, load(b[1][j] + at));
    }
  }
  const auto finish = [&r, few](Word* at, const Sum& sum) {
    const Vector value = r.reduce_sum(sum.high, sum.low, few);
    store(at, kAdd ? reduce_once(add64(value, load(at)), r.q) : value);
  };
  for (std::size_t k = 0; k < kWidth; ++k) finish(out[0] + i + 8 * k, sum0[k]);
  for (std::size_t k = 0; k < kWidth; ++k) finish(out[1] + i + 8 * k, sum1[k]);
}

template <bool kAdd, bool kPermuted>
PRISM_INLINE void two_inner_products(Word* const (&out)[2], const Word* const* a, const Word* const* const (&b)[2],
                                     std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) {
  const Reducer r(m);
  const bool few = count <= Reducer::kFew;
  std::size_t i = 0;
  // Permuted digits come from all over their rows as it is; there one vector at a time is faster.
  for (; !kPermuted && i + 8 * kTogether <= n; i += 8 * kTogether) {
    two_sums<kAdd, kPermuted, kTogether>(out, a, b, count, index, i, few, r);
  }
  for (; i < n; i += 8) two_sums<kAdd, kPermuted, 1>(out, a, b, count, index, i, few, r);
}

/// sum_j a[j][i] * factor(j, i) for 8 * kWidth values of i, each handed to store_sum(i, sum).
template <std::size_t kWidth>
PRISM_INLINE void one_sum(const Word* const* a, std::size_t count, std::size_t i, const Reducer& r, auto factor,
                          auto store_sum) {
  Sum sum[kWidth];
  for (std::size_t k = 0; k < kWidth; ++k) sum[k] = {zero(), r.q};
  for (std::size_t j = 0; j < count; ++j) {
    for (std::size_t k = 0; k < kWidth; ++k) sum[k].add_product(load(a[j] + i + 8 * k), factor(j, i + 8 * k));
  }
  for (std::size_t k = 0; k < kWidth; ++k) store_sum(i + 8 * k, sum[k]);
}
PRISM_INLINE void one_inner_product(const Word* const* a, std::size_t count, std::size_t n, const Reducer& r,
                                    auto factor, auto store_sum) {
  std::size_t i = 0;
  for (; i + 8 * kTogether <= n; i += 8 * kTogether) one_sum<kTogether>(a, count, i, r, factor, store_sum);
  for (; i < n; i += 8) one_sum<1>(a, count, i, r, factor, store_sum);
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
  for_row({out}, {a, b}, n, [=](std::size_t i) { store(out + i, reduce_once(add64(load(a + i), load(b + i)), q)); });
}

void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Vector q = all_lanes(m.q);
  for_row({out}, {a, b}, n, [=](std::size_t i) {
    const Vector d = sub64(load(a + i), load(b + i));
    store(out + i, _mm512_min_epu64(d, add64(d, q)));  // a negative difference wraps to a huge number
  });
}

void negate(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
  const Vector q = all_lanes(m.q);
  for_row({out}, {a}, n, [=](std::size_t i) { store(out + i, reduce_once(sub64(q, load(a + i)), q)); });
}

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for_row({out}, {a, b}, n, [=](std::size_t i) { store(out + i, r.multiply_add(load(a + i), load(b + i), zero())); });
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for_row({out}, {a, b}, n,
          [=](std::size_t i) { store(out + i, r.multiply_add(load(a + i), load(b + i), load(out + i))); });
}

void multiply_scalar(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector w = all_lanes(s.w), w52 = all_lanes(s.w52);
  for_row({out}, {a}, n, [=](std::size_t i) { store(out + i, r.multiply_by(load(a + i), w, w52)); });
}

void multiply_scalar_add(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector w = all_lanes(s.w), w52 = all_lanes(s.w52);
  for_row({out}, {a}, n, [=](std::size_t i) {
    store(out + i, reduce_once(add64(load(out + i), r.multiply_by(load(a + i), w, w52)), r.q));
  });
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, Multiplier s, std::size_t n,
                              const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector w = all_lanes(s.w), w52 = all_lanes(s.w52);
  for_row({out}, {a, b}, n,
          [=](std::size_t i) { store(out + i, r.multiply_by(sub64(add64(load(a + i), r.q), load(b + i)), w, w52)); });
}

void tensor_add(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1,
                std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for_row({c0, c1, c2}, {a0, a1, b0, b1}, n, [=](std::size_t i) {
    const Vector x0 = load(a0 + i), x1 = load(a1 + i), y0 = load(b0 + i), y1 = load(b1 + i);
    store(c0 + i, r.multiply_add(x0, y0, load(c0 + i)));
    const Vector low = madd_low(madd_low(load(c1 + i), x0, y1), x1, y0);
    const Vector high = madd_high(madd_high(zero(), x0, y1), x1, y0);
    store(c1 + i, r.reduce_two_products(high, low));
    store(c2 + i, r.multiply_add(x1, y1, load(c2 + i)));
  });
}

void tensor(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1, std::size_t n,
            const Modulus& m) noexcept {
  const Reducer r(m);
  for_row({c0, c1, c2}, {a0, a1, b0, b1}, n, [=](std::size_t i) {
    const Vector x0 = load(a0 + i), x1 = load(a1 + i), y0 = load(b0 + i), y1 = load(b1 + i);
    store(c0 + i, r.multiply_add(x0, y0, zero()));
    const Vector low = madd_low(madd_low(zero(), x0, y1), x1, y0);
    const Vector high = madd_high(madd_high(zero(), x0, y1), x1, y0);
    store(c1 + i, r.reduce_two_products(high, low));
    store(c2 + i, r.multiply_add(x1, y1, zero()));
  });
}

void tensor_square(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& m) noexcept {
  const Reducer r(m);
  for_row({c0, c1, c2}, {a0, a1}, n, [=](std::size_t i) {
    const Vector x0 = load(a0 + i), x1 = load(a1 + i), twice = add64(x0, x0);
    store(c0 + i, r.multiply_add(x0, x0, zero()));
    store(c1 + i, r.reduce_two_products(madd_high(zero(), twice, x1), madd_low(zero(), twice, x1)));
    store(c2 + i, r.multiply_add(x1, x1, zero()));
  });
}

void inner_product(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
                   const Modulus& m) noexcept {
  const Reducer r(m);
  const bool few = count <= Reducer::kFew;
  one_inner_product(
      a, count, n, r, [b](std::size_t j, std::size_t i) { return load(b[j] + i); },
      [out, few, &r](std::size_t i, const Sum& s) { store(out + i, r.reduce_sum(s.high, s.low, few)); });
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
  one_inner_product(
      a, count, n, r, [&w](std::size_t j, std::size_t) { return w[j]; },
      [out, few, &r](std::size_t i, const Sum& sum) { store(out + i, r.reduce_scaled_sum(sum.high, sum.low, few)); });
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
  for_row({out}, {a}, n, [=](std::size_t i) { store(out + i, r.reduce_word(load(a + i))); });
}

void recentre(Word* out, const Word* a, const Modulus& from, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Vector half = all_lanes(from.q / 2), shift = all_lanes(m.q - from.q % m.q);
  for_row({out}, {a}, n, [=](std::size_t i) {
    const Vector x = load(a + i);
    const __mmask8 upper = _mm512_cmpgt_epu64_mask(x, half);  // x stands for x - from.q
    const Vector y = r.reduce_word(x);
    store(out + i, reduce_once(_mm512_mask_add_epi64(y, upper, y, shift), r.q));
  });
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
