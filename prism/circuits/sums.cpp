#include "prism/circuits/sums.h"

#include <bit>

namespace prism::circuits {
namespace {

Status check_block(std::size_t block, std::size_t row) {
  if (block >= 1 && block <= row) return {};
  return fail(ErrorCode::invalid_argument, "blocks of ", block, " slots; a row has ", row,
              ", and a block between one and all of them");
}

template <class C>
Status check_level(const C& a, rlwe::Level level) {
  if (a.level == level) return {};
  return fail(ErrorCode::mismatch, "a circuit for level ", level.value, " and a ciphertext at level ", a.level.value,
              "; make the circuit for that level, or call drop_to on the ciphertext");
}

}  // namespace

// -- sums of blocks

template <class Evaluator>
Result<BlockSum<Evaluator>> BlockSum<Evaluator>::make(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                                      std::size_t block, rlwe::Level level, Others others,
                                                      unsigned radix) {
  const auto& parameters = encoder.parameters_ptr();
  const std::size_t row = row_slots(parameters->rlwe());
  PRISM_CHECKED(check_block(block, row));
  BlockSum out(parameters, level, WindowPlan(block, 1, radix));
  if (block == row || block == 1 || others == Others::partial) return out;
  PRISM_TRY(Mask<Evaluator> mask, Mask<Evaluator>::every(evaluator, encoder, 0, block, row / block, level));
  out.mask_.emplace(std::move(mask));
  if (others == Others::replicate) out.spread_.emplace(block, -1, radix);
  return out;
}

template <class Evaluator>
KeyList BlockSum<Evaluator>::keys_needed() const {
  KeyList list = fold_.keys_needed(parameters_->rlwe(), level_);
  if (spread_) list.add(spread_->keys_needed(parameters_->rlwe(), masked_level()));
  return list;
}

template <class Evaluator>
Cost BlockSum<Evaluator>::cost() const {
  Cost cost = fold_.cost(parameters_->rlwe());
  if (mask_) cost += Mask<Evaluator>::cost();
  if (spread_) cost += spread_->cost(parameters_->rlwe());
  return cost;
}

template <class Evaluator>
Result<CiphertextOf<Evaluator>> BlockSum<Evaluator>::apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                                           const rlwe::EvaluationKeys& keys, Cost* spent) const {
  PRISM_CHECKED(check_level(a, level_));
  PRISM_TRY(CiphertextOf<Evaluator> sums, fold_.apply(evaluator, a, keys, spent));
  if (!mask_) return sums;
  PRISM_TRY(CiphertextOf<Evaluator> kept, mask_->apply(evaluator, sums, spent));
  if (!spread_) return kept;
  return spread_->apply(evaluator, kept, keys, spent);
}

// -- one slot everywhere

template <class Evaluator>
Result<Replicate<Evaluator>> Replicate<Evaluator>::make(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                                        std::size_t block, std::size_t slot, rlwe::Level level,
                                                        unsigned radix) {
  const auto& parameters = encoder.parameters_ptr();
  const std::size_t row = row_slots(parameters->rlwe());
  PRISM_CHECKED(check_block(block, row));
  if (slot >= block)
    return fail(ErrorCode::invalid_argument, "slot ", slot, " of a block of ", block, " slots; they count from 0");
  PRISM_TRY(Mask<Evaluator> mask, Mask<Evaluator>::every(evaluator, encoder, slot, block, row / block, level));
  // In a block as long as the row, the sum over all slots is the one that is left, wherever it stood.
  const int shift = block == row || slot == 0 ? 0 : -static_cast<int>(block - 1 - slot);
  return Replicate(parameters, std::move(mask), WindowPlan(block, slot == 0 ? -1 : 1, radix), shift);
}

template <class Evaluator>
KeyList Replicate<Evaluator>::keys_needed() const {
  KeyList list = spread_.keys_needed(parameters_->rlwe(), masked_level());
  list.add_rotation(shift_, parameters_->degree(), masked_level());
  return list;
}

template <class Evaluator>
Cost Replicate<Evaluator>::cost() const {
  Cost cost = Mask<Evaluator>::cost() + spread_.cost(parameters_->rlwe());
  if (shift_ != 0) cost += Cost{.decompositions = 1, .switches = 1, .divisions = 2};
  return cost;
}

template <class Evaluator>
Result<CiphertextOf<Evaluator>> Replicate<Evaluator>::apply(const Evaluator& evaluator,
                                                            const CiphertextOf<Evaluator>& a,
                                                            const rlwe::EvaluationKeys& keys, Cost* spent) const {
  PRISM_TRY(CiphertextOf<Evaluator> kept, mask_.apply(evaluator, a, spent));
  if (shift_ != 0) {
    PRISM_TRY(kept, evaluator.rotate(kept, shift_, keys));
    if (spent != nullptr) *spent += Cost{.decompositions = 1, .switches = 1, .divisions = 2};
  }
  return spread_.apply(evaluator, kept, keys, spent);
}

// -- each slot everywhere

template <class Evaluator>
Result<ReplicateEach<Evaluator>> ReplicateEach<Evaluator>::make(const Evaluator& evaluator,
                                                                const EncoderOf<Evaluator>& encoder, std::size_t count,
                                                                rlwe::Level level, unsigned radix) {
  const auto& parameters = encoder.parameters_ptr();
  const std::size_t row = row_slots(parameters->rlwe());
  PRISM_CHECKED(check_block(count, row));
  const std::size_t period = std::bit_ceil(count);
  // Copies first, one after another around the row; then each slot stands row/period times in it.
  ReplicateEach out(parameters, level, WindowPlan(row / period, static_cast<int>(period), radix),
                    WindowPlan(period, 1, radix));
  for (std::size_t i = 0; i < count; ++i) {
    PRISM_TRY(Mask<Evaluator> mask, Mask<Evaluator>::every(evaluator, encoder, i, period, row / period, level));
    out.masks_.push_back(std::move(mask));
  }
  return out;
}

template <class Evaluator>
KeyList ReplicateEach<Evaluator>::keys_needed() const {
  KeyList list = repeat_.keys_needed(parameters_->rlwe(), level_);
  list.add(
      spread_.keys_needed(parameters_->rlwe(), rlwe::Level{level_.value - SchemeOf<Evaluator>::kPlainProductLevels}));
  return list;
}

template <class Evaluator>
Cost ReplicateEach<Evaluator>::cost() const {
  Cost cost = repeat_.cost(parameters_->rlwe());
  for (std::size_t i = 0; i < masks_.size(); ++i) {
    cost += Mask<Evaluator>::cost();
    cost += spread_.cost(parameters_->rlwe());
  }
  cost.levels = SchemeOf<Evaluator>::kPlainProductLevels;  // side by side, not one after another
  return cost;
}

template <class Evaluator>
Result<std::vector<CiphertextOf<Evaluator>>> ReplicateEach<Evaluator>::apply(const Evaluator& evaluator,
                                                                             const CiphertextOf<Evaluator>& a,
                                                                             const rlwe::EvaluationKeys& keys,
                                                                             Cost* spent) const {
  PRISM_CHECKED(check_level(a, level_));
  Cost count;
  PRISM_TRY(const CiphertextOf<Evaluator> repeated, repeat_.apply(evaluator, a, keys, &count));
  std::vector<CiphertextOf<Evaluator>> out;
  for (const Mask<Evaluator>& mask : masks_) {
    PRISM_TRY(const CiphertextOf<Evaluator> kept, mask.apply(evaluator, repeated, &count));
    PRISM_TRY(CiphertextOf<Evaluator> spread, spread_.apply(evaluator, kept, keys, &count));
    out.push_back(std::move(spread));
  }
  count.levels = SchemeOf<Evaluator>::kPlainProductLevels;
  if (spent != nullptr) *spent += count;
  return out;
}

template class BlockSum<ckks::Evaluator>;
template class BlockSum<exact::Evaluator>;
template class Replicate<ckks::Evaluator>;
template class Replicate<exact::Evaluator>;
template class ReplicateEach<ckks::Evaluator>;
template class ReplicateEach<exact::Evaluator>;

}  // namespace prism::circuits
