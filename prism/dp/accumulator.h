// prism/dp/accumulator.h - sums of private integers that cannot overflow and do not know the order of their terms.
//
// A sum that saturates after every step depends on the order of its terms: most + 1 - 1 is one less than most. So one
// row can move the answer by far more than its own size (Casacuberta, Shoemate, Vadhan, Wagaman 2022), and sensitivity
// is lost. Here the running sum is 256 bits wide, which no 2^128 terms can fill, and is brought into 128 bits once, at
// the end. Clamping moves two numbers closer or leaves their distance, so sensitivity holds for what comes out.
#pragma once
#include <cstdint>

#include "prism/base/int128.h"

namespace prism::dp {

inline constexpr Int128 kInt128Most = static_cast<Int128>(~Uint128{0} >> 1);
inline constexpr Int128 kInt128Least = -kInt128Most - 1;

/// value brought into [low, high]; low <= high. No branch.
constexpr Int128 clamp_to(Int128 value, Int128 low, Int128 high) {
  const Int128 above_low = value < low ? low : value;
  return above_low > high ? high : above_low;
}

/// The exact sum of up to 2^128 terms. The same instructions for every term.
class Accumulator {
 public:
  constexpr void add(Int128 term) {
    const Uint128 bits = static_cast<Uint128>(term);
    low_ += bits;
    high_ += static_cast<Uint128>(low_ < bits) + static_cast<Uint128>(term >> 127);
  }
  /// Adds all terms of `other`.
  constexpr void add(const Accumulator& other) {
    low_ += other.low_;
    high_ += static_cast<Uint128>(low_ < other.low_) + other.high_;
  }
  /// The sum, brought into [-2^127, 2^127).
  constexpr Int128 total() const {
    const Uint128 sign = static_cast<Uint128>(static_cast<Int128>(high_) >> 127);
    const Uint128 low_sign = static_cast<Uint128>(static_cast<Int128>(low_) >> 127);
    const Uint128 fits = Uint128{0} - static_cast<Uint128>((high_ == sign) & (low_sign == sign));
    const Uint128 edge = static_cast<Uint128>(kInt128Most) ^ sign;  // the most for a positive sum, the least otherwise
    return static_cast<Int128>((fits & low_) | (~fits & edge));
  }
  friend constexpr bool operator==(const Accumulator&, const Accumulator&) = default;

 private:
  Uint128 low_ = 0, high_ = 0;  ///< the sum in two's complement, 256 bits
};

}  // namespace prism::dp
