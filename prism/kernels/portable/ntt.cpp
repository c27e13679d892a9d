// The negacyclic transform of Longa and Naehrig (2016), Algorithms 1 and 2, with Harvey's lazy butterflies (2014):
// values stay below 4q < 2^52 forward and below 2q inverse, and become canonical in the last layer. Two layers are done
// per pass over memory. What bounds it are multiplications: the high half of a product keeps Zen 4's multiplier for two
// cycles, the two low halves for one each, so a butterfly takes four cycles at least; it takes 5.4.
#include <cstring>

#include "prism/kernels/portable/functions.h"

namespace prism::kernels::portable_set {
namespace {

__extension__ using uint128 = unsigned __int128;

/// A root with its quotient aligned for the upper half of a 64-bit product.
struct Root {
  Root(Word w_, Word w52) : w(w_), w64(w52 << 12) {}
  explicit Root(Multiplier s) : Root(s.w, s.w52) {}
  Root(const NttTables& t, std::size_t node) : Root(t.w.data()[node], t.w52.data()[node]) {}
  Word w, w64;
};

/// y * w mod q in [0, 2q) for any y < 2^52: the quotient is at most one too low, as y * frac(w * 2^52 / q) < 2^52.
Word multiply_lazy(Word y, const Root& r, Word q) {
  const auto quotient = static_cast<Word>((uint128{y} * r.w64) >> 64);
  return y * r.w - quotient * q;
}

/// x - bound if that is not negative, else x; by a mask, because a compiler may turn a minimum into a branch.
Word reduce_once(Word x, Word bound) {
  const Word less = x - bound;
  return less + (bound & (0 - (less >> 63)));
}

/// Values below 4q before and after.
void forward(Word& x, Word& y, const Root& r, Word q) {
  const Word u = reduce_once(x, 2 * q), t = multiply_lazy(y, r, q);
  x = u + t;
  y = u - t + 2 * q;
}

/// Values below 2q before and after; r is minus the inverse root, hence y - x.
void inverse(Word& x, Word& y, const Root& r, Word q) {
  const Word difference = y - x + 2 * q;
  x = reduce_once(x + y, 2 * q);
  y = multiply_lazy(difference, r, q);
}

/// The last layer inverse, with 1/n in both factors.
void inverse_last(Word& x, Word& y, const Root& by_n, const Root& by_n_w, Word q) {
  const Word difference = x - y + 2 * q;
  x = reduce_once(multiply_lazy(x + y, by_n, q), q);
  y = reduce_once(multiply_lazy(difference, by_n_w, q), q);
}

/// Layers `m` and `2m` of the forward transform, for blocks of 4 * quarter values. kLast: quarter is 1, and values
/// become canonical.
template <bool kLast>
void forward_two_layers(Word* row, std::size_t m, std::size_t quarter, const NttTables& t) {
  const Word q = t.modulus.q;
  if constexpr (kLast) quarter = 1;
  for (std::size_t k = 0; k < m; ++k) {
    const Root r0(t, m + k), r1(t, 2 * (m + k)), r2(t, 2 * (m + k) + 1);
    Word* const p = row + 4 * quarter * k;
    for (std::size_t i = 0; i < quarter; ++i) {
      Word v[4];
      for (std::size_t j = 0; j < 4; ++j) v[j] = p[j * quarter + i];
      forward(v[0], v[2], r0, q);
      forward(v[1], v[3], r0, q);
      forward(v[0], v[1], r1, q);
      forward(v[2], v[3], r2, q);
      for (std::size_t j = 0; j < 4; ++j) {
        p[j * quarter + i] = kLast ? reduce_once(reduce_once(v[j], 2 * q), q) : v[j];
      }
    }
  }
}

/// Layers `2m` and `m` of the inverse transform. kFirst: quarter is 1. kLast: m is 1, and 1/n comes in.
template <bool kFirst, bool kLast>
void inverse_two_layers(Word* row, std::size_t m, std::size_t quarter, const NttTables& t) {
  const Word q = t.modulus.q;
  const Root by_n(t.inverse_n), by_n_w(t.inverse_n_w);
  if constexpr (kFirst) quarter = 1;
  for (std::size_t k = 0; k < m; ++k) {
    const std::size_t mirror = 2 * m - 1 - k;  // w[mirror] = -1/w[m + k]
    const Root r0(t, mirror), r1(t, 2 * mirror + 1), r2(t, 2 * mirror);
    Word* const p = row + 4 * quarter * k;
    for (std::size_t i = 0; i < quarter; ++i) {
      Word v[4];
      for (std::size_t j = 0; j < 4; ++j) v[j] = p[j * quarter + i];
      inverse(v[0], v[1], r1, q);
      inverse(v[2], v[3], r2, q);
      if constexpr (kLast) {
        inverse_last(v[0], v[2], by_n, by_n_w, q);
        inverse_last(v[1], v[3], by_n, by_n_w, q);
      } else {
        inverse(v[0], v[2], r0, q);
        inverse(v[1], v[3], r0, q);
      }
      for (std::size_t j = 0; j < 4; ++j) p[j * quarter + i] = v[j];
    }
  }
}

}  // namespace

void forward_ntt(Word* row, const NttTables& t) noexcept {
  const Word q = t.modulus.q;
  const std::size_t n = std::size_t{1} << t.log_n;
  std::size_t m = 1;
  if (t.log_n % 2 != 0) {  // one layer alone; n = 2 has no other
    const Root r(t, 1);
    for (std::size_t i = 0; i < n / 2; ++i) forward(row[i], row[i + n / 2], r, q);
    m = 2;
    if (n == 2) {
      for (std::size_t i = 0; i < 2; ++i) row[i] = reduce_once(reduce_once(row[i], 2 * q), q);
    }
  }
  for (; 4 * m < n; m *= 4) forward_two_layers<false>(row, m, n / (4 * m), t);
  if (4 * m == n) forward_two_layers<true>(row, m, 1, t);
}

void inverse_ntt(Word* row, const NttTables& t) noexcept {
  const std::size_t n = std::size_t{1} << t.log_n;
  std::size_t m = n / 4;
  if (n == 4) return inverse_two_layers<true, true>(row, 1, 1, t);
  if (m != 0) inverse_two_layers<true, false>(row, m, 1, t);
  for (m /= 4; m > 1; m /= 4) inverse_two_layers<false, false>(row, m, n / (4 * m), t);
  if (m == 1) return inverse_two_layers<false, true>(row, 1, n / 4, t);
  const Root by_n(t.inverse_n), by_n_w(t.inverse_n_w);  // an odd number of layers: the last one alone
  for (std::size_t i = 0; i < n / 2; ++i) inverse_last(row[i], row[i + n / 2], by_n, by_n_w, t.modulus.q);
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

}  // namespace prism::kernels::portable_set
