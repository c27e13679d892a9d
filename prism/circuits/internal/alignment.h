// prism/circuits/internal/alignment.h - two BGV or BFV ciphertexts brought to one level and correction.
#pragma once
#include <algorithm>

#include "prism/exact/evaluator.h"

namespace prism::circuits {

/// At `level` with its canonical correction; a copy when it is there already.
inline Result<exact::Ciphertext> canonical_at(const exact::Evaluator& evaluator, const exact::Ciphertext& a,
                                              rlwe::Level level) {
  return evaluator.drop_to(a, level);
}

/// x - y and x + y at the lower of the two levels.
inline Result<exact::Ciphertext> difference(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                            const exact::Ciphertext& y) {
  const rlwe::Level level = std::min(x.level, y.level);
  PRISM_TRY(exact::Ciphertext out, canonical_at(evaluator, x, level));
  PRISM_TRY(const exact::Ciphertext other, canonical_at(evaluator, y, level));
  PRISM_CHECKED(evaluator.subtract_into(out, other));
  return out;
}
inline Result<exact::Ciphertext> sum(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                     const exact::Ciphertext& y) {
  const rlwe::Level level = std::min(x.level, y.level);
  PRISM_TRY(exact::Ciphertext out, canonical_at(evaluator, x, level));
  PRISM_TRY(const exact::Ciphertext other, canonical_at(evaluator, y, level));
  PRISM_CHECKED(evaluator.add_into(out, other));
  return out;
}

}  // namespace prism::circuits
