// The negacyclic transform in vectors of eight: Harvey's lazy butterflies on 52-bit words (values below 4q < 2^52
// forward, below 2q inverse), two or three layers per pass over memory, sub-transforms finished one after the other
// while they sit in the first cache, and the three layers inside a vector done by shuffles. The first layers of a
// node's block read w[node]; the children of a node are 2 node and 2 node + 1, as in a heap, so a block needs to know
// only its own number.
#include <cstring>

#include "prism/kernels/avx512ifma/functions.h"
#include "prism/kernels/avx512ifma/vector.h"

namespace prism::kernels::avx512ifma_set {
namespace {

/// Blocks up to this many values (8 KiB) are transformed layer by layer, larger ones by parts.
constexpr std::size_t kLeaf = 1024;

struct Constants {
  explicit Constants(const NttTables& t)
      : q(all_lanes(t.modulus.q)),
        two_q(all_lanes(2 * t.modulus.q)),
        minus_q(all_lanes((Word{1} << 52) - t.modulus.q)),
        w(t.w.data()),
        w52(t.w52.data()),
        tail(t.tail.data()),
        inverse_n(&t.inverse_n),
        inverse_n_w(&t.inverse_n_w) {}
  Vector q, two_q, minus_q;
  const Word *w, *w52, *tail;
  const Multiplier *inverse_n, *inverse_n_w;
};

struct Root {
  Vector w, w52;
};
PRISM_INLINE Root root(const Constants& c, std::size_t node) { return {all_lanes(c.w[node]), all_lanes(c.w52[node])}; }
PRISM_INLINE Root root(Multiplier s) { return {all_lanes(s.w), all_lanes(s.w52)}; }

/// y * w mod q in the low 52 bits of a lane, below 2q; bit 52 is anything. Looks at the low 52 bits of y only.
PRISM_INLINE Vector multiply_unclean(Vector y, const Root& r, const Constants& c) {
  const Vector quotient = madd_high(zero(), y, r.w52);
  return madd_low(madd_low(zero(), y, r.w), quotient, c.minus_q);
}

// A value is clean when the bits above 52 are right. Whoever is multiplied next need not be, which spares half the
// masking.
enum class Next { kAdded, kMultiplied };

/// `kWays` forward butterflies side by side, because one is a chain of ten instructions and the processor's window is
/// short. x clean, below 4q; y below 4q. Both below 4q afterwards, clean unless Next::kMultiplied.
template <Next next, std::size_t kWays>
PRISM_INLINE void forward(Vector* const (&x)[kWays], Vector* const (&y)[kWays], const Root (&r)[kWays],
                          const Constants& c) {
  Vector u[kWays], t[kWays];
  for (std::size_t i = 0; i < kWays; ++i) u[i] = madd_high(zero(), *y[i], r[i].w52);
  for (std::size_t i = 0; i < kWays; ++i) t[i] = madd_low(zero(), *y[i], r[i].w);
  for (std::size_t i = 0; i < kWays; ++i) t[i] = madd_low(t[i], u[i], c.minus_q);
  for (std::size_t i = 0; i < kWays; ++i) u[i] = reduce_once(*x[i], c.two_q);
  if constexpr (next == Next::kAdded) {
    for (std::size_t i = 0; i < kWays; ++i) t[i] = low52(t[i]);
  }
  for (std::size_t i = 0; i < kWays; ++i) {
    *x[i] = add64(u[i], t[i]);
    *y[i] = sub64(add64(u[i], c.two_q), t[i]);
  }
}

/// `kWays` inverse butterflies on clean values below 2q, each with the root -w.
template <std::size_t kWays>
PRISM_INLINE void inverse(Vector* const (&x)[kWays], Vector* const (&y)[kWays], const Root (&r)[kWays],
                          const Constants& c) {
  Vector d[kWays], h[kWays], t[kWays];
  for (std::size_t i = 0; i < kWays; ++i) d[i] = add64(sub64(*y[i], *x[i]), c.two_q);
  for (std::size_t i = 0; i < kWays; ++i) *x[i] = reduce_once(add64(*x[i], *y[i]), c.two_q);
  for (std::size_t i = 0; i < kWays; ++i) h[i] = madd_high(zero(), d[i], r[i].w52);
  for (std::size_t i = 0; i < kWays; ++i) t[i] = madd_low(zero(), d[i], r[i].w);
  for (std::size_t i = 0; i < kWays; ++i) *y[i] = low52(madd_low(t[i], h[i], c.minus_q));
}

/// The very last inverse butterflies, with 1/n: canonical afterwards.
template <std::size_t kWays>
PRISM_INLINE void inverse_last(Vector* const (&x)[kWays], Vector* const (&y)[kWays], const Constants& c) {
  const Root by_n = root(*c.inverse_n), by_n_w = root(*c.inverse_n_w);
  for (std::size_t i = 0; i < kWays; ++i) {
    const Vector difference = add64(sub64(*x[i], *y[i]), c.two_q);
    *x[i] = reduce_once(low52(multiply_unclean(add64(*x[i], *y[i]), by_n, c)), c.q);
    *y[i] = reduce_once(low52(multiply_unclean(difference, by_n_w, c)), c.q);
  }
}

// ---- two layers in one pass: four rows of `quarter` values, all multiples of sixteen

template <Next next>
PRISM_INLINE void forward_four(Word* p, std::size_t quarter, std::size_t from, std::size_t to, const Root (&r)[3],
                               const Constants& c) {
  for (std::size_t i = from; i < to; i += 16) {
    Vector v0 = load(p + i), v1 = load(p + quarter + i);
    Vector v2 = load(p + 2 * quarter + i), v3 = load(p + 3 * quarter + i);
    Vector w0 = load(p + i + 8), w1 = load(p + quarter + i + 8);
    Vector w2 = load(p + 2 * quarter + i + 8), w3 = load(p + 3 * quarter + i + 8);
    forward<Next::kAdded, 2>({&v0, &w0}, {&v2, &w2}, {r[0], r[0]}, c);
    forward<Next::kMultiplied, 2>({&v1, &w1}, {&v3, &w3}, {r[0], r[0]}, c);
    forward<next, 4>({&v0, &v2, &w0, &w2}, {&v1, &v3, &w1, &w3}, {r[1], r[2], r[1], r[2]}, c);
    store(p + i, v0);
    store(p + quarter + i, v1);
    store(p + 2 * quarter + i, v2);
    store(p + 3 * quarter + i, v3);
    store(p + i + 8, w0);
    store(p + quarter + i + 8, w1);
    store(p + 2 * quarter + i + 8, w2);
    store(p + 3 * quarter + i + 8, w3);
  }
}

PRISM_INLINE void forward_two_layers(Word* p, std::size_t size, std::size_t node, const Constants& c) {
  const Root r[3] = {root(c, node), root(c, 2 * node), root(c, 2 * node + 1)};
  const std::size_t quarter = size / 4;
  // The lower half of each row is added to in the next layer, the upper half multiplied.
  forward_four<Next::kAdded>(p, quarter, 0, quarter / 2, r, c);
  forward_four<Next::kMultiplied>(p, quarter, quarter / 2, quarter, r, c);
}

// ---- three layers on eight vectors

template <Next next>
PRISM_INLINE void forward_eight(Vector (&v)[8], std::size_t node, const Constants& c) {
  const Root r0 = root(c, node), r1 = root(c, 2 * node), r2 = root(c, 2 * node + 1);
  forward<Next::kAdded, 2>({&v[0], &v[1]}, {&v[4], &v[5]}, {r0, r0}, c);
  forward<Next::kMultiplied, 2>({&v[2], &v[3]}, {&v[6], &v[7]}, {r0, r0}, c);
  forward<Next::kAdded, 2>({&v[0], &v[4]}, {&v[2], &v[6]}, {r1, r2}, c);
  forward<Next::kMultiplied, 2>({&v[1], &v[5]}, {&v[3], &v[7]}, {r1, r2}, c);
  forward<next, 2>({&v[0], &v[2]}, {&v[1], &v[3]}, {root(c, 4 * node), root(c, 4 * node + 1)}, c);
  forward<next, 2>({&v[4], &v[6]}, {&v[5], &v[7]}, {root(c, 4 * node + 2), root(c, 4 * node + 3)}, c);
}

template <Next next>
PRISM_INLINE void forward_eight_rows(Word* p, std::size_t eighth, std::size_t from, std::size_t to, std::size_t node,
                                     const Constants& c) {
  for (std::size_t i = from; i < to; i += 8) {
    Vector v[8];
    for (std::size_t j = 0; j < 8; ++j) v[j] = load(p + j * eighth + i);
    forward_eight<next>(v, node, c);
    for (std::size_t j = 0; j < 8; ++j) store(p + j * eighth + i, v[j]);
  }
}

PRISM_INLINE void forward_three_layers(Word* p, std::size_t size, std::size_t node, const Constants& c) {
  const std::size_t eighth = size / 8;
  forward_eight_rows<Next::kAdded>(p, eighth, 0, eighth / 2, node, c);
  forward_eight_rows<Next::kMultiplied>(p, eighth, eighth / 2, eighth, node, c);
}

// ---- the three layers inside a vector, sixteen values at a time; Constants::tail has the roots in lane order

/// p[0] in the lower four lanes, p[1] in the upper.
PRISM_INLINE Vector halves(const Word* p) {
  return _mm512_mask_set1_epi64(all_lanes(p[0]), 0xF0, static_cast<long long>(p[1]));
}

/// The last three layers of 16 * kPairs values: v[2i] and v[2i + 1] hold 16 consecutive ones.
/// `first` is the node of the first eight.
template <std::size_t kPairs>
PRISM_INLINE void forward_tail(Vector* v, std::size_t first, const Word* tail, const Constants& c) {
  // Lanes, for values a0..a7 b0..b7, first term of each butterfly: a0 a1 a2 a3 b0 b1 b2 b3, then a0 a1 b0 b1 a4 a5 b4
  // b5, then a0 a2 b0 b2 a4 a6 b4 b6.
  const Vector to_a = _mm512_setr_epi64(0, 8, 1, 9, 4, 12, 5, 13), to_b = _mm512_setr_epi64(2, 10, 3, 11, 6, 14, 7, 15);
  Vector x[kPairs], y[kPairs], t[kPairs], h[kPairs];
  for (std::size_t i = 0; i < kPairs; ++i) {
    x[i] = _mm512_shuffle_i64x2(v[2 * i], v[2 * i + 1], 0x44);
    y[i] = _mm512_shuffle_i64x2(v[2 * i], v[2 * i + 1], 0xEE);
  }
  for (std::size_t i = 0; i < kPairs; ++i) h[i] = madd_high(zero(), y[i], halves(c.w52 + first + 2 * i));
  for (std::size_t i = 0; i < kPairs; ++i) t[i] = madd_low(zero(), y[i], halves(c.w + first + 2 * i));
  for (std::size_t i = 0; i < kPairs; ++i) x[i] = reduce_once(x[i], c.two_q);
  for (std::size_t i = 0; i < kPairs; ++i) t[i] = low52(madd_low(t[i], h[i], c.minus_q));
  for (std::size_t i = 0; i < kPairs; ++i) {
    const Vector sum = add64(x[i], t[i]), difference = sub64(add64(x[i], c.two_q), t[i]);
    x[i] = _mm512_shuffle_i64x2(sum, difference, 0x88);
    y[i] = _mm512_shuffle_i64x2(sum, difference, 0xDD);
  }
  for (std::size_t i = 0; i < kPairs; ++i) h[i] = madd_high(zero(), y[i], load(tail + 32 * i + 8));
  for (std::size_t i = 0; i < kPairs; ++i) t[i] = madd_low(zero(), y[i], load(tail + 32 * i));
  for (std::size_t i = 0; i < kPairs; ++i) x[i] = reduce_once(x[i], c.two_q);
  for (std::size_t i = 0; i < kPairs; ++i) t[i] = low52(madd_low(t[i], h[i], c.minus_q));
  for (std::size_t i = 0; i < kPairs; ++i) {
    const Vector sum = add64(x[i], t[i]), difference = sub64(add64(x[i], c.two_q), t[i]);
    x[i] = _mm512_unpacklo_epi64(sum, difference);
    y[i] = _mm512_unpackhi_epi64(sum, difference);
  }
  // Canonical from here: both terms below q, so one correction each.
  for (std::size_t i = 0; i < kPairs; ++i) h[i] = madd_high(zero(), y[i], load(tail + 32 * i + 24));
  for (std::size_t i = 0; i < kPairs; ++i) t[i] = madd_low(zero(), y[i], load(tail + 32 * i + 16));
  for (std::size_t i = 0; i < kPairs; ++i) x[i] = reduce_once(reduce_once(x[i], c.two_q), c.q);
  for (std::size_t i = 0; i < kPairs; ++i) t[i] = reduce_once(low52(madd_low(t[i], h[i], c.minus_q)), c.q);
  for (std::size_t i = 0; i < kPairs; ++i) {
    const Vector sum = reduce_once(add64(x[i], t[i]), c.q);
    Vector difference = sub64(x[i], t[i]);
    difference = _mm512_min_epu64(difference, add64(difference, c.q));  // a negative one wraps to a huge number
    v[2 * i] = _mm512_permutex2var_epi64(sum, to_a, difference);
    v[2 * i + 1] = _mm512_permutex2var_epi64(sum, to_b, difference);
  }
}

/// The last six layers of a block of 64 without touching memory in between.
PRISM_INLINE void forward_sixty_four(Word* p, std::size_t node, const Word* tail, const Constants& c) {
  Vector v[8];
  for (std::size_t j = 0; j < 8; ++j) v[j] = load(p + 8 * j);
  forward_eight<Next::kAdded>(v, node, c);
  forward_tail<4>(v, 8 * node, tail, c);
  for (std::size_t j = 0; j < 8; ++j) store(p + 8 * j, v[j]);
}

/// A block that fits the first cache: layer by layer down to blocks of 64. `offset` is its place in the row.
PRISM_INLINE void forward_leaf(Word* row, std::size_t offset, std::size_t size, std::size_t node, const Constants& c) {
  std::size_t block = size, blocks = 1;
  for (; block > 64; block /= 4, blocks *= 4, node *= 4) {
    for (std::size_t k = 0; k < blocks; ++k) forward_two_layers(row + offset + k * block, block, node + k, c);
  }
  for (std::size_t k = 0; k < blocks; ++k) {
    const std::size_t at = offset + 64 * k;
    forward_sixty_four(row + at, node + k, c.tail + 2 * at, c);
  }
}

void forward_block(Word* row, std::size_t offset, std::size_t size, std::size_t node, const Constants& constants) {
  const Constants c = constants;  // local: a row store cannot be taken for a change of it
  if (size <= kLeaf) return forward_leaf(row, offset, size, node, c);
  const bool odd = size == 2 * kLeaf || size == 8 * kLeaf || size == 32 * kLeaf || size == 128 * kLeaf;
  const std::size_t ways = odd ? 8 : 4;
  if (odd) {
    forward_three_layers(row + offset, size, node, c);
  } else {
    forward_two_layers(row + offset, size, node, c);
  }
  for (std::size_t k = 0; k < ways; ++k) {
    forward_block(row, offset + k * (size / ways), size / ways, ways * node + k, c);
  }
}

// ---- inverse: the same passes backwards. `mirror` is the node whose root is minus the inverse of the block's own:
// within its layer of m nodes the k-th mirrors the (m-1-k)-th, so the sub-blocks of a block have mirrors 2 mirror + 1
// and 2 mirror.

/// `kLast`: the block is the whole row, and its last layer brings in 1/n.
template <bool kLast>
PRISM_INLINE void inverse_two_layers(Word* p, std::size_t size, std::size_t mirror, const Constants& c) {
  const Root r0 = root(c, mirror), r1 = root(c, 2 * mirror + 1), r2 = root(c, 2 * mirror);
  const std::size_t quarter = size / 4;
  for (std::size_t i = 0; i < quarter; i += 16) {
    Vector v[4], w[4];
    for (std::size_t j = 0; j < 4; ++j) v[j] = load(p + j * quarter + i);
    for (std::size_t j = 0; j < 4; ++j) w[j] = load(p + j * quarter + i + 8);
    inverse<4>({&v[0], &v[2], &w[0], &w[2]}, {&v[1], &v[3], &w[1], &w[3]}, {r1, r2, r1, r2}, c);
    if constexpr (kLast) {
      inverse_last<4>({&v[0], &v[1], &w[0], &w[1]}, {&v[2], &v[3], &w[2], &w[3]}, c);
    } else {
      inverse<4>({&v[0], &v[1], &w[0], &w[1]}, {&v[2], &v[3], &w[2], &w[3]}, {r0, r0, r0, r0}, c);
    }
    for (std::size_t j = 0; j < 4; ++j) store(p + j * quarter + i, v[j]);
    for (std::size_t j = 0; j < 4; ++j) store(p + j * quarter + i + 8, w[j]);
  }
}

template <bool kLast>
PRISM_INLINE void inverse_eight(Vector (&v)[8], std::size_t mirror, const Constants& c) {
  const Root r1 = root(c, 2 * mirror + 1), r2 = root(c, 2 * mirror), r0 = root(c, mirror);
  inverse<4>({&v[0], &v[2], &v[4], &v[6]}, {&v[1], &v[3], &v[5], &v[7]},
             {root(c, 4 * mirror + 3), root(c, 4 * mirror + 2), root(c, 4 * mirror + 1), root(c, 4 * mirror)}, c);
  inverse<4>({&v[0], &v[1], &v[4], &v[5]}, {&v[2], &v[3], &v[6], &v[7]}, {r1, r1, r2, r2}, c);
  if constexpr (kLast) {
    inverse_last<4>({&v[0], &v[1], &v[2], &v[3]}, {&v[4], &v[5], &v[6], &v[7]}, c);
  } else {
    inverse<4>({&v[0], &v[1], &v[2], &v[3]}, {&v[4], &v[5], &v[6], &v[7]}, {r0, r0, r0, r0}, c);
  }
}

template <bool kLast>
PRISM_INLINE void inverse_three_layers(Word* p, std::size_t size, std::size_t mirror, const Constants& c) {
  const std::size_t eighth = size / 8;
  for (std::size_t i = 0; i < eighth; i += 8) {
    Vector v[8];
    for (std::size_t j = 0; j < 8; ++j) v[j] = load(p + j * eighth + i);
    inverse_eight<kLast>(v, mirror, c);
    for (std::size_t j = 0; j < 8; ++j) store(p + j * eighth + i, v[j]);
  }
}

/// The first three inverse layers of 64 values. `last` is the mirror of the first eight, `tail` the mirror of the first
/// sixteen's part of the table; both go down from there.
PRISM_INLINE void inverse_head(Vector* v, std::size_t last, const Word* tail, const Constants& c) {
  // Lanes, for values 0..15: first terms 14 12 6 4 10 8 2 0, then 12 13 4 5 8 9 0 1, then 8 9 0 1 10 11 2 3.
  const Vector to_x = _mm512_setr_epi64(14, 12, 6, 4, 10, 8, 2, 0), to_y = _mm512_setr_epi64(15, 13, 7, 5, 11, 9, 3, 1);
  Vector x[4], y[4];
  Root r[4];
  for (std::size_t i = 0; i < 4; ++i) {
    x[i] = _mm512_permutex2var_epi64(v[2 * i], to_x, v[2 * i + 1]);
    y[i] = _mm512_permutex2var_epi64(v[2 * i], to_y, v[2 * i + 1]);
    r[i] = {load(tail - 32 * i + 16), load(tail - 32 * i + 24)};
  }
  inverse<4>({&x[0], &x[1], &x[2], &x[3]}, {&y[0], &y[1], &y[2], &y[3]}, r, c);
  for (std::size_t i = 0; i < 4; ++i) {
    const Vector even = x[i], odd = y[i];
    x[i] = _mm512_unpackhi_epi64(even, odd);
    y[i] = _mm512_unpacklo_epi64(even, odd);
    r[i] = {load(tail - 32 * i), load(tail - 32 * i + 8)};
  }
  inverse<4>({&x[0], &x[1], &x[2], &x[3]}, {&y[0], &y[1], &y[2], &y[3]}, r, c);
  for (std::size_t i = 0; i < 4; ++i) {
    const Vector low = x[i], high = y[i];
    x[i] = _mm512_shuffle_i64x2(low, high, 0xEE);
    y[i] = _mm512_shuffle_i64x2(low, high, 0x44);
    const std::size_t node = last - 1 - 2 * i;  // of the second eight; its neighbour above is the first's
    r[i] = {_mm512_mask_set1_epi64(all_lanes(c.w[node]), 0xCC, static_cast<long long>(c.w[node + 1])),
            _mm512_mask_set1_epi64(all_lanes(c.w52[node]), 0xCC, static_cast<long long>(c.w52[node + 1]))};
  }
  inverse<4>({&x[0], &x[1], &x[2], &x[3]}, {&y[0], &y[1], &y[2], &y[3]}, r, c);
  for (std::size_t i = 0; i < 4; ++i) {
    v[2 * i] = _mm512_shuffle_i64x2(x[i], y[i], 0xDD);
    v[2 * i + 1] = _mm512_shuffle_i64x2(x[i], y[i], 0x88);
  }
}

/// The first six inverse layers of a block of 64.
PRISM_INLINE void inverse_sixty_four(Word* p, std::size_t mirror, const Word* tail, const Constants& c) {
  Vector v[8];
  for (std::size_t j = 0; j < 8; ++j) v[j] = load(p + 8 * j);
  inverse_head(v, 8 * mirror + 7, tail, c);
  inverse_eight<false>(v, mirror, c);
  for (std::size_t j = 0; j < 8; ++j) store(p + 8 * j, v[j]);
}

template <bool kLast>
PRISM_INLINE void inverse_leaf(Word* row, std::size_t n, std::size_t offset, std::size_t size, std::size_t mirror,
                               const Constants& c) {
  std::size_t block = 64, blocks = size / 64;
  for (std::size_t k = 0; k < blocks; ++k) {
    const std::size_t at = offset + 64 * k;
    inverse_sixty_four(row + at, mirror * blocks + blocks - 1 - k, c.tail + 2 * (n - at) - 32, c);
  }
  for (block = 256, blocks /= 4; block < size; block *= 4, blocks /= 4) {
    for (std::size_t k = 0; k < blocks; ++k) {
      inverse_two_layers<false>(row + offset + k * block, block, mirror * blocks + blocks - 1 - k, c);
    }
  }
  inverse_two_layers<kLast>(row + offset, size, mirror, c);
}

template <bool kLast>
void inverse_block(Word* row, std::size_t n, std::size_t offset, std::size_t size, std::size_t mirror,
                   const Constants& constants) {
  const Constants c = constants;
  if (size <= kLeaf) return inverse_leaf<kLast>(row, n, offset, size, mirror, c);
  const bool odd = size == 2 * kLeaf || size == 8 * kLeaf || size == 32 * kLeaf || size == 128 * kLeaf;
  const std::size_t ways = odd ? 8 : 4;
  for (std::size_t k = 0; k < ways; ++k) {
    inverse_block<false>(row, n, offset + k * (size / ways), size / ways, ways * mirror + ways - 1 - k, c);
  }
  if (odd) {
    inverse_three_layers<kLast>(row + offset, size, mirror, c);
  } else {
    inverse_two_layers<kLast>(row + offset, size, mirror, c);
  }
}

}  // namespace

void forward_ntt(Word* row, const NttTables& t) noexcept {
  const Constants c(t);
  forward_block(row, 0, std::size_t{1} << t.log_n, 1, c);
}

void inverse_ntt(Word* row, const NttTables& t) noexcept {
  const Constants c(t);
  const std::size_t n = std::size_t{1} << t.log_n;
  inverse_block<true>(row, n, 0, n, 1, c);
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

}  // namespace prism::kernels::avx512ifma_set
