#include "prism/dp/parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "prism/dp/internal/big.h"

namespace prism::dp {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool all_digits(std::string_view text) { return text.find_first_not_of(kDigits) == std::string_view::npos; }

/// Text from a person or a file, short enough for a message.
std::string shown(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 40)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + (text.size() > 40 ? "...'" : "'");
}

/// `12.5` as its digits and how many of them stand after the point; false when it is not of that form.
bool split_decimal(std::string_view text, std::string& digits, std::size_t& places) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view rest = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (whole.empty() || !all_digits(whole) || !all_digits(rest)) return false;
  if (point != std::string_view::npos && rest.empty()) return false;
  digits = std::string(whole) + std::string(rest);
  places = rest.size();
  return true;
}

mpz_class power_of_ten(unsigned long exponent) {
  mpz_class out;
  mpz_ui_pow_ui(out.get_mpz_t(), 10, exponent);
  return out;
}

/// floor(digits * 10^exponent * 2^120).
mpz_class units_of(const mpz_class& digits, long exponent) {
  const mpz_class scaled = digits << Delta::kBits;
  if (exponent >= 0) return scaled * power_of_ten(static_cast<unsigned long>(exponent));
  return internal::divide_down(scaled, power_of_ten(static_cast<unsigned long>(-exponent)));
}

}  // namespace

Result<Epsilon> Epsilon::parse(std::string_view decimal) {
  const auto refuse = [&] {
    return fail(ErrorCode::invalid_argument,
                "epsilon must be a decimal above 0, at most 1000 and with at most nine digits ",
                "after the point, such as 0.5; found ", shown(decimal));
  };
  std::string digits;
  std::size_t places = 0;
  if (decimal.size() > 64 || !split_decimal(decimal, digits, places) || places > 9) return refuse();
  digits.append(9 - places, '0');
  std::int64_t nano = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), nano);
  if (error != std::errc{} || end != digits.data() + digits.size() || nano <= 0 || nano > kMostParsed) return refuse();
  return Epsilon(nano);
}

std::string Epsilon::text() const {
  std::string fraction = std::to_string(kNanos + nano_ % kNanos).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return std::to_string(nano_ / kNanos) + (fraction.empty() ? "" : "." + fraction);
}

Rational Epsilon::rational() const { return make_rational(nano_, kNanos).value(); }
double Epsilon::value_up() const { return dp::value_up(Rational{nano_, kNanos}); }
double Epsilon::value_down() const { return dp::value_down(Rational{nano_, kNanos}); }

Result<Delta> Delta::parse(std::string_view decimal) {
  const auto refuse = [&] {
    return fail(ErrorCode::invalid_argument, "delta must be a number of at least 0 and below 1, such as 1e-5; found ",
                shown(decimal));
  };
  const std::size_t mark = decimal.find_first_of("eE");
  long exponent = 0;
  if (decimal.size() > 64) return refuse();
  if (mark != std::string_view::npos) {
    std::string_view rest = decimal.substr(mark + 1);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (rest.empty() || error != std::errc{} || end != rest.data() + rest.size()) return refuse();
    if (decimal[mark + 1] == '+' && exponent < 0) return refuse();
    if (exponent > 1000 || exponent < -1000) return refuse();
  }
  std::string digits;
  std::size_t places = 0;
  if (!split_decimal(decimal.substr(0, mark), digits, places)) return refuse();
  const mpz_class units = units_of(mpz_class(digits, 10), exponent - static_cast<long>(places));
  if (units >= internal::to_big(kOne)) return refuse();
  return Delta(internal::to_uint128(units));
}

Delta Delta::from_double_up(double probability) {
  check(probability >= 0 && probability <= 1, "Delta: not a probability");
  return Delta(static_cast<Uint128>(std::ceil(std::ldexp(probability, kBits))));
}

double Delta::value_up() const {
  auto near = static_cast<double>(units_);
  if (static_cast<Uint128>(near) < units_) near = std::nextafter(near, std::ldexp(1.0, 121));
  return std::ldexp(near, -kBits);
}

double Delta::value_down() const {
  auto near = static_cast<double>(units_);
  if (static_cast<Uint128>(near) > units_) near = std::nextafter(near, 0.0);
  return std::ldexp(near, -kBits);
}

std::string Delta::text() const {
  if (units_ == 0) return "0";
  if (units_ == kOne) return "1";
  const mpz_class units = internal::to_big(units_);
  // The leading digit has the value 10^-first.
  long first = 1;
  while (units_of(1, -first) > units) ++first;
  // parse() rounds down, so the decimal is not below: round up at each length until it comes back. 37 digits separate
  // neighbours everywhere.
  for (long last = first;; ++last) {
    const mpz_class digits =
        internal::divide_up(units * power_of_ten(static_cast<unsigned long>(last)), mpz_class(1) << kBits);
    if (units_of(digits, -last) != units) continue;
    std::string text = digits.get_str();
    const long exponent = static_cast<long>(text.size()) - 1 - last;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.size() > 1) text.insert(1, ".");
    return exponent == 0 ? text : text + "e" + std::to_string(exponent);
  }
}

}  // namespace prism::dp
