#include "prism/circuits/internal/affine.h"

#include <algorithm>

namespace prism::circuits {

using ckks::Ciphertext;
using ckks::Constant;

Result<Ciphertext> affine(const ckks::Evaluator& evaluator, const Ciphertext& x, double slope, double offset) {
  PRISM_TRY(const Constant factor, Constant::from_double(slope));
  PRISM_TRY(const Constant constant, Constant::from_double(offset));
  const rlwe::Level lower{x.level.value - 1};
  ckks::Scale wanted = evaluator.parameters().scale(lower) / x.scale;
  for (const std::uint64_t prime : evaluator.parameters().dropped_primes(x.level))
    wanted = wanted * ckks::Scale::power_of(prime, 1);
  PRISM_TRY(const Ciphertext scaled, evaluator.multiply_scalar(x, factor, wanted));
  PRISM_TRY(Ciphertext out, evaluator.rescale(scaled));
  PRISM_CHECKED(evaluator.add_scalar_into(out, constant));
  return out;
}

Result<Ciphertext> multiply_canonical(const ckks::Evaluator& evaluator, const Ciphertext& a, const Ciphertext& b,
                                      const rlwe::EvaluationKeys& keys) {
  if (a.level == b.level) return evaluator.multiply_relinearise_rescale(a, b, keys);
  const bool first_is_higher = a.level > b.level;
  PRISM_TRY(const Ciphertext lower, evaluator.align_to(first_is_higher ? a : b, std::min(a.level, b.level)));
  return evaluator.multiply_relinearise_rescale(lower, first_is_higher ? b : a, keys);
}

}  // namespace prism::circuits
