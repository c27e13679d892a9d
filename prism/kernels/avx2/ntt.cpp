// The negacyclic transform in vectors of four doubles (vector.h): between the first and the last pass the row holds the
// bit patterns of signed doubles, bounded in multiples B of q as the comments say. Two layers per pass; sub-transforms
// are finished one after the other while they sit in the first cache. As in avx512ifma/ntt.cpp a block's first layer
// reads w[node].
#include <cstring>

#include "prism/kernels/avx2/functions.h"
#include "prism/kernels/avx2/vector.h"

namespace prism::kernels::avx2_set {
namespace {

/// Blocks up to this many values (16 KiB) are transformed layer by layer, larger ones by parts.
constexpr std::size_t kLeaf = 2048;

PRISM_INLINE Doubles load(const Word* p) { return _mm256_castsi256_pd(load_integers(p)); }
PRISM_INLINE void store(Word* p, Doubles x) { store_integers(p, _mm256_castpd_si256(x)); }

/// w and w/q.
struct Root {
  Doubles w, ratio;
};

/// From w and floor(2^52 w / q): under the exponent of 1 the latter's bits are 1 + floor(..)/2^52, so ratio is off by
/// at most 2^-53.
PRISM_INLINE Root make_root(Integers w, Integers w52) {
  const Doubles one_and = _mm256_castsi256_pd(_mm256_or_si256(w52, _mm256_castpd_si256(_mm256_set1_pd(1.0))));
  return {to_doubles(w), _mm256_sub_pd(one_and, _mm256_set1_pd(1.0 - 0x1p-53))};
}
PRISM_INLINE Root root(const NttTables& t, std::size_t node) {
  return make_root(all_lanes(t.w.data()[node]), all_lanes(t.w52.data()[node]));
}
PRISM_INLINE Root root(Multiplier s) { return make_root(all_lanes(s.w), all_lanes(s.w52)); }

/// y * w mod q. For |y| <= Y q with Y <= 8 the quotient is off by at most Y/4 beyond rounding (half from the ratio,
/// half from the product), so the result is within (0.5 + Y/4) q.
PRISM_INLINE Doubles multiply(Doubles y, const Root& w, const Reducer& r) {
  const Doubles high = _mm256_mul_pd(y, w.w), lost = _mm256_fmsub_pd(y, w.w, high);
  const Doubles quotient = round(_mm256_mul_pd(y, w.ratio));
  return _mm256_add_pd(_mm256_fnmadd_pd(quotient, r.q, high), lost);
}

PRISM_INLINE void forward(Doubles& x, Doubles& y, const Root& w, const Reducer& r) {
  const Doubles t = multiply(y, w, r);
  y = _mm256_sub_pd(x, t);
  x = _mm256_add_pd(x, t);
}

/// Within q before and after: the sum is centred, the difference (within 2q) multiplied by -w.
PRISM_INLINE void inverse(Doubles& x, Doubles& y, const Root& w, const Reducer& r) {
  const Doubles difference = _mm256_sub_pd(y, x);
  x = r.centre(_mm256_add_pd(x, y));
  y = multiply(difference, w, r);
}

/// Canonical from within 4q: the floor is right, or one too low where x is a multiple of q.
PRISM_INLINE Integers canonical(Doubles x, const Reducer& r, Integers q) {
  const Doubles rest = _mm256_fnmadd_pd(_mm256_floor_pd(_mm256_mul_pd(x, r.inverse)), r.q, x);
  const Integers y = to_integers(rest);
  return _mm256_and_si256(y, _mm256_cmpgt_epi64(q, y));
}

// ---- forward. Bounds: B <= 2.6 before a pass; the first terms are centred (0.51), so after one layer
// 0.51 + 0.5 + 2.6/4 = 1.66, after the second 1.66 + 0.5 + 1.66/4 = 2.58.

template <bool kFirst>
PRISM_INLINE void forward_two_layers(Word* p, std::size_t size, std::size_t node, const NttTables& t,
                                     const Reducer& r) {
  const Root r0 = root(t, node), r1 = root(t, 2 * node), r2 = root(t, 2 * node + 1);
  const std::size_t quarter = size / 4;
  for (std::size_t i = 0; i < quarter; i += 4) {
    Doubles v[4];
    for (std::size_t j = 0; j < 4; ++j) v[j] = kFirst ? load_doubles(p + j * quarter + i) : load(p + j * quarter + i);
    if constexpr (!kFirst)
      v[0] = r.centre(v[0]), v[1] = r.centre(v[1]);  // canonical values: 1, 1.75, 2.69, all below 4
    forward(v[0], v[2], r0, r);
    forward(v[1], v[3], r0, r);
    forward(v[0], v[1], r1, r);
    forward(v[2], v[3], r2, r);
    for (std::size_t j = 0; j < 4; ++j) store(p + j * quarter + i, v[j]);
  }
}

/// For lengths 2^odd, the first layer alone: canonical integers in, within 1.75 q out.
PRISM_INLINE void forward_first_layer(Word* p, std::size_t size, const NttTables& t, const Reducer& r) {
  const Root r0 = root(t, 1);
  for (std::size_t i = 0; i < size / 2; i += 4) {
    Doubles x = load_doubles(p + i), y = load_doubles(p + size / 2 + i);
    forward(x, y, r0, r);
    store(p + i, x);
    store(p + size / 2 + i, y);
  }
}

/// The last two layers of eight values; `node` is that of the first four.
PRISM_INLINE void forward_tail(Doubles& a, Doubles& b, std::size_t node, const NttTables& t, const Reducer& r,
                               Integers q) {
  const Word *const w = t.w.data(), *const w52 = t.w52.data();
  Doubles x = r.centre(_mm256_permute2f128_pd(a, b, 0x20)), y = _mm256_permute2f128_pd(a, b, 0x31);
  const auto pairs = [node](const Word* p) {  // p[node] twice, p[node + 1] twice
    const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + node));
    return _mm256_permute4x64_epi64(_mm256_castsi128_si256(two), 0x50);
  };
  forward(x, y, make_root(pairs(w), pairs(w52)), r);
  Doubles even = _mm256_unpacklo_pd(x, y), odd = _mm256_unpackhi_pd(x, y);
  forward(even, odd, make_root(load_integers(w + 2 * node), load_integers(w52 + 2 * node)), r);
  x = _mm256_unpacklo_pd(even, odd);
  y = _mm256_unpackhi_pd(even, odd);
  a = _mm256_castsi256_pd(canonical(_mm256_permute2f128_pd(x, y, 0x20), r, q));
  b = _mm256_castsi256_pd(canonical(_mm256_permute2f128_pd(x, y, 0x31), r, q));
}

/// The last four layers of sixteen values.
PRISM_INLINE void forward_sixteen(Word* p, std::size_t node, const NttTables& t, const Reducer& r, Integers q) {
  Doubles v[4];
  for (std::size_t j = 0; j < 4; ++j) v[j] = load(p + 4 * j);
  v[0] = r.centre(v[0]), v[1] = r.centre(v[1]);
  const Root r0 = root(t, node);
  forward(v[0], v[2], r0, r);
  forward(v[1], v[3], r0, r);
  forward(v[0], v[1], root(t, 2 * node), r);
  forward(v[2], v[3], root(t, 2 * node + 1), r);
  forward_tail(v[0], v[1], 4 * node, t, r, q);
  forward_tail(v[2], v[3], 4 * node + 2, t, r, q);
  for (std::size_t j = 0; j < 4; ++j) store(p + 4 * j, v[j]);
}

void forward_block(Word* p, std::size_t size, std::size_t node, const NttTables& t, const Reducer& reducer) {
  const Reducer r = reducer;
  if (size > kLeaf) {
    forward_two_layers<false>(p, size, node, t, r);
    for (std::size_t k = 0; k < 4; ++k) forward_block(p + k * (size / 4), size / 4, 4 * node + k, t, r);
    return;
  }
  const Integers q = all_lanes(t.modulus.q);
  std::size_t block = size, blocks = 1;
  for (; block > 16; block /= 4, blocks *= 4, node *= 4) {
    for (std::size_t k = 0; k < blocks; ++k) forward_two_layers<false>(p + k * block, block, node + k, t, r);
  }
  for (std::size_t k = 0; k < blocks; ++k) forward_sixteen(p + 16 * k, node + k, t, r, q);
}

// ---- inverse, with mirrored nodes as in avx512ifma/ntt.cpp. Everything stays within q: sums are centred in every
// layer.

template <bool kLast>
PRISM_INLINE void inverse_two_layers(Word* p, std::size_t size, std::size_t mirror, const NttTables& t,
                                     const Reducer& r) {
  const Root r1 = root(t, 2 * mirror + 1), r2 = root(t, 2 * mirror);
  const Root r0 = kLast ? root(t.inverse_n) : root(t, mirror), by_n_w = root(t.inverse_n_w);
  const Integers q = all_lanes(t.modulus.q);
  const std::size_t quarter = size / 4;
  for (std::size_t i = 0; i < quarter; i += 4) {
    Doubles v[4];
    for (std::size_t j = 0; j < 4; ++j) v[j] = load(p + j * quarter + i);
    inverse(v[0], v[1], r1, r);
    inverse(v[2], v[3], r2, r);
    if constexpr (kLast) {
      for (std::size_t j = 0; j < 2; ++j) {
        const Doubles sum = _mm256_add_pd(v[j], v[2 + j]), difference = _mm256_sub_pd(v[j], v[2 + j]);
        store_integers(p + j * quarter + i, canonical(multiply(sum, r0, r), r, q));
        store_integers(p + (2 + j) * quarter + i, canonical(multiply(difference, by_n_w, r), r, q));
      }
    } else {
      inverse(v[0], v[2], r0, r);
      inverse(v[1], v[3], r0, r);
      for (std::size_t j = 0; j < 4; ++j) store(p + j * quarter + i, v[j]);
    }
  }
}

/// For lengths 2^odd, the last layer alone.
PRISM_INLINE void inverse_last_layer(Word* p, std::size_t size, const NttTables& t, const Reducer& r) {
  const Root by_n = root(t.inverse_n), by_n_w = root(t.inverse_n_w);
  const Integers q = all_lanes(t.modulus.q);
  for (std::size_t i = 0; i < size / 2; i += 4) {
    const Doubles x = load(p + i), y = load(p + size / 2 + i);
    store_integers(p + i, canonical(multiply(_mm256_add_pd(x, y), by_n, r), r, q));
    store_integers(p + size / 2 + i, canonical(multiply(_mm256_sub_pd(x, y), by_n_w, r), r, q));
  }
}

/// The first two inverse layers of eight canonical integers; `mirror` is that of the second four.
PRISM_INLINE void inverse_head(Doubles& a, Doubles& b, std::size_t mirror, const NttTables& t, const Reducer& r) {
  const Word *const w = t.w.data(), *const w52 = t.w52.data();
  // Roots come in descending order: those of values 0..3 lie above those of 4..7.
  const auto fours = [mirror](const Word* p) {  // lanes p[2m+3] p[2m+2] p[2m+1] p[2m], for even/odd pairs 0, 1, 2, 3
    return _mm256_permute4x64_epi64(load_integers(p + 2 * mirror), 0x1B);
  };
  const auto pairs = [mirror](const Word* p) {  // p[mirror + 1] twice, p[mirror] twice
    const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + mirror));
    return _mm256_permute4x64_epi64(_mm256_castsi128_si256(two), 0x05);
  };
  Doubles x = _mm256_permute2f128_pd(a, b, 0x20), y = _mm256_permute2f128_pd(a, b, 0x31);  // 0 1 4 5, 2 3 6 7
  Doubles even = _mm256_unpacklo_pd(x, y), odd = _mm256_unpackhi_pd(x, y);                 // 0 2 4 6, 1 3 5 7
  inverse(even, odd, make_root(fours(w), fours(w52)), r);
  x = _mm256_unpacklo_pd(even, odd), y = _mm256_unpackhi_pd(even, odd);  // 0 1 4 5, 2 3 6 7
  inverse(x, y, make_root(pairs(w), pairs(w52)), r);
  a = _mm256_permute2f128_pd(x, y, 0x20);
  b = _mm256_permute2f128_pd(x, y, 0x31);
}

PRISM_INLINE void inverse_sixteen(Word* p, std::size_t mirror, const NttTables& t, const Reducer& r) {
  Doubles v[4];
  for (std::size_t j = 0; j < 4; ++j) v[j] = load_doubles(p + 4 * j);
  inverse_head(v[0], v[1], 4 * mirror + 2, t, r);
  inverse_head(v[2], v[3], 4 * mirror, t, r);
  inverse(v[0], v[1], root(t, 2 * mirror + 1), r);
  inverse(v[2], v[3], root(t, 2 * mirror), r);
  const Root r0 = root(t, mirror);
  inverse(v[0], v[2], r0, r);
  inverse(v[1], v[3], r0, r);
  for (std::size_t j = 0; j < 4; ++j) store(p + 4 * j, v[j]);
}

template <bool kLast>
void inverse_block(Word* p, std::size_t size, std::size_t mirror, const NttTables& t, const Reducer& reducer) {
  const Reducer r = reducer;
  if (size > kLeaf) {
    for (std::size_t k = 0; k < 4; ++k) inverse_block<false>(p + k * (size / 4), size / 4, 4 * mirror + 3 - k, t, r);
    return inverse_two_layers<kLast>(p, size, mirror, t, r);
  }
  std::size_t block = 16, blocks = size / 16;
  for (std::size_t k = 0; k < blocks; ++k) inverse_sixteen(p + 16 * k, mirror * blocks + blocks - 1 - k, t, r);
  for (block = 64, blocks /= 4; block < size; block *= 4, blocks /= 4) {
    for (std::size_t k = 0; k < blocks; ++k) {
      inverse_two_layers<false>(p + k * block, block, mirror * blocks + blocks - 1 - k, t, r);
    }
  }
  inverse_two_layers<kLast>(p, size, mirror, t, r);
}

}  // namespace

void forward_ntt(Word* row, const NttTables& t) noexcept {
  const Reducer r(t.modulus);
  const std::size_t n = std::size_t{1} << t.log_n;
  const bool odd = t.log_n % 2 != 0;
  const std::size_t ways = odd ? 2 : 4;
  if (odd) {
    forward_first_layer(row, n, t, r);
  } else {
    forward_two_layers<true>(row, n, 1, t, r);
  }
  for (std::size_t k = 0; k < ways; ++k) forward_block(row + k * (n / ways), n / ways, ways + k, t, r);
}

void inverse_ntt(Word* row, const NttTables& t) noexcept {
  const Reducer r(t.modulus);
  const std::size_t n = std::size_t{1} << t.log_n;
  if (t.log_n % 2 == 0) return inverse_block<true>(row, n, 1, t, r);
  for (std::size_t k = 0; k < 2; ++k) inverse_block<false>(row + k * (n / 2), n / 2, 3 - k, t, r);
  inverse_last_layer(row, n, t, r);
}

void forward_ntt_from(Word* out, const Word* in, const NttTables& t) noexcept {
  if (out != in) std::memcpy(out, in, sizeof(Word) << t.log_n);
  forward_ntt(out, t);
}

void inverse_ntt_from(Word* out, const Word* in, const NttTables& t) noexcept {
  if (out != in) std::memcpy(out, in, sizeof(Word) << t.log_n);
  inverse_ntt(out, t);
}

void recentre_forward_ntt(Word* out, const Word* in, const Modulus& from, const NttTables& t) noexcept {
  recentre(out, in, from, std::size_t{1} << t.log_n, t.modulus);
  forward_ntt(out, t);
}

}  // namespace prism::kernels::avx2_set
