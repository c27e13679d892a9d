// The forward transform: Harvey's lazy butterflies on 52-bit words. A multiplied value must lie in [0, 4q), which is
// below 2^52; the term that is added is first brought into [0, 2q). Since t = y * w comes in [0, 2q), sums lie in
// [0, 4q) and differences, left as they are where they are only added to next, in (-2q, 2q): the next layer brings
// either form into [0, 2q) by one addition of -2q or 2q and one minimum of unsigned numbers.
#include "prism/kernels/avx512ifma/functions.h"
#include "prism/kernels/avx512ifma/reducer.h"
#include "prism/kernels/avx512ifma/transform.h"

namespace prism::kernels::avx512ifma_set {
namespace {

/// What happens next to both results of a butterfly. t has 52 good bits; above them is junk that does not matter to a
/// multiplication, so masking it is left out there.
enum class Next {
  kAdded,       ///< masked; the difference may be negative
  kMultiplied,  ///< not masked; not negative
  kMixed,       ///< of four butterflies, the first two added, the last two multiplied
  kEither,      ///< masked and not negative
};

/// Four butterflies with x already below 2q.
template <Next next>
PRISM_INLINE void finish(const Pair (&p)[4], const Vector (&u)[4], Vector (&t)[4], const Constants& c) {
  for (std::size_t i = 0; i < 4; ++i) {
    const bool added = next == Next::kAdded || (next == Next::kMixed && i < 2);
    if (added || next == Next::kEither) t[i] = low52(t[i]);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const bool added = next == Next::kAdded || (next == Next::kMixed && i < 2);
    p[i].x = add64(u[i], t[i]);
    p[i].y = sub64(added ? u[i] : add64(u[i], c.two_q), t[i]);
  }
}

/// y * w in [0, 2q) up to junk above 52 bits.
PRISM_INLINE void products(Vector (&t)[4], const Pair (&p)[4], const Constants& c) {
  Vector quotient[4];
  for (std::size_t i = 0; i < 4; ++i) quotient[i] = madd_high(zero(), p[i].y, p[i].r.w52);
  for (std::size_t i = 0; i < 4; ++i) t[i] = madd_low(zero(), p[i].y, p[i].r.w);
  for (std::size_t i = 0; i < 4; ++i) t[i] = madd_low(t[i], quotient[i], c.minus_q);
}

/// Four butterflies. `even` and `odd` bring the first, third and second, fourth x into [0, 2q): -2q for a sum, 2q for a
/// difference.
template <Next next>
PRISM_INLINE void forward(const Pair (&p)[4], const Vector& even, const Vector& odd, const Constants& c) {
  Vector u[4], t[4];
  products(t, p, c);
  for (std::size_t i = 0; i < 4; ++i) u[i] = _mm512_min_epu64(p[i].x, add64(p[i].x, i % 2 == 0 ? even : odd));
  finish<next>(p, u, t, c);
}

/// The same where every x is below 2q.
template <Next next>
PRISM_INLINE void forward_small(const Pair (&p)[4], const Constants& c) {
  Vector t[4];
  products(t, p, c);
  const Vector u[4] = {p[0].x, p[1].x, p[2].x, p[3].x};
  finish<next>(p, u, t, c);
}

/// Brings block `node`'s terms x into [0, 2q): an even node holds its parent's sums, an odd one the differences.
PRISM_INLINE Vector centre(std::size_t node, const Constants& c) { return node % 2 == 0 ? c.minus_two_q : c.two_q; }

// ---- three layers of a column of eight

PRISM_INLINE void first(Vector (&v)[8], const Root& r, const Vector& by, const Constants& c) {
  forward<Next::kMixed>({{v[0], v[4], r}, {v[1], v[5], r}, {v[2], v[6], r}, {v[3], v[7], r}}, by, by, c);
}
PRISM_INLINE void second(Vector (&v)[8], const Root& r0, const Root& r1, const Constants& c) {
  forward<Next::kMixed>({{v[0], v[2], r0}, {v[4], v[6], r1}, {v[1], v[3], r0}, {v[5], v[7], r1}}, c.minus_two_q,
                        c.two_q, c);
}
template <Next next>
PRISM_INLINE void third(Vector (&v)[8], const Root (&r)[4], const Constants& c) {
  forward<next>({{v[0], v[1], r[0]}, {v[2], v[3], r[1]}, {v[4], v[5], r[2]}, {v[6], v[7], r[3]}}, c.minus_two_q,
                c.two_q, c);
}

// ---- passes over memory. Source loads eight values: below 2q when kSmall, else what an earlier pass left.

struct FromRow {
  static constexpr bool kSmall = false;
  PRISM_INLINE Vector operator()(std::size_t i) const { return load(row + i); }
  static constexpr bool down = false;
  const Word* row;
};

struct FromCanonical {
  static constexpr bool kSmall = true;
  FromCanonical(const Word* out, const Word* in_) : down(downwards(out, in_)), in(in_) {}
  PRISM_INLINE Vector operator()(std::size_t i) const { return load(in + i); }
  const bool down;
  const Word* in;
};

/// Residues modulo another prime, recentred (kernels.h) up to a multiple of q.
struct FromOther {
  static constexpr bool kSmall = true;
  FromOther(const Word* out, const Word* in_, const Modulus& from, const Modulus& to)
      : down(downwards(out, in_)),
        in(in_),
        half(all_lanes(from.q / 2)),
        shift(all_lanes(to.q - from.q % to.q)),
        r(to) {}
  PRISM_INLINE Vector operator()(std::size_t i) const {
    const Vector x = load(in + i), y = r.reduce_word_lazily(x);  // below 2q
    const __mmask8 upper = _mm512_cmpgt_epu64_mask(x, half);     // x stands for x - from.q
    return reduce_once(_mm512_mask_add_epi64(y, upper, y, shift), r.q);
  }
  const bool down;
  const Word* in;
  Vector half, shift;
  Reducer r;
};

template <Next next, class Source>
PRISM_INLINE void three_layers(Word* p, const Source& source, std::size_t eighth, std::size_t from, std::size_t to,
                               std::size_t node, const Constants& c) {
  const Root r0 = root(c, node), r1 = root(c, 2 * node), r2 = root(c, 2 * node + 1);
  const Root r3[4] = {root(c, 4 * node), root(c, 4 * node + 1), root(c, 4 * node + 2), root(c, 4 * node + 3)};
  const Vector by = centre(node, c);
  const std::size_t step = source.down ? std::size_t{0} - 16 : 16;
  for (std::size_t k = from, i = source.down ? to - 16 : from; k < to; k += 16, i += step) {
    Vector v[8], w[8];
    for (std::size_t j = 0; j < 8; ++j) v[j] = source(j * eighth + i);
    if constexpr (Source::kSmall) {
      forward_small<Next::kMixed>({{v[0], v[4], r0}, {v[1], v[5], r0}, {v[2], v[6], r0}, {v[3], v[7], r0}}, c);
    } else {
      first(v, r0, by, c);
    }
    for (std::size_t j = 0; j < 8; ++j) w[j] = source(j * eighth + i + 8);
    if constexpr (Source::kSmall) {
      forward_small<Next::kMixed>({{w[0], w[4], r0}, {w[1], w[5], r0}, {w[2], w[6], r0}, {w[3], w[7], r0}}, c);
    } else {
      first(w, r0, by, c);
    }
    second(v, r1, r2, c);
    second(w, r1, r2, c);
    third<next>(v, r3, c);
    for (std::size_t j = 0; j < 8; ++j) store(p + j * eighth + i, v[j]);
    third<next>(w, r3, c);
    for (std::size_t j = 0; j < 8; ++j) store(p + j * eighth + i + 8, w[j]);
  }
}

template <Next next, class Source>
PRISM_INLINE void two_layers(Word* p, const Source& source, std::size_t quarter, std::size_t from, std::size_t to,
                             std::size_t node, const Constants& c) {
  const Root r0 = root(c, node), r1 = root(c, 2 * node), r2 = root(c, 2 * node + 1);
  const Vector by = centre(node, c);
  const std::size_t step = source.down ? std::size_t{0} - 16 : 16;
  for (std::size_t k = from, i = source.down ? to - 16 : from; k < to; k += 16, i += step) {
    Vector v[4], w[4];
    for (std::size_t j = 0; j < 4; ++j) v[j] = source(j * quarter + i);
    for (std::size_t j = 0; j < 4; ++j) w[j] = source(j * quarter + i + 8);
    if constexpr (Source::kSmall) {
      forward_small<Next::kMixed>({{v[0], v[2], r0}, {w[0], w[2], r0}, {v[1], v[3], r0}, {w[1], w[3], r0}}, c);
    } else {
      forward<Next::kMixed>({{v[0], v[2], r0}, {w[0], w[2], r0}, {v[1], v[3], r0}, {w[1], w[3], r0}}, by, by, c);
    }
    forward<next>({{v[0], v[1], r1}, {v[2], v[3], r2}, {w[0], w[1], r1}, {w[2], w[3], r2}}, c.minus_two_q, c.two_q, c);
    for (std::size_t j = 0; j < 4; ++j) store(p + j * quarter + i, v[j]);
    for (std::size_t j = 0; j < 4; ++j) store(p + j * quarter + i + 8, w[j]);
  }
}

/// The lower half of each part is added to in the next layer, the upper half multiplied.
template <class Source>
PRISM_INLINE void pass(Word* p, const Source& source, unsigned layers, std::size_t size, std::size_t node,
                       const Constants& c) {
  const std::size_t part = size >> layers;
  if (layers == 3) {
    three_layers<Next::kAdded>(p, source, part, 0, part / 2, node, c);
    three_layers<Next::kMultiplied>(p, source, part, part / 2, part, node, c);
  } else {
    two_layers<Next::kAdded>(p, source, part, 0, part / 2, node, c);
    two_layers<Next::kMultiplied>(p, source, part, part / 2, part, node, c);
  }
}

// ---- the last seven layers

/// The last layer, canonical. Twelve operations more than three fours of additions: x and t come below q, so that one
/// correction each suffices for sum and difference.
PRISM_INLINE void last(Vector (&v)[8], const Word* tail, const Constants& c) {
  Vector u[4], t[4];
  const Root r[4] = {tail_roots(tail, 2), tail_roots(tail, 3), tail_roots(tail, 4), tail_roots(tail, 5)};
  products(t, {{v[0], v[1], r[0]}, {v[2], v[3], r[1]}, {v[4], v[5], r[2]}, {v[6], v[7], r[3]}}, c);
  for (std::size_t i = 0; i < 4; ++i) {
    u[i] = _mm512_min_epu64(v[2 * i], add64(v[2 * i], i % 2 == 0 ? c.minus_two_q : c.two_q));
  }
  for (std::size_t i = 0; i < 4; ++i) t[i] = low52(t[i]);
  for (std::size_t i = 0; i < 4; ++i) {
    u[i] = reduce_once(u[i], c.q);
    t[i] = reduce_once(t[i], c.q);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const Vector difference = sub64(u[i], t[i]);
    v[2 * i] = reduce_once(add64(u[i], t[i]), c.q);
    v[2 * i + 1] = _mm512_min_epu64(difference, add64(difference, c.q));  // a negative one wraps to a huge number
  }
}

PRISM_INLINE void block(Word* p, std::size_t node, const Constants& c) {
  Vector v[8], w[8];
  for (std::size_t j = 0; j < 8; ++j) v[j] = load(p + 8 * j), w[j] = load(p + 64 + 8 * j);
  const Root r = root(c, node);
  const Vector by = centre(node, c);
  forward<Next::kAdded>({{v[0], w[0], r}, {v[1], w[1], r}, {v[2], w[2], r}, {v[3], w[3], r}}, by, by, c);
  forward<Next::kMultiplied>({{v[4], w[4], r}, {v[5], w[5], r}, {v[6], w[6], r}, {v[7], w[7], r}}, by, by, c);
  const std::size_t n0 = 2 * node, n1 = n0 + 1;
  first(v, root(c, n0), c.minus_two_q, c);
  first(w, root(c, n1), c.two_q, c);
  second(v, root(c, 2 * n0), root(c, 2 * n0 + 1), c);
  second(w, root(c, 2 * n1), root(c, 2 * n1 + 1), c);
  third<Next::kEither>(v, {root(c, 4 * n0), root(c, 4 * n0 + 1), root(c, 4 * n0 + 2), root(c, 4 * n0 + 3)}, c);
  third<Next::kEither>(w, {root(c, 4 * n1), root(c, 4 * n1 + 1), root(c, 4 * n1 + 2), root(c, 4 * n1 + 3)}, c);
  transpose(v);
  transpose(w);
  first(v, roots(c.w + 8 * n0, c.w52 + 8 * n0), c.minus_two_q, c);
  first(w, roots(c.w + 8 * n1, c.w52 + 8 * n1), c.minus_two_q, c);
  const Word *const tail0 = c.tail_of(n0), *const tail1 = tail0 + kTail;
  second(v, tail_roots(tail0, 0), tail_roots(tail0, 1), c);
  second(w, tail_roots(tail1, 0), tail_roots(tail1, 1), c);
  last(v, tail0, c);
  last(w, tail1, c);
  transpose(v);
  for (std::size_t j = 0; j < 8; ++j) store(p + 8 * j, v[j]);
  transpose(w);
  for (std::size_t j = 0; j < 8; ++j) store(p + 64 + 8 * j, w[j]);
}

/// Block `node` of 128 * 2^layers values at p.
template <class Source>
void blocks(Word* p, const Source& source, unsigned layers, std::size_t node, const Constants& constants) {
  const Constants c = constants;  // local: a row store cannot be taken for a change of it
  const unsigned now = pass_layers(layers);
  const std::size_t size = kBlock << layers, part = size >> now;
  pass(p, source, now, size, node, c);
  for (std::size_t k = 0; k < std::size_t{1} << now; ++k) {
    Word* const at = p + k * part;
    if (layers == now) {
      block(at, (node << now) + k, c);
    } else {
      blocks(at, FromRow{at}, layers - now, (node << now) + k, c);
    }
  }
}

}  // namespace

void forward_ntt(Word* row, const NttTables& t) noexcept { forward_ntt_from(row, row, t); }

void forward_ntt_from(Word* out, const Word* in, const NttTables& t) noexcept {
  blocks(out, FromCanonical(out, in), t.log_n - kLogBlock, 1, Constants(t));
}

void recentre_forward_ntt(Word* out, const Word* in, const Modulus& from, const NttTables& t) noexcept {
  blocks(out, FromOther(out, in, from, t.modulus), t.log_n - kLogBlock, 1, Constants(t));
}

}  // namespace prism::kernels::avx512ifma_set
