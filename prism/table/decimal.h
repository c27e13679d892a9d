// prism/table/decimal.h - decimal numbers as text, exact in both directions: no floating point anywhere.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/int128.h"
#include "prism/base/result.h"

namespace prism::table {

/// The largest number of decimals an int64 can carry beside one whole digit.
inline constexpr int kMaxScale = 18;

/// A number as somebody wrote it, of any length: (-1)^negative * digits * 10^exponent.
struct DecimalText {
  bool negative = false;
  std::string digits;   ///< no zeros at either end; empty for zero
  int exponent = 0;     ///< 0 for zero
  bool whole = true;    ///< written without point and without exponent
  bool padded = false;  ///< a leading plus or needless leading zeros: more likely an identifier than a number
  /// Digits after the point that matter: 2 for 1.25 and 1.2500, 0 for 1e5.
  int fraction_digits() const { return exponent < 0 ? -exponent : 0; }
};

/// [+-] digits [. digits] [e [+-] digits], with a digit on at least one side of the point and no spaces.
/// nullopt for anything else, and for exponents outside -999..999.
std::optional<DecimalText> scan_decimal(std::string_view text);

/// A number cut to a scale.
struct Scaled {
  std::int64_t value = 0;  ///< the number times 10^scale, rounded half away from zero
  /// |written - kept| as the digits after the scale-th decimal, without trailing zeros; empty when nothing was lost.
  /// Two of these at one scale compare like the errors they stand for.
  std::string error_tail;
};
/// nullopt when the result does not fit an int64. Scale in 0..kMaxScale.
std::optional<Scaled> to_scale(const DecimalText& number, int scale);
/// The largest scale in 0..kMaxScale at which the (rounded) number fits an int64; -1 when none does.
int largest_fitting_scale(const DecimalText& number);
/// "0.00000048" for tail "48" at scale 6; "0" for an empty tail.
std::string error_text(std::string_view tail, int scale);

/// unscaled * 10^-scale, exactly.
struct Decimal {
  std::int64_t unscaled = 0;
  int scale = 0;
  bool operator==(const Decimal&) const = default;
};
/// An exact literal at the smallest scale that holds it: 1.50 is {15, 1}, 1e3 is {1000, 0}.
/// malformed: not a number. unsupported: more than 18 decimals, or beyond an int64.
/// Messages never quote the text: it may be somebody's data.
Result<Decimal> parse_decimal(std::string_view text);

/// Always `scale` digits after the point: (-1250, 2) is "-12.50", (5, 3) is "0.005". Zero has no sign.
std::string format_decimal(std::int64_t unscaled, int scale);
std::string format_decimal(Int128 unscaled, int scale);

}  // namespace prism::table
