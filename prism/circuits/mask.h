// prism/circuits/mask.h - public weights for slots, encoded once: what is multiplied by zero is gone.
#pragma once
#include <vector>

#include "prism/circuits/cost.h"
#include "prism/circuits/scheme.h"

namespace prism::circuits {

/// One weight per slot (CKKS: N/2 real numbers; BGV, BFV: N integers, the first row first), for operands of one level.
template <class Evaluator>
class Mask {
 public:
  /// Missing weights at the end are zero. CKKS encodes at the level's canonical scale, so that a canonical operand
  /// gives a canonical result; level_exhausted at level 0. Refuses what the encoder refuses. A
  /// transform a prime, once.
  static Result<Mask> weights(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                              std::span<const ValueOf<Evaluator>> weights, rlwe::Level level);
  /// One where keep[i], zero elsewhere.
  static Result<Mask> keep(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                           const std::vector<bool>& keep, rlwe::Level level);
  /// Keeps, in every row, `count` slots `stride` apart from slot `first` on. invalid_argument when they leave the row.
  static Result<Mask> every(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder, std::size_t first,
                            std::size_t stride, std::size_t count, rlwe::Level level);

  rlwe::Level level() const { return level_; }
  static Cost cost();
  /// The operand must be at level() (mismatch). CKKS: one level down, rescaled. BGV, BFV: the level stays.
  Result<CiphertextOf<Evaluator>> apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                        Cost* spent = nullptr) const;

 private:
  Mask(typename SchemeOf<Evaluator>::Multiplicand multiplicand, rlwe::Level level)
      : multiplicand_(std::move(multiplicand)), level_(level) {}
  typename SchemeOf<Evaluator>::Multiplicand multiplicand_;
  rlwe::Level level_;
};

}  // namespace prism::circuits
