// Automorphisms, alone, hoisted, and added up before their division.
#include <utility>

#include "prism/ckks/evaluator.h"
#include "prism/ckks/internal/evaluator_tables.h"
#include "prism/rlwe/rotation_plan.h"

namespace prism::ckks {

Result<const rlwe::SwitchKey*> Evaluator::automorphism_key(std::uint32_t g, const rlwe::EvaluationKeys& keys,
                                                           rlwe::Level level) const {
  if (g % 2 == 0 || g >= 2 * parameters_->degree()) {
    return fail(ErrorCode::invalid_argument, "X -> X^", g, ": the exponent must be odd and below ",
                2 * parameters_->degree());
  }
  if (g == 1) return static_cast<const rlwe::SwitchKey*>(nullptr);  // nothing moves
  PRISM_CHECKED(can_switch(keys));
  return keys.find(rlwe::KeyId::Kind::automorphism, g, level);
}

/// out += c(X^g)
void Evaluator::add_moved(ring::Evaluations& out, const ring::Evaluations& c, std::uint32_t g,
                          Workspace& workspace) const {
  ring::Borrowed<ring::Domain::evaluations> moved(workspace, c.ring(), c.primes());
  ring::automorphism(*moved, c, g);
  ring::add_into(out, *moved);
}

Status Evaluator::automorphism(Ciphertext& out, const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys,
                               Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 2));
  check(&out != &a, "a rotated ciphertext is not its operand");
  PRISM_TRY(const rlwe::SwitchKey* key, automorphism_key(g, keys, a.level));
  if (key == nullptr) return drop_to(out, a, a.level);
  shape(out, 2, a.level);
  {
    rlwe::BorrowedExtended sum(workspace, parameters_->rlwe(), a.level);
    PRISM_CHECKED(tables_->switcher.accumulate(*sum, a.parts[1], g, *key, workspace));
    tables_->switcher.divide(out.parts[0], out.parts[1], *sum, a.level, workspace);
  }
  add_moved(out.parts[0], a.parts[0], g, workspace);
  // Automorphisms permute slots: bounds over all slots stay.
  out.scale = a.scale;
  out.noise = noise_.key_switch(a.noise, a.scale, a.level);
  return {};
}

Status Evaluator::rotate(Ciphertext& out, const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                         Workspace& workspace) const {
  return automorphism(out, a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys, workspace);
}

Status Evaluator::conjugate(Ciphertext& out, const Ciphertext& a, const rlwe::EvaluationKeys& keys,
                            Workspace& workspace) const {
  return automorphism(out, a, rlwe::galois_element_for_conjugation(parameters_->degree()), keys, workspace);
}

Result<Ciphertext> Evaluator::automorphism(const Ciphertext& a, std::uint32_t g,
                                           const rlwe::EvaluationKeys& keys) const {
  return made([&](Ciphertext& out, Workspace& workspace) { return automorphism(out, a, g, keys, workspace); });
}
Result<Ciphertext> Evaluator::rotate(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys);
}
Result<Ciphertext> Evaluator::conjugate(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_conjugation(parameters_->degree()), keys);
}

Result<Ciphertext> Evaluator::rotate_composed(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                                              std::size_t most) const {
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const rlwe::RotationPlan plan, rlwe::plan_rotation(keys, steps, a.level, most));
  Workspace workspace;
  Ciphertext out = a.clone(), next;
  for (const std::uint32_t g : plan.elements) {
    PRISM_CHECKED(automorphism(next, out, g, keys, workspace));
    std::swap(out, next);
  }
  return out;
}

// -- hoisted

Status Evaluator::hoist(Hoisted& out, const Ciphertext& a, Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 2));
  if (parameters_->rlwe().special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes, so nothing can be rotated");
  }
  PRISM_CHECKED(drop_to(out.ciphertext_, a, a.level));
  tables_->switcher.decompose(out.digits_, a.parts[1], workspace);
  return {};
}

Result<Evaluator::Hoisted> Evaluator::hoist(const Ciphertext& a) const {
  Hoisted out;
  Workspace workspace;
  PRISM_CHECKED(hoist(out, a, workspace));
  return out;
}

Status Evaluator::automorphism(Ciphertext& out, const Hoisted& hoisted, std::uint32_t g,
                               const rlwe::EvaluationKeys& keys, Workspace& workspace) const {
  const Ciphertext& a = hoisted.ciphertext_;
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_TRY(const rlwe::SwitchKey* key, automorphism_key(g, keys, a.level));
  if (key == nullptr) return drop_to(out, a, a.level);
  shape(out, 2, a.level);
  {
    rlwe::BorrowedExtended sum(workspace, parameters_->rlwe(), a.level);
    PRISM_CHECKED(tables_->switcher.accumulate(*sum, hoisted.digits_, g, *key, workspace));
    tables_->switcher.divide(out.parts[0], out.parts[1], *sum, a.level, workspace);
  }
  add_moved(out.parts[0], a.parts[0], g, workspace);
  out.scale = a.scale;
  out.noise = noise_.key_switch(a.noise, a.scale, a.level);
  return {};
}

Status Evaluator::rotate(Ciphertext& out, const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys,
                         Workspace& workspace) const {
  return automorphism(out, a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys, workspace);
}

Result<Ciphertext> Evaluator::automorphism(const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const {
  return made([&](Ciphertext& out, Workspace& workspace) { return automorphism(out, a, g, keys, workspace); });
}
Result<Ciphertext> Evaluator::rotate(const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys);
}

std::vector<std::uint32_t> Evaluator::sum_slots_elements() const {
  std::vector<std::uint32_t> out;
  const std::size_t n = parameters_->degree();
  for (std::size_t step = 1; step < n / 2; step *= 2)
    out.push_back(rlwe::galois_element_for_rotation(static_cast<int>(step), n));
  return out;
}

Result<Ciphertext> Evaluator::sum_slots(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  Workspace workspace;
  Ciphertext sum = a.clone(), moved;
  for (const std::uint32_t g : sum_slots_elements()) {
    PRISM_CHECKED(automorphism(moved, sum, g, keys, workspace));
    PRISM_CHECKED(add_into(sum, moved));
  }
  return sum;
}

// -- before the division

Status Evaluator::begin(ExtendedCiphertext& accumulator, rlwe::Level level, const Scale& scale,
                        const Noise& noise) const {
  if (accumulator.sum.empty) {
    if (accumulator.parameters != parameters_) accumulator.parameters = parameters_;
    accumulator.scale = scale;
    accumulator.noise = noise;
    return {};
  }
  if (accumulator.parameters != parameters_) return fail(ErrorCode::mismatch, "a sum of other parameters");
  PRISM_CHECKED(same_scale(accumulator.scale, scale));
  if (accumulator.sum.level != level) {
    return fail(ErrorCode::mismatch, "a sum at level ", accumulator.sum.level.value, " and a term at level ",
                level.value, "; call drop_to before rotating");
  }
  accumulator.noise = NoiseModel::add(accumulator.noise, noise);
  return {};
}

Status Evaluator::automorphism_add(ExtendedCiphertext& accumulator, const Hoisted& hoisted, std::uint32_t g,
                                   const rlwe::EvaluationKeys& keys, Workspace& workspace) const {
  const Ciphertext& a = hoisted.ciphertext_;
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_TRY(const rlwe::SwitchKey* key, automorphism_key(g, keys, a.level));
  PRISM_CHECKED(
      begin(accumulator, a.level, a.scale, key == nullptr ? a.noise : noise_.key_switch(a.noise, a.scale, a.level)));
  if (key == nullptr) {
    tables_->switcher.add_lifted(accumulator.sum, 1, a.parts[1], 1, workspace);
  } else {
    PRISM_CHECKED(tables_->switcher.accumulate(accumulator.sum, hoisted.digits_, g, *key, workspace));
  }
  tables_->switcher.add_lifted(accumulator.sum, 0, a.parts[0], g, workspace);
  return {};
}

Status Evaluator::automorphism_add(ExtendedCiphertext& accumulator, const Ciphertext& a, std::uint32_t g,
                                   const rlwe::EvaluationKeys& keys, Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const rlwe::SwitchKey* key, automorphism_key(g, keys, a.level));
  PRISM_CHECKED(
      begin(accumulator, a.level, a.scale, key == nullptr ? a.noise : noise_.key_switch(a.noise, a.scale, a.level)));
  if (key == nullptr) {
    tables_->switcher.add_lifted(accumulator.sum, 1, a.parts[1], 1, workspace);
  } else {
    PRISM_CHECKED(tables_->switcher.accumulate(accumulator.sum, a.parts[1], g, *key, workspace));
  }
  tables_->switcher.add_lifted(accumulator.sum, 0, a.parts[0], g, workspace);
  return {};
}

Status Evaluator::rotate_add(ExtendedCiphertext& accumulator, const Hoisted& a, int steps,
                             const rlwe::EvaluationKeys& keys, Workspace& workspace) const {
  return automorphism_add(accumulator, a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys,
                          workspace);
}

Status Evaluator::rotate_add(ExtendedCiphertext& accumulator, const Ciphertext& a, int steps,
                             const rlwe::EvaluationKeys& keys, Workspace& workspace) const {
  return automorphism_add(accumulator, a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys,
                          workspace);
}

Status Evaluator::rotate_extended(ExtendedCiphertext& out, const Hoisted& a, int steps,
                                  const rlwe::EvaluationKeys& keys, Workspace& workspace) const {
  out.clear();
  return rotate_add(out, a, steps, keys, workspace);
}

Status Evaluator::multiply_plain_add(ExtendedCiphertext& accumulator, const ExtendedCiphertext& a,
                                     const Multiplicand& p) const {
  PRISM_CHECKED(same_plaintext(p.parameters_ptr().get()));
  if (a.sum.empty || a.parameters != parameters_)
    return fail(ErrorCode::mismatch, "a sum that is empty or of other parameters");
  if (!p.with_special() || p.level() < a.sum.level) {
    return fail(ErrorCode::mismatch, "a multiplicand for level ", p.level().value,
                p.with_special() ? "" : " without special primes", " and a sum at level ", a.sum.level.value,
                " that P has not divided; prepare it for that level, with special primes");
  }
  check(&accumulator != &a, "a sum is not its own term");
  PRISM_TRY(const Scale scale, product_of(a.scale, p.scale()));
  const bool first = accumulator.sum.empty;
  PRISM_CHECKED(begin(accumulator, a.sum.level, scale, NoiseModel::multiply(a.noise, p.noise())));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const kernels::Kernels& k = ring.kernels();
  const ring::PrimeSet& primes = a.sum.u0.primes();
  if (first) {
    accumulator.sum.level = a.sum.level;
    accumulator.sum.empty = false;
    accumulator.sum.u0.reshape(ring, primes);
    accumulator.sum.u1.reshape(ring, primes);
  }
  const auto row_product = first ? k.multiply : k.multiply_add;
  for (std::size_t i = 0; i < primes.size(); ++i) {
    const kernels::Modulus& m = ring.modulus(primes[i]);
    const std::uint64_t* const by = p.values().row(p.values().primes().position(primes[i])).data();
    row_product(accumulator.sum.u0.row(i).data(), a.sum.u0.row(i).data(), by, ring.degree(), m);
    row_product(accumulator.sum.u1.row(i).data(), a.sum.u1.row(i).data(), by, ring.degree(), m);
  }
  return {};
}

Status Evaluator::add_into(ExtendedCiphertext& accumulator, const ExtendedCiphertext& a) const {
  if (a.sum.empty || a.parameters != parameters_)
    return fail(ErrorCode::mismatch, "a sum that is empty or of other parameters");
  const bool first = accumulator.sum.empty;
  PRISM_CHECKED(begin(accumulator, a.sum.level, a.scale, a.noise));
  if (first) {
    accumulator.sum.level = a.sum.level;
    accumulator.sum.empty = false;
    ring::copy(accumulator.sum.u0, a.sum.u0);
    ring::copy(accumulator.sum.u1, a.sum.u1);
  } else {
    ring::add_into(accumulator.sum.u0, a.sum.u0);
    ring::add_into(accumulator.sum.u1, a.sum.u1);
  }
  return {};
}

Status Evaluator::divide(Ciphertext& out, const ExtendedCiphertext& a, rlwe::Level lower, Workspace& workspace) const {
  shape(out, 2, lower);
  tables_->switcher.divide(out.parts[0], out.parts[1], a.sum, lower, workspace);
  return {};
}

Status Evaluator::finish(Ciphertext& out, const ExtendedCiphertext& a, Workspace& workspace) const {
  if (a.sum.empty || a.parameters != parameters_)
    return fail(ErrorCode::invalid_argument, "a sum that is empty or of other parameters");
  PRISM_CHECKED(divide(out, a, a.sum.level, workspace));
  out.scale = a.scale;
  out.noise = noise_.rescale(a.noise, a.scale, 2);
  return {};
}

Status Evaluator::finish_rescale(Ciphertext& out, const ExtendedCiphertext& a, Workspace& workspace) const {
  if (a.sum.empty || a.parameters != parameters_)
    return fail(ErrorCode::invalid_argument, "a sum that is empty or of other parameters");
  PRISM_TRY(const Scale scale, scale_below(a.scale, a.sum.level));
  PRISM_CHECKED(divide(out, a, rlwe::Level{a.sum.level.value - 1}, workspace));
  out.scale = scale;
  out.noise = noise_.rescale(a.noise, scale, 2);
  return {};
}

}  // namespace prism::ckks
