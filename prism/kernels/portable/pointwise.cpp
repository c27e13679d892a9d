// Row arithmetic. Products are reduced by Barrett's method with Modulus::barrett = floor(2^(50 + bits) / q).
#include "prism/kernels/portable/functions.h"

namespace prism::kernels::portable_set {
namespace {

__extension__ using uint128 = unsigned __int128;

constexpr Word kMask52 = (Word{1} << 52) - 1;

/// x - bound if that is not negative, else x; needs x < 2^63 and bound <= 2^63. By masks, which SSE2 does two at a
/// time.
Word reduce_once(Word x, Word bound) {
  const Word less = x - bound;
  return less + (bound & (0 - (less >> 63)));
}

/// Bits [shift, shift + 64) of p, 0 < shift < 64; in two shifts, as one of two words is slow on some processors.
Word middle(uint128 p, unsigned shift) {
  return (static_cast<Word>(p >> 64) << (64 - shift)) | (static_cast<Word>(p) >> shift);
}

/// floor(high * barrett / 2^50) for high < 2^63, as the upper half of a product.
Word estimate(Word high, const Modulus& m) { return static_cast<Word>((uint128{2 * high} * (m.barrett << 13)) >> 64); }

/// p mod q for p <= q^2 + 2^52.
/// The quotient estimate floor(floor(p / 2^bits) * barrett / 2^50) is low by less than
/// 2^bits/q + p/2^(50+bits) + 1 < 4, so the remainder is below 4q and two corrections suffice.
Word reduce_product(uint128 p, const Modulus& m) {
  const Word quotient = estimate(middle(p, m.bits), m);
  const Word r = static_cast<Word>(p) - quotient * m.q;
  return reduce_once(reduce_once(r, 2 * m.q), m.q);
}

/// s mod q for s <= 2q^2 + q. The estimate floor(floor(s / 2^(bits-1)) * barrett / 2^51) is low by less than
/// 2^bits/2q + s/2^(50+bits) + 1 < 4.
Word reduce_two_products(uint128 s, const Modulus& m) {
  const Word quotient = estimate(middle(s, m.bits - 1), m) >> 1;
  const Word r = static_cast<Word>(s) - quotient * m.q;
  return reduce_once(reduce_once(r, 2 * m.q), m.q);
}

/// a mod q for a < 2^(bits + 8) or a < 2^50: the estimate is low by less than a / 2^(50 + bits) + 1 <= 2.
Word reduce_word(Word a, const Modulus& m) {
  const Word quotient = estimate(a, m) >> m.bits;
  return reduce_once(a - quotient * m.q, m.q);
}

/// s mod q for sums of 64 products, each below 2^50 * q.
Word reduce_sum(uint128 s, const Modulus& m) {
  const Word high = reduce_word(static_cast<Word>(s >> 52), m);  // below 2^(6 + 50 + bits - 52)
  return reduce_product(uint128{high} * m.two52 + (static_cast<Word>(s) & kMask52), m);
}

Word multiply_by(Word a, Multiplier s, Word q) {
  const auto quotient = static_cast<Word>((uint128{a << 12} * s.w52) >> 64);
  return reduce_once(a * s.w - quotient * q, q);
}

}  // namespace

void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = reduce_once(a[i] + b[i], m.q);
}

void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = reduce_once(a[i] + m.q - b[i], m.q);
}

void negate(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = reduce_once(m.q - a[i], m.q);
}

void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = reduce_product(uint128{a[i]} * b[i], m);
}

void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = reduce_product(uint128{a[i]} * b[i] + out[i], m);
}

void multiply_scalar(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = multiply_by(a[i], s, m.q);
}

void multiply_scalar_add(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = reduce_once(out[i] + multiply_by(a[i], s, m.q), m.q);
}

void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, Multiplier s, std::size_t n,
                              const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = multiply_by(a[i] + m.q - b[i], s, m.q);
}

void tensor_add(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1,
                std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    c0[i] = reduce_product(uint128{a0[i]} * b0[i] + c0[i], m);
    c1[i] = reduce_two_products(uint128{a0[i]} * b1[i] + uint128{a1[i]} * b0[i] + c1[i], m);
    c2[i] = reduce_product(uint128{a1[i]} * b1[i] + c2[i], m);
  }
}

void tensor(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1, std::size_t n,
            const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    c0[i] = reduce_product(uint128{a0[i]} * b0[i], m);
    c1[i] = reduce_two_products(uint128{a0[i]} * b1[i] + uint128{a1[i]} * b0[i], m);
    c2[i] = reduce_product(uint128{a1[i]} * b1[i], m);
  }
}

void tensor_square(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    c0[i] = reduce_product(uint128{a0[i]} * a0[i], m);
    c1[i] = reduce_two_products(uint128{2 * a0[i]} * a1[i], m);
    c2[i] = reduce_product(uint128{a1[i]} * a1[i], m);
  }
}

void inner_product(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
                   const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    uint128 sum = 0;
    for (std::size_t j = 0; j < count; ++j) sum += uint128{a[j][i]} * b[j][i];
    out[i] = reduce_sum(sum, m);
  }
}

void inner_product_pair(Word* out0, Word* out1, const Word* const* a, const Word* const* b0, const Word* const* b1,
                        std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t from = index == nullptr ? i : index[i];
    uint128 sum0 = 0, sum1 = 0;
    for (std::size_t j = 0; j < count; ++j) {
      sum0 += uint128{a[j][from]} * b0[j][i];
      sum1 += uint128{a[j][from]} * b1[j][i];
    }
    out0[i] = reduce_sum(sum0, m);
    out1[i] = reduce_sum(sum1, m);
  }
}

void inner_product_pair_add(Word* out0, Word* out1, const Word* const* a, const Word* const* b0, const Word* const* b1,
                            std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t from = index == nullptr ? i : index[i];
    uint128 sum0 = 0, sum1 = 0;
    for (std::size_t j = 0; j < count; ++j) {
      sum0 += uint128{a[j][from]} * b0[j][i];
      sum1 += uint128{a[j][from]} * b1[j][i];
    }
    out0[i] = reduce_once(out0[i] + reduce_sum(sum0, m), m.q);
    out1[i] = reduce_once(out1[i] + reduce_sum(sum1, m), m.q);
  }
}

void inner_product_scalar(Word* out, const Word* const* a, const Word* s, std::size_t count, std::size_t n,
                          const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    uint128 sum = 0;
    for (std::size_t j = 0; j < count; ++j) sum += uint128{a[j][i]} * s[j];
    out[i] = reduce_sum(sum, m);
  }
}

void combine(Word* out, const Word* const* a, const Multiplier* s, std::size_t count, Word /*first_below*/, Word offset,
             std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    uint128 sum = offset;
    for (std::size_t j = 0; j < count; ++j) sum += uint128{a[j][i]} * s[j].w;
    out[i] = reduce_sum(sum, m);
  }
}

void reduce(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = reduce_word(a[i], m);
}

void recentre(Word* out, const Word* a, const Modulus& from, std::size_t n, const Modulus& m) noexcept {
  const Word half = from.q / 2, shift = reduce_word(from.q, m);
  for (std::size_t i = 0; i < n; ++i) {
    const Word upper = 0 - ((half - a[i]) >> 63);  // all-ones when a stands for a - from.q
    out[i] = reduce_once(reduce_word(a[i], m) + (upper & (m.q - shift)), m.q);
  }
}

void fraction_round(Word* out, const Word* const* a, const Modulus* m, std::size_t count, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    Word sum = Word{1} << 49;
    for (std::size_t j = 0; j < count; ++j) sum += static_cast<Word>((uint128{a[j][i]} * m[j].barrett) >> m[j].bits);
    out[i] = sum >> 50;
  }
}

void permute(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = a[index[i]];
}

void permute_eights(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept {
  permute(out, a, index, n);
}

}  // namespace prism::kernels::portable_set
