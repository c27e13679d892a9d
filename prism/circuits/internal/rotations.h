// prism/circuits/internal/rotations.h - sums of rotations: each ciphertext is raised to Q*P once however many of its
// rotations are added, and everything is counted where it happens.
#pragma once
#include <optional>
#include <span>

#include "prism/circuits/cost.h"
#include "prism/circuits/scheme.h"

namespace prism::circuits {

/// A ciphertext whose rotations are wanted; the decomposition is made when the first one is. Refers to the ciphertext.
template <class Evaluator>
class Rotated {
 public:
  explicit Rotated(const CiphertextOf<Evaluator>& ciphertext) : ciphertext_(&ciphertext) {}
  const CiphertextOf<Evaluator>& ciphertext() const { return *ciphertext_; }
  Result<const typename Evaluator::Hoisted*> hoisted(const Evaluator& evaluator, Cost& spent) {
    if (!hoisted_) {
      PRISM_TRY(typename Evaluator::Hoisted made, evaluator.hoist(*ciphertext_));
      hoisted_.emplace(std::move(made));
      ++spent.decompositions;
    }
    return &*hoisted_;
  }

 private:
  const CiphertextOf<Evaluator>* ciphertext_;
  std::optional<typename Evaluator::Hoisted> hoisted_;
};

/// Some rotations of one ciphertext; 0 is the ciphertext itself.
template <class Evaluator>
struct Term {
  Rotated<Evaluator>* of;
  std::span<const int> steps;
};

/// The sum of all rotations of all terms: one switch for each that is not by a whole turn. At least one rotation.
template <class Evaluator>
Result<CiphertextOf<Evaluator>> sum_of_rotations(const Evaluator& evaluator, std::span<const Term<Evaluator>> terms,
                                                 const rlwe::EvaluationKeys& keys, Cost& spent) {
  std::optional<CiphertextOf<Evaluator>> sum;
  const std::size_t degree = evaluator.parameters().degree();
  for (const Term<Evaluator>& term : terms) {
    for (const int step : term.steps) {
      if (rlwe::galois_element_for_rotation(step, degree) == 1) {
        if (!sum) {
          sum = term.of->ciphertext().clone();
        } else {
          PRISM_CHECKED(evaluator.add_into(*sum, term.of->ciphertext()));
        }
        continue;
      }
      PRISM_TRY(const typename Evaluator::Hoisted* hoisted, term.of->hoisted(evaluator, spent));
      PRISM_TRY(CiphertextOf<Evaluator> moved, evaluator.rotate(*hoisted, step, keys));
      ++spent.switches;
      spent.divisions += 2;
      if (!sum) {
        sum = std::move(moved);
      } else {
        PRISM_CHECKED(evaluator.add_into(*sum, moved));
      }
    }
  }
  check(sum.has_value(), "a sum of rotations has at least one term");
  return *std::move(sum);
}

}  // namespace prism::circuits
