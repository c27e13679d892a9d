// prism/circuits/internal/rotations.h - sums of rotations that are divided by P once: each ciphertext is raised to Q*P
// once however many of its rotations are added, and everything is counted where it happens.
#pragma once
#include <optional>
#include <span>

#include "prism/circuits/cost.h"
#include "prism/circuits/scheme.h"

namespace prism::circuits {

// -- what the schemes write differently

/// Public bounds: of a rotated ciphertext, and of a sum.
inline ckks::Noise rotated_noise(const ckks::Evaluator& evaluator, const ckks::Ciphertext& a) {
  return evaluator.noise_model().key_switch(a.noise, a.scale, a.level);
}
inline exact::Noise rotated_noise(const exact::Evaluator& evaluator, const exact::Ciphertext& a) {
  return evaluator.noise_model().key_switch(evaluator.noise_model().automorphism(a.noise), a.level);
}
inline ckks::Noise sum_noise(const ckks::Evaluator&, const ckks::Noise& a, const ckks::Noise& b) {
  return ckks::NoiseModel::add(a, b);
}
inline exact::Noise sum_noise(const exact::Evaluator& evaluator, const exact::Noise& a, const exact::Noise& b) {
  return evaluator.noise_model().add(a, b);
}
/// Everything of a ciphertext but its parts.
inline ckks::Ciphertext like(const ckks::Ciphertext& a) { return {a.parameters, {}, a.level, a.scale, a.noise}; }
inline exact::Ciphertext like(const exact::Ciphertext& a) { return {a.parameters, {}, a.level, a.correction, a.noise}; }

/// Two parts, of the evaluator's parameters, which can switch keys.
template <class Evaluator>
Status can_rotate(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a, const rlwe::EvaluationKeys& keys) {
  if (a.parameters != evaluator.parameters_ptr()) {
    return fail(ErrorCode::mismatch,
                "a ciphertext of other parameters; operands and evaluator must share one parameter set");
  }
  if (a.parts.size() != 2) {
    return fail(ErrorCode::mismatch, "a ciphertext of ", a.parts.size(), " parts where 2 are needed; relinearise it");
  }
  const rlwe::Parameters& rlwe = evaluator.parameters().rlwe();
  if (rlwe.special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes, so nothing can be rotated");
  }
  if (&keys.parameters() != &rlwe) return fail(ErrorCode::mismatch, "evaluation keys of other parameters");
  return {};
}

// -- rotations

/// A ciphertext whose rotations are wanted; the decomposition is made when the first one is. Refers to the ciphertext.
template <class Evaluator>
class Rotated {
 public:
  explicit Rotated(const CiphertextOf<Evaluator>& ciphertext) : ciphertext_(&ciphertext) {}
  const CiphertextOf<Evaluator>& ciphertext() const { return *ciphertext_; }
  const rlwe::Decomposition& digits(const Evaluator& evaluator, ring::Workspace& workspace, Cost& spent) {
    if (digits_.digits.empty()) {
      evaluator.switcher().decompose(digits_, ciphertext_->parts[1], workspace);
      ++spent.decompositions;
    }
    return digits_;
  }

 private:
  const CiphertextOf<Evaluator>* ciphertext_;
  rlwe::Decomposition digits_;
};

/// Some rotations of one ciphertext; 0 is the ciphertext itself.
template <class Evaluator>
struct Term {
  Rotated<Evaluator>* of;
  std::span<const int> steps;
};

/// The sum of all rotations of all terms, whose ciphertexts share level and scale or correction (a broken invariant
/// otherwise): a switch for each that is not by a whole turn, and one division of two parts for all of them. At least
/// one rotation. The parts c0 are added after the division, where they are exact. Each switch is counted with a
/// rounding of its own, which covers the single one there is.
template <class Evaluator>
Result<CiphertextOf<Evaluator>> sum_of_rotations(const Evaluator& evaluator, std::span<const Term<Evaluator>> terms,
                                                 const rlwe::EvaluationKeys& keys, ring::Workspace& workspace,
                                                 Cost& spent) {
  const rlwe::Parameters& rlwe = evaluator.parameters().rlwe();
  const rlwe::KeySwitcher& switcher = evaluator.switcher();
  const CiphertextOf<Evaluator>& model = terms[0].of->ciphertext();
  const ring::PrimeSet primes = rlwe.primes(model.level);
  CiphertextOf<Evaluator> out = like(model);
  rlwe::BorrowedExtended switched(workspace, rlwe, model.level);
  ring::Borrowed<ring::Domain::evaluations> moved(workspace, rlwe.ring(), primes);
  ring::Evaluations still0(rlwe.ring(), primes), still1(rlwe.ring(), primes);
  bool first = true;
  for (const Term<Evaluator>& term : terms) {
    const CiphertextOf<Evaluator>& c = term.of->ciphertext();
    check(c.level == model.level, "a sum of rotations is over ciphertexts of one level");
    for (const int step : term.steps) {
      const std::uint32_t g = rlwe::galois_element_for_rotation(step, rlwe.degree());
      auto noise = c.noise;
      if (g == 1) {
        ring::add_into(still0, c.parts[0]);
        ring::add_into(still1, c.parts[1]);
      } else {
        PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::automorphism, g, c.level));
        PRISM_CHECKED(switcher.accumulate(*switched, term.of->digits(evaluator, workspace, spent), g, *key, workspace));
        ring::automorphism(*moved, c.parts[0], g);
        ring::add_into(still0, *moved);
        ++spent.switches;
        noise = rotated_noise(evaluator, c);
      }
      out.noise = first ? noise : sum_noise(evaluator, out.noise, noise);
      first = false;
    }
  }
  check(!first, "a sum of rotations has at least one");
  if (switched->empty) {
    out.parts.push_back(std::move(still0));
    out.parts.push_back(std::move(still1));
    return out;
  }
  out.parts.resize(2);
  switcher.divide(out.parts[0], out.parts[1], *switched, model.level, workspace);
  spent.divisions += 2;
  ring::add_into(out.parts[0], still0);
  ring::add_into(out.parts[1], still1);
  return out;
}

}  // namespace prism::circuits
