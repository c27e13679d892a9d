#include "prism/circuits/internal/lifted.h"

#include "prism/math/modular.h"

namespace prism::circuits {
namespace {

constexpr unsigned kLimbBits = 42;  // below the 50 bits that inner_product_scalar takes
constexpr Uint128 kOffset = Uint128{1} << 125;

ring::PrimeSet extended(const rlwe::Parameters& rlwe, rlwe::Level level) {
  return rlwe.primes(level).united(rlwe.special_primes());
}

}  // namespace

ring::Evaluations lift_extended(const ckks::Plaintext& plaintext, rlwe::Level level) {
  const rlwe::Parameters& rlwe = plaintext.parameters().rlwe();
  const std::size_t n = rlwe.degree();
  const auto in = plaintext.coefficients(secret::RevealKey{});
  // Coefficients below 2^124 in size, moved up to be positive and cut into three limbs; a row of ones moves them back.
  Residues limbs(4 * n);
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kLimbBits) - 1;
  for (std::size_t k = 0; k < n; ++k) {
    const Uint128 x = static_cast<Uint128>(in[k]) + kOffset;
    limbs[k] = static_cast<std::uint64_t>(x) & kMask;
    limbs[n + k] = static_cast<std::uint64_t>(x >> kLimbBits) & kMask;
    limbs[2 * n + k] = static_cast<std::uint64_t>(x >> (2 * kLimbBits)) & kMask;
    limbs[3 * n + k] = 1;
  }
  const std::uint64_t* const rows[] = {&limbs[0], &limbs[n], &limbs[2 * n], &limbs[3 * n]};
  ring::Coefficients out(rlwe.ring(), extended(rlwe, level));
  for (std::size_t i = 0; i < out.rows(); ++i) {
    const kernels::Modulus& m = out.modulus(i);
    const std::uint64_t weights[] = {1, static_cast<std::uint64_t>((Uint128{1} << kLimbBits) % m.q),
                                     static_cast<std::uint64_t>((Uint128{1} << (2 * kLimbBits)) % m.q),
                                     math::negate_mod(static_cast<std::uint64_t>(kOffset % m.q), m.q)};
    rlwe.ring().kernels().inner_product_scalar(out.row(i).data(), rows, weights, 4, n, m);
  }
  return ring::to_evaluations(std::move(out));
}

ring::Evaluations lift_extended(const exact::Plaintext& plaintext, rlwe::Level level) {
  const rlwe::Parameters& rlwe = plaintext.parameters().rlwe();
  ring::Coefficients out(rlwe.ring(), extended(rlwe, level));
  for (std::size_t i = 0; i < out.rows(); ++i) {
    rlwe.ring().kernels().recentre(out.row(i).data(), plaintext.coefficients().data(), plaintext.parameters().plain(),
                                   rlwe.degree(), out.modulus(i));
  }
  return ring::to_evaluations(std::move(out));
}

}  // namespace prism::circuits
