// Rotations: one at a time, hoisted, and weighted before the division by P.
#include <algorithm>
#include <utility>

#include "prism/exact/evaluator.h"
#include "prism/exact/internal/output.h"
#include "prism/exact/internal/tables.h"
#include "prism/rlwe/rotation_plan.h"

namespace prism::exact {
namespace {

using Borrowed = ring::Borrowed<ring::Domain::evaluations>;

Status check_element(const Parameters& parameters, std::uint32_t g) {
  if (g % 2 == 1 && g < 2 * parameters.degree()) return {};
  return fail(ErrorCode::invalid_argument, "X -> X^", g, ": the exponent must be odd and below ",
              2 * parameters.degree());
}

}  // namespace

Status Evaluator::automorphism(Ciphertext& out, const Ciphertext& a, std::uint32_t g, const rlwe::EvaluationKeys& keys,
                               ring::Workspace& workspace) const {
  PRISM_CHECKED(parts_are(a, 2, 2));
  PRISM_CHECKED(check_element(*parameters_, g));
  PRISM_CHECKED(internal::distinct(out, a));
  if (g == 1) {
    copy(out, a);
    return {};
  }
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::automorphism, g, a.level));
  shape(out, 2, a.level);
  {
    rlwe::BorrowedExtended sum(workspace, parameters_->rlwe(), a.level);
    PRISM_CHECKED(tables_->switcher.accumulate(*sum, a.parts[1], g, *key, workspace));
    tables_->switcher.divide(out.parts[0], out.parts[1], *sum, a.level, workspace);
  }
  Borrowed moved(workspace, a.parts[0].ring(), a.parts[0].primes());
  ring::automorphism(*moved, a.parts[0], g);
  ring::add_into(out.parts[0], *moved);
  out.correction = a.correction;
  out.noise = noise_.key_switch(noise_.automorphism(a.noise), a.level);
  return {};
}

Status Evaluator::rotate(Ciphertext& out, const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                         ring::Workspace& workspace) const {
  return automorphism(out, a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys, workspace);
}

Result<Ciphertext> Evaluator::automorphism(const Ciphertext& a, std::uint32_t g,
                                           const rlwe::EvaluationKeys& keys) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(automorphism(out, a, g, keys, workspace));
  return out;
}
Result<Ciphertext> Evaluator::rotate(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys);
}
Result<Ciphertext> Evaluator::swap_rows(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_conjugation(parameters_->degree()), keys);
}

Result<Ciphertext> Evaluator::rotate_composed(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys,
                                              std::size_t most) const {
  PRISM_CHECKED(parts_are(a, 2, 2));
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const rlwe::RotationPlan plan, rlwe::plan_rotation(keys, steps, a.level, most));
  ring::Workspace workspace;
  Ciphertext out = a.clone(), next;
  for (const std::uint32_t g : plan.elements) {
    PRISM_CHECKED(automorphism(next, out, g, keys, workspace));
    std::swap(out, next);
  }
  return out;
}

// -- hoisted

Status Evaluator::hoist(Hoisted& out, const Ciphertext& a, ring::Workspace& workspace) const {
  PRISM_CHECKED(parts_are(a, 2, 2));
  if (parameters_->rlwe().special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes, so nothing can be rotated");
  }
  copy(out.ciphertext_, a);
  tables_->switcher.decompose(out.digits_, a.parts[1], workspace);
  return {};
}

Status Evaluator::automorphism(Ciphertext& out, const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys,
                               ring::Workspace& workspace) const {
  const Ciphertext& c = a.ciphertext_;
  PRISM_CHECKED(parts_are(c, 2, 2));
  PRISM_CHECKED(check_element(*parameters_, g));
  PRISM_CHECKED(internal::distinct(out, c));
  if (g == 1) {
    copy(out, c);
    return {};
  }
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::automorphism, g, c.level));
  rlwe::BorrowedExtended sum(workspace, parameters_->rlwe(), c.level);
  PRISM_CHECKED(tables_->switcher.accumulate(*sum, a.digits_, g, *key, workspace));
  shape(out, 2, c.level);
  tables_->switcher.divide(out.parts[0], out.parts[1], *sum, c.level, workspace);
  Borrowed moved(workspace, c.parts[0].ring(), c.parts[0].primes());
  ring::automorphism(*moved, c.parts[0], g);
  ring::add_into(out.parts[0], *moved);
  out.correction = c.correction;
  out.noise = noise_.key_switch(noise_.automorphism(c.noise), c.level);
  return {};
}

Status Evaluator::rotate(Ciphertext& out, const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys,
                         ring::Workspace& workspace) const {
  return automorphism(out, a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys, workspace);
}

Result<Evaluator::Hoisted> Evaluator::hoist(const Ciphertext& a) const {
  Hoisted out;
  ring::Workspace workspace;
  PRISM_CHECKED(hoist(out, a, workspace));
  return out;
}
Result<Ciphertext> Evaluator::automorphism(const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(automorphism(out, a, g, keys, workspace));
  return out;
}
Result<Ciphertext> Evaluator::rotate(const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys);
}

// -- double hoisting

Status Evaluator::rotate_extended(ExtendedCiphertext& out, const Hoisted& a, int steps,
                                  const rlwe::EvaluationKeys& keys, ring::Workspace& workspace) const {
  const Ciphertext& c = a.ciphertext_;
  PRISM_CHECKED(parts_are(c, 2, 2));
  PRISM_CHECKED(can_switch(keys));
  const std::uint32_t g = rlwe::galois_element_for_rotation(steps, parameters_->degree());
  const rlwe::KeySwitcher& switcher = tables_->switcher;
  out.clear();
  if (g == 1) {
    switcher.add_lifted(out.value, 1, c.parts[1], 1, workspace);
    out.noise = c.noise;
  } else {
    PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::automorphism, g, c.level));
    PRISM_CHECKED(switcher.accumulate(out.value, a.digits_, g, *key, workspace));
    // The switch's own rounding is counted though it comes later, once for the sum.
    out.noise = noise_.key_switch(noise_.automorphism(c.noise), c.level);
  }
  switcher.add_lifted(out.value, 0, c.parts[0], g, workspace);
  out.parameters = parameters_;
  out.correction = c.correction;
  return {};
}

Status Evaluator::multiply_plain_add(ExtendedCiphertext& sum, const ExtendedCiphertext& a,
                                     const Multiplicand& p) const {
  if (a.parameters != parameters_ || a.empty()) {
    return fail(ErrorCode::mismatch, "an extended ciphertext that is empty or of other parameters");
  }
  PRISM_CHECKED(usable(p, a.value.level));
  if (!p.with_special) {
    return fail(ErrorCode::mismatch, "a multiplicand without the special primes; prepare it with_special");
  }
  const Noise term = noise_.multiply_plain(a.noise);
  const bool first = sum.empty();
  if (first) {
    sum.parameters = parameters_;
    sum.correction = a.correction;
    sum.noise = term;
    sum.value.level = a.value.level;
    sum.value.empty = false;
    sum.value.u0.reshape(a.value.u0.ring(), a.value.u0.primes());
    sum.value.u1.reshape(a.value.u1.ring(), a.value.u1.primes());
  } else {
    if (sum.parameters != parameters_ || sum.value.level != a.value.level || sum.correction != a.correction) {
      return fail(ErrorCode::mismatch, "a sum at level ", sum.value.level.value, " with correction ", sum.correction,
                  " and a term at level ", a.value.level.value, " with correction ", a.correction,
                  "; hoist ciphertexts of one level and correction");
    }
    sum.noise = noise_.add(sum.noise, term);
  }
  const ring::Evaluations& u = a.value.u0;
  const auto& k = u.ring().kernels();
  for (std::size_t i = 0; i < u.rows(); ++i) {
    const std::uint64_t* const factor = p.factor.row(p.factor.primes().position(u.primes()[i])).data();
    const auto multiply = first ? k.multiply : k.multiply_add;
    multiply(sum.value.u0.row(i).data(), u.row(i).data(), factor, u.degree(), u.modulus(i));
    multiply(sum.value.u1.row(i).data(), a.value.u1.row(i).data(), factor, u.degree(), u.modulus(i));
  }
  return {};
}

Status Evaluator::finish(Ciphertext& out, const ExtendedCiphertext& a, ring::Workspace& workspace) const {
  if (a.parameters != parameters_ || a.empty()) {
    return fail(ErrorCode::mismatch, "an extended ciphertext that is empty or of other parameters");
  }
  shape(out, 2, a.value.level);
  tables_->switcher.divide(out.parts[0], out.parts[1], a.value, a.value.level, workspace);
  out.correction = a.correction;
  out.noise = noise_.round(a.noise);
  return {};
}

// -- sums

std::vector<std::uint32_t> Evaluator::sum_slots_elements() const {
  std::vector<std::uint32_t> out;
  const std::size_t n = parameters_->degree();
  for (std::size_t step = 1; step < n / 2; step *= 2)
    out.push_back(rlwe::galois_element_for_rotation(static_cast<int>(step), n));
  out.push_back(rlwe::galois_element_for_conjugation(n));
  return out;
}

Result<Ciphertext> Evaluator::sum_slots(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  Ciphertext sum = a.clone(), moved;
  ring::Workspace workspace;
  for (const std::uint32_t g : sum_slots_elements()) {
    PRISM_CHECKED(automorphism(moved, sum, g, keys, workspace));
    PRISM_CHECKED(add_into(sum, moved));
  }
  return sum;
}

}  // namespace prism::exact
