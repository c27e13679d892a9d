// What may be combined, and what an evaluator computes once. Operations: linear.cpp, plain.cpp, products.cpp,
// levels.cpp, automorphisms.cpp, extraction.cpp.
#include "prism/exact/evaluator.h"

#include "prism/exact/internal/tables.h"
#include "prism/math/modular.h"

namespace prism::exact {

Evaluator::Tables::Tables(const Parameters& parameters) : switcher(parameters.rlwe_ptr(), parameters.error_scale()) {
  const rlwe::Parameters& rlwe = parameters.rlwe();
  const std::uint64_t t = parameters.plain_modulus();
  for (int l = 0; l <= parameters.max_level().value; ++l) {
    const ring::PrimeSet q = rlwe.primes(rlwe::Level{l});
    if (l > 0) {
      const ring::PrimeSet lower = rlwe.primes(rlwe::Level{l - 1});
      down.emplace_back(rlwe.ring(), lower, q.without(lower), parameters.error_scale());
    }
    if (parameters.scheme() == Scheme::bfv) products.emplace_back(parameters, rlwe::Level{l});
    std::uint64_t product = 1;
    for (const std::uint32_t i : q.indexes()) product = math::multiply_mod(product, rlwe.ring().prime(i) % t, t);
    q_modulo_t.push_back(product);
  }
  for (const std::uint32_t i : rlwe.primes(parameters.max_level()).indexes()) {
    const kernels::Modulus& m = rlwe.ring().modulus(i);
    const auto inverse = math::inverse_mod(t % m.q, m.q);
    check(inverse.has_value(), "t is coprime to every prime");
    minus_inverse_t.push_back(kernels::make_multiplier(math::negate_mod(*inverse, m.q), m));
  }
}

Evaluator::Evaluator(std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode)
    : parameters_(std::move(parameters)),
      noise_(parameters_->rlwe(), parameters_->plain_modulus(), rlwe::ternary_norms(parameters_->degree()), mode),
      tables_(std::make_unique<const Tables>(*parameters_)) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
const rlwe::KeySwitcher& Evaluator::switcher() const { return tables_->switcher; }

Status Evaluator::same_parameters(const Ciphertext& a) const {
  if (a.parameters == parameters_) return {};
  return fail(ErrorCode::mismatch,
              "a ciphertext of other parameters; operands and evaluator must share one parameter set");
}

Status Evaluator::parts_are(const Ciphertext& a, std::size_t low, std::size_t high) const {
  PRISM_CHECKED(same_parameters(a));
  if (a.parts.size() >= low && a.parts.size() <= high) return {};
  return fail(ErrorCode::mismatch, "a ciphertext of ", a.parts.size(), " parts where ", low, " are needed; ",
              a.parts.size() > high ? "relinearise it first" : "it is not a product");
}

Status Evaluator::comparable(const Ciphertext& a, const Ciphertext& b, bool sums) const {
  PRISM_CHECKED(same_parameters(a));
  PRISM_CHECKED(same_parameters(b));
  if (a.level != b.level) {
    return fail(ErrorCode::mismatch, "levels ", a.level.value, " and ", b.level.value,
                "; call drop_to on the higher one");
  }
  if (sums && a.correction != b.correction) {
    return fail(ErrorCode::mismatch, "correction factors ", a.correction, " and ", b.correction,
                "; drop_to (to the same level, if none is to be lost) gives both the canonical one");
  }
  return {};
}

Status Evaluator::same_plaintext(const Plaintext& p) const {
  if (&p.parameters() == parameters_.get()) return {};
  return fail(ErrorCode::mismatch,
              "a plaintext of other parameters; encode it with an Encoder of the evaluator's parameters");
}

Status Evaluator::can_switch(const rlwe::EvaluationKeys& keys) const {
  if (parameters_->rlwe().special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument,
                "these parameters have no special primes, so nothing can be relinearised or rotated");
  }
  if (&keys.parameters() != &parameters_->rlwe())
    return fail(ErrorCode::mismatch, "evaluation keys of other parameters");
  return {};
}

void Evaluator::shape(Ciphertext& out, std::size_t parts, rlwe::Level level) const {
  out.parameters = parameters_;
  out.level = level;
  out.parts.resize(parts);
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  for (ring::Evaluations& part : out.parts) part.reshape(parameters_->rlwe().ring(), primes);
}

}  // namespace prism::exact
