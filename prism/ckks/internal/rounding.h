// prism/ckks/internal/rounding.h - between doubles and 128-bit integers, without a branch on either.
#pragma once
#include <cmath>
#include <cstdint>

#include "prism/base/int128.h"

namespace prism::ckks {

/// round(x * 2^60) for |x| < 2^61: exact but for the last rounding. Callers scale by 2^(k - 60) first.
inline Int128 round_times_2_60(double x) {
  const double whole = std::nearbyint(x);  // not floor: the difference must be exact for small negatives, too
  const double rest = std::nearbyint((x - whole) * 0x1p60);
  return static_cast<Int128>(static_cast<std::int64_t>(whole)) * (Int128{1} << 60) + static_cast<std::int64_t>(rest);
}

/// The double nearest to v, up to two roundings.
inline double to_double(Int128 v) {
  constexpr std::int64_t kMask = (std::int64_t{1} << 40) - 1;
  const auto low = static_cast<std::int64_t>(v) & kMask, middle = static_cast<std::int64_t>(v >> 40) & kMask;
  const auto high = static_cast<std::int64_t>(v >> 80);
  return (static_cast<double>(high) * 0x1p80 + static_cast<double>(middle) * 0x1p40) + static_cast<double>(low);
}

}  // namespace prism::ckks
