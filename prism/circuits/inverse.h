// prism/circuits/inverse.h - 1/x on CKKS ciphertexts whose messages are in a declared interval of positive numbers.
//
// Goldschmidt's iteration (Cheon-Kim-Kim-Lee-Lee 2019/417, section 3.1): with w = 2/(low + high) and u = 1 - wx, |u| <=
// rho = (high - low)/(high + low) and 1/x = w (1 + u)(1 + u^2)(1 + u^4).. . After k factors the product is (1 -
// u^(2^k))/x, so it is off by at most rho^(2^k)/low. Wide intervals take many iterations: rho is 1 - 2 low/high about.
// There chebyshev_interpolate of 1/x is shallower: about log2(sqrt(high/low) * bits) levels.
#pragma once
#include "prism/circuits/chebyshev.h"
#include "prism/circuits/cost.h"
#include "prism/circuits/key_list.h"
#include "prism/ckks/evaluator.h"

namespace prism::circuits {

class Inverse {
 public:
  /// The fewest factors whose error is at most 2^-precision_bits. Refuses (invalid_argument) an interval that is not of
  /// positive numbers; (unsupported) one that takes more than 40 factors.
  static Result<Inverse> make(Interval interval, int precision_bits);

  /// Messages of x are promised to be real and in the interval, and x to be at its level's canonical scale (mismatch
  /// otherwise). The bound of the result counts noise and error() and is about 1/x. level_exhausted when x has fewer
  /// than depth() levels.
  Result<ckks::Ciphertext> evaluate(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x,
                                    const rlwe::EvaluationKeys& keys, Cost* count = nullptr) const;

  int factors() const { return factors_; }
  /// Of the iteration alone.
  double error() const { return error_; }
  /// One factor is linear: one level; k factors take k + 1.
  int depth() const { return factors_ == 1 ? 1 : factors_ + 1; }
  /// Levels, products and what relinearises them.
  Cost cost() const;

 private:
  Interval interval_;
  int factors_ = 1;
  double weight_ = 1, rho_ = 0, error_ = 0;
};

}  // namespace prism::circuits
