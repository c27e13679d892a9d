// prism/circuits/square_root.h - square roots and their inverses on CKKS ciphertexts whose messages are in a declared
// interval of positive numbers.
//
// Wilkes's iteration (Cheon-Kim-Kim-Lee-Lee 2019/417, section 3.2), centred on the interval: with w = 2/(low + high)
// and b_0 = wx - 1, |b_0| <= rho = (high - low)/(high + low), b' = b^2 (b - 3)/4 keeps 1 + b' = (1 + b)(1 - b/2)^2. So
// the product c of k factors 1 - b/2 has x w c^2 = 1 + b_k, which goes to 1: sqrt(w)*c goes to 1/sqrt(x) (Panda
// 2021/423 uses Newton's iteration, which is this one) and x*sqrt(w)*c to sqrt(x). Computed as beta = -b/2, beta' =
// beta^2 (beta + 3/2), which needs no constants' levels. Relative error: 1 - sqrt(1 - |b_k|), largest at the interval's
// low end.
#pragma once
#include "prism/circuits/chebyshev.h"
#include "prism/circuits/cost.h"
#include "prism/circuits/key_list.h"
#include "prism/ckks/evaluator.h"

namespace prism::circuits {

class SquareRoot {
 public:
  enum class Kind : std::uint8_t { root, inverse };
  /// The fewest factors whose error is at most 2^-precision_bits. Refuses (invalid_argument) an interval that is not of
  /// positive numbers; (unsupported) one that takes more than 40 factors.
  static Result<SquareRoot> make(Interval interval, int precision_bits, Kind kind = Kind::root);

  /// sqrt(x) or 1/sqrt(x), depth() levels down. Messages of x are promised to be real and in the interval. The bound of
  /// the result counts noise and error(). level_exhausted when x has too few levels.
  Result<ckks::Ciphertext> evaluate(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x,
                                    const rlwe::EvaluationKeys& keys, Cost* count = nullptr) const;

  int factors() const { return factors_; }
  double error() const { return error_; }
  /// 2k for k factors; an inverse root of one factor is linear and takes one level.
  int depth() const { return factors_ == 1 && kind_ == Kind::inverse ? 1 : 2 * factors_; }
  /// 3(k - 1) products, and one for the root.
  Cost cost() const;

 private:
  Interval interval_;
  Kind kind_ = Kind::root;
  int factors_ = 1;
  double weight_ = 1, rho_ = 0, error_ = 0;
};

}  // namespace prism::circuits
