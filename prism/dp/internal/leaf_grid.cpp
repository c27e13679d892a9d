#include "prism/dp/internal/leaf_grid.h"

#include <algorithm>

#include "prism/base/check.h"

namespace prism::dp::internal {
namespace {

/// Wider domains were not meant as bounds: leaves of one value each.
constexpr Uint128 kMeantAsBounds = Uint128{1} << 40;

Int128 floor_divide(Int128 a, Int128 b) { return a / b - (a % b < 0 ? 1 : 0); }

/// The multiple of `step` nearest to `value`.
Int128 nearest_multiple(Int128 value, Int128 step) { return floor_divide(value + step / 2, step) * step; }

}  // namespace

LeafGrid::LeafGrid(std::int64_t low, std::int64_t high, std::uint64_t most_leaves) : low_(low), high_(high) {
  check(low <= high && most_leaves >= 2, "leaf grid: no domain");
  const std::uint64_t last_value = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const Uint128 values = static_cast<Uint128>(last_value) + 1;
  if (values <= kMeantAsBounds) width_ = static_cast<std::uint64_t>((values + most_leaves - 1) / most_leaves);
  last_ = last_value / width_;
  // Powers of which the domain has at least a hundred multiples: coarser ones would draw answers away from the data. So
  // all weights add up to less than 11 * 2^41.
  if (values <= kMeantAsBounds) {
    while (static_cast<Uint128>(largest_power_) * 1000 <= values) largest_power_ *= 10;
    const auto power = static_cast<std::int64_t>(largest_power_);
    offset_ = static_cast<std::uint64_t>((low % power + power) % power);
  }
}

std::uint64_t LeafGrid::leaf_of(std::int64_t value) const {
  const std::int64_t inside = std::clamp(value, low_, high_);
  return (static_cast<std::uint64_t>(inside) - static_cast<std::uint64_t>(low_)) / width_;
}

std::int64_t LeafGrid::low_of(std::uint64_t leaf) const {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low_) + std::min(leaf, last_) * width_);
}

std::int64_t LeafGrid::high_of(std::uint64_t leaf) const {
  if (leaf >= last_) return high_;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low_of(leaf)) + (width_ - 1));
}

std::uint64_t LeafGrid::weight(std::uint64_t first, std::uint64_t last) const {
  // Counted from a multiple of all powers, so that nothing is negative; below 2^41 where there are powers.
  const std::uint64_t last_value = static_cast<std::uint64_t>(high_) - static_cast<std::uint64_t>(low_);
  const std::uint64_t from = offset_ + first * width_;
  const std::uint64_t to = offset_ + (last >= last_ ? last_value : last * width_ + (width_ - 1));
  std::uint64_t weight = to - from + 1;
  for (std::uint64_t power = 10; power <= largest_power_; power *= 10) {
    weight += (to / power + 1 - (from + power - 1) / power) * power;
  }
  return weight;
}

std::uint64_t LeafGrid::leaf_at(std::uint64_t first, std::uint64_t offset) const {
  // The first leaf up to whose end the weights pass the offset.
  std::uint64_t least = first, enough = last_;
  while (least < enough) {
    const std::uint64_t middle = least + (enough - least) / 2;
    if (weight(first, middle) > offset) {
      enough = middle;
    } else {
      least = middle + 1;
    }
  }
  return enough;
}

std::int64_t LeafGrid::roundest(std::uint64_t leaf) const {
  const Int128 from = low_of(leaf), to = high_of(leaf), middle = from + (to - from) / 2;
  Int128 best = middle;
  for (Int128 power = 10; power <= Int128{largest_power_}; power *= 10) {
    if (floor_divide(to, power) == floor_divide(from - 1, power)) break;  // no multiple inside, nor of larger powers
    const Int128 nearest = nearest_multiple(middle, power);
    best = nearest < from ? nearest + power : nearest > to ? nearest - power : nearest;
  }
  return static_cast<std::int64_t>(best);
}

}  // namespace prism::dp::internal
