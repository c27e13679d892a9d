// prism/circuits/integer_polynomial.h - polynomials modulo t on BGV and BFV ciphertexts.
//
// Paterson-Stockmeyer as in polynomial_plan.h; constants cost noise but no level here. BGV: every product goes one
// level down, sums are made where all terms have one correction factor, and constants carry the factors that make it
// so. BFV: everything stays at the argument's level, since its products take care of themselves.
#pragma once
#include <cstdint>
#include <vector>

#include "prism/circuits/key_list.h"
#include "prism/circuits/polynomial_plan.h"
#include "prism/exact/evaluator.h"

namespace prism::circuits {

class IntegerPolynomial {
 public:
  /// sum c_k x^k modulo the plaintext modulus t. Refuses (invalid_argument) coefficients that are not below t,
  /// constants and degrees above 4095; zeros at the end are dropped. Degrees of t and more are fine, but x^t = x.
  static Result<IntegerPolynomial> make(std::vector<std::uint64_t> coefficients, std::uint64_t t);
  /// The polynomial of degree below points.size() with p(points[i]) = values[i]; points are different modulo t
  /// (invalid_argument otherwise). Takes time quadratic in their number.
  static Result<IntegerPolynomial> through(const std::vector<std::uint64_t>& points,
                                           const std::vector<std::uint64_t>& values, std::uint64_t t);

  std::uint32_t degree() const { return plan_.shape().degree; }
  std::uint64_t plain_modulus() const { return t_; }
  const std::vector<std::uint64_t>& coefficients() const { return coefficients_; }
  const PolynomialPlan& plan() const { return plan_; }
  /// Products one after another, and for BGV levels: ceil(log2(degree)).
  int depth() const { return plan_.depth(); }
  /// Without BGV's steps between levels apart from products, which are counted as rescales when it runs.
  Cost cost() const { return plan_.cost(); }
  std::uint64_t operator()(std::uint64_t x) const;

 private:
  friend class IntegerPolynomialCircuit;
  void split(std::uint32_t node, std::vector<std::uint64_t> coefficients);

  PolynomialPlan plan_;
  std::uint64_t t_ = 0;
  std::vector<std::uint64_t> coefficients_;
  std::vector<std::vector<std::uint64_t>> leaves_;  ///< by node of the plan
};

/// p(x) in every slot, exactly. BGV: depth() levels below x (level_exhausted when there are fewer), at the canonical
/// correction; BFV: at the level of x. The noise bound is the evaluator's, operation by operation.
Result<exact::Ciphertext> evaluate(const exact::Evaluator& evaluator, const IntegerPolynomial& polynomial,
                                   const exact::Ciphertext& x, const rlwe::EvaluationKeys& keys, Cost* count = nullptr);

/// Of exact::Evaluator::power: floor(log2) squares and one product for every further bit that is set.
Cost power_cost(std::uint64_t exponent);

/// a*b, relinearised, and for BGV one level down. Operands may be at different levels: the higher one comes down.
Result<exact::Ciphertext> multiply_down(const exact::Evaluator& evaluator, const exact::Ciphertext& a,
                                        const exact::Ciphertext& b, const rlwe::EvaluationKeys& keys,
                                        Cost* count = nullptr);

}  // namespace prism::circuits
