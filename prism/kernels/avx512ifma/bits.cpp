// Bit packing by VBMI: any 64 consecutive bits of a 64-byte window can be fetched into each lane by one byte
// permutation and one shift (multishift), which serves all widths up to 57; wider values go to the portable loop.
#include "prism/kernels/avx512ifma/functions.h"
#include "prism/kernels/avx512ifma/vector.h"

namespace prism::kernels::avx512ifma_set {
namespace {

constexpr unsigned kWidest = 57;  ///< 7 bits of misalignment and a value fit eight bytes

/// The first `bytes` bytes, the rest zero; touches nothing beyond.
PRISM_INLINE Vector load_bytes(const std::uint8_t* p, unsigned bytes) {
  return _mm512_maskz_loadu_epi8(~std::uint64_t{0} >> (64 - bytes), p);
}

}  // namespace

// Eight values of `bits` bits are exactly `bits` bytes, so groups of eight start on bytes.
void unpack_bits(Word* out, const std::uint8_t* in, std::size_t n, unsigned bits) noexcept {
  const std::size_t whole = bits <= kWidest ? n / 8 * 8 : 0;
  if (whole != 0) {
    alignas(64) std::uint8_t bytes[64];
    alignas(64) Word shifts[8];
    for (unsigned lane = 0; lane < 8; ++lane) {
      for (unsigned i = 0; i < 8; ++i) bytes[8 * lane + i] = static_cast<std::uint8_t>(lane * bits / 8 + i);
      shifts[lane] = lane * bits % 8;
    }
    const Vector from = _mm512_load_si512(bytes), shift = _mm512_load_si512(shifts);
    const Vector mask = all_lanes(~Word{0} >> (64 - bits));
    for (std::size_t i = 0; i < whole; i += 8, in += bits) {
      const Vector spread = _mm512_permutexvar_epi8(from, load_bytes(in, bits));
      store(out + i, _mm512_and_si512(_mm512_srlv_epi64(spread, shift), mask));
    }
  }
  if (whole != n) portable.unpack_bits(out + whole, in, n - whole, bits);
}

void pack_bits(std::uint8_t* out, const Word* a, std::size_t n, unsigned bits) noexcept {
  const std::size_t whole = bits <= kWidest ? n / 8 * 8 : 0;
  if (whole != 0) {
    // Output byte k takes bits [8k, 8k + 8) of the group: from lane 8k / bits, and where a value ends within the byte
    // (at most one does when bits >= 8) also from the next. Values are shifted so that a byte's part lies byte-aligned
    // in the lane: lane v shifted left by (v * bits) mod 8 holds its bytes in place, and bytes shared by several lanes
    // are combined. bits < 8 packs several values into a byte; those widths are rare and go byte by byte below.
    if (bits >= 8) {
      alignas(64) std::uint8_t first[64] = {}, second[64] = {};
      alignas(64) Word shifts[8];
      std::uint64_t shared = 0;
      for (unsigned lane = 0; lane < 8; ++lane) shifts[lane] = lane * bits % 8;
      for (unsigned k = 0; k < bits; ++k) {
        const unsigned lane = 8 * k / bits, end_lane = (8 * k + 7) / bits;
        first[k] = static_cast<std::uint8_t>(8 * lane + k - lane * bits / 8);
        second[k] = static_cast<std::uint8_t>(8 * end_lane + k - end_lane * bits / 8);
        if (end_lane != lane) shared |= std::uint64_t{1} << k;
      }
      const Vector from_first = _mm512_load_si512(first), from_second = _mm512_load_si512(second);
      const Vector shift = _mm512_load_si512(shifts);
      const __mmask64 written = ~std::uint64_t{0} >> (64 - bits);
      for (std::size_t i = 0; i < whole; i += 8, out += bits) {
        const Vector shifted = _mm512_sllv_epi64(load(a + i), shift);
        const Vector low = _mm512_permutexvar_epi8(from_first, shifted);
        const Vector high = _mm512_maskz_permutexvar_epi8(shared, from_second, shifted);
        _mm512_mask_storeu_epi8(out, written, _mm512_or_si512(low, high));
      }
    } else {
      portable.pack_bits(out, a, whole, bits);
      out += whole / 8 * bits;
    }
  }
  if (whole != n) portable.pack_bits(out, a + whole, n - whole, bits);
}

bool all_below(const Word* a, std::size_t n, Word bound) noexcept {
  const Vector limit = all_lanes(bound);
  __mmask8 reached = 0;
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) reached = static_cast<__mmask8>(reached | _mm512_cmpge_epu64_mask(load(a + i), limit));
  bool below = reached == 0;
  for (; i < n; ++i) below &= a[i] < bound;
  return below;
}

Kernels::Taken take_uniform(Word* out, std::size_t want, const Word* words, std::size_t count,
                            const Modulus& m) noexcept {
  const Vector mask = all_lanes(~Word{0} >> (64 - m.bits)), q = all_lanes(m.q);
  Kernels::Taken taken{0, 0};
  while (taken.kept + 8 <= want && taken.read + 8 <= count) {
    const Vector candidates = _mm512_and_si512(load(words + taken.read), mask);
    const __mmask8 good = _mm512_cmplt_epu64_mask(candidates, q);
    // A full store of the compressed vector: the lanes past the kept ones are overwritten by what follows, or lie below
    // `want`.
    store(out + taken.kept, _mm512_maskz_compress_epi64(good, candidates));
    taken.kept += static_cast<unsigned>(__builtin_popcount(good));
    taken.read += 8;
  }
  const Kernels::Taken rest =
      portable.take_uniform(out + taken.kept, want - taken.kept, words + taken.read, count - taken.read, m);
  return {taken.read + rest.read, taken.kept + rest.kept};
}

void draw_by_table(std::int32_t* out, const Word* words, std::size_t n, const std::array<Word, 2>* table,
                   std::size_t count) noexcept {
  const Vector mask = all_lanes(~Word{0} >> 1), counts = all_lanes(count);
  const Vector even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
  for (std::size_t i = 0; i < n; i += 16) {
    Vector low[2], top[2], high[2], below[2] = {zero(), zero()};
    for (std::size_t k = 0; k < 2; ++k) {
      const Vector a = load(words + 2 * i + 16 * k), b = load(words + 2 * i + 16 * k + 8);
      low[k] = _mm512_and_si512(_mm512_permutex2var_epi64(a, even, b), mask);
      top[k] = _mm512_permutex2var_epi64(a, odd, b);
      high[k] = _mm512_and_si512(top[k], mask);
    }
    // Six operations per threshold and eight draws, none a comparison, which would share its unit with the masks.
    for (std::size_t j = 0; j < count; ++j) {
      const Vector threshold_high = all_lanes(table[j][0]), threshold_low = all_lanes(table[j][1]);
      for (std::size_t k = 0; k < 2; ++k) {
        const Vector borrow = _mm512_srli_epi64(sub64(low[k], threshold_low), 63);
        below[k] = add64(below[k], _mm512_srli_epi64(sub64(sub64(high[k], threshold_high), borrow), 63));
      }
    }
    for (std::size_t k = 0; k < 2; ++k) {
      const Vector sign = _mm512_srai_epi64(top[k], 63);
      const Vector x = sub64(_mm512_xor_si512(sub64(counts, below[k]), sign), sign);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i + 8 * k), _mm512_cvtepi64_epi32(x));
    }
  }
}

}  // namespace prism::kernels::avx512ifma_set
