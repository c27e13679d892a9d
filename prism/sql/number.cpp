#include <algorithm>

#include "prism/sql/internal/value.h"

namespace prism::sql::internal {
namespace {

constexpr unsigned kDigits = 20;

/// v * 10^e for any sign of e.
mpq_class shifted(const mpq_class& v, long e) {
  mpq_class out = v;
  if (e >= 0)
    out *= power_of_ten(static_cast<unsigned>(e));
  else
    out /= power_of_ten(static_cast<unsigned>(-e));
  return out;
}

/// The e with 10^(digits-1) <= v * 10^e < 10^digits, for v > 0.
long exponent_for(const mpq_class& v, unsigned digits) {
  const auto size = [](const mpz_class& z) { return static_cast<long>(mpz_sizeinbase(z.get_mpz_t(), 10)); };
  long e = static_cast<long>(digits) - (size(v.get_num()) - size(v.get_den()));
  const mpz_class low = power_of_ten(digits - 1);
  const mpz_class high = power_of_ten(digits);
  while (shifted(v, e) >= high) --e;
  while (shifted(v, e) < low) ++e;
  return e;
}

mpz_class floor_of(const mpq_class& v) {
  mpz_class out;
  mpz_fdiv_q(out.get_mpz_t(), v.get_num().get_mpz_t(), v.get_den().get_mpz_t());
  return out;
}

/// Whole number over 10^scale with exactly `scale` decimals, scale >= 0.
std::string with_point(const mpz_class& whole, unsigned scale) {
  std::string digits = mpz_class(abs(whole)).get_str();
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, ".");
  return sgn(whole) < 0 ? "-" + digits : digits;
}

}  // namespace

mpz_class nearest(const mpq_class& v) {
  if (sgn(v) < 0) return -floor_of(mpq_class(1, 2) - v);
  return floor_of(v + mpq_class(1, 2));
}

mpz_class power_of_ten(unsigned n) {
  mpz_class out;
  mpz_ui_pow_ui(out.get_mpz_t(), 10, n);
  return out;
}

mpq_class root_rounded(const mpq_class& v) {
  if (sgn(v) == 0) return v;
  // sqrt(v) * 10^e lies in [10^19, 10^20) iff v * 10^2e lies in [10^38, 10^40): one of two neighbouring exponents is
  // even.
  long twice = exponent_for(v, 2 * kDigits);
  if (twice % 2 != 0) --twice;
  const mpq_class scaled = shifted(v, twice);
  mpz_class root = sqrt(floor_of(scaled));
  const mpz_class middle = 2 * root + 1;  // scaled >= (root + 1/2)^2 iff 4 scaled >= (2 root + 1)^2
  if (4 * scaled >= mpq_class(middle * middle)) ++root;
  return shifted(mpq_class(root), -twice / 2);
}

std::string render_integer(const mpq_class& v) { return render_decimal(v, 0); }

std::string render_decimal(const mpq_class& v, int scale) {
  const mpq_class scaled = shifted(v, scale);
  check(scaled.get_den() == 1, "a decimal has more places than its type");
  return with_point(scaled.get_num(), static_cast<unsigned>(scale));
}

std::string render_numeric(const mpq_class& v) {
  if (sgn(v) == 0) return "0";
  const mpq_class magnitude = abs(v);
  const long e = exponent_for(magnitude, kDigits);
  mpz_class digits = nearest(shifted(magnitude, e));
  if (sgn(v) < 0) digits = -digits;
  if (e <= 0) return with_point(digits * power_of_ten(static_cast<unsigned>(-e)), 0);
  std::string text = with_point(digits, static_cast<unsigned>(e));
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace prism::sql::internal
