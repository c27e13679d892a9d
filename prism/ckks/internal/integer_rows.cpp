#include "prism/ckks/internal/integer_rows.h"

#include "prism/math/modular.h"

namespace prism::ckks {
namespace {

constexpr secret::RevealKey kReveal{};
constexpr unsigned kLimbBits = 42;  // below the 50 bits that inner_product_scalar takes
constexpr Uint128 kOffset = Uint128{1} << 125;

}  // namespace

IntegerRows::IntegerRows(const Plaintext& plaintext)
    : ring_(plaintext.parameters().rlwe().ring()), limbs_(4 * ring_.degree()) {
  const std::size_t n = ring_.degree();
  const auto in = plaintext.coefficients(kReveal);
  const auto out = limbs_.reveal(kReveal);
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kLimbBits) - 1;
  for (std::size_t k = 0; k < n; ++k) {
    const Uint128 x = static_cast<Uint128>(in[k]) + kOffset;  // |in| < 2^125: not negative, below 2^126
    out[k] = static_cast<std::uint64_t>(x) & kMask;
    out[n + k] = static_cast<std::uint64_t>(x >> kLimbBits) & kMask;
    out[2 * n + k] = static_cast<std::uint64_t>(x >> (2 * kLimbBits)) & kMask;
    out[3 * n + k] = 1;
  }
}

void IntegerRows::write(std::uint64_t* out, const kernels::Modulus& m) const {
  const std::size_t n = ring_.degree();
  const std::uint64_t* const base = limbs_.reveal(kReveal).data();
  const std::uint64_t* const rows[] = {base, base + n, base + 2 * n, base + 3 * n};
  const std::uint64_t weights[] = {1, static_cast<std::uint64_t>((Uint128{1} << kLimbBits) % m.q),
                                   static_cast<std::uint64_t>((Uint128{1} << (2 * kLimbBits)) % m.q),
                                   math::negate_mod(static_cast<std::uint64_t>(kOffset % m.q), m.q)};
  ring_.kernels().inner_product_scalar(out, rows, weights, 4, n, m);
}

std::uint64_t reduce_wide(Int128 value, std::uint64_t q) {
  const bool negative = value < 0;
  const auto size = static_cast<Uint128>(negative ? -value : value);
  const auto residue = static_cast<std::uint64_t>(size % q);
  return negative ? math::negate_mod(residue, q) : residue;
}

ring::Evaluations lift(const Plaintext& plaintext, rlwe::Level level) {
  const rlwe::Parameters& rlwe = plaintext.parameters().rlwe();
  ring::Coefficients out(rlwe.ring(), rlwe.primes(level));
  const IntegerRows rows(plaintext);
  for (std::size_t i = 0; i < out.rows(); ++i) rows.write(out.row(i).data(), out.modulus(i));
  return ring::to_evaluations(std::move(out));
}

}  // namespace prism::ckks
