#include "prism/backend/clear/internal/value.h"

#include "prism/base/check.h"

namespace prism::backend::clear {
namespace {

constexpr int kSignificant = 20;

mpz_class floor_of(const mpq_class& value) {
  mpz_class out;
  mpz_fdiv_q(out.get_mpz_t(), value.get_num_mpz_t(), value.get_den_mpz_t());
  return out;
}

/// value * 10^exponent.
mpq_class shifted(const mpq_class& value, long exponent) {
  if (exponent >= 0) return value * mpq_class(power_of_ten(static_cast<unsigned long>(exponent)));
  return value / mpq_class(power_of_ten(static_cast<unsigned long>(-exponent)));
}

/// A positive number x as digits * 10^-places with 20 digits (21 when rounding carries: then the last is 0), where
/// floor_at(k) gives floor(x * 10^k) and twice_floor_at(k) gives floor(2 * x * 10^k).
struct Rounded {
  mpz_class digits;
  long places;
};
template <class FloorAt, class TwiceFloorAt>
Rounded round_significant(const FloorAt& floor_at, const TwiceFloorAt& twice_floor_at) {
  const mpz_class lowest = power_of_ten(kSignificant - 1), beyond = power_of_ten(kSignificant);
  long places = 0;
  while (floor_at(places) >= beyond) --places;
  while (floor_at(places) < lowest) ++places;
  // floor(y + 1/2) = floor((floor(2 y) + 1) / 2): to nearest, half upwards, which is away from zero here.
  const mpz_class doubled = twice_floor_at(places) + 1;
  return {doubled / 2, places};
}

/// An integer with the point moved `places` to the left.
std::string plain(mpz_class digits, long places) {
  const bool negative = digits < 0;
  std::string text = mpz_class(abs(digits)).get_str();
  if (places > 0) {
    const auto after = static_cast<std::size_t>(places);
    if (text.size() <= after) text.insert(0, after + 1 - text.size(), '0');
    text.insert(text.size() - after, 1, '.');
  }
  return (negative ? "-" : "") + text;
}

std::string render_numeric(const mpq_class& value) {
  if (value == 0) return "0";
  const mpq_class size = abs(value);
  Rounded rounded = round_significant([&](long k) { return floor_of(shifted(size, k)); },
                                      [&](long k) { return floor_of(shifted(size * 2, k)); });
  if (rounded.places < 0) {
    rounded.digits *= power_of_ten(static_cast<unsigned long>(-rounded.places));
    rounded.places = 0;
  }
  std::string text = plain(rounded.digits, rounded.places);
  if (rounded.places > 0) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return value < 0 ? "-" + text : text;
}

std::string render_date(long days) {
  // Days are counted off year by year and month by month from 0001-01-01, day -719162; slow, and plainly right.
  const auto leap = [](long y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
  long left = days + 719162, year = 1;
  check(left >= 0, "a date before the year 1");
  const long cycles = left / 146097;  // 400 years always have as many days
  year += 400 * cycles;
  left -= cycles * 146097;
  while (left >= (leap(year) ? 366 : 365)) left -= leap(year++) ? 366 : 365;
  const long lengths[12] = {31, leap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  long month = 0;
  while (left >= lengths[month]) left -= lengths[month++];
  const auto padded = [](long number, std::size_t width) {
    const std::string digits = std::to_string(number);
    return std::string(width > digits.size() ? width - digits.size() : 0, '0') + digits;
  };
  return padded(year, 4) + "-" + padded(month + 1, 2) + "-" + padded(left + 1, 2);
}

}  // namespace

mpz_class power_of_ten(unsigned long exponent) {
  mpz_class out;
  mpz_ui_pow_ui(out.get_mpz_t(), 10, exponent);
  return out;
}

int compare(const Value& a, const Value& b) {
  check(a.index() == b.index() && !is_null(a), "compared values are of one kind");
  const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (const auto* number = std::get_if<mpq_class>(&a)) return sign(*number, std::get<mpq_class>(b));
  if (const auto* day = std::get_if<Day>(&a)) return sign(day->number, std::get<Day>(b).number);
  if (const auto* truth = std::get_if<bool>(&a)) return sign(*truth, std::get<bool>(b));
  const std::string &x = std::get<std::string>(a), &y = std::get<std::string>(b);
  for (std::size_t i = 0; i < x.size() && i < y.size(); ++i)
    if (x[i] != y[i]) return static_cast<unsigned char>(x[i]) < static_cast<unsigned char>(y[i]) ? -1 : 1;
  return sign(x.size(), y.size());
}

mpq_class rounded_root(const mpq_class& value) {
  if (value == 0) return value;
  // floor(sqrt(x)) = floor(sqrt(floor(x))), so integer roots are exact.
  const auto root_of = [](const mpq_class& x) { return mpz_class(sqrt(floor_of(x))); };
  const Rounded rounded = round_significant([&](long k) { return root_of(shifted(value, 2 * k)); },
                                            [&](long k) { return root_of(shifted(value * 4, 2 * k)); });
  return shifted(mpq_class(rounded.digits), -rounded.places);
}

table::Cell render(const Value& value, sql::ValueType type, int scale) {
  if (is_null(value)) return std::monostate{};
  if (const auto* truth = std::get_if<bool>(&value)) return std::string(*truth ? "true" : "false");
  if (const auto* day = std::get_if<Day>(&value)) return render_date(day->number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const mpq_class& number = std::get<mpq_class>(value);
  if (type == sql::ValueType::numeric) return table::Number{render_numeric(number)};
  const int places = type == sql::ValueType::decimal ? scale : 0;
  const mpq_class units = shifted(number, places);
  check(units.get_den() == 1, "a decimal fits its scale");
  return table::Number{plain(units.get_num(), places)};
}

}  // namespace prism::backend::clear
