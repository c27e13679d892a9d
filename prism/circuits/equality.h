// prism/circuits/equality.h - x == y on BGV and BFV ciphertexts: exactly 0 or 1 in every slot.
//
// Two circuits for the indicator of d = x - y = 0. Fermat: 1 - d^(t-1) serves every residue, at depth ceil(log2(t-1));
// squares alone where t - 1 is a power of two (t = 65537: 16 products, 16 levels). Interpolation: values declared to be
// in [0, r) have |d| < r, and the product of (1 - d^2/i^2), 0 < i < r, is an even polynomial of degree 2(r-1), at depth
// ceil(log2(2r-2)) (Iliashenko-Zucca 2021/315, section 3, use full fields; a range saves depth).
#pragma once
#include <cstdint>
#include <optional>

#include "prism/circuits/integer_polynomial.h"

namespace prism::circuits {

/// What to save when there is a choice: levels (parameters stay small), or products (time at given parameters).
enum class Save : std::uint8_t { levels, products };

class Equality {
 public:
  /// `range` r: both values are promised to be in [0, r), 2 <= r <= t (invalid_argument otherwise); 0: any residues.
  /// Interpolates where that is the cheaper circuit and the degree is at most 4095.
  static Result<Equality> make(std::uint64_t t, std::uint64_t range = 0, Save save = Save::levels);

  /// 1 where x = y, 0 elsewhere. Operands at one level, or the higher one comes down. depth() levels below (BGV).
  Result<exact::Ciphertext> equal(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                  const exact::Ciphertext& y, const rlwe::EvaluationKeys& keys,
                                  Cost* count = nullptr) const;
  /// 1 where d = 0; |d| < r or any residue, as declared.
  Result<exact::Ciphertext> is_zero(const exact::Evaluator& evaluator, const exact::Ciphertext& d,
                                    const rlwe::EvaluationKeys& keys, Cost* count = nullptr) const;

  bool interpolates() const { return polynomial_.has_value(); }
  int depth() const { return cost().levels; }
  Cost cost() const;
  static KeyList keys_needed(rlwe::Level argument);

 private:
  std::uint64_t t_ = 0, range_ = 0;
  std::optional<IntegerPolynomial> polynomial_;
};

/// 1 where x = constant, for values promised to be in [0, r): the polynomial of degree r - 1 that is 1 there alone, or
/// Fermat's. One polynomial per constant.
class EqualityToConstant {
 public:
  static Result<EqualityToConstant> make(std::uint64_t t, std::uint64_t constant, std::uint64_t range = 0,
                                         Save save = Save::levels);
  Result<exact::Ciphertext> equal(const exact::Evaluator& evaluator, const exact::Ciphertext& x,
                                  const rlwe::EvaluationKeys& keys, Cost* count = nullptr) const;
  int depth() const { return cost().levels; }
  Cost cost() const;

 private:
  std::uint64_t t_ = 0, constant_ = 0;
  std::optional<IntegerPolynomial> polynomial_;
};

}  // namespace prism::circuits
