#include "prism/table/internal/inference.h"

#include <algorithm>
#include <array>

#include "prism/table/date.h"

namespace prism::table {

bool is_null_token(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kTokens = {"NA", "N/A", "NULL", "null", "NaN"};
  return text.size() <= 4 && std::find(kTokens.begin(), kTokens.end(), text) != kTokens.end();
}

void TypeInference::see(const CsvField& field) {
  if (field.text.empty()) return;
  // Only decimals need more than a decision that already fell.
  const bool wants_scale = wanted_.type == ColumnType::decimal && !wanted_.scale;
  if (!wants_scale && (texts_ != 0 || wanted_.type || wanted_.scale)) return;
  if (is_null_token(field.text)) return;
  const auto number = scan_decimal(field.text);
  if (!number) {
    ++(parse_date(field.text) ? dates_ : texts_);
    return;
  }
  ++(number->padded ? identifiers_ : number->whole ? whole_numbers_ : other_numbers_);
  fraction_digits_ = std::max(fraction_digits_, number->fraction_digits());
  fitting_scale_ = std::min(fitting_scale_, largest_fitting_scale(*number));
}

TypeInference::Decision TypeInference::decide() const {
  const int scale = std::clamp(fraction_digits_, 1, kMaxInferredScale);
  if (wanted_.scale) {
    if (*wanted_.scale == 0) return {ColumnType::integer, 0, {}};
    return {ColumnType::decimal, *wanted_.scale, {}};
  }
  if (wanted_.type) return {*wanted_.type, *wanted_.type == ColumnType::decimal ? scale : 0, {}};

  const std::uint64_t numbers = whole_numbers_ + other_numbers_ + identifiers_;
  if (texts_ != 0 || (numbers != 0) == (dates_ != 0)) return {ColumnType::text, 0, {}};
  if (dates_ != 0) return {ColumnType::date, 0, {}};
  if (identifiers_ != 0)
    return {ColumnType::text, 0,
            "numbers with leading zeros or a plus; kept as text, type integer or decimal overrides"};
  if (fitting_scale_ < 0) return {ColumnType::text, 0, "numbers beyond 64 bits; kept as text"};
  if (other_numbers_ == 0) return {ColumnType::integer, 0, {}};
  if (fitting_scale_ < scale)
    return {ColumnType::text, 0,
            "numbers beyond 64 bits at " + std::to_string(scale) + " decimals; kept as text, scale " +
                std::to_string(fitting_scale_) + " or less overrides"};
  return {ColumnType::decimal, scale, {}};
}

}  // namespace prism::table
