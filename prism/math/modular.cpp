#include "prism/math/modular.h"

namespace prism::math {

std::uint64_t power_mod(std::uint64_t a, std::uint64_t exponent, std::uint64_t q) {
  std::uint64_t result = 1 % q;
  std::uint64_t square = a % q;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = multiply_mod(result, square, q);
    square = multiply_mod(square, square, q);
  }
  return result;
}

Result<std::uint64_t> inverse_mod(std::uint64_t a, std::uint64_t q) {
  check(q >= 2 && q < (std::uint64_t{1} << 63), "inverse_mod: modulus out of range");
  // Extended Euclid; the cofactors stay below q in magnitude.
  std::uint64_t r0 = q;
  std::uint64_t r1 = a % q;
  std::int64_t s0 = 0;
  std::int64_t s1 = 1;
  while (r1 != 0) {
    const std::uint64_t quotient = r0 / r1;
    const std::uint64_t r2 = r0 % r1;
    const auto s2 = static_cast<std::int64_t>(Int128{s0} - Int128{static_cast<std::int64_t>(quotient)} * s1);
    r0 = r1, r1 = r2;
    s0 = s1, s1 = s2;
  }
  if (r0 != 1) {
    return fail(ErrorCode::invalid_argument, a, " has no inverse modulo ", q, ": both are multiples of ", r0);
  }
  return reduce_signed(s0, q);
}

std::uint64_t reduce_signed(std::int64_t a, std::uint64_t q) {
  const Int128 r = Int128{a} % static_cast<Int128>(q);
  return static_cast<std::uint64_t>(r < 0 ? r + static_cast<Int128>(q) : r);
}

}  // namespace prism::math
