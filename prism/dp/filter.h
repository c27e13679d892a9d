// prism/dp/filter.h - a budget that queries are admitted into one by one, each chosen after seeing earlier answers.
//
// Fully adaptive: the analyst picks the next query, its mechanism and its epsilon from everything seen before, and all
// admitted together stay (epsilon, delta)-DP.
//   basic  admits while the sums of the claimed epsilons and deltas stay within the total (Rogers, Roth, Ullman and
//          Vadhan 2016, section 5).
//   zcdp   admits while the sum of rho stays within a bound fixed at the start, which converts to the total
//   (Whitehouse,
//          Ramdas, Rogers and Wu 2023, theorem 1 in its zCDP form; Feldman and Zrnic 2021). Half of delta pays for the
//          conversion, the other half for the deltas of events.
// All sums are exact integers: epsilon in billionths, delta in 2^-120, rho in 2^-64 (each charge rounded up). No
// sequence of roundings gives budget away, and what fits does not depend on the order of the charges.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "prism/dp/accountant.h"

namespace prism::dp {

/// What a query asks to charge: its events, and the (epsilon, delta) that calibrate.h chose them for.
struct Claim {
  std::span<const Event> events;
  Epsilon epsilon;
  Delta delta;
};

/// Whether the events prove the claim: the epsilons of pure, approximate and Laplace events, and what is left of the
/// claim covers the Gaussian and zCDP ones jointly. ErrorCode::mismatch otherwise. calibrate() passes always.
Status consistent(const Claim& claim);

class Filter {
 public:
  /// `method` is basic or zcdp: ErrorCode::unsupported for others, as no fully adaptive filter is known for them.
  /// zcdp wants delta > 0.
  static Result<Filter> make(Method method, Epsilon total, Delta delta);

  /// Whether the claim fits into what is left. Changes nothing. ErrorCode::quota says what is left;
  /// ErrorCode::mismatch when the events cost more than the claim says (see consistent()).
  Status fits(const Claim& claim) const;
  /// Charges the claim, or says why not and changes nothing.
  Status admit(const Claim& claim);
  /// Takes back what admit() charged, for a query that never touched data. ErrorCode::mismatch past zero.
  Status refund(const Claim& claim);

  Method method() const { return method_; }
  Epsilon total() const { return total_; }

  /// The largest pure query that would still be admitted; 0 when none would.
  Epsilon room() const;
  /// The largest delta that a query may still bring.
  Delta room_delta() const;
  /// What of the total is spent, rounded up; for zcdp, what the rho spent converts to. Never above the total.
  Epsilon spent() const;
  Delta spent_delta() const;
  /// "epsilon 1.25 and delta 3.1e-06 are left".
  std::string remaining() const;

 private:
  Filter() = default;
  struct Cost {
    Uint128 epsilon = 0;  ///< billionths, or rho in 2^-64
    Uint128 delta = 0;    ///< of 2^-120
  };
  Cost cost(const Claim& claim) const;

  Method method_ = Method::basic;
  Epsilon total_;
  Delta total_delta_;
  Cost limit_;
  Cost spent_;
};

}  // namespace prism::dp
