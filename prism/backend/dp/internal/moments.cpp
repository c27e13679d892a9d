#include "prism/backend/dp/internal/moments.h"

#include "prism/base/check.h"

namespace prism::backend::dp::internal {

mpz_class to_mpz(Int128 value) {
  const bool negative = value < 0;
  const Uint128 magnitude = negative ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
  mpz_class out = static_cast<unsigned long>(magnitude >> 64);
  out <<= 64;
  out += static_cast<unsigned long>(magnitude & ~std::uint64_t{0});
  return negative ? mpz_class(-out) : out;
}

Int128 to_int128(const mpz_class& value) {
  constexpr Int128 kMost = static_cast<Int128>(~Uint128{0} >> 1);
  const mpz_class magnitude = abs(value);
  if (mpz_sizeinbase(magnitude.get_mpz_t(), 2) > 127) return value < 0 ? -kMost : kMost;
  const mpz_class high = magnitude >> 64;
  const mpz_class low = magnitude & mpz_class(~0UL);
  const auto out = static_cast<Int128>((static_cast<Uint128>(high.get_ui()) << 64) | low.get_ui());
  return value < 0 ? -out : out;
}

Uint128 width_of(const Range& range) { return static_cast<Uint128>(range.high) - static_cast<Uint128>(range.low); }

mpq_class LinearForm::of(const std::vector<mpz_class>& numbers) const {
  check(numbers.size() >= weights.size(), "a form over more numbers than were released");
  mpq_class out = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) out += weights[i] * numbers[i];
  return out;
}

MomentForms moment_forms(const Range& range, int degree) {
  check(range.low < range.high && (degree == 1 || degree == 2), "moments of a constant or of another degree");
  const mpq_class low = to_mpz(range.low);
  const mpq_class high = to_mpz(range.high);
  const mpq_class width = high - low;
  MomentForms out;
  if (degree == 1) {
    // y = ((y - low) high + (high - y) low) / W
    out.count.weights = {1 / width, 1 / width};
    out.sum.weights = {high / width, low / width};
    return out;
  }
  // A polynomial's weights are its Bezier points: of 1: 1 1 1; of y: high, (low + high) / 2, low; of y^2: high^2,
  // low high, low^2.
  const mpq_class square = width * width;
  out.count.weights = {1 / square, 1 / square, 1 / square};
  out.sum.weights = {high / square, (low + high) / (2 * square), low / square};
  out.square.weights = {high * high / square, low * high / square, low * low / square};
  return out;
}

sql::Ratio to_ratio(const mpq_class& value) {
  constexpr std::size_t kBits = 120;
  mpq_class exact = value;
  exact.canonicalize();
  const auto bits = [](const mpz_class& n) { return mpz_sizeinbase(n.get_mpz_t(), 2); };
  if (bits(exact.get_num()) <= kBits && bits(exact.get_den()) <= kBits)
    return {to_int128(exact.get_num()), to_int128(exact.get_den())};
  const mpz_class whole = exact.get_num() / exact.get_den();
  const std::size_t used = bits(whole);
  const std::size_t shift = used < kBits ? kBits - used : 0;
  mpz_class scaled = (exact.get_num() << (shift + 1)) / exact.get_den();
  scaled = (scaled + 1) >> 1;
  return {to_int128(scaled), to_int128(mpz_class(mpz_class(1) << shift))};
}

}  // namespace prism::backend::dp::internal
