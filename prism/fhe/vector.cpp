#include "prism/fhe/vector.h"

#include <algorithm>
#include <cmath>

#include "prism/fhe/context.h"
#include "prism/fhe/internal/depth.h"
#include "prism/fhe/internal/state.h"
#include "prism/fhe/internal/wire.h"

namespace prism::fhe {

template <class Family>
Result<const std::vector<typename Family::Ciphertext>*> VectorState<Family>::settled() const {
  if (is_settled()) return &blocks;
  if (const auto* const known = settled_.load()) return known;
  auto made = std::make_unique<std::vector<Ciphertext>>();
  for (const Ciphertext& block : blocks) {
    auto one = context->scheme.settle(block, context->keys);
    if (!one) return too_deep(std::move(one).error());
    if (!context->scheme.decrypts(*one))
      return too_deep(fail(ErrorCode::noise_exceeded, "the noise of a product is past what decrypts"));
    made->push_back(*std::move(one));
  }
  const std::vector<Ciphertext>* other = nullptr;
  if (settled_.compare_exchange_strong(other, made.get())) return made.release();
  return other;
}

template struct VectorState<Approximate>;
template struct VectorState<Exact>;

namespace {

template <class Family>
using State = std::shared_ptr<const VectorState<Family>>;

template <class Family>
Status same_context(const VectorState<Family>& a, const VectorState<Family>& b) {
  if (a.context == b.context) return {};
  if (a.context->identity != b.context->identity)
    return fail(ErrorCode::mismatch, "vectors of different key holders cannot be computed with");
  return fail(ErrorCode::mismatch,
              "vectors of two contexts that were decoded separately; decode both vectors with the same Context");
}

template <class Family>
bool claimed(const VectorState<Family>& a, const VectorState<Family>& b) {
  return a.bounds_are_claimed || b.bounds_are_claimed;
}

/// One stands in every slot and goes with vectors of any size; otherwise sizes are equal.
template <class Family>
Status same_size(const VectorState<Family>& a, std::size_t size, bool copies) {
  if (a.size == size || a.padding == Padding::copies || copies) return {};
  return fail(ErrorCode::mismatch, "vectors of ", a.size, " and ", size,
              " values; both must have the same number, or one must be a single sum or mean");
}

/// The settled blocks of both at the lower of their levels; what needs no change is not copied.
template <class Family>
class Aligned {
 public:
  static Result<Aligned> make(const VectorState<Family>& a, const VectorState<Family>& b) {
    PRISM_TRY(const auto* x, a.settled());
    PRISM_TRY(const auto* y, b.settled());
    Aligned out;
    out.x_ = x;
    out.y_ = y;
    const rlwe::Level level = std::min(x->front().level, y->front().level);
    PRISM_CHECKED(lower(out.own_x_, a.context->scheme, *x, level));
    PRISM_CHECKED(lower(out.own_y_, a.context->scheme, *y, level));
    return out;
  }
  std::size_t size() const { return std::max(x_->size(), y_->size()); }
  const typename Family::Ciphertext& x(std::size_t i) const { return at(own_x_.empty() ? *x_ : own_x_, i); }
  const typename Family::Ciphertext& y(std::size_t i) const { return at(own_y_.empty() ? *y_ : own_y_, i); }

 private:
  using Blocks = std::vector<typename Family::Ciphertext>;
  static const typename Family::Ciphertext& at(const Blocks& blocks, std::size_t i) {
    return blocks[blocks.size() == 1 ? 0 : i];
  }
  static Status lower(Blocks& out, const Scheme<Family>& scheme, const Blocks& from, rlwe::Level level) {
    if (from.front().level == level) return {};
    for (const auto& block : from) {
      PRISM_TRY(auto lowered, scheme.lower(block, level));
      out.push_back(std::move(lowered));
    }
    return {};
  }
  const Blocks *x_ = nullptr, *y_ = nullptr;
  Blocks own_x_, own_y_;
};

Padding padding_of_sum(Padding a, Padding b) { return a == b ? a : Padding::anything; }
Padding padding_of_product(Padding a, Padding b) {
  if (a == Padding::zero || b == Padding::zero) return Padding::zero;
  return a == b ? a : Padding::anything;
}

/// f(a's block, b's block) for all blocks.
template <class Family, class F>
Result<State<Family>> pairwise(const State<Family>& a, const State<Family>& b, Padding padding, F f) {
  PRISM_CHECKED(same_context(*a, *b));
  PRISM_CHECKED(same_size(*a, b->size, b->padding == Padding::copies));
  PRISM_TRY(const auto both, Aligned<Family>::make(*a, *b));
  std::vector<typename Family::Ciphertext> blocks;
  for (std::size_t i = 0; i < both.size(); ++i) {
    PRISM_TRY(auto block, f(both.x(i), both.y(i)));
    blocks.push_back(std::move(block));
  }
  return State<Family>(std::make_shared<VectorState<Family>>(a->context, std::max(a->size, b->size), padding,
                                                             std::move(blocks), claimed(*a, *b)));
}

/// a + sign*b. Products that were put off are added as they are, when they fit together.
template <class Family>
Result<State<Family>> sum_or_difference(const State<Family>& a, const State<Family>& b, bool minus) {
  const auto& scheme = a->context->scheme;
  const auto combine = [&](const auto& x, const auto& y) -> Result<typename Family::Ciphertext> {
    auto out = x.clone();
    PRISM_CHECKED(minus ? scheme.subtract_into(out, y) : scheme.add_into(out, y));
    return out;
  };
  const Padding padding = padding_of_sum(a->padding, b->padding);
  const bool together = a->context == b->context && a->size == b->size && !a->is_settled() && !b->is_settled() &&
                        scheme.can_add(a->blocks[0], b->blocks[0]);
  if (!together) return pairwise<Family>(a, b, padding, combine);
  std::vector<typename Family::Ciphertext> blocks;
  for (std::size_t i = 0; i < a->blocks.size(); ++i) {
    PRISM_TRY(auto block, combine(a->blocks[i], b->blocks[i]));
    blocks.push_back(std::move(block));
  }
  return State<Family>(
      std::make_shared<VectorState<Family>>(a->context, a->size, padding, std::move(blocks), claimed(*a, *b)));
}

/// f(block, public values of the same places) for all blocks of a settled vector.
template <class Family, class F>
Result<State<Family>> with_plain(const State<Family>& a, std::span<const typename Family::Number> b, Padding padding,
                                 F f) {
  if (b.empty()) return fail(ErrorCode::invalid_argument, "a public vector without values");
  PRISM_CHECKED(same_size(*a, b.size(), false));
  PRISM_TRY(const auto* settled, a->settled());
  const std::size_t n = a->context->scheme.slots();
  std::vector<typename Family::Ciphertext> blocks;
  for (std::size_t start = 0; start < b.size(); start += n) {
    const auto& block = (*settled)[settled->size() == 1 ? 0 : start / n];
    PRISM_TRY(auto made, f(block, b.subspan(start, std::min(n, b.size() - start))));
    blocks.push_back(std::move(made));
  }
  return State<Family>(
      std::make_shared<VectorState<Family>>(a->context, b.size(), padding, std::move(blocks), a->bounds_are_claimed));
}

}  // namespace

template <class Family>
std::size_t Vector<Family>::size() const {
  return state_->size;
}

template <class Family>
Context<Family> Vector<Family>::context() const {
  return Context<Family>(state_->context);
}

template <class Family>
rlwe::Level Vector<Family>::level() const {
  return state_->blocks[0].level;
}

template <class Family>
double Vector<Family>::error_bound_log2() const {
  double worst = -HUGE_VAL;
  if constexpr (std::is_same_v<Family, Approximate>) {
    for (const auto& block : state_->blocks) worst = std::max(worst, block.noise.error.log2());
  }
  return worst;
}

template <class Family>
double Vector<Family>::magnitude_bound_log2() const {
  double worst = -HUGE_VAL;
  if constexpr (std::is_same_v<Family, Approximate>) {
    for (const auto& block : state_->blocks) worst = std::max(worst, block.noise.magnitude.log2());
  }
  return worst;
}

template <class Family>
bool Vector<Family>::is_everywhere() const {
  return state_->padding == Padding::copies;
}

template <class Family>
bool Vector<Family>::is_put_off() const {
  return !state_->is_settled();
}

template <class Family>
double Vector<Family>::budget_bits() const {
  double least = HUGE_VAL;
  for (const auto& block : state_->blocks) least = std::min(least, state_->context->scheme.budget_bits(block));
  return least;
}

template <class Family>
Result<Bytes> Vector<Family>::encode() const {
  PRISM_TRY(const auto* blocks, state_->settled());
  std::vector<Bytes> encoded;
  for (const auto& block : *blocks) {
    PRISM_TRY(Bytes bytes, prism::fhe::encode_block(block));
    encoded.push_back(std::move(bytes));
  }
  return encode_vector(state_->context->identity, family_tag<Family>(), state_->padding, state_->size, encoded);
}

template <class Family>
Result<Vector<Family>> Vector<Family>::add(const Outcome& a, const Outcome& b) {
  if (!a) return a.error();
  if (!b) return b.error();
  PRISM_TRY(auto made, sum_or_difference<Family>(a->state_, b->state_, false));
  return Vector(std::move(made));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::subtract(const Outcome& a, const Outcome& b) {
  if (!a) return a.error();
  if (!b) return b.error();
  PRISM_TRY(auto made, sum_or_difference<Family>(a->state_, b->state_, true));
  return Vector(std::move(made));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::multiply(const Outcome& a, const Outcome& b) {
  if (!a) return a.error();
  if (!b) return b.error();
  const auto& scheme = a->state_->context->scheme;
  PRISM_TRY(auto made,
            pairwise<Family>(a->state_, b->state_, padding_of_product(a->state_->padding, b->state_->padding),
                             [&](const auto& x, const auto& y) { return scheme.multiply(x, y); }));
  return Vector(std::move(made));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::add(const Outcome& a, Numbers b) {
  if (!a) return a.error();
  const State<Family>& x = a->state_;
  const auto& scheme = x->context->scheme;
  const Padding padding = x->padding == Padding::copies ? Padding::anything : x->padding;
  PRISM_TRY(auto made, with_plain<Family>(x, b, padding, [&](const auto& block, Numbers values) {
              return scheme.add_plain(block, values);
            }));
  return Vector(std::move(made));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::subtract(const Outcome& a, Numbers b) {
  return multiply(add(multiply(a, Number{-1}), b), Number{-1});
}

template <class Family>
Result<Vector<Family>> Vector<Family>::multiply(const Outcome& a, Numbers b) {
  if (!a) return a.error();
  const auto& scheme = a->state_->context->scheme;
  const Number largest = scheme.largest(b);
  PRISM_TRY(auto made, with_plain<Family>(a->state_, b, Padding::zero, [&](const auto& block, Numbers values) {
              return scheme.multiply_plain(block, values, largest);
            }));
  return Vector(std::move(made));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::add(const Outcome& a, Number b) {
  if (!a) return a.error();
  const State<Family>& x = a->state_;
  const auto& scheme = x->context->scheme;
  PRISM_CHECKED(scheme.check_number(b));
  PRISM_TRY(const auto* settled, x->settled());
  std::vector<typename Family::Ciphertext> blocks;
  const std::size_t n = scheme.slots();
  for (std::size_t i = 0; i < settled->size(); ++i) {
    // Zeros after the last value stay zeros.
    const std::size_t here = std::min(n, x->size - i * n);
    const bool everywhere = x->padding != Padding::zero || here == n;
    const std::vector<Number> copies(everywhere ? 0 : here, b);
    PRISM_TRY(auto block, everywhere ? scheme.add_number((*settled)[i], b) : scheme.add_plain((*settled)[i], copies));
    blocks.push_back(std::move(block));
  }
  return Vector(
      std::make_shared<VectorState<Family>>(x->context, x->size, x->padding, std::move(blocks), x->bounds_are_claimed));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::subtract(const Outcome& a, Number b) {
  if (!a) return a.error();
  PRISM_CHECKED(a->state_->context->scheme.check_number(b));  // whose negative exists, therefore
  return add(a, -b);
}

template <class Family>
Result<Vector<Family>> Vector<Family>::multiply(const Outcome& a, Number b) {
  if (!a) return a.error();
  const State<Family>& x = a->state_;
  const auto& scheme = x->context->scheme;
  PRISM_CHECKED(scheme.check_number(b));
  const std::vector<typename Family::Ciphertext>* from = &x->blocks;
  if (!scheme.is_free(b)) {
    PRISM_TRY(from, x->settled());
  }
  std::vector<typename Family::Ciphertext> blocks;
  for (const auto& block : *from) {
    PRISM_TRY(auto made, scheme.multiply_number(block, b));
    blocks.push_back(std::move(made));
  }
  return Vector(
      std::make_shared<VectorState<Family>>(x->context, x->size, x->padding, std::move(blocks), x->bounds_are_claimed));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::settled(const Outcome& a) {
  if (!a) return a.error();
  const VectorState<Family>& x = *a->state_;
  if (x.is_settled()) {
    for (const auto& block : x.blocks)
      if (!x.context->scheme.decrypts(block))
        return too_deep(fail(ErrorCode::noise_exceeded, "the public bound is past what decrypts"));
    return a;
  }
  PRISM_TRY(const auto* done, x.settled());
  std::vector<typename Family::Ciphertext> blocks;
  for (const auto& block : *done) blocks.push_back(block.clone());
  return Vector(
      std::make_shared<VectorState<Family>>(x.context, x.size, x.padding, std::move(blocks), x.bounds_are_claimed));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::lowered(const Outcome& a, rlwe::Level level) {
  PRISM_TRY(const Vector from, settled(a));
  const VectorState<Family>& x = *from.state_;
  const rlwe::Level now = x.blocks[0].level;
  if (level.value < 0 || level > now)
    return fail(ErrorCode::invalid_argument, "a vector at level ", now.value, " cannot be lowered to ", level.value);
  bool stays = level == now;
  if constexpr (std::is_same_v<Family, Exact>)
    stays = stays || x.context->scheme.parameters()->scheme() == exact::Scheme::bfv;
  if (stays) return from;
  std::vector<typename Family::Ciphertext> blocks;
  for (const auto& block : x.blocks) {
    PRISM_TRY(auto made, x.context->scheme.lower(block, level));
    blocks.push_back(std::move(made));
  }
  return Vector(
      std::make_shared<VectorState<Family>>(x.context, x.size, x.padding, std::move(blocks), x.bounds_are_claimed));
}

template class Vector<Approximate>;
template class Vector<Exact>;

}  // namespace prism::fhe
