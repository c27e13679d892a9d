// Row arithmetic, four residues at a time; products through doubles (vector.h).
#include "prism/kernels/avx2/functions.h"
#include "prism/kernels/avx2/vector.h"

namespace prism::kernels::avx2_set {
namespace {

/// x - bound if that is not negative, else x; for values below 2^63.
PRISM_INLINE Integers reduce_once(Integers x, Integers bound) {
  const Integers less = _mm256_sub_epi64(x, bound);
  // The sign of `less` chooses, as blendv looks at the top bit.
  return _mm256_castpd_si256(
      _mm256_blendv_pd(_mm256_castsi256_pd(less), _mm256_castsi256_pd(x), _mm256_castsi256_pd(less)));
}

PRISM_INLINE Integers canonical(Doubles x, const Reducer& r) { return to_integers(r.lift(x)); }

/// How four values of an aligned group of eight come into order: the lanes to take from each half, as pairs of words of
/// 32 bits, and which half.
constexpr std::uint32_t kInOrder[] = {0, 1, 2, 3};
struct Lanes {
  explicit Lanes(const std::uint32_t* index) {
    const Integers lane = _mm256_cvtepu32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(index)));
    const Integers word = _mm256_slli_epi64(_mm256_and_si256(lane, all_lanes(3)), 1);
    words = _mm256_or_si256(word, _mm256_slli_epi64(_mm256_or_si256(word, all_lanes(1)), 32));
    upper = _mm256_slli_epi64(lane, 61);
  }
  PRISM_INLINE Integers load(const Word* group) const {
    const Integers low = _mm256_permutevar8x32_epi32(load_integers(group), words);
    const Integers high = _mm256_permutevar8x32_epi32(load_integers(group + 4), words);
    return _mm256_castpd_si256(
        _mm256_blendv_pd(_mm256_castsi256_pd(low), _mm256_castsi256_pd(high), _mm256_castsi256_pd(upper)));
  }
  Integers words, upper;
};

/// sums[k][i] = (kAdd: sums[k][i] +) sum_j a[j][i or index[i]] * b[k][j][i].
template <bool kAdd, bool kPermuted>
PRISM_INLINE void two_inner_products(Word* const (&out)[2], const Word* const* a, const Word* const* const (&b)[2],
                                     std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 4) {
    const Lanes lanes(kPermuted ? index + i : kInOrder);
    const std::size_t group = kPermuted ? index[i] / 8 * 8 : i;
    Doubles sum0 = _mm256_setzero_pd(), sum1 = sum0;
    if constexpr (kAdd) sum0 = load_doubles(out[0] + i), sum1 = load_doubles(out[1] + i);
    for (std::size_t j = 0; j < count; ++j) {
      const Doubles x = kPermuted ? to_doubles(lanes.load(a[j] + group)) : load_doubles(a[j] + i);
      sum0 = _mm256_add_pd(sum0, r.multiply(x, load_doubles(b[0][j] + i)));
      sum1 = _mm256_add_pd(sum1, r.multiply(x, load_doubles(b[1][j] + i)));
      if (j % 4 == 3) sum0 = r.centre(sum0), sum1 = r.centre(sum1);  // up to then within q + 4 * 0.51 q < 2^53
    }
    store_integers(out[0] + i, canonical(r.centre(sum0), r));
    store_integers(out[1] + i, canonical(r.centre(sum1), r));
  }
}

}  // namespace

void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Integers q = all_lanes(m.q);
  for (std::size_t i = 0; i < n; i += 4) {
    store_integers(out + i, reduce_once(_mm256_add_epi64(load_integers(a + i), load_integers(b + i)), q));
  }
}

void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Integers q = all_lanes(m.q);
  for (std::size_t i = 0; i < n; i += 4) {
    const Integers difference = _mm256_sub_epi64(load_integers(a + i), load_integers(b + i));
    store_integers(out + i, reduce_once(_mm256_add_epi64(difference, q), q));
  }
}

void negate(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
  const Integers q = all_lanes(m.q);
  for (std::size_t i = 0; i < n; i += 4) {
    store_integers(out + i, reduce_once(_mm256_sub_epi64(q, load_integers(a + i)), q));
  }
}

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 4) {
    store_integers(out + i, canonical(r.multiply(load_doubles(a + i), load_doubles(b + i)), r));
  }
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Integers q = all_lanes(m.q);
  for (std::size_t i = 0; i < n; i += 4) {
    const Integers product = canonical(r.multiply(load_doubles(a + i), load_doubles(b + i)), r);
    store_integers(out + i, reduce_once(_mm256_add_epi64(product, load_integers(out + i)), q));
  }
}

void multiply_scalar(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Doubles w = to_doubles(all_lanes(s.w));
  for (std::size_t i = 0; i < n; i += 4) store_integers(out + i, canonical(r.multiply(load_doubles(a + i), w), r));
}

void multiply_scalar_add(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  const Integers q = all_lanes(m.q);
  const Doubles w = to_doubles(all_lanes(s.w));
  for (std::size_t i = 0; i < n; i += 4) {
    const Integers product = canonical(r.multiply(load_doubles(a + i), w), r);
    store_integers(out + i, reduce_once(_mm256_add_epi64(product, load_integers(out + i)), q));
  }
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, Multiplier s, std::size_t n,
                              const Modulus& m) noexcept {
  const Reducer r(m);
  const Doubles w = to_doubles(all_lanes(s.w));
  for (std::size_t i = 0; i < n; i += 4) {
    const Doubles difference = _mm256_sub_pd(load_doubles(a + i), load_doubles(b + i));
    store_integers(out + i, canonical(r.multiply(difference, w), r));
  }
}

void tensor_add(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1,
                std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 4) {
    const Doubles x0 = load_doubles(a0 + i), x1 = load_doubles(a1 + i);
    const Doubles y0 = load_doubles(b0 + i), y1 = load_doubles(b1 + i);
    const Doubles sum0 = _mm256_add_pd(load_doubles(c0 + i), r.multiply(x0, y0));
    const Doubles sum2 = _mm256_add_pd(load_doubles(c2 + i), r.multiply(x1, y1));
    const Doubles cross = _mm256_add_pd(r.multiply(x0, y1), r.multiply(x1, y0));
    store_integers(c0 + i, canonical(r.centre(sum0), r));
    store_integers(c1 + i, canonical(r.centre(_mm256_add_pd(load_doubles(c1 + i), cross)), r));
    store_integers(c2 + i, canonical(r.centre(sum2), r));
  }
}

void tensor(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1, std::size_t n,
            const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 4) {
    const Doubles x0 = load_doubles(a0 + i), x1 = load_doubles(a1 + i);
    const Doubles y0 = load_doubles(b0 + i), y1 = load_doubles(b1 + i);
    store_integers(c0 + i, canonical(r.multiply(x0, y0), r));
    store_integers(c1 + i, canonical(r.centre(_mm256_add_pd(r.multiply(x0, y1), r.multiply(x1, y0))), r));
    store_integers(c2 + i, canonical(r.multiply(x1, y1), r));
  }
}

void tensor_square(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 4) {
    const Doubles x0 = load_doubles(a0 + i), x1 = load_doubles(a1 + i);
    const Doubles cross = r.multiply(x0, x1);
    store_integers(c0 + i, canonical(r.multiply(x0, x0), r));
    store_integers(c1 + i, canonical(r.centre(_mm256_add_pd(cross, cross)), r));
    store_integers(c2 + i, canonical(r.multiply(x1, x1), r));
  }
}

void inner_product(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
                   const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 4) {
    Doubles sum = _mm256_setzero_pd();
    for (std::size_t j = 0; j < count; ++j) {
      sum = _mm256_add_pd(sum, r.multiply(load_doubles(a[j] + i), load_doubles(b[j] + i)));
      if (j % 8 == 7) sum = r.centre(sum);  // up to then within 8 * 0.51 q + 0.51 q < 2^53
    }
    store_integers(out + i, canonical(r.centre(sum), r));
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
  for (std::size_t i = 0; i < n; i += 4) {
    Doubles sum = _mm256_setzero_pd();
    for (std::size_t j = 0; j < count; ++j) {
      sum = _mm256_add_pd(sum, r.multiply(load_doubles(a[j] + i), to_doubles(all_lanes(s[j]))));
      if (j % 8 == 7) sum = r.centre(sum);
    }
    store_integers(out + i, canonical(r.centre(sum), r));
  }
}

void combine(Word* out, const Word* const* a, const Multiplier* s, std::size_t count, Word /*first_below*/, Word offset,
             std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 4) {
    Doubles sum = to_doubles(all_lanes(offset));
    for (std::size_t j = 0; j < count; ++j) {
      sum = _mm256_add_pd(sum, r.multiply(load_doubles(a[j] + i), to_doubles(all_lanes(s[j].w))));
      if (j % 4 == 3) sum = r.centre(sum);  // up to then within q + 4 * 0.51 q < 2^53
    }
    store_integers(out + i, canonical(r.centre(sum), r));
  }
}

void reduce(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m);
  for (std::size_t i = 0; i < n; i += 4) store_integers(out + i, canonical(r.centre(load_doubles(a + i)), r));
}

void recentre(Word* out, const Word* a, const Modulus& from, std::size_t n, const Modulus& m) noexcept {
  const Reducer r(m), source(from);
  const Doubles half = _mm256_set1_pd(static_cast<double>(from.q / 2));
  for (std::size_t i = 0; i < n; i += 4) {
    const Doubles x = load_doubles(a + i);
    const Doubles upper = _mm256_cmp_pd(x, half, _CMP_GT_OQ);  // x stands for x - from.q
    store_integers(out + i, canonical(r.centre(_mm256_sub_pd(x, _mm256_and_pd(upper, source.q))), r));
  }
}

void fraction_round(Word* out, const Word* const* a, const Modulus* m, std::size_t count, std::size_t n) noexcept {
  const Integers low32 = all_lanes(0xffffffff);
  for (std::size_t i = 0; i < n; i += 4) {
    Integers sum = all_lanes(Word{1} << 49);
    for (std::size_t j = 0; j < count; ++j) {  // (a * barrett) >> bits from four products of 32-bit halves
      const Integers x = load_integers(a[j] + i), y = all_lanes(m[j].barrett);
      const Integers x1 = _mm256_srli_epi64(x, 32), y1 = _mm256_srli_epi64(y, 32);
      const Integers low = _mm256_mul_epu32(x, y);
      const Integers middle = _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epu32(x1, y), _mm256_mul_epu32(x, y1)),
                                               _mm256_srli_epi64(low, 32));  // below 2^53
      const Integers high = _mm256_add_epi64(_mm256_mul_epu32(x1, y1), _mm256_srli_epi64(middle, 32));
      const Integers rest = _mm256_or_si256(_mm256_slli_epi64(middle, 32), _mm256_and_si256(low, low32));
      const __m128i bits = _mm_cvtsi32_si128(static_cast<int>(m[j].bits));
      const __m128i up = _mm_cvtsi32_si128(static_cast<int>(64 - m[j].bits));
      sum = _mm256_add_epi64(sum, _mm256_or_si256(_mm256_sll_epi64(high, up), _mm256_srl_epi64(rest, bits)));
    }
    store_integers(out + i, _mm256_srli_epi64(sum, 50));
  }
}

void permute(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept {
  const long long* const from = reinterpret_cast<const long long*>(a);
  for (std::size_t i = 0; i < n; i += 4) {
    const __m128i where = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index + i));
    store_integers(out + i, _mm256_i32gather_epi64(from, where, 8));
  }
}

void permute_eights(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; i += 4) store_integers(out + i, Lanes(index + i).load(a + index[i] / 8 * 8));
}

}  // namespace prism::kernels::avx2_set
