// prism/circuits/integer_comparison.h - x < y on BGV and BFV ciphertexts: exactly 0 or 1 in every slot; minimum,
// maximum.
//
// Values are promised to be in [0, r), so d = x - y is in (-r, r). half(d) = sign(d)/2 is an odd polynomial of degree
// 2r - 3 through 2r - 1 points, so half of its coefficients are zero (Iliashenko-Zucca 2021/315, section 4). With h =
// half(d): h^2 is 1/4 where x != y, so [x < y] = 2h^2 - h and [x = y] = 1 - 4h^2: one product more, and both answers.
// Larger values come as digits, most significant first: with (l, e) of each digit, (l, e) o (l', e') = (l + e l', e e')
// is associative, so k digits take ceil(log2 k) levels more.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "prism/circuits/equality.h"

namespace prism::circuits {

class IntegerComparison {
 public:
  struct Order {
    exact::Ciphertext less, equal;  ///< 0 or 1; at most one of them is 1
  };

  /// 2 <= r, 2r - 2 < t, r <= 2049 (invalid_argument otherwise; larger values come as digits).
  static Result<IntegerComparison> make(std::uint64_t t, std::uint64_t range);

  /// order_depth() levels below the lower operand (BGV).
  Result<Order> order(const exact::Evaluator& evaluator, const exact::Ciphertext& x, const exact::Ciphertext& y,
                      const rlwe::EvaluationKeys& keys, Cost* count = nullptr) const;
  /// x < y, by one polynomial of degree 2r - 2 where that saves a level, by order() otherwise.
  Result<exact::Ciphertext> less(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                 const exact::Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                 Cost* count = nullptr) const;
  /// As many digits of x as of y, the most significant first, each in [0, r).
  Result<Order> order(const exact::Evaluator& evaluator, std::span<const exact::Ciphertext> x,
                      std::span<const exact::Ciphertext> y, const rlwe::EvaluationKeys& keys,
                      Cost* count = nullptr) const;
  Result<exact::Ciphertext> less(const exact::Evaluator& evaluator, std::span<const exact::Ciphertext> x,
                                 std::span<const exact::Ciphertext> y, const rlwe::EvaluationKeys& keys,
                                 Cost* count = nullptr) const;
  /// y + [x < y](x - y) and x - [x < y](x - y): depth() + 1 levels.
  Result<exact::Ciphertext> minimum(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                    const exact::Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                    Cost* count = nullptr) const;
  Result<exact::Ciphertext> maximum(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                    const exact::Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                    Cost* count = nullptr) const;

  /// Levels of less().
  int depth() const { return direct_ ? direct_->depth() : order_depth(); }
  int order_depth() const { return half_.depth() + 1; }
  /// Of order() for `digits` digits.
  int order_depth(std::size_t digits) const { return order_depth() + power_depth(static_cast<std::uint32_t>(digits)); }
  Cost cost() const;
  Cost order_cost(std::size_t digits = 1) const;
  static KeyList keys_needed(rlwe::Level argument) { return Equality::keys_needed(argument); }

 private:
  Result<exact::Ciphertext> pick(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                 const exact::Ciphertext& y, bool smaller, const rlwe::EvaluationKeys& keys,
                                 Cost* count) const;
  IntegerPolynomial half_;
  std::optional<IntegerPolynomial> direct_;
};

}  // namespace prism::circuits
