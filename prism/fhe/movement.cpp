// Sums and rotations: what moves values between slots.
#include <algorithm>
#include <map>

#include "prism/fhe/context.h"
#include "prism/fhe/internal/depth.h"
#include "prism/fhe/internal/state.h"

namespace prism::fhe {
namespace {

using Kind = rlwe::KeyId::Kind;

bool has_key(const rlwe::EvaluationKeys& keys, std::uint32_t g, rlwe::Level level) {
  return keys.find(Kind::automorphism, g, level).has_value();
}

/// Every row left by `steps`, 0 < steps < N/2: with its own key, or with those of the powers of two that make it up.
template <class Family>
Result<typename Family::Ciphertext> rotate_rows(const ContextState<Family>& context,
                                                const typename Family::Ciphertext& a, std::size_t steps) {
  const std::size_t n = context.scheme.parameters()->degree();
  const auto element = [&](std::size_t by) { return rlwe::galois_element_for_rotation(static_cast<int>(by), n); };
  if (has_key(context.keys, element(steps), a.level))
    return context.scheme.automorphism(a, element(steps), context.keys);
  auto out = a.clone();
  for (std::size_t bit = 1; bit < n / 2; bit *= 2) {
    if ((steps & bit) == 0) continue;
    if (!has_key(context.keys, element(bit), a.level)) {
      return fail(ErrorCode::not_found, "no key for a rotation by ", steps,
                  "; name it in Movement::rotations, or set any_rotation or sums, when the key holder is made");
    }
    PRISM_TRY(out, context.scheme.automorphism(out, element(bit), context.keys));
  }
  return out;
}

/// Where the values of one output ciphertext come from: source ciphertext, rotation and row swap.
struct Route {
  std::size_t source = 0, steps = 0;
  bool swap = false;
  auto operator<=>(const Route&) const = default;
};

/// For each route into output ciphertext `block`, the slots that it fills: value i comes from value (i + steps) mod
/// size. Slots are numbered row by row.
std::map<Route, std::vector<std::size_t>> routes_into(std::size_t block, std::size_t size, std::size_t steps,
                                                      std::size_t slots, std::size_t row) {
  std::map<Route, std::vector<std::size_t>> out;
  for (std::size_t slot = 0; slot < slots && block * slots + slot < size; ++slot) {
    const std::size_t from = (block * slots + slot + steps) % size, place = from % slots;
    const bool swap = place / row != slot / row;
    out[{from / slots, (place % row + row - slot % row) % row, swap}].push_back(slot);
  }
  return out;
}

}  // namespace

template <class Family>
Result<Vector<Family>> Vector<Family>::sum_of(const Outcome& a) {
  if (!a) return a.error();
  const VectorState<Family>& x = *a->state_;
  if (x.padding == Padding::copies) return a;
  const auto& scheme = x.context->scheme;
  for (const std::uint32_t g : scheme.sum_elements()) {
    if (!has_key(x.context->keys, g, x.blocks[0].level)) {
      return fail(ErrorCode::not_found,
                  "no keys for sums; set Movement::sums (or any_rotation) when the key holder is made");
    }
  }
  if (x.padding == Padding::anything && x.size % scheme.slots() != 0) {
    const std::vector<Number> ones(x.size, Number{1});
    return sum_of(multiply(a, Numbers(ones)));
  }
  auto total = x.blocks[0].clone();
  for (std::size_t i = 1; i < x.blocks.size(); ++i) PRISM_CHECKED(scheme.add_into(total, x.blocks[i]));
  std::vector<typename Family::Ciphertext> blocks;
  blocks.push_back(std::move(total));
  const VectorState<Family> one(x.context, 1, Padding::anything, std::move(blocks), x.bounds_are_claimed);
  PRISM_TRY(const auto* settled, one.settled());
  PRISM_TRY(auto summed, scheme.sum_slots(settled->front(), std::min(x.size, scheme.slots()), x.context->keys));
  std::vector<typename Family::Ciphertext> result;
  result.push_back(std::move(summed));
  return Vector(
      std::make_shared<VectorState<Family>>(x.context, 1, Padding::copies, std::move(result), x.bounds_are_claimed));
}

template <class Family>
Result<Vector<Family>> Vector<Family>::mean_of(const Outcome& a) {
  if (!a) return a.error();
  if constexpr (std::is_floating_point_v<Number>) {
    return multiply(sum_of(a), Number{1} / static_cast<Number>(a->size()));
  } else {
    return fail(ErrorCode::unsupported, "a mean of whole numbers; decrypt the sum and divide");
  }
}

template <class Family>
Result<Vector<Family>> Vector<Family>::rotated(const Outcome& a, int steps) {
  if (!a) return a.error();
  const VectorState<Family>& x = *a->state_;
  const auto size = static_cast<std::int64_t>(x.size);
  const auto shift = static_cast<std::size_t>((steps % size + size) % size);
  if (shift == 0 || x.padding == Padding::copies) return a;
  const auto& scheme = x.context->scheme;
  const std::size_t slots = scheme.slots(), n = scheme.parameters()->degree(), row = n / 2;
  PRISM_TRY(const auto* settled, x.settled());
  const std::uint32_t swap = rlwe::galois_element_for_conjugation(n);
  const bool whole = x.size == slots && scheme.kRows == 1;
  std::map<Route, typename Family::Ciphertext> moved;
  std::vector<typename Family::Ciphertext> blocks;
  for (std::size_t i = 0; i < settled->size(); ++i) {
    typename Family::Ciphertext block;
    for (const auto& [route, filled] : routes_into(i, x.size, shift, slots, row)) {
      auto found = moved.find(route);
      if (found == moved.end()) {
        auto one = (*settled)[route.source].clone();
        if (route.steps != 0) {
          PRISM_TRY(one, rotate_rows(*x.context, one, route.steps));
        }
        if (route.swap) {
          if (!has_key(x.context->keys, swap, one.level)) {
            return fail(ErrorCode::not_found,
                        "no key that moves values between the two rows of a ciphertext; set any_rotation or sums when "
                        "the key holder is made");
          }
          PRISM_TRY(one, scheme.automorphism(one, swap, x.context->keys));
        }
        found = moved.emplace(route, std::move(one)).first;
      }
      if (whole) {
        block = found->second.clone();
        break;
      }
      std::vector<Number> mask(filled.back() + 1, Number{0});
      for (const std::size_t slot : filled) mask[slot] = 1;
      PRISM_TRY(auto part, scheme.multiply_plain(found->second, mask, Number{1}));
      if (block.parts.empty()) {
        block = std::move(part);
      } else {
        PRISM_CHECKED(scheme.add_into(block, part));
      }
    }
    blocks.push_back(std::move(block));
  }
  return Vector(
      std::make_shared<VectorState<Family>>(x.context, x.size, Padding::zero, std::move(blocks), x.bounds_are_claimed));
}

template Result<Vector<Approximate>> Vector<Approximate>::sum_of(const Outcome&);
template Result<Vector<Approximate>> Vector<Approximate>::mean_of(const Outcome&);
template Result<Vector<Approximate>> Vector<Approximate>::rotated(const Outcome&, int);
template Result<Vector<Exact>> Vector<Exact>::sum_of(const Outcome&);
template Result<Vector<Exact>> Vector<Exact>::mean_of(const Outcome&);
template Result<Vector<Exact>> Vector<Exact>::rotated(const Outcome&, int);

}  // namespace prism::fhe
