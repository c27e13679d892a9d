#include <gmpxx.h>

#include <algorithm>

#include "prism/backend/dp/answer.h"
#include "prism/backend/dp/internal/error_bars.h"

namespace prism::backend::dp {
namespace {

mpz_class power_of_ten(int n) {
  mpz_class out;
  mpz_ui_pow_ui(out.get_mpz_t(), 10, static_cast<unsigned long>(n));
  return out;
}

/// A decimal number as a fraction; absent for NULL and text.
std::optional<mpq_class> fraction(const table::Cell& cell) {
  const auto* number = std::get_if<table::Number>(&cell);
  if (number == nullptr) return std::nullopt;
  std::string digits = number->text;
  const std::size_t point = digits.find('.');
  mpz_class scale = 1;
  if (point != std::string::npos) {
    scale = power_of_ten(static_cast<int>(digits.size() - point - 1));
    digits.erase(point, 1);
  }
  mpq_class out(mpz_class(digits, 10), scale);
  out.canonicalize();
  return out;
}

/// Places after the point that leave two digits of a half width (fewer when it is a whole number of them anyway).
int places_for(const mpq_class& half) {
  if (sgn(half) <= 0) return 20;
  int places = 0;
  mpq_class v = half;
  while (v < 10 && places < 20) {
    v *= 10;
    ++places;
  }
  return places;
}

std::string nearest_text(const mpq_class& value, int places) {
  const mpq_class half(1, mpz_class(2 * power_of_ten(places)));
  return sgn(value) < 0 ? internal::decimal_text(value - half, places, true)
                        : internal::decimal_text(value + half, places, false);
}

int places_of(const std::string& text) {
  const std::size_t point = text.find('.');
  return point == std::string::npos ? 0 : static_cast<int>(text.size() - point - 1);
}

}  // namespace

table::ResultTable readable(const Answer& answer) {
  table::ResultTable out;
  const std::size_t columns = answer.table.columns.size();
  std::vector<bool> noisy(columns, false);
  for (const auto& row : answer.intervals) {
    for (std::size_t k = 0; k < columns; ++k) noisy[k] = noisy[k] || row[k].has_value();
  }
  for (std::size_t k = 0; k < columns; ++k) {
    out.columns.push_back(answer.table.columns[k]);
    if (noisy[k]) out.columns.push_back({"± " + answer.table.columns[k].name, table::ColumnType::text});
  }
  for (std::size_t i = 0; i < answer.table.rows.size(); ++i) {
    std::vector<table::Cell> cells;
    for (std::size_t k = 0; k < columns; ++k) {
      const table::Cell& cell = answer.table.rows[i][k];
      const auto& interval = answer.intervals[i][k];
      if (!noisy[k]) {
        cells.push_back(cell);
        continue;
      }
      const auto value = fraction(cell);
      const auto low = interval ? fraction(interval->low) : std::nullopt;
      const auto high = interval ? fraction(interval->high) : std::nullopt;
      if (!value || !low || !high) {
        cells.push_back(cell);
        std::string text;
        if (interval) {
          const auto end = [](const table::Cell& c) {
            if (const auto* number = std::get_if<table::Number>(&c)) return number->text;
            if (const auto* day = std::get_if<std::string>(&c)) return *day;
            return std::string("?");
          };
          text = end(interval->low) + " to " + end(interval->high);
        }
        cells.push_back(text);
        continue;
      }
      const std::string& exact = std::get<table::Number>(cell).text;
      const int places = std::min(places_of(exact), places_for(std::max(*value - *low, *high - *value)));
      const std::string shown = nearest_text(*value, places);
      cells.push_back(table::Number{shown});
      // From the number that is shown, so that both ends lie within what people read. Rounding it may have passed an
      // end.
      const mpq_class center = *fraction(cells.back());
      const mpq_class below = std::max(mpq_class(0), mpq_class(center - *low));
      const mpq_class above = std::max(mpq_class(0), mpq_class(*high - center));
      const std::string left = internal::decimal_text(below, places, true);
      const std::string right = internal::decimal_text(above, places, true);
      // One number when both sides reach equally far up to one unit of the last digit, unless it would say that what
      // cannot be negative could be.
      const mpq_class left_shown = *fraction(table::Number{left}), right_shown = *fraction(table::Number{right});
      const mpq_class further = std::max(left_shown, right_shown);
      const bool alike = (further - std::min(left_shown, right_shown)) * power_of_ten(places) <= 1;
      const bool below_zero = sgn(*low) >= 0 && further > center && left_shown != further;
      if (alike && !below_zero) {
        cells.push_back(left_shown < right_shown ? right : left);
      } else {
        cells.push_back("-" + left + " +" + right);
      }
    }
    out.rows.push_back(std::move(cells));
  }
  return out;
}

}  // namespace prism::backend::dp
