// prism/math/modular.h - arithmetic modulo one word, for setting things up; the loops over rows are in kernels/.
// Not constant time: public numbers only.
#pragma once
#include <cstdint>

#include "prism/base/int128.h"
#include "prism/base/result.h"

namespace prism::math {

// Operands are canonical (below q) and 2 <= q < 2^63.
constexpr std::uint64_t add_mod(std::uint64_t a, std::uint64_t b, std::uint64_t q) {
  const std::uint64_t sum = a + b;
  return sum >= q ? sum - q : sum;
}
constexpr std::uint64_t subtract_mod(std::uint64_t a, std::uint64_t b, std::uint64_t q) {
  return a >= b ? a - b : a + q - b;
}
constexpr std::uint64_t negate_mod(std::uint64_t a, std::uint64_t q) { return a == 0 ? 0 : q - a; }
/// Any a, b and any q > 0.
constexpr std::uint64_t multiply_mod(std::uint64_t a, std::uint64_t b, std::uint64_t q) {
  return static_cast<std::uint64_t>(Uint128{a} * b % q);
}
/// a^exponent; any a, any q > 0.
std::uint64_t power_mod(std::uint64_t a, std::uint64_t exponent, std::uint64_t q);
/// The b below q with a*b = 1 mod q, for any q >= 2 below 2^63; invalid_argument when a and q share a factor.
Result<std::uint64_t> inverse_mod(std::uint64_t a, std::uint64_t q);
/// A signed integer modulo q, canonical.
std::uint64_t reduce_signed(std::int64_t a, std::uint64_t q);
/// The representative in (-q/2, q/2] of a residue below q.
constexpr std::int64_t centred(std::uint64_t a, std::uint64_t q) {
  return a > q / 2 ? -static_cast<std::int64_t>(q - a) : static_cast<std::int64_t>(a);
}
/// The low `bits` <= 32 bits of x in reverse order.
constexpr std::uint32_t reverse_bits(std::uint32_t x, unsigned bits) {
  std::uint32_t reversed = 0;
  for (unsigned i = 0; i < bits; ++i) reversed |= ((x >> i) & 1U) << (bits - 1 - i);
  return reversed;
}

}  // namespace prism::math
