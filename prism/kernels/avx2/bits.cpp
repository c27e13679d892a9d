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

}  // namespace prism::kernels::avx2_set
