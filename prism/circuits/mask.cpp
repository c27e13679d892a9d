#include "prism/circuits/mask.h"

#include <algorithm>
#include <cmath>

namespace prism::circuits {
namespace {

Result<ckks::Plaintext> encode(const ckks::Encoder& encoder, std::span<const double> weights, rlwe::Level level) {
  if (level.value == 0) {
    return fail(ErrorCode::level_exhausted,
                "a mask at level 0: its product could not be rescaled; mask at a higher level, or sum over whole rows, "
                "which needs no mask");
  }
  double largest = 0;
  for (const double weight : weights) largest = std::max(largest, std::fabs(weight));
  return encoder.encode(weights, level, largest);
}
Result<exact::Plaintext> encode(const exact::Encoder& encoder, std::span<const std::int64_t> weights, rlwe::Level) {
  return encoder.encode(weights);
}

Result<ckks::Ciphertext> finish(const ckks::Evaluator& evaluator, const ckks::Ciphertext& product) {
  return evaluator.rescale(product);
}
Result<exact::Ciphertext> finish(const exact::Evaluator&, exact::Ciphertext& product) { return std::move(product); }

}  // namespace

template <class Evaluator>
Result<Mask<Evaluator>> Mask<Evaluator>::weights(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                                 std::span<const ValueOf<Evaluator>> weights, rlwe::Level level) {
  PRISM_TRY(const auto plaintext, encode(encoder, weights, level));
  PRISM_TRY(auto multiplicand, evaluator.prepare(plaintext, level));
  return Mask(std::move(multiplicand), level);
}

template <class Evaluator>
Result<Mask<Evaluator>> Mask<Evaluator>::keep(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                              const std::vector<bool>& keep, rlwe::Level level) {
  std::vector<ValueOf<Evaluator>> values(keep.size());
  for (std::size_t i = 0; i < keep.size(); ++i) values[i] = keep[i] ? 1 : 0;
  return weights(evaluator, encoder, values, level);
}

template <class Evaluator>
Result<Mask<Evaluator>> Mask<Evaluator>::every(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                               std::size_t first, std::size_t stride, std::size_t count,
                                               rlwe::Level level) {
  const std::size_t row = row_slots(encoder.parameters_ptr()->rlwe());
  if (count != 0 && (first >= row || stride == 0 || (row - 1 - first) / stride < count - 1)) {
    return fail(ErrorCode::invalid_argument, "a mask of ", count, " slots, ", stride, " apart from slot ", first,
                " on, leaves the row of ", row, " slots");
  }
  std::vector<bool> kept(row * SchemeOf<Evaluator>::kRows);
  for (std::size_t r = 0; r < SchemeOf<Evaluator>::kRows; ++r) {
    for (std::size_t i = 0; i < count; ++i) kept[r * row + first + i * stride] = true;
  }
  return keep(evaluator, encoder, kept, level);
}

template <class Evaluator>
Cost Mask<Evaluator>::cost() {
  Cost cost;
  cost.plain_products = 1;
  cost.levels = SchemeOf<Evaluator>::kPlainProductLevels;
  cost.rescales = static_cast<std::size_t>(cost.levels);
  return cost;
}

template <class Evaluator>
Result<CiphertextOf<Evaluator>> Mask<Evaluator>::apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                                       Cost* spent) const {
  if (a.level != level_) {
    return fail(ErrorCode::mismatch, "a mask for level ", level_.value, " and a ciphertext at level ", a.level.value,
                "; make the mask for that level, or call drop_to on the ciphertext");
  }
  PRISM_TRY(CiphertextOf<Evaluator> product, evaluator.multiply_plain(a, multiplicand_));
  PRISM_TRY(CiphertextOf<Evaluator> out, finish(evaluator, product));
  if (spent != nullptr) *spent += cost();
  return out;
}

template class Mask<ckks::Evaluator>;
template class Mask<exact::Evaluator>;

}  // namespace prism::circuits
