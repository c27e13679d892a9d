// prism/dp/parameters.h - epsilon and delta as exact numbers: what is charged, compared and added never drifts.
#pragma once
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "prism/base/check.h"
#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/rational.h"

namespace prism::dp {

/// Pure privacy loss in whole billionths: 0 (nothing; what is left of a spent budget) or more. Sums and differences are
/// exact; leaving [0, 2^63) is a broken invariant, so whoever subtracts compares first.
class Epsilon {
 public:
  static constexpr std::int64_t kNanos = 1'000'000'000;           ///< in epsilon 1
  static constexpr std::int64_t kMostParsed = 1'000'000'000'000;  ///< epsilon 1000: more protects nothing

  constexpr Epsilon() = default;
  /// A plain decimal such as "0.5" or "3": above 0, at most 1000, at most nine digits after the point. No sign,
  /// exponent or spaces. Else invalid_argument.
  static Result<Epsilon> parse(std::string_view decimal);
  /// 0 or more (a broken invariant otherwise).
  static constexpr Epsilon from_nano(std::int64_t nano) {
    if (nano < 0) check(false, "Epsilon: below zero");
    return Epsilon(nano);
  }
  constexpr std::int64_t nano() const { return nano_; }
  /// What parse() reads back: "0.5". For zero "0".
  std::string text() const;
  /// As a fraction in lowest terms.
  Rational rational() const;
  /// Doubles not below and not above.
  double value_up() const;
  double value_down() const;

  friend constexpr auto operator<=>(const Epsilon&, const Epsilon&) = default;
  friend constexpr Epsilon operator+(Epsilon a, Epsilon b) {
    if (a.nano_ > std::numeric_limits<std::int64_t>::max() - b.nano_) check(false, "Epsilon: a sum that does not fit");
    return Epsilon(a.nano_ + b.nano_);
  }
  friend constexpr Epsilon operator-(Epsilon a, Epsilon b) {
    if (a.nano_ < b.nano_) check(false, "Epsilon: a difference below zero");
    return Epsilon(a.nano_ - b.nano_);
  }

 private:
  constexpr explicit Epsilon(std::int64_t nano) : nano_(nano) {}
  std::int64_t nano_ = 0;
};

/// A probability in whole units of 2^-120, from 0 to 1. Sums stop at 1.
class Delta {
 public:
  static constexpr int kBits = 120;

  constexpr Delta() = default;
  /// "1e-5", "0.00001", "0": a decimal with an optional exponent, 0 or more and below 1, rounded down to a whole unit.
  /// At most 64 characters. Else invalid_argument.
  static Result<Delta> parse(std::string_view decimal);
  /// At most 2^120 (a broken invariant otherwise).
  static constexpr Delta from_units(Uint128 units) {
    if (units > kOne) check(false, "Delta: above one");
    return Delta(units);
  }
  /// The least Delta not below `probability`, which is in [0, 1] (a broken invariant otherwise).
  static Delta from_double_up(double probability);
  constexpr Uint128 units() const { return units_; }
  /// The least double not below.
  double value_up() const;
  double value_down() const;
  /// The shortest decimal that parse() reads back as the same units: "1e-5". For zero "0", for one "1".
  std::string text() const;

  friend constexpr auto operator<=>(const Delta&, const Delta&) = default;
  friend constexpr Delta operator+(Delta a, Delta b) {
    const Uint128 sum = a.units_ + b.units_;  // at most 2^121
    return Delta(sum < kOne ? sum : kOne);
  }
  /// `times` many of it: delta of so many releases.
  friend constexpr Delta operator*(Delta a, std::uint64_t times) {
    if (a.units_ == 0 || times == 0) return Delta();
    return a.units_ > kOne / times ? Delta(kOne) : Delta(a.units_ * times);
  }
  /// Not below zero (a broken invariant otherwise).
  friend constexpr Delta operator-(Delta a, Delta b) {
    if (a.units_ < b.units_) check(false, "Delta: a difference below zero");
    return Delta(a.units_ - b.units_);
  }

 private:
  static constexpr Uint128 kOne = Uint128{1} << kBits;
  constexpr explicit Delta(Uint128 units) : units_(units) {}
  Uint128 units_ = 0;
};

}  // namespace prism::dp
