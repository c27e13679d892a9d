// Getting single coefficients out of ciphertexts: as LWE samples, or packed into one ciphertext.
#include <bit>

#include "prism/exact/evaluator.h"
#include "prism/exact/internal/tables.h"
#include "prism/math/modular.h"

namespace prism::exact {

Result<LweSample> Evaluator::extract_constant(const Ciphertext& a) const {
  PRISM_CHECKED(parts_are(a, 2, 2));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const std::size_t n = ring.degree();
  LweSample out{parameters_, {}, {}, a.level, a.correction, a.noise.coefficient};
  const ring::Coefficients c1 = ring::to_coefficients(a.parts[1].clone());
  for (std::size_t i = 0; i < c1.rows(); ++i) {
    const std::uint64_t q = c1.modulus(i).q;
    // The constant coefficient is the mean of all evaluations.
    std::uint64_t sum = 0;
    for (const std::uint64_t x : a.parts[0].row(i)) sum = math::add_mod(sum, x, q);
    const auto inverse = math::inverse_mod(n % q, q);
    check(inverse.has_value(), "N is invertible modulo an odd prime");
    out.b.push_back(math::multiply_mod(sum, *inverse, q));
    // (c1*s)_0 = c1_0 s_0 - sum over j > 0 of c1_{N-j} s_j
    Residues& row = out.a.emplace_back(n);
    const auto c = c1.row(i);
    row[0] = c[0];
    for (std::size_t j = 1; j < n; ++j) row[j] = math::negate_mod(c[n - j], q);
  }
  return out;
}

std::vector<std::uint32_t> Evaluator::pack_elements() const {
  std::vector<std::uint32_t> out;
  for (std::size_t power = 2; power <= parameters_->degree(); power *= 2)
    out.push_back(static_cast<std::uint32_t>(power + 1));
  return out;
}

std::size_t Evaluator::pack_stride(std::size_t count) const {
  return parameters_->degree() / std::bit_ceil(count == 0 ? 1 : count);
}

namespace {

/// X^power, transformed.
ring::Evaluations monomial(const Parameters& parameters, rlwe::Level level, std::size_t power) {
  ring::Coefficients x(parameters.rlwe().ring(), parameters.rlwe().primes(level));
  for (std::size_t i = 0; i < x.rows(); ++i) x.row(i)[power] = 1;
  return ring::to_evaluations(std::move(x));
}

struct Packer {
  const Evaluator& evaluator;
  std::span<const Ciphertext> inputs;
  const rlwe::EvaluationKeys& keys;
  std::vector<ring::Evaluations> monomials;  // [k]: X^(N/2^k)
  std::vector<std::uint64_t> inverse_n;      // 1/N modulo each prime

  /// Packs inputs first, first + step, ... (2^depth places, some beyond the end): Chen-Dai-Kim-Song, Algorithm 2
  /// (PackLWEs).
  Result<Ciphertext> pack(std::size_t first, std::size_t step, std::size_t depth) const {
    if (depth == 0) {
      Ciphertext leaf = inputs[first].clone();
      for (ring::Evaluations& part : leaf.parts) ring::multiply_scalar_into(part, inverse_n);
      return leaf;
    }
    PRISM_TRY(Ciphertext sum, pack(first, 2 * step, depth - 1));
    // even + X^(N/2^depth) odd + phi(even - X^(N/2^depth) odd): doubles what either half carries at its places, cancels
    // what lies between.
    Ciphertext difference = sum.clone();
    if (first + step < inputs.size()) {
      PRISM_TRY(Ciphertext odd, pack(first + step, 2 * step, depth - 1));
      for (ring::Evaluations& part : odd.parts) ring::multiply_into(part, monomials[depth]);
      PRISM_CHECKED(evaluator.add_into(sum, odd));
      PRISM_CHECKED(evaluator.subtract_into(difference, odd));
    }
    PRISM_TRY(const Ciphertext moved, evaluator.automorphism(difference, (1U << depth) + 1, keys));
    PRISM_CHECKED(evaluator.add_into(sum, moved));
    return sum;
  }
};

}  // namespace

Result<Ciphertext> Evaluator::pack(std::span<const Ciphertext> ciphertexts, const rlwe::EvaluationKeys& keys) const {
  const std::size_t n = parameters_->degree();
  if (ciphertexts.empty() || ciphertexts.size() > n) {
    return fail(ErrorCode::invalid_argument, ciphertexts.size(), " ciphertexts to pack; 1 to ", n, " fit into one");
  }
  const Ciphertext& head = ciphertexts[0];
  Noise worst = head.noise;
  for (const Ciphertext& c : ciphertexts) {
    PRISM_CHECKED(parts_are(c, 2, 2));
    PRISM_CHECKED(comparable(head, c, true));
    worst.coefficient = max(worst.coefficient, c.noise.coefficient);
    worst.ancestry = worst.ancestry.united(c.noise.ancestry);
  }
  if (parameters_->rlwe().special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes, so nothing can be packed");
  }
  const auto depth = static_cast<std::size_t>(std::bit_width(std::bit_ceil(ciphertexts.size())) - 1);
  const auto log_n = static_cast<std::size_t>(parameters_->rlwe().ring().log_n());
  Packer packer{*this, ciphertexts, keys, {}, {}};
  packer.monomials.resize(depth + 1);
  for (std::size_t k = 1; k <= depth; ++k) packer.monomials[k] = monomial(*parameters_, head.level, n >> k);
  const ring::PrimeSet level_primes = parameters_->rlwe().primes(head.level);
  for (const std::uint32_t index : level_primes.indexes()) {
    const std::uint64_t q = parameters_->rlwe().ring().prime(index);
    const auto inverse = math::inverse_mod(n % q, q);
    check(inverse.has_value(), "N is invertible modulo an odd prime");
    packer.inverse_n.push_back(*inverse);
  }
  PRISM_TRY(Ciphertext sum, packer.pack(0, 1, depth));
  for (std::size_t k = depth + 1; k <= log_n; ++k) {
    PRISM_TRY(const Ciphertext moved, automorphism(sum, (1U << k) + 1, keys));
    PRISM_CHECKED(add_into(sum, moved));
  }
  // The steps counted noise as if 1/N were an integer; what holds is the bound of the whole.
  sum.noise = noise_.pack(worst, ciphertexts.size(), head.level);
  return sum;
}

}  // namespace prism::exact
