// prism/dp/exponential.h - the exponential mechanism: one of many candidates, the likelier the less it loses.
//
// McSherry, Talwar 2007, with whole-number losses and without floating point: a candidate of loss l is chosen with
// probability proportional to multiplicity * exp(-epsilon * l / range), where one privacy unit changes the losses of
// all candidates by amounts that lie within `range` of one another (twice the sensitivity in general, once when all
// losses move the same way: Dong, Durfee, Rogers 2020, "bounded range"). That is pure epsilon privacy, and by their
// bounded range epsilon^2 / 8 of zCDP (Cesar, Rogers 2021).
//
// Weights are fixed-point numbers of 255 bits after the point, products of table entries for the base-16 digits of the
// loss; they are within 2^-240 of the exact ones and the best candidate weighs one, so what is drawn is within 2^-130
// of the exact distribution when multiplicities add up to less than 2^100. delta_of_truncation() says what that costs.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/parameters.h"
#include "prism/dp/rational.h"
#include "prism/dp/seed.h"

namespace prism::dp {

/// `multiplicity` candidates of the same loss, side by side.
struct Candidate {
  Int128 loss = 0;                 ///< at least 0, below 2^126
  std::uint64_t multiplicity = 1;  ///< 0: is never chosen
};

class ExponentialMechanism {
 public:
  /// `rate`: epsilon / range, the loss of probability per unit of loss; above 0 and at most 2^20, members at most 2^120
  /// (else invalid_argument). `epsilon`: what the caller charges, for delta_of_truncation().
  static Result<ExponentialMechanism> make(const Rational& rate, Epsilon epsilon);

  struct Choice {
    std::size_t candidate = 0;  ///< index into the list
    std::uint64_t offset = 0;   ///< which of its multiplicity, uniform
  };
  /// 11 words of the stream. At least one candidate has a multiplicity above 0 (a broken invariant otherwise); at most
  /// 2^32 candidates. The same instructions and memory for every list of that length.
  Choice choose(std::span<const Candidate> candidates, DrawStream& stream) const;

  /// The smallest loss l with candidates * exp(-rate * l) <= probability: with candidates of multiplicity one of which
  /// one loses nothing, the chance to choose one that loses l or more is at most `probability`, in (0, 1).
  Int128 loss_margin(double candidates, double probability) const;

  const Rational& rate() const;
  /// (1 + exp(epsilon)) * 2^-130, rounded up.
  Delta delta_of_truncation() const;

 private:
  struct Tables;
  explicit ExponentialMechanism(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}
  std::shared_ptr<const Tables> tables_;  ///< constant, shared by copies
};

}  // namespace prism::dp
