#include "prism/circuits/comparison.h"

#include <algorithm>
#include <cmath>

#include "prism/circuits/internal/affine.h"
#include "prism/circuits/internal/iteration.h"

namespace prism::circuits {

using ckks::Ciphertext;
using math::Bound;

namespace {

/// x - y at the lower level.
Result<Ciphertext> difference(const ckks::Evaluator& evaluator, const Ciphertext& x, const Ciphertext& y) {
  if (x.level == y.level) return evaluator.subtract(x, y);
  const rlwe::Level level = std::min(x.level, y.level);
  PRISM_TRY(Ciphertext out, evaluator.align_to(x, level));
  PRISM_TRY(const Ciphertext other, evaluator.align_to(y, level));
  PRISM_CHECKED(evaluator.subtract_into(out, other));
  return out;
}

}  // namespace

Result<Comparison> Comparison::make(int dead_zone_bits, int precision_bits, double range) {
  PRISM_TRY(Sign sign, Sign::make(dead_zone_bits, precision_bits, range));
  return Comparison(std::move(sign));
}

Result<Ciphertext> Comparison::greater(const ckks::Evaluator& evaluator, const Ciphertext& x, const Ciphertext& y,
                                       const rlwe::EvaluationKeys& keys, Cost* count) const {
  PRISM_TRY(const Ciphertext d, difference(evaluator, x, y));
  return sign_.step(evaluator, d, keys, count);
}

Result<Ciphertext> Comparison::pick(const ckks::Evaluator& evaluator, const Ciphertext& x, const Ciphertext& y,
                                    bool larger, const rlwe::EvaluationKeys& keys, Cost* count) const {
  PRISM_TRY(Ciphertext d, difference(evaluator, x, y));
  PRISM_CHECKED(check_argument(evaluator, d, sign_.depth() + 1, "this maximum"));
  Bound stray;
  PRISM_TRY(Ciphertext step, sign_.step(evaluator, d, keys, count, &stray));
  // Outside the dead zone the bounds of the product say it all. Inside, the step is not further than 1 + stray from the
  // right one of 0 and 1, and is multiplied by less than the dead zone.
  const Bound range = Bound::from_double(sign_.range());
  d.noise.magnitude = min(d.noise.magnitude, range);
  PRISM_TRY(Ciphertext product, multiply_canonical(evaluator, step, d, keys));
  product.noise.magnitude = min(product.noise.magnitude, range);
  product.noise.error += (Bound::from_double(sign_.dead_zone()) + d.noise.error) * (Bound::one() + stray);
  if (count != nullptr) *count += iteration_cost(1, 1);
  PRISM_TRY(Ciphertext out, evaluator.align_to(larger ? y : x, product.level));
  PRISM_CHECKED(larger ? evaluator.add_into(out, product) : evaluator.subtract_into(out, product));
  return out;
}

Result<Ciphertext> Comparison::maximum(const ckks::Evaluator& evaluator, const Ciphertext& x, const Ciphertext& y,
                                       const rlwe::EvaluationKeys& keys, Cost* count) const {
  return pick(evaluator, x, y, true, keys, count);
}

Result<Ciphertext> Comparison::minimum(const ckks::Evaluator& evaluator, const Ciphertext& x, const Ciphertext& y,
                                       const rlwe::EvaluationKeys& keys, Cost* count) const {
  return pick(evaluator, x, y, false, keys, count);
}

Result<Ciphertext> Comparison::between(const ckks::Evaluator& evaluator, const Ciphertext& x, double low, double high,
                                       const rlwe::EvaluationKeys& keys, Cost* count) const {
  if (!(low < high)) return fail(ErrorCode::invalid_argument, "between ", low, " and ", high);
  PRISM_CHECKED(check_argument(evaluator, x, sign_.depth() + 1, "this indicator"));
  PRISM_TRY(const ckks::Constant minus_low, ckks::Constant::from_double(-low));
  PRISM_TRY(const ckks::Constant from_high, ckks::Constant::from_double(high));
  PRISM_TRY(const Ciphertext above, evaluator.add_scalar(x, minus_low));
  PRISM_TRY(const Ciphertext below, evaluator.add_scalar(evaluator.negate(x), from_high));
  PRISM_TRY(const Ciphertext first, sign_.step(evaluator, above, keys, count));
  Cost beside;  // the same levels again, not more of them
  PRISM_TRY(const Ciphertext second, sign_.step(evaluator, below, keys, &beside));
  if (count != nullptr) {
    beside.levels = 0;
    *count += beside + iteration_cost(1, 1);
  }
  return evaluator.multiply_relinearise_rescale(first, second, keys);
}

Cost Comparison::maximum_cost() const { return sign_.cost() + iteration_cost(1, 1); }

Cost Comparison::between_cost() const {
  Cost cost = sign_.cost() + sign_.cost() + iteration_cost(1, 1);
  cost.levels = sign_.depth() + 1;
  return cost;
}

}  // namespace prism::circuits
