// prism/dp/event.h - what one release of noisy answers costs, in the terms an accountant can add up.
//
// An event is a promise about a mechanism and any pair of neighbours. It holds public parameters only, all of them
// exact, so that ledgers can store it, hash it and recompute every total from it:
//   pure         epsilon-DP, whatever the mechanism.
//   approximate  (epsilon, delta)-DP, whatever the mechanism.
//   laplace      discrete Laplace noise, P(x) ~ exp(-|x| / scale), on integers whose L1 sensitivity is `sensitivity`,
//                in one coordinate or many (README.md proves that one coordinate is the worst case).
//   gaussian     discrete Gaussian noise, P(x) ~ exp(-x^2 / (2 variance)), on integers whose squared L2 sensitivity is
//                `l2_squared`, in one coordinate or many.
//   zcdp         rho-zCDP outside an event of probability delta (Bun and Steinke 2016, definition 8.1).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/parameters.h"
#include "prism/dp/rational.h"

namespace prism::dp {

class Event {
 public:
  enum class Kind : std::uint8_t { pure = 1, approximate = 2, laplace = 3, gaussian = 4, zcdp = 5 };
  /// Scales, variances and sensitivities are below 2^120, counts at most 2^32, rho at most 10^6.
  static constexpr std::uint64_t kMostCount = std::uint64_t{1} << 32;
  static constexpr std::int64_t kMostRho = 1'000'000;

  static Event pure(Epsilon epsilon);
  static Event approximate(Epsilon epsilon, Delta delta);
  /// ErrorCode::invalid_argument when a number is not positive or past its bound; so the two below.
  static Result<Event> laplace(const Rational& scale, Int128 sensitivity);
  static Result<Event> gaussian(const Rational& variance, Int128 l2_squared);
  static Result<Event> zcdp(const Rational& rho, Delta delta);

  /// The same event `count` times (of independent noise each time). ErrorCode::invalid_argument past the bound.
  Result<Event> times(std::uint64_t count) const;
  /// The same event with another count, 1 to kMostCount (a broken invariant otherwise).
  Event with_count(std::uint64_t count) const;

  Kind kind() const { return kind_; }
  std::uint64_t count() const { return count_; }
  /// pure and approximate; 0 for others.
  Epsilon epsilon() const { return epsilon_; }
  /// approximate and zcdp; 0 for others.
  Delta delta() const { return delta_; }
  /// The scale (laplace), the variance (gaussian) or rho (zcdp) in lowest terms; 0 for others.
  const Rational& parameter() const { return parameter_; }
  /// The L1 sensitivity (laplace) or the squared L2 sensitivity (gaussian); 0 for others.
  Int128 sensitivity() const { return sensitivity_; }

  bool operator==(const Event&) const = default;

 private:
  Event() = default;

  Kind kind_ = Kind::pure;
  std::uint64_t count_ = 1;
  Epsilon epsilon_;
  Delta delta_;
  Rational parameter_;
  Int128 sensitivity_ = 0;
};

/// Events that one query charges are few.
inline constexpr std::size_t kMostEvents = 4096;

/// One sequence of bytes for one list (version 1); what ledgers store and hash.
/// ErrorCode::invalid_argument for more than kMostEvents.
Result<Bytes> encode_events(std::span<const Event> events);
/// Reads nothing but what encode_events writes: ErrorCode::malformed for another order, an unreduced fraction, a number
/// out of bounds or bytes that are left over; ErrorCode::unsupported for a later version.
Result<std::vector<Event>> decode_events(ByteView bytes);

}  // namespace prism::dp
