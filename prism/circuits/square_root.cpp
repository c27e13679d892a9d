#include "prism/circuits/square_root.h"

#include <cmath>

#include "prism/circuits/internal/affine.h"
#include "prism/circuits/internal/iteration.h"

namespace prism::circuits {

using ckks::Ciphertext;
using ckks::Constant;
using math::Bound;

Result<SquareRoot> SquareRoot::make(Interval interval, int precision_bits, Kind kind) {
  PRISM_CHECKED(check_positive(interval));
  SquareRoot out;
  out.interval_ = interval;
  out.kind_ = kind;
  out.weight_ = 2 / (interval.low + interval.high);
  out.rho_ = relative_width(interval, out.weight_);
  const double largest = kind == Kind::root ? std::sqrt(interval.high) : 1 / std::sqrt(interval.low);
  const auto next = [](double b) { return b * b * (3 + b) / 4; };
  double b = next(out.rho_);
  for (;; ++out.factors_, b = next(b)) {
    // 1 - sqrt(1 - b) = b/(1 + sqrt(1 - b)); a thousandth for the roundings of doubles.
    out.error_ = largest * b / (1 + std::sqrt(std::max(0.0, 1 - b))) * 1.001;
    if (out.error_ <= std::exp2(-precision_bits)) return out;
    if (out.factors_ == kMostIterations) return too_wide(interval, precision_bits);
  }
}

Cost SquareRoot::cost() const {
  return iteration_cost(depth(), 3 * static_cast<std::size_t>(factors_ - 1) + (kind_ == Kind::root ? 1 : 0));
}

Result<Ciphertext> SquareRoot::evaluate(const ckks::Evaluator& evaluator, const Ciphertext& x,
                                        const rlwe::EvaluationKeys& keys, Cost* count) const {
  PRISM_CHECKED(check_argument(evaluator, x, depth(), "this square root"));
  const double root = std::sqrt(weight_);
  const Constant one(1);
  PRISM_TRY(const Constant three_halves, Constant::ratio(3, 2));
  PRISM_TRY(Ciphertext beta, affine(evaluator, x, -weight_ / 2, 0.5));
  beta.noise.magnitude = min(beta.noise.magnitude, Bound::from_double(rho_ / 2));
  Ciphertext product;
  if (kind_ == Kind::inverse) {  // sqrt(w)(1 + beta)
    PRISM_TRY(product, affine(evaluator, x, -root * weight_ / 2, root * 1.5));
    product.noise.magnitude = min(product.noise.magnitude, Bound::from_double(root * (1 + rho_ / 2)));
  } else {
    PRISM_TRY(const Ciphertext scaled, affine(evaluator, x, root, 0));
    PRISM_TRY(const Ciphertext factor, evaluator.add_scalar(beta, one));
    PRISM_TRY(product, evaluator.multiply_relinearise_rescale(scaled, factor, keys));
  }
  // Roots and products of weights are rounded ones: a few units of what they multiply.
  const double largest = kind_ == Kind::root ? root * interval_.high : root * 1.5;
  product.noise.error += Bound::from_double(largest * 0x1p-50);
  for (int i = 1; i < factors_; ++i) {
    PRISM_TRY(const Ciphertext square, evaluator.multiply_relinearise_rescale(beta, beta, keys));
    PRISM_TRY(const Ciphertext moved, evaluator.add_scalar(beta, three_halves));
    PRISM_TRY(beta, multiply_canonical(evaluator, square, moved, keys));
    PRISM_TRY(const Ciphertext factor, evaluator.add_scalar(beta, one));
    PRISM_TRY(product, multiply_canonical(evaluator, factor, product, keys));
    if (kind_ == Kind::root)  // sqrt(x) sqrt(1 + b), and b <= 0 after the first step
      product.noise.magnitude = min(product.noise.magnitude, Bound::from_double(std::sqrt(interval_.high) * 1.001));
  }
  // The result is about the function, which is larger than the product by up to error().
  const double top = kind_ == Kind::root ? std::sqrt(interval_.high) : 1 / std::sqrt(interval_.low);
  product.noise.magnitude = Bound::from_double(top * (1 + 0x1p-50));
  product.noise.error += Bound::from_double(error_);
  if (count != nullptr) *count += cost();
  return product;
}

}  // namespace prism::circuits
