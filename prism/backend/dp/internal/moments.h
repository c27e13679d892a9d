// prism/backend/dp/internal/moments.h - sums of a clamped column as Bernstein sums: one release for count, sum and
// squares, without a split of epsilon inside it.
//
// With y in [low, high] and W = high - low, a row adds to the numbers of degree d the d-th Bernstein polynomials,
// scaled to whole numbers:
//   degree 0   1
//   degree 1   y - low, high - y                                      together W
//   degree 2   (y - low)^2, 2 (y - low)(high - y), (high - y)^2       together W^2
// All are >= 0 and add up to W^d whatever y is, so the L1 norm of what a row adds is exactly W^d, and every number gets
// noise for the whole epsilon of the release. Count, sum and sum of squares are exact linear forms of them.
#pragma once
#include <gmpxx.h>

#include <array>
#include <cstdint>
#include <vector>

#include "prism/base/int128.h"
#include "prism/sql/finish.h"

namespace prism::backend::dp::internal {

/// Where the clamped values of a column, or the products of two, lie. Wider than a column's own 64 bits for products.
struct Range {
  Int128 low, high;
  bool operator==(const Range&) const = default;
};

mpz_class to_mpz(Int128 value);
/// Saturates.
Int128 to_int128(const mpz_class& value);

/// high - low. Both within 2^126.
Uint128 width_of(const Range& range);

/// The sums themselves, once they are known, are a linear form of the numbers of a release: sum of weight[i] number[i].
struct LinearForm {
  std::vector<mpq_class> weights;
  mpq_class of(const std::vector<mpz_class>& numbers) const;
};

/// rows with a value, sum of the values, sum of their squares (degree 2 alone), as forms of the degree + 1 numbers.
/// Degree 1 or 2, low < high.
struct MomentForms {
  LinearForm count, sum, square;
};
MomentForms moment_forms(const Range& range, int degree);

/// As a ratio of 128-bit integers: exactly when that fits, else rounded to a multiple of a power of two so small that
/// 120 bits remain, or saturated. Post-processing of noisy numbers, so rounding costs no privacy.
sql::Ratio to_ratio(const mpq_class& value);

}  // namespace prism::backend::dp::internal
