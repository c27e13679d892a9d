// The negacyclic transform of Longa and Naehrig (2016), Algorithms 1 and 2, with Harvey's lazy butterflies (2014):
// values stay below 4q < 2^52 forward and below 2q inverse, and become canonical in the last layer.
#include <algorithm>
#include <cstring>

#include "prism/kernels/portable/functions.h"

namespace prism::kernels::portable_set {
namespace {

__extension__ using uint128 = unsigned __int128;

/// A root with its quotient aligned for the upper half of a 64-bit product.
struct Root {
  Root(Word w_, Word w52) : w(w_), w64(w52 << 12) {}
  Word w, w64;
};

/// y * w mod q in [0, 2q) for any y < 2^52: the quotient is at most one too low, as y * frac(w * 2^52 / q) < 2^52.
Word multiply_lazy(Word y, const Root& r, Word q) {
  const auto quotient = static_cast<Word>((uint128{y} * r.w64) >> 64);
  return y * r.w - quotient * q;
}

/// x - bound if that is not negative, else x: the wrapped difference is the larger number. Compiles to a conditional
/// move.
Word reduce_once(Word x, Word bound) { return std::min(x, x - bound); }

}  // namespace

void forward_ntt(Word* row, const NttTables& t) noexcept {
  const Word q = t.modulus.q, two_q = 2 * q;
  const std::size_t n = std::size_t{1} << t.log_n;
  const Word* const w = t.w.data();
  const Word* const w52 = t.w52.data();
  for (std::size_t m = 1, half = n / 2; m < n / 2; m *= 2, half /= 2) {
    for (std::size_t k = 0; k < m; ++k) {
      Word* const low = row + 2 * half * k;
      Word* const high = low + half;
      const Root root(w[m + k], w52[m + k]);
      for (std::size_t i = 0; i < half; ++i) {
        const Word x = reduce_once(low[i], two_q);
        const Word y = multiply_lazy(high[i], root, q);
        low[i] = x + y;
        high[i] = x - y + two_q;
      }
    }
  }
  for (std::size_t k = 0; k < n / 2; ++k) {  // neighbours; canonical on the way out
    const Word x = reduce_once(row[2 * k], two_q);
    const Word y = multiply_lazy(row[2 * k + 1], Root(w[n / 2 + k], w52[n / 2 + k]), q);
    row[2 * k] = reduce_once(reduce_once(x + y, two_q), q);
    row[2 * k + 1] = reduce_once(reduce_once(x - y + two_q, two_q), q);
  }
}

void inverse_ntt(Word* row, const NttTables& t) noexcept {
  const Word q = t.modulus.q, two_q = 2 * q;
  const std::size_t n = std::size_t{1} << t.log_n;
  const Word* const w = t.w.data();
  const Word* const w52 = t.w52.data();
  for (std::size_t m = n / 2, half = 1; m > 1; m /= 2, half *= 2) {
    for (std::size_t k = 0; k < m; ++k) {
      Word* const low = row + 2 * half * k;
      Word* const high = low + half;
      const Root root(w[2 * m - 1 - k], w52[2 * m - 1 - k]);  // minus the inverse root: hence y - x
      for (std::size_t i = 0; i < half; ++i) {
        const Word x = low[i], y = high[i];
        low[i] = reduce_once(x + y, two_q);
        high[i] = multiply_lazy(y - x + two_q, root, q);
      }
    }
  }
  const Root by_n(t.inverse_n.w, t.inverse_n.w52), by_n_w(t.inverse_n_w.w, t.inverse_n_w.w52);
  for (std::size_t i = 0; i < n / 2; ++i) {  // the last layer, with 1/n in both factors
    const Word x = row[i], y = row[i + n / 2];
    row[i] = reduce_once(multiply_lazy(x + y, by_n, q), q);
    row[i + n / 2] = reduce_once(multiply_lazy(x - y + two_q, by_n_w, q), q);
  }
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
