// prism/kernels/avx512ifma/transform.h - what both directions of the negacyclic transform share.
//
// A transform is a heap of blocks: node 1 is the whole row, the halves of block `node` are 2 node and 2 node + 1, and a
// block's first forward layer uses the root w[node]; so a block needs to know only its own number. Blocks of 128 values
// are transformed entirely in registers (sixteen vectors), larger ones in passes of three or two layers.
//
// What bounds it, measured on Zen 4 by independent instructions: two 512-bit operations per cycle in all, of which one
// may be a multiplication, minimum or comparison, and one a shuffle or shift; one load per cycle; one store per two
// cycles. A butterfly on eight values is 3 multiplications, 1 minimum and 4 additions or masks: 4.0 cycles; passes take
// 4.3 in the first cache, 5.2 from the second. A block of 128 is 616 operations, 96 of them for transpositions and 64
// to become canonical: 308 cycles; it takes 359. What is left are the 64 operations that the scheduler looks ahead,
// hence butterflies come in fours, and fours of two independent columns in turn; and the tables, which stream through
// the second cache. At 2^13 all operations together would take 31,500 cycles; the transform takes 40,300.
#pragma once
#include "prism/kernels/avx512ifma/vector.h"
#include "prism/kernels/kernels.h"
#if defined(__AVX512IFMA__)

namespace prism::kernels::avx512ifma_set {

using Word = std::uint64_t;

constexpr unsigned kLogBlock = 7;                            ///< of what is transformed in registers
constexpr std::size_t kBlock = std::size_t{1} << kLogBlock;  ///< 128 values: two halves of eight vectors
constexpr std::size_t kTail = 96;                            ///< words of NttTables::tail per 64 values

struct Constants {
  explicit Constants(const NttTables& t)
      : q(all_lanes(t.modulus.q)),
        two_q(all_lanes(2 * t.modulus.q)),
        minus_two_q(all_lanes(0 - 2 * t.modulus.q)),
        minus_q(all_lanes((Word{1} << 52) - t.modulus.q)),
        w(t.w.data()),
        w52(t.w52.data()),
        tail(t.tail.data()),
        blocks((std::size_t{1} << t.log_n) / 64) {}
  /// The roots of the last two layers of the block of 64 that is `node`, in the layout of NttTables::tail.
  PRISM_INLINE const Word* tail_of(std::size_t node) const { return tail + kTail * (node - blocks); }
  Vector q, two_q, minus_two_q, minus_q;
  const Word *w, *w52, *tail;
  std::size_t blocks;
};

struct Root {
  Vector w, w52;
};
PRISM_INLINE Root root(const Constants& c, std::size_t node) { return {all_lanes(c.w[node]), all_lanes(c.w52[node])}; }
PRISM_INLINE Root root(Multiplier s) { return {all_lanes(s.w), all_lanes(s.w52)}; }
/// A root for each lane.
PRISM_INLINE Root roots(const Word* w, const Word* w52) { return {load(w), load(w52)}; }
PRISM_INLINE Root tail_roots(const Word* tail, std::size_t which) {
  return roots(tail + 16 * which, tail + 16 * which + 8);
}

/// One butterfly's terms and root.
struct Pair {
  Vector &x, &y;
  const Root& r;
};

/// Lane i of vector j becomes lane j of vector i: layers inside a vector become layers between vectors.
PRISM_INLINE void transpose(Vector (&v)[8]) {
  Vector t[8], s[8];
  for (std::size_t i = 0; i < 8; i += 2) {
    t[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
  }
  for (std::size_t i = 0; i < 8; i += 4) {
    for (std::size_t j = i; j < i + 2; ++j) {
      s[j] = _mm512_shuffle_i64x2(t[j], t[j + 2], 0x88);
      s[j + 2] = _mm512_shuffle_i64x2(t[j], t[j + 2], 0xDD);
    }
  }
  for (std::size_t j = 0; j < 4; ++j) {
    v[j] = _mm512_shuffle_i64x2(s[j], s[j + 4], 0x88);
    v[j + 4] = _mm512_shuffle_i64x2(s[j], s[j + 4], 0xDD);
  }
}

/// How many of `layers` >= 2 layers above the blocks the outermost pass takes: as few passes as possible, threes first,
/// because the outermost passes are those that miss the first cache.
constexpr unsigned pass_layers(unsigned layers) { return layers == 3 || layers >= 5 ? 3 : 2; }

}  // namespace prism::kernels::avx512ifma_set

#endif  // __AVX512IFMA__
