#include "prism/circuits/inverse.h"

#include <cmath>

#include "prism/circuits/internal/affine.h"
#include "prism/circuits/internal/iteration.h"

namespace prism::circuits {

using ckks::Ciphertext;
using math::Bound;

Result<Inverse> Inverse::make(Interval interval, int precision_bits) {
  PRISM_CHECKED(check_positive(interval));
  Inverse out;
  out.interval_ = interval;
  out.weight_ = 2 / (interval.low + interval.high);
  out.rho_ = relative_width(interval, out.weight_);
  // rho^(2^k) by squaring; a thousandth for the roundings of doubles.
  double remainder = out.rho_ * out.rho_;
  for (;; ++out.factors_, remainder *= remainder) {
    out.error_ = remainder / interval.low * 1.001;
    if (out.error_ <= std::exp2(-precision_bits)) return out;
    if (out.factors_ == kMostIterations) return too_wide(interval, precision_bits);
  }
}

Cost Inverse::cost() const { return iteration_cost(depth(), 2 * static_cast<std::size_t>(factors_ - 1)); }

Result<Ciphertext> Inverse::evaluate(const ckks::Evaluator& evaluator, const Ciphertext& x,
                                     const rlwe::EvaluationKeys& keys, Cost* count) const {
  PRISM_CHECKED(check_argument(evaluator, x, depth(), "this inverse"));
  PRISM_TRY(Ciphertext u, affine(evaluator, x, -weight_, 1));
  PRISM_TRY(Ciphertext product, affine(evaluator, x, -weight_ * weight_, 2 * weight_));
  // What is promised of x; the square of the weight is a rounded one.
  u.noise.magnitude = min(u.noise.magnitude, Bound::from_double(rho_));
  product.noise.magnitude = min(product.noise.magnitude, Bound::from_double(weight_ * (1 + rho_)));
  product.noise.error += Bound::from_double(weight_ * weight_ * interval_.high * 0x1p-52);
  const ckks::Constant one(1);
  for (int i = 1; i < factors_; ++i) {
    PRISM_TRY(u, evaluator.multiply_relinearise_rescale(u, u, keys));
    PRISM_TRY(const Ciphertext factor, evaluator.add_scalar(u, one));
    PRISM_TRY(product, multiply_canonical(evaluator, factor, product, keys));
  }
  // The result is about 1/x, which is larger than the product by up to error().
  product.noise.magnitude = Bound::from_double(1 / interval_.low * (1 + 0x1p-50));
  product.noise.error += Bound::from_double(error_);
  if (count != nullptr) *count += cost();
  return product;
}

}  // namespace prism::circuits
