// prism/circuits/internal/affine.h - slope*x + offset on a CKKS ciphertext, one level down, exactly at the canonical
// scale.
#pragma once
#include "prism/ckks/evaluator.h"

namespace prism::circuits {

/// The level is the caller's to check.
Result<ckks::Ciphertext> affine(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x, double slope,
                                double offset);

/// a*b at the canonical scale below the lower of the two levels; the higher operand is aligned, which is free. Operands
/// have canonical scales.
Result<ckks::Ciphertext> multiply_canonical(const ckks::Evaluator& evaluator, const ckks::Ciphertext& a,
                                            const ckks::Ciphertext& b, const rlwe::EvaluationKeys& keys);

}  // namespace prism::circuits
