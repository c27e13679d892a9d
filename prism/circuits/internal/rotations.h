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
/// Everything of `a` but its parts.
inline void take_kind(ckks::Ciphertext& out, const ckks::Ciphertext& a) {
  out.parameters = a.parameters;
  out.level = a.level;
  out.scale = a.scale;
  out.noise = a.noise;
}
inline void take_kind(exact::Ciphertext& out, const exact::Ciphertext& a) {
  out.parameters = a.parameters;
  out.level = a.level;
  out.correction = a.correction;
  out.noise = a.noise;
}

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

/// A ciphertext whose rotations are wanted. Refers to it. When more than one is, the decomposition is made with the
/// first and kept.
template <class Evaluator>
class Rotated {
 public:
  Rotated(const CiphertextOf<Evaluator>& ciphertext, bool once) : ciphertext_(&ciphertext), once_(once) {}
  const CiphertextOf<Evaluator>& ciphertext() const { return *ciphertext_; }
  /// sum += P * c1(X^g) switched from s(X^g) to s.
  Status accumulate(rlwe::Extended& sum, std::uint32_t g, const Evaluator& evaluator, const rlwe::EvaluationKeys& keys,
                    ring::Workspace& workspace, Cost& spent) {
    const rlwe::KeySwitcher& switcher = evaluator.switcher();
    const ring::Evaluations& c1 = ciphertext_->parts[1];
    PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::automorphism, g, ciphertext_->level));
    ++spent.switches;
    if (once_) {
      ++spent.decompositions;
      return switcher.accumulate(sum, c1, g, *key, workspace);
    }
    if (digits_.digits.empty()) {
      ++spent.decompositions;
      switcher.decompose(digits_, c1, workspace);
    }
    return switcher.accumulate(sum, digits_, g, *key, workspace);
  }

 private:
  const CiphertextOf<Evaluator>* ciphertext_;
  bool once_;
  rlwe::Decomposition digits_;
};

/// Some rotations of one ciphertext; 0 is the ciphertext itself.
template <class Evaluator>
struct Term {
  Rotated<Evaluator>* of;
  std::span<const int> steps;
};

/// out = the sum of all rotations of all terms, whose ciphertexts share level and scale or correction (a broken
/// invariant otherwise) and are not `out`: a switch for each that is not by a whole turn, and one division of two parts
/// for all of them. At least one rotation. The parts c0 are added after the division, where they are exact. Each switch
/// is counted in the bound with a rounding of its own, which covers the single one there is.
template <class Evaluator>
Status sum_of_rotations(CiphertextOf<Evaluator>& out, const Evaluator& evaluator,
                        std::span<const Term<Evaluator>> terms, const rlwe::EvaluationKeys& keys,
                        ring::Workspace& workspace, Cost& spent) {
  const rlwe::Parameters& rlwe = evaluator.parameters().rlwe();
  const CiphertextOf<Evaluator>& model = terms[0].of->ciphertext();
  const auto element = [&](int steps) { return rlwe::galois_element_for_rotation(steps, rlwe.degree()); };
  rlwe::BorrowedExtended switched(workspace, rlwe, model.level);
  std::optional<decltype(model.noise)> noise;
  for (const Term<Evaluator>& term : terms) {
    const CiphertextOf<Evaluator>& c = term.of->ciphertext();
    check(c.level == model.level && &c != &out, "a sum of rotations is over ciphertexts of one level");
    for (const int steps : term.steps) {
      const bool moves = element(steps) != 1;
      if (moves) PRISM_CHECKED(term.of->accumulate(*switched, element(steps), evaluator, keys, workspace, spent));
      const auto one = moves ? rotated_noise(evaluator, c) : c.noise;
      noise = noise ? sum_noise(evaluator, *noise, one) : one;
    }
  }
  check(noise.has_value(), "a sum of rotations has at least one");

  take_kind(out, model);
  out.noise = *noise;
  out.parts.resize(2);
  bool empty = switched->empty;
  if (!empty) {
    evaluator.switcher().divide(out.parts[0], out.parts[1], *switched, model.level, workspace);
    spent.divisions += 2;
  }
  ring::Borrowed<ring::Domain::evaluations> moved(workspace, rlwe.ring(), rlwe.primes(model.level));
  for (const Term<Evaluator>& term : terms) {
    const CiphertextOf<Evaluator>& c = term.of->ciphertext();
    for (const int steps : term.steps) {
      if (element(steps) != 1) {
        ring::automorphism(*moved, c.parts[0], element(steps));
        ring::add_into(out.parts[0], *moved);
      } else if (empty) {
        ring::copy(out.parts[0], c.parts[0]);
        ring::copy(out.parts[1], c.parts[1]);
        empty = false;
      } else {
        ring::add_into(out.parts[0], c.parts[0]);
        ring::add_into(out.parts[1], c.parts[1]);
      }
    }
  }
  return {};
}

}  // namespace prism::circuits
