// prism/dp/internal/wide.h - the few operations on integers of several 64-bit words that exact weights need.
//
// Least significant word first. Loops have fixed lengths and no branch on a value.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "prism/base/int128.h"

namespace prism::dp::internal {

template <std::size_t Words>
using Wide = std::array<std::uint64_t, Words>;

template <std::size_t A, std::size_t B>
constexpr Wide<A + B> multiply(const Wide<A>& a, const Wide<B>& b) {
  Wide<A + B> product{};
  for (std::size_t i = 0; i < A; ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < B; ++j) {
      const Uint128 t = static_cast<Uint128>(a[i]) * b[j] + product[i + j] + carry;  // at most 2^128 - 1
      product[i + j] = static_cast<std::uint64_t>(t);
      carry = static_cast<std::uint64_t>(t >> 64);
    }
    product[i + B] = carry;
  }
  return product;
}

/// into += term; the sum fits.
template <std::size_t A, std::size_t B>
  requires(A >= B)
constexpr void add(Wide<A>& into, const Wide<B>& term) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < A; ++i) {
    const Uint128 t = static_cast<Uint128>(into[i]) + (i < B ? term[i] : 0) + carry;
    into[i] = static_cast<std::uint64_t>(t);
    carry = static_cast<std::uint64_t>(t >> 64);
  }
}

/// 1 when a <= b, else 0.
template <std::size_t Words>
constexpr std::uint64_t not_above(const Wide<Words>& a, const Wide<Words>& b) {
  std::uint64_t borrow = 0;  // of b - a
  for (std::size_t i = 0; i < Words; ++i) {
    const Uint128 t = static_cast<Uint128>(b[i]) - a[i] - borrow;
    borrow = static_cast<std::uint64_t>(t >> 64) & 1;
  }
  return 1 - borrow;
}

}  // namespace prism::dp::internal
