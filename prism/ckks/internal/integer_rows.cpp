#include "prism/ckks/internal/integer_rows.h"

#include <algorithm>
#include <array>
#include <span>

#include "prism/math/modular.h"

namespace prism::ckks {
namespace {

constexpr secret::RevealKey kReveal{};
constexpr std::array<unsigned, 4> kLimbBits = {0, 50, 49, 42};  // at most the 50 bits that kernels take

/// What is added so that nothing is negative, by the number of limbs: half of what they hold.
Uint128 offset_of(std::size_t limbs) { return Uint128{1} << (limbs * kLimbBits[limbs] - 1); }

std::uint64_t power_of_two_mod(unsigned exponent, std::uint64_t q) {
  return static_cast<std::uint64_t>((Uint128{1} << exponent) % q);
}

}  // namespace

std::size_t IntegerRows::limbs_of(const Plaintext& plaintext) {
  const double bits = NoiseModel::phase(plaintext.noise(), plaintext.scale()).log2();
  return bits < 48 ? 1 : bits < 96 ? 2 : 3;
}

IntegerRows::IntegerRows(const Plaintext& plaintext, std::uint64_t* memory, std::span<const std::int32_t> errors)
    : ring_(plaintext.parameters().rlwe().ring()), memory_(memory), limbs_(limbs_of(plaintext)) {
  const std::size_t n = ring_.degree();
  const auto in = plaintext.coefficients(kReveal);
  const unsigned bits = kLimbBits[limbs_];
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  const Uint128 offset = offset_of(limbs_);
  const auto cut = [&](auto error) {
    if (limbs_ == 1) {
      for (std::size_t k = 0; k < n; ++k)
        memory[k] = (static_cast<std::uint64_t>(in[k]) + static_cast<std::uint64_t>(error(k)) +
                     static_cast<std::uint64_t>(offset)) &
                    mask;
    } else {
      for (std::size_t k = 0; k < n; ++k) {
        const Uint128 x = static_cast<Uint128>(in[k] + error(k)) + offset;
        for (std::size_t l = 0; l < limbs_; ++l)
          memory[l * n + k] = static_cast<std::uint64_t>(x >> (static_cast<unsigned>(l) * bits)) & mask;
      }
    }
  };
  if (errors.empty()) {
    cut([](std::size_t) { return std::int64_t{0}; });
  } else {
    cut([&](std::size_t k) { return std::int64_t{errors[k]}; });
  }
  std::fill_n(memory + limbs_ * n, n, 1);
}

void IntegerRows::write(std::uint64_t* out, const kernels::Modulus& m) const {
  const std::size_t n = ring_.degree();
  std::array<const std::uint64_t*, 4> rows{};
  std::array<std::uint64_t, 4> weights{};
  for (std::size_t l = 0; l < limbs_; ++l) {
    rows[l] = memory_ + l * n;
    weights[l] = power_of_two_mod(static_cast<unsigned>(l) * kLimbBits[limbs_], m.q);
  }
  rows[limbs_] = memory_ + limbs_ * n;
  weights[limbs_] = math::negate_mod(static_cast<std::uint64_t>(offset_of(limbs_) % m.q), m.q);
  ring_.kernels().inner_product_scalar(out, rows.data(), weights.data(), limbs_ + 1, n, m);
}

std::uint64_t reduce_wide(Int128 value, std::uint64_t q) {
  const bool negative = value < 0;
  const auto size = static_cast<Uint128>(negative ? -value : value);
  const auto residue = static_cast<std::uint64_t>(size % q);
  return negative ? math::negate_mod(residue, q) : residue;
}

void lift(ring::Evaluations& out, const Plaintext& plaintext, const ring::PrimeSet& primes,
          ring::Workspace& workspace) {
  const ring::Ring& ring = plaintext.parameters().rlwe().ring();
  out.reshape(ring, primes);
  ring::BorrowedRows memory(workspace, IntegerRows::rows(plaintext), ring.degree());
  const IntegerRows rows(plaintext, memory.row(0));
  for (std::size_t i = 0; i < out.rows(); ++i) {
    rows.write(out.row(i).data(), out.modulus(i));
    ring.kernels().forward_ntt(out.row(i).data(), ring.tables(primes[i]));
  }
}

}  // namespace prism::ckks
