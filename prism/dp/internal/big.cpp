#include "prism/dp/internal/big.h"

#include <array>
#include <cstdint>

#include "prism/base/check.h"

namespace prism::dp::internal {

mpz_class to_big(Uint128 value) {
  const std::array<std::uint64_t, 2> words = {static_cast<std::uint64_t>(value),
                                              static_cast<std::uint64_t>(value >> 64)};
  mpz_class out;
  mpz_import(out.get_mpz_t(), words.size(), -1, sizeof(words[0]), 0, 0, words.data());
  return out;
}

mpz_class to_big(Int128 value) {
  const bool negative = value < 0;
  const mpz_class size = to_big(negative ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value));
  return negative ? mpz_class(-size) : size;
}

mpq_class to_big(const Rational& value) {
  mpq_class out(to_big(value.numerator), to_big(value.denominator));
  out.canonicalize();
  return out;
}

Uint128 to_uint128(const mpz_class& value) {
  check(sgn(value) >= 0 && mpz_sizeinbase(value.get_mpz_t(), 2) <= 128, "to_uint128: does not fit");
  std::array<std::uint64_t, 2> words = {0, 0};
  mpz_export(words.data(), nullptr, -1, sizeof(words[0]), 0, 0, value.get_mpz_t());
  return Uint128{words[1]} << 64 | words[0];
}

Int128 to_int128(const mpz_class& value) {
  check(mpz_sizeinbase(value.get_mpz_t(), 2) <= 127, "to_int128: does not fit");
  const auto size = static_cast<Int128>(to_uint128(abs(value)));
  return sgn(value) < 0 ? -size : size;
}

mpz_class divide_down(const mpz_class& a, const mpz_class& b) {
  mpz_class out;
  mpz_fdiv_q(out.get_mpz_t(), a.get_mpz_t(), b.get_mpz_t());
  return out;
}

mpz_class divide_up(const mpz_class& a, const mpz_class& b) {
  mpz_class out;
  mpz_cdiv_q(out.get_mpz_t(), a.get_mpz_t(), b.get_mpz_t());
  return out;
}

mpz_class multiply(const mpz_class& a, const mpz_class& b) { return (a * b) >> kPlaces; }

mpz_class exp_minus(const mpq_class& x) {
  const mpz_class one = mpz_class(1) << kPlaces;
  if (x >= 256) return 0;  // exp(-256) < 2^-369
  // exp(-x) = exp(-x / 2^16)^(2^16). Below 2^-8 thirty terms of the series leave less than 2^-320; each of the sixteen
  // squarings doubles the error of a few units and adds one, so less than 2^20 units of 2^-320 come together.
  constexpr unsigned kHalvings = 16;
  const mpz_class small = divide_down(x.get_num() << (kPlaces - kHalvings), x.get_den());
  mpz_class sum = one, term = one;
  for (unsigned k = 1; k <= 40; ++k) {
    term = multiply(term, small) / k;
    if (k % 2 == 1) {
      sum -= term;
    } else {
      sum += term;
    }
  }
  for (unsigned k = 0; k < kHalvings; ++k) sum = multiply(sum, sum);
  return sum;
}

}  // namespace prism::dp::internal
