// prism/circuits/sums.h - sums of blocks of slots, and one slot's value spread over others, leaving nothing else
// behind.
//
// Summing by rotation leaves partial sums in the slots next to the wanted ones: whoever decrypts the result for the
// sums would see them, too. So these circuits clear or overwrite the other slots unless told not to.
#pragma once
#include <optional>

#include "prism/circuits/mask.h"
#include "prism/circuits/window.h"

namespace prism::circuits {

/// What slots hold besides the sums that were asked for.
enum class Others {
  zero,       ///< nothing: a mask, one level in CKKS
  replicate,  ///< their block's sum: a mask, then as many switches again
  partial     ///< sums of other windows; the result must stay encrypted, or with who may see the data
};

/// Cuts every row of N/2 slots into blocks of `block` slots from slot 0 on and puts each block's sum into its first
/// slot. Slots after the last whole block count for nothing. When the row is one block, every slot holds its sum,
/// and blocks of one slot are their sums: no mask and no level then, whatever was asked.
template <class Evaluator>
class BlockSum {
 public:
  /// For operands at `level`. invalid_argument for a block of zero slots or of more than a row; level_exhausted when
  /// CKKS needs a mask at level 0. `radix`: see WindowPlan.
  static Result<BlockSum> make(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder, std::size_t block,
                               rlwe::Level level, Others others = Others::zero, unsigned radix = 2);
  KeyList keys_needed() const;
  Cost cost() const;
  Result<CiphertextOf<Evaluator>> apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                        const rlwe::EvaluationKeys& keys, Cost* spent = nullptr) const;

 private:
  BlockSum(std::shared_ptr<const ParametersOf<Evaluator>> parameters, rlwe::Level level, WindowPlan fold)
      : parameters_(std::move(parameters)), level_(level), fold_(std::move(fold)) {}
  rlwe::Level masked_level() const { return rlwe::Level{level_.value - SchemeOf<Evaluator>::kPlainProductLevels}; }

  std::shared_ptr<const ParametersOf<Evaluator>> parameters_;  // shared with every other value of the parameter set
  rlwe::Level level_;
  WindowPlan fold_;
  std::optional<Mask<Evaluator>> mask_;
  std::optional<WindowPlan> spread_;
};

/// Slot `slot` of every block of `block` slots, in all slots of its block; slots after the last whole block become
/// zero. One block as long as the row: one slot everywhere (of BGV's and BFV's two rows, each its own).
template <class Evaluator>
class Replicate {
 public:
  /// For operands at `level`; a mask, so one level in CKKS. invalid_argument for a slot outside the block and as for
  /// BlockSum.
  static Result<Replicate> make(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder, std::size_t block,
                                std::size_t slot, rlwe::Level level, unsigned radix = 2);
  KeyList keys_needed() const;
  Cost cost() const;
  Result<CiphertextOf<Evaluator>> apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                        const rlwe::EvaluationKeys& keys, Cost* spent = nullptr) const;

 private:
  Replicate(std::shared_ptr<const ParametersOf<Evaluator>> parameters, Mask<Evaluator> mask, WindowPlan spread,
            int shift)
      : parameters_(std::move(parameters)), mask_(std::move(mask)), spread_(std::move(spread)), shift_(shift) {}
  rlwe::Level masked_level() const {
    return rlwe::Level{mask_.level().value - SchemeOf<Evaluator>::kPlainProductLevels};
  }

  std::shared_ptr<const ParametersOf<Evaluator>> parameters_;  // shared with every other value of the parameter set
  Mask<Evaluator> mask_;
  WindowPlan spread_;
  int shift_;  ///< brings the slot to the end of the block, from where it spreads to the left
};

/// Each of the first `count` slots of a row on its own: `count` ciphertexts, the i-th with slot i in every slot. The
/// slots after the first `count` must hold zeros. One level in CKKS. With p the power of two from count on: log2(row/p)
/// switches once and log2(p) for each, which is less than half of what as many Replicates cost when count is small.
template <class Evaluator>
class ReplicateEach {
 public:
  static Result<ReplicateEach> make(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder, std::size_t count,
                                    rlwe::Level level, unsigned radix = 2);
  KeyList keys_needed() const;
  /// For all of them.
  Cost cost() const;
  Result<std::vector<CiphertextOf<Evaluator>>> apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                                     const rlwe::EvaluationKeys& keys, Cost* spent = nullptr) const;

 private:
  ReplicateEach(std::shared_ptr<const ParametersOf<Evaluator>> parameters, rlwe::Level level, WindowPlan repeat,
                WindowPlan spread)
      : parameters_(std::move(parameters)), level_(level), repeat_(std::move(repeat)), spread_(std::move(spread)) {}
  std::shared_ptr<const ParametersOf<Evaluator>> parameters_;  // shared with every other value of the parameter set
  rlwe::Level level_;
  WindowPlan repeat_, spread_;
  std::vector<Mask<Evaluator>> masks_;
};

}  // namespace prism::circuits
