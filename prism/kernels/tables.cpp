// The numbers that kernels are given: reduction constants, Shoup quotients and roots of unity.
#include <utility>

#include "prism/base/check.h"
#include "prism/kernels/kernels.h"

namespace prism::kernels {
namespace {

__extension__ using uint128 = unsigned __int128;

/// floor(w * 2^52 / q) without a division per value: tables have thousands of entries and are built at program start.
class Quotients {
 public:
  explicit Quotients(const Modulus& m)
      : q_(m.q),
        shift_(m.bits + 11),  // 2^(63 + bits) / q < 2^64
        reciprocal_(static_cast<std::uint64_t>((uint128{1} << (63 + m.bits)) / m.q)) {}
  std::uint64_t of(std::uint64_t w) const {
    // The estimate is low by less than w / 2^(bits + 11) + 1 < 2: one correction suffices.
    const auto estimate = static_cast<std::uint64_t>((uint128{w} * reciprocal_) >> shift_);
    const std::uint64_t rest = (w << 52) - estimate * q_;  // below 2q < 2^51, so arithmetic modulo 2^64 is exact
    return estimate + (rest >= q_ ? 1 : 0);
  }

 private:
  std::uint64_t q_;
  unsigned shift_;
  std::uint64_t reciprocal_;
};

std::uint64_t multiply_mod(std::uint64_t a, std::uint64_t b, std::uint64_t q) {
  return static_cast<std::uint64_t>(uint128{a} * b % q);
}

std::uint64_t power_mod(std::uint64_t a, std::uint64_t e, std::uint64_t q) {
  std::uint64_t r = 1;
  for (; e != 0; e >>= 1) {
    if ((e & 1) != 0) r = multiply_mod(r, a, q);
    a = multiply_mod(a, a, q);
  }
  return r;
}

}  // namespace

Modulus make_modulus(std::uint64_t q) {
  check((q & 1) != 0 && q > 2 && q < (std::uint64_t{1} << 50), "make_modulus: q must be odd with 2 < q < 2^50");
  Modulus m;
  m.q = q;
  while ((q >> m.bits) != 0) ++m.bits;
  m.barrett = static_cast<std::uint64_t>((uint128{1} << (50 + m.bits)) / q);
  m.two52 = (std::uint64_t{1} << 52) % q;
  m.two52_w52 = make_multiplier(m.two52, m).w52;
  std::uint64_t inverse = q;  // right modulo 2^3; Newton's iteration doubles the bits
  for (int i = 0; i < 5; ++i) inverse *= 2 - q * inverse;
  m.inverse = inverse % (std::uint64_t{1} << 52);
  return m;
}

Multiplier make_multiplier(std::uint64_t w, const Modulus& m) {
  check(w < m.q, "make_multiplier: w must be canonical");
  return {w, static_cast<std::uint64_t>((uint128{w} << 52) / m.q)};
}

NttTables make_ntt_tables(const Modulus& m, unsigned log_n, std::uint64_t psi) {
  check(log_n >= 1 && log_n <= 17, "make_ntt_tables: log_n must be in 1..17");
  const std::size_t n = std::size_t{1} << log_n;
  check(psi < m.q && power_mod(psi, n, m.q) == m.q - 1, "make_ntt_tables: psi must have order 2n modulo q");
  const Quotients quotients(m);
  NttTables t;
  t.modulus = m;
  t.log_n = log_n;
  t.psi = psi;
  t.w.resize(n);
  t.w52.resize(n);
  t.tail.reserve(n / 64 * 96);
  t.w[0] = 1;
  // bitrev(k + l) = bitrev(k) + n/(2l) for a power of two l > k, so each layer is the one before times a constant.
  for (std::size_t l = 1; l < n; l *= 2) {
    const Multiplier step = make_multiplier(power_mod(psi, n / (2 * l), m.q), m);
    for (std::size_t k = 0; k < l; ++k) {
      const auto quotient = static_cast<std::uint64_t>((uint128{t.w[k] << 12} * step.w52) >> 64);
      const std::uint64_t r = t.w[k] * step.w - quotient * m.q;  // below 2q
      t.w[l + k] = r - (r >= m.q ? m.q : 0);
    }
  }
  for (std::size_t i = 0; i < n; ++i) t.w52[i] = quotients.of(t.w[i]);
  const std::uint64_t inverse_n = power_mod(static_cast<std::uint64_t>(n) % m.q, m.q - 2, m.q);
  t.inverse_n = make_multiplier(inverse_n, m);
  t.inverse_n_w = make_multiplier(multiply_mod(inverse_n, m.q - t.w[1], m.q), m);  // psi^-(n/2) = -psi^(n/2)
  for (std::size_t b = 0; b < n / 64; ++b) {
    for (const std::size_t per_eight : {2U, 4U}) {
      const std::size_t from = per_eight * (n / 8 + 8 * b);
      for (std::size_t i = 0; i < per_eight; ++i) {
        for (const Residues* roots : {&t.w, &t.w52}) {
          for (std::size_t k = 0; k < 8; ++k) t.tail.push_back((*roots)[from + per_eight * k + i]);
        }
      }
    }
  }
  return t;
}

}  // namespace prism::kernels
