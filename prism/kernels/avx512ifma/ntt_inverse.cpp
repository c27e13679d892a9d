// The inverse transform: the forward one's layers backwards, on values below 2q. A difference is multiplied, a sum only
// reduced. `mirror` is the node whose root is minus the inverse of the block's own: within its layer of m nodes the
// k-th mirrors the (m-1-k)-th, so the halves of a block have mirrors 2 mirror + 1 and 2 mirror. The sign is absorbed by
// subtracting the other way round.
#include "prism/kernels/avx512ifma/functions.h"
#include "prism/kernels/avx512ifma/transform.h"

namespace prism::kernels::avx512ifma_set {
namespace {

/// Products have junk above 52 bits, which only matters to a sum that is reduced; two sums or two products meet in a
/// butterfly, never one of each, so masking the sum of two products is half the work of masking each.
enum class Terms {
  kSums,      ///< clean
  kProducts,  ///< not clean
  kMixed,     ///< of four butterflies, the first two of sums, the last two of products
  kSmall,     ///< canonical: their sum is below 2q without a reduction
};

/// Four butterflies; terms below 2q before and after. x becomes a sum, y a product.
template <Terms terms>
PRISM_INLINE void inverse(const Pair (&p)[4], const Constants& c) {
  Vector d[4], s[4], quotient[4];
  for (std::size_t i = 0; i < 4; ++i) d[i] = add64(sub64(p[i].y, p[i].x), c.two_q);
  for (std::size_t i = 0; i < 4; ++i) s[i] = add64(p[i].x, p[i].y);
  for (std::size_t i = 0; i < 4; ++i) quotient[i] = madd_high(zero(), d[i], p[i].r.w52);
  for (std::size_t i = 0; i < 4; ++i) {
    if (terms == Terms::kProducts || (terms == Terms::kMixed && i >= 2)) s[i] = low52(s[i]);
  }
  for (std::size_t i = 0; i < 4; ++i) d[i] = madd_low(zero(), d[i], p[i].r.w);
  for (std::size_t i = 0; i < 4; ++i) p[i].x = terms == Terms::kSmall ? s[i] : reduce_once(s[i], c.two_q);
  for (std::size_t i = 0; i < 4; ++i) p[i].y = madd_low(d[i], quotient[i], c.minus_q);
}

/// The very last butterflies, with 1/n in both factors (by_n_w without the sign): canonical afterwards.
PRISM_INLINE void inverse_last(const Pair (&p)[4], const Root& by_n, const Constants& c) {
  Vector d[4], s[4], quotient[4], quotient_n[4];
  for (std::size_t i = 0; i < 4; ++i) s[i] = add64(p[i].x, p[i].y);
  for (std::size_t i = 0; i < 4; ++i) d[i] = add64(sub64(p[i].x, p[i].y), c.two_q);
  for (std::size_t i = 0; i < 4; ++i) quotient_n[i] = madd_high(zero(), s[i], by_n.w52);
  for (std::size_t i = 0; i < 4; ++i) quotient[i] = madd_high(zero(), d[i], p[i].r.w52);
  for (std::size_t i = 0; i < 4; ++i) s[i] = madd_low(zero(), s[i], by_n.w);
  for (std::size_t i = 0; i < 4; ++i) d[i] = madd_low(zero(), d[i], p[i].r.w);
  for (std::size_t i = 0; i < 4; ++i) s[i] = madd_low(s[i], quotient_n[i], c.minus_q);
  for (std::size_t i = 0; i < 4; ++i) d[i] = madd_low(d[i], quotient[i], c.minus_q);
  for (std::size_t i = 0; i < 4; ++i) p[i].x = reduce_once(low52(s[i]), c.q);
  for (std::size_t i = 0; i < 4; ++i) p[i].y = reduce_once(low52(d[i]), c.q);
}

// ---- three layers of a column of eight; roots come mirrored

template <Terms terms>
PRISM_INLINE void first(Vector (&v)[8], const Root (&r)[4], const Constants& c) {
  inverse<terms>({{v[0], v[1], r[3]}, {v[2], v[3], r[2]}, {v[4], v[5], r[1]}, {v[6], v[7], r[0]}}, c);
}
PRISM_INLINE void second(Vector (&v)[8], const Root& r0, const Root& r1, const Constants& c) {
  inverse<Terms::kMixed>({{v[0], v[2], r1}, {v[4], v[6], r0}, {v[1], v[3], r1}, {v[5], v[7], r0}}, c);
}
PRISM_INLINE void third(Vector (&v)[8], const Root& r, const Constants& c) {
  inverse<Terms::kMixed>({{v[0], v[4], r}, {v[1], v[5], r}, {v[2], v[6], r}, {v[3], v[7], r}}, c);
}

/// What ends a row: 1/n for the sums, psi^-bitrev(1)/n for the differences.
struct Ending {
  explicit Ending(const NttTables& t) : by_n(root(t.inverse_n)), by_n_w(root(t.inverse_n_w)) {}
  Root by_n, by_n_w;
};

template <Terms terms>
PRISM_INLINE void three_layers(Word* p, std::size_t eighth, std::size_t from, std::size_t to, std::size_t mirror,
                               const Ending* ending, const Constants& c) {
  const Root r0[4] = {root(c, 4 * mirror), root(c, 4 * mirror + 1), root(c, 4 * mirror + 2), root(c, 4 * mirror + 3)};
  const Root r1 = root(c, 2 * mirror), r2 = root(c, 2 * mirror + 1), r3 = root(c, mirror);
  for (std::size_t i = from; i < to; i += 16) {
    Vector v[8], w[8];
    for (std::size_t j = 0; j < 8; ++j) v[j] = load(p + j * eighth + i);
    first<terms>(v, r0, c);
    for (std::size_t j = 0; j < 8; ++j) w[j] = load(p + j * eighth + i + 8);
    first<terms>(w, r0, c);
    second(v, r1, r2, c);
    second(w, r1, r2, c);
    if (ending == nullptr) {
      third(v, r3, c);
      third(w, r3, c);
    } else {
      const Root& r = ending->by_n_w;
      inverse_last({{v[0], v[4], r}, {v[1], v[5], r}, {v[2], v[6], r}, {v[3], v[7], r}}, ending->by_n, c);
      inverse_last({{w[0], w[4], r}, {w[1], w[5], r}, {w[2], w[6], r}, {w[3], w[7], r}}, ending->by_n, c);
    }
    for (std::size_t j = 0; j < 8; ++j) store(p + j * eighth + i, v[j]);
    for (std::size_t j = 0; j < 8; ++j) store(p + j * eighth + i + 8, w[j]);
  }
}

template <Terms terms>
PRISM_INLINE void two_layers(Word* p, std::size_t quarter, std::size_t from, std::size_t to, std::size_t mirror,
                             const Ending* ending, const Constants& c) {
  const Root r0 = root(c, 2 * mirror), r1 = root(c, 2 * mirror + 1), r2 = root(c, mirror);
  for (std::size_t i = from; i < to; i += 16) {
    Vector v[4], w[4];
    for (std::size_t j = 0; j < 4; ++j) v[j] = load(p + j * quarter + i);
    for (std::size_t j = 0; j < 4; ++j) w[j] = load(p + j * quarter + i + 8);
    inverse<terms>({{v[0], v[1], r1}, {v[2], v[3], r0}, {w[0], w[1], r1}, {w[2], w[3], r0}}, c);
    if (ending == nullptr) {
      inverse<Terms::kMixed>({{v[0], v[2], r2}, {w[0], w[2], r2}, {v[1], v[3], r2}, {w[1], w[3], r2}}, c);
    } else {
      const Root& r = ending->by_n_w;
      inverse_last({{v[0], v[2], r}, {w[0], w[2], r}, {v[1], v[3], r}, {w[1], w[3], r}}, ending->by_n, c);
    }
    for (std::size_t j = 0; j < 4; ++j) store(p + j * quarter + i, v[j]);
    for (std::size_t j = 0; j < 4; ++j) store(p + j * quarter + i + 8, w[j]);
  }
}

/// The lower half of each part holds sums of the layer before, the upper half products.
PRISM_INLINE void pass(Word* p, unsigned layers, std::size_t size, std::size_t mirror, const Ending* ending,
                       const Constants& c) {
  const std::size_t part = size >> layers;
  if (layers == 3) {
    three_layers<Terms::kSums>(p, part, 0, part / 2, mirror, ending, c);
    three_layers<Terms::kProducts>(p, part, part / 2, part, mirror, ending, c);
  } else {
    two_layers<Terms::kSums>(p, part, 0, part / 2, mirror, ending, c);
    two_layers<Terms::kProducts>(p, part, part / 2, part, mirror, ending, c);
  }
}

// ---- the first seven layers

/// Vectors in reverse order: their numbers become lanes, and mirrored roots come in descending order.
PRISM_INLINE void reverse(Vector (&v)[8]) {
  for (std::size_t j = 0; j < 4; ++j) {
    const Vector t = v[j];
    v[j] = v[7 - j];
    v[7 - j] = t;
  }
}

PRISM_INLINE void block(Word* out, const Word* in, std::size_t mirror, const Constants& c) {
  Vector v[8], w[8];
  for (std::size_t j = 0; j < 8; ++j) v[j] = load(in + 8 * (7 - j)), w[j] = load(in + 64 + 8 * (7 - j));
  const std::size_t m0 = 2 * mirror + 1, m1 = 2 * mirror;
  const Word *const tail1 = c.tail_of(m1), *const tail0 = tail1 + kTail;
  transpose(v);
  transpose(w);
  first<Terms::kSmall>(v, {tail_roots(tail0, 2), tail_roots(tail0, 3), tail_roots(tail0, 4), tail_roots(tail0, 5)}, c);
  first<Terms::kSmall>(w, {tail_roots(tail1, 2), tail_roots(tail1, 3), tail_roots(tail1, 4), tail_roots(tail1, 5)}, c);
  second(v, tail_roots(tail0, 0), tail_roots(tail0, 1), c);
  second(w, tail_roots(tail1, 0), tail_roots(tail1, 1), c);
  third(v, roots(c.w + 8 * m0, c.w52 + 8 * m0), c);
  third(w, roots(c.w + 8 * m1, c.w52 + 8 * m1), c);
  transpose(v);
  transpose(w);
  reverse(v);
  reverse(w);
  first<Terms::kProducts>(v, {root(c, 4 * m0), root(c, 4 * m0 + 1), root(c, 4 * m0 + 2), root(c, 4 * m0 + 3)}, c);
  first<Terms::kProducts>(w, {root(c, 4 * m1), root(c, 4 * m1 + 1), root(c, 4 * m1 + 2), root(c, 4 * m1 + 3)}, c);
  second(v, root(c, 2 * m0), root(c, 2 * m0 + 1), c);
  second(w, root(c, 2 * m1), root(c, 2 * m1 + 1), c);
  third(v, root(c, m0), c);
  third(w, root(c, m1), c);
  const Root r = root(c, mirror);
  inverse<Terms::kSums>({{v[0], w[0], r}, {v[1], w[1], r}, {v[2], w[2], r}, {v[3], w[3], r}}, c);
  inverse<Terms::kProducts>({{v[4], w[4], r}, {v[5], w[5], r}, {v[6], w[6], r}, {v[7], w[7], r}}, c);
  for (std::size_t j = 0; j < 8; ++j) store(out + 8 * j, v[j]);
  for (std::size_t j = 0; j < 8; ++j) store(out + 64 + 8 * j, w[j]);
}

/// The block of 128 * 2^layers values; an ending for the whole row.
void blocks(Word* out, const Word* in, unsigned layers, std::size_t mirror, const Ending* ending,
            const Constants& constants) {
  const Constants c = constants;  // local: a row store cannot be taken for a change of it
  const unsigned now = pass_layers(layers);
  const std::size_t size = kBlock << layers, part = size >> now, last = (std::size_t{1} << now) - 1;
  for (std::size_t k = 0; k <= last; ++k) {
    const std::size_t at = k * part, below = (mirror << now) + last - k;
    if (layers == now) {
      block(out + at, in + at, below, c);
    } else {
      blocks(out + at, in + at, layers - now, below, nullptr, c);
    }
  }
  pass(out, now, size, mirror, ending, c);
}

}  // namespace

void inverse_ntt(Word* row, const NttTables& t) noexcept { inverse_ntt_from(row, row, t); }

void inverse_ntt_from(Word* out, const Word* in, const NttTables& t) noexcept {
  const Ending ending(t);
  blocks(out, in, t.log_n - kLogBlock, 1, &ending, Constants(t));
}

}  // namespace prism::kernels::avx512ifma_set
