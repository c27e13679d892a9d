// prism/dp/internal/big.h - between the 128-bit integers of this code and GMP's, which stay in .cpp files.
#pragma once
#include <gmpxx.h>

#include "prism/base/int128.h"
#include "prism/dp/rational.h"

namespace prism::dp::internal {

mpz_class to_big(Uint128 value);
mpz_class to_big(Int128 value);
mpq_class to_big(const Rational& value);
/// Of a value that fits (a broken invariant otherwise).
Uint128 to_uint128(const mpz_class& value);
Int128 to_int128(const mpz_class& value);
/// Quotients of a divisor above zero, rounded down and up.
mpz_class divide_down(const mpz_class& a, const mpz_class& b);
mpz_class divide_up(const mpz_class& a, const mpz_class& b);

/// Fixed point: numbers of at most a few bits before the point as integers of 2^-kPlaces.
inline constexpr mp_bitcnt_t kPlaces = 320;
/// exp(-x) for x >= 0, within 2^-290.
mpz_class exp_minus(const mpq_class& x);
/// a * b, rounded down.
mpz_class multiply(const mpz_class& a, const mpz_class& b);

}  // namespace prism::dp::internal
