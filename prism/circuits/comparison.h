// prism/circuits/comparison.h - comparing real numbers under CKKS: greater, maximum, minimum, between; by Sign.
//
// All of these compare differences: |x - y| <= range is promised, where range is the sign's, and what is said of errors
// holds where |x - y| is outside its dead zone. Operands at different levels: the higher one comes down, at canonical
// scales. Everything costs the sign's levels; maximum, minimum and between one more.
#pragma once
#include "prism/circuits/sign.h"

namespace prism::circuits {

class Comparison {
 public:
  explicit Comparison(Sign sign) : sign_(std::move(sign)) {}
  /// A sign for differences |x - y| <= range: see Sign::make.
  static Result<Comparison> make(int dead_zone_bits, int precision_bits, double range = 1);

  /// 1 where x > y and 0 where x < y, to half the sign's error.
  Result<ckks::Ciphertext> greater(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x,
                                   const ckks::Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                   Cost* count = nullptr) const;
  /// y + (x - y)[x > y]. Here the dead zone does no harm: a step that is anywhere in [0, 1] is off by at most the
  /// difference, so the error counts max(dead zone, range * error/2), for every x and y.
  Result<ckks::Ciphertext> maximum(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x,
                                   const ckks::Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                   Cost* count = nullptr) const;
  Result<ckks::Ciphertext> minimum(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x,
                                   const ckks::Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                   Cost* count = nullptr) const;
  /// 1 where low < x < high, 0 where x < low or x > high, for public bounds: the product of two steps. |x - low| and
  /// |x - high| are at most the range.
  Result<ckks::Ciphertext> between(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x, double low, double high,
                                   const rlwe::EvaluationKeys& keys, Cost* count = nullptr) const;

  const Sign& sign() const { return sign_; }
  Cost greater_cost() const { return sign_.cost(); }
  /// Of maximum and minimum.
  Cost maximum_cost() const;
  Cost between_cost() const;

 private:
  Result<ckks::Ciphertext> pick(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x, const ckks::Ciphertext& y,
                                bool larger, const rlwe::EvaluationKeys& keys, Cost* count) const;
  Sign sign_;
};

}  // namespace prism::circuits
