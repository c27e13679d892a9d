#include "prism/table/decimal.h"

#include <algorithm>
#include <limits>

#include "prism/base/check.h"

namespace prism::table {
namespace {

constexpr int kMaxExponent = 999;
// An int64 has at most 19 digits; one more digit still fits the accumulator, so range is checked after the loop.
constexpr std::size_t kMaxInt64Digits = 19;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_from(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

/// digits * 10^zeros with its sign, or nothing when it is outside int64.
std::optional<std::int64_t> to_int64(bool negative, std::string_view digits, std::size_t zeros, bool add_one) {
  if (!digits.empty() && digits.size() + zeros > kMaxInt64Digits) return std::nullopt;
  Uint128 magnitude = 0;
  for (const char c : digits) magnitude = magnitude * 10 + static_cast<unsigned>(c - '0');
  if (magnitude != 0)
    for (std::size_t i = 0; i < zeros; ++i) magnitude *= 10;
  if (add_one) magnitude += 1;
  const auto limit = static_cast<Uint128>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
  if (magnitude > limit) return std::nullopt;
  const auto low = static_cast<std::uint64_t>(magnitude);
  return static_cast<std::int64_t>(negative ? 0 - low : low);
}

}  // namespace

std::optional<DecimalText> scan_decimal(std::string_view text) {
  DecimalText number;
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) {
    number.negative = text[at] == '-';
    number.padded = text[at] == '+';
    ++at;
  }
  const std::size_t whole_end = digits_from(text, at);
  const std::string_view whole = text.substr(at, whole_end - at);
  std::string_view fraction;
  at = whole_end;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction_end = digits_from(text, at + 1);
    fraction = text.substr(at + 1, fraction_end - at - 1);
    number.whole = false;
    at = fraction_end;
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  if (whole.size() > 1 && whole.front() == '0') number.padded = true;
  int exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    number.whole = false;
    ++at;
    const bool negative = at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (at == text.size()) return std::nullopt;
    for (; at < text.size() && is_digit(text[at]); ++at) {
      exponent = exponent * 10 + (text[at] - '0');
      if (exponent > kMaxExponent) return std::nullopt;
    }
    if (negative) exponent = -exponent;
  }
  if (at != text.size()) return std::nullopt;

  number.digits.reserve(whole.size() + fraction.size());
  number.digits.append(whole).append(fraction);
  const std::size_t first = number.digits.find_first_not_of('0');
  if (first == std::string::npos) {
    number.digits.clear();
    return number;
  }
  const std::size_t trailing = number.digits.size() - 1 - number.digits.find_last_not_of('0');
  // Fields are bounded far below 2^31 bytes, so lengths fit an int.
  check(text.size() < std::size_t{1} << 30, "a number of a gigabyte");
  number.exponent = exponent - static_cast<int>(fraction.size()) + static_cast<int>(trailing);
  number.digits.resize(number.digits.size() - trailing);
  number.digits.erase(0, first);
  return number;
}

std::optional<Scaled> to_scale(const DecimalText& number, int scale) {
  check(scale >= 0 && scale <= kMaxScale, "scale out of range");
  Scaled result;
  if (number.digits.empty()) return result;
  const int shift = number.exponent + scale;
  if (shift >= 0) {
    const auto value = to_int64(number.negative, number.digits, static_cast<std::size_t>(shift), false);
    if (!value) return std::nullopt;
    result.value = *value;
    return result;
  }
  const auto dropped = static_cast<std::size_t>(-shift);
  const std::size_t size = number.digits.size();
  const std::size_t kept = size > dropped ? size - dropped : 0;
  std::string tail(dropped > size ? dropped - size : 0, '0');
  tail.append(number.digits, kept, std::string::npos);
  // Half away from zero looks at one digit only: everything from .5 on goes up.
  const bool up = tail.front() >= '5';
  if (up) {
    // The error is 1 - 0.tail. The last digit is not zero, so the ten's complement needs no carry.
    for (char& c : tail) c = static_cast<char>('0' + ('9' - c));
    tail.back() = static_cast<char>(tail.back() + 1);
  }
  const auto value = to_int64(number.negative, std::string_view(number.digits).substr(0, kept), 0, up);
  if (!value) return std::nullopt;
  result.value = *value;
  result.error_tail = std::move(tail);
  return result;
}

int largest_fitting_scale(const DecimalText& number) {
  if (number.digits.empty()) return kMaxScale;
  const auto whole_digits = static_cast<std::int64_t>(number.digits.size()) + number.exponent;
  if (whole_digits <= 0) return kMaxScale;
  if (whole_digits > static_cast<std::int64_t>(kMaxInt64Digits)) return -1;
  // 18 digits always fit; a 19th sometimes does.
  const int sure = kMaxScale - static_cast<int>(whole_digits);
  return to_scale(number, sure + 1) ? sure + 1 : sure;
}

std::string error_text(std::string_view tail, int scale) {
  if (tail.empty()) return "0";
  return "0." + std::string(static_cast<std::size_t>(scale), '0') + std::string(tail);
}

Result<Decimal> parse_decimal(std::string_view text) {
  const auto number = scan_decimal(text);
  if (!number) return fail(ErrorCode::malformed, "not a decimal number; wanted for example -12.50 or 1.5e3");
  const int scale = number->fraction_digits();
  if (scale > kMaxScale)
    return fail(ErrorCode::unsupported, "a number with ", scale, " decimals; at most ", kMaxScale, " are kept");
  const auto scaled = to_scale(*number, scale);
  if (!scaled)
    return fail(ErrorCode::unsupported, "a number too large for 64 bits at its ", scale,
                " decimals; write fewer digits");
  return Decimal{scaled->value, scale};
}

std::string format_decimal(Int128 unscaled, int scale) {
  check(scale >= 0, "negative scale");
  const bool negative = unscaled < 0;
  auto magnitude = static_cast<Uint128>(unscaled);
  if (negative) magnitude = 0 - magnitude;
  std::string reversed;
  for (int i = 0; magnitude != 0 || i <= scale; ++i) {
    if (i == scale && scale > 0) reversed += '.';
    reversed += static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
  }
  if (negative) reversed += '-';
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

std::string format_decimal(std::int64_t unscaled, int scale) { return format_decimal(Int128{unscaled}, scale); }

}  // namespace prism::table
