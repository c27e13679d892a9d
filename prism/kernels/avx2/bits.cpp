// Unpacking by gathered eight-byte windows; what gains nothing from AVX2 is the portable loop.
#include "prism/kernels/avx2/functions.h"
#include "prism/kernels/avx2/vector.h"

namespace prism::kernels::avx2_set {

void pack_bits(std::uint8_t* out, const Word* a, std::size_t n, unsigned bits) noexcept {
  portable.pack_bits(out, a, n, bits);
}

void unpack_bits(Word* out, const std::uint8_t* in, std::size_t n, unsigned bits) noexcept {
  constexpr unsigned kWidest = 57;  // 7 bits of misalignment and a value fit eight bytes
  std::size_t i = 0;
  if (bits <= kWidest && n >= 16) {
    // Groups of eight values start on bytes and are `bits` bytes. A window may reach 7 bytes beyond its group, so as
    // many groups as hold 8 bytes are left to the careful loop.
    const std::size_t behind = 8 * ((8 + bits - 1) / bits);
    const Integers step = all_lanes(bits), mask = all_lanes(~Word{0} >> (64 - bits)), seven = all_lanes(7);
    const Integers first = _mm256_mul_epu32(_mm256_setr_epi64x(0, 1, 2, 3), step);
    const Integers second = _mm256_mul_epu32(_mm256_setr_epi64x(4, 5, 6, 7), step);
    for (; i + 8 + behind <= n; i += 8, in += bits) {
      const long long* const base = reinterpret_cast<const long long*>(in);
      const Integers low = _mm256_i64gather_epi64(base, _mm256_srli_epi64(first, 3), 1);
      const Integers high = _mm256_i64gather_epi64(base, _mm256_srli_epi64(second, 3), 1);
      store_integers(out + i, _mm256_and_si256(_mm256_srlv_epi64(low, _mm256_and_si256(first, seven)), mask));
      store_integers(out + i + 4, _mm256_and_si256(_mm256_srlv_epi64(high, _mm256_and_si256(second, seven)), mask));
    }
  }
  portable.unpack_bits(out + i, in, n - i, bits);
}

bool all_below(const Word* a, std::size_t n, Word bound) noexcept {
  const Integers sign = all_lanes(Word{1} << 63);  // turns unsigned comparison into signed
  const Integers limit = _mm256_xor_si256(all_lanes(bound), sign);
  Integers below = all_lanes(~Word{0});
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    below = _mm256_and_si256(below, _mm256_cmpgt_epi64(limit, _mm256_xor_si256(load_integers(a + i), sign)));
  }
  return _mm256_movemask_epi8(below) == -1 && portable.all_below(a + i, n - i, bound);
}

Kernels::Taken take_uniform(Word* out, std::size_t want, const Word* words, std::size_t count,
                            const Modulus& m) noexcept {
  return portable.take_uniform(out, want, words, count, m);
}

void draw_by_table(std::int32_t* out, const Word* words, std::size_t n, const std::array<Word, 2>* table,
                   std::size_t count) noexcept {
  const Integers mask = all_lanes(~Word{0} >> 1), counts = all_lanes(count);
  for (std::size_t i = 0; i < n; i += 8) {
    Integers low[2], top[2], high[2], below[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (std::size_t k = 0; k < 2; ++k) {  // draws 0 2 1 3 of each four
      const Integers a = load_integers(words + 2 * i + 8 * k), b = load_integers(words + 2 * i + 8 * k + 4);
      low[k] = _mm256_and_si256(_mm256_unpacklo_epi64(a, b), mask);
      top[k] = _mm256_unpackhi_epi64(a, b);
      high[k] = _mm256_and_si256(top[k], mask);
    }
    for (std::size_t j = 0; j < count; ++j) {
      const Integers threshold_high = all_lanes(table[j][0]), threshold_low = all_lanes(table[j][1]);
      for (std::size_t k = 0; k < 2; ++k) {
        const Integers borrow = _mm256_srli_epi64(_mm256_sub_epi64(low[k], threshold_low), 63);
        const Integers less = _mm256_sub_epi64(_mm256_sub_epi64(high[k], threshold_high), borrow);
        below[k] = _mm256_add_epi64(below[k], _mm256_srli_epi64(less, 63));
      }
    }
    for (std::size_t k = 0; k < 2; ++k) {
      const Integers sign = _mm256_cmpgt_epi64(_mm256_setzero_si256(), top[k]);
      const Integers magnitude = _mm256_sub_epi64(counts, below[k]);
      const Integers x = _mm256_sub_epi64(_mm256_xor_si256(magnitude, sign), sign);
      const Integers packed = _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 2, 6, 0, 0, 0, 0));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i + 4 * k), _mm256_castsi256_si128(packed));
    }
  }
}

}  // namespace prism::kernels::avx2_set
