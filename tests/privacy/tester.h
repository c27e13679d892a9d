// tests/privacy/tester.h - a stochastic privacy tester: finds an event that is too likely on one of two neighbours.
//
// Two datasets are answered many times. On one half of the answers an event is sought that separates them most, among
// many readings of an answer (the whole, one coordinate, coarse bins, differences, low bits); on the other half, which
// had no part in the choice, the probabilities of that event are bounded by Clopper and Pearson. If even so
//   P(event | D) > exp(epsilon) * P(event | D') + delta,
// the mechanism does not have the privacy it claims; a right one is accused with probability below kError. The same is
// done for the advantage of guessing which of the two it was, which (epsilon, delta) privacy bounds by
// (exp(epsilon) - 1 + 2 delta) / (exp(epsilon) + 1).
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "prism/dp/seed.h"
#include "tests/privacy/dataset.h"

namespace prism::privacy {

/// What an analyst sees: numbers in a fixed order. Doubles as their bits.
using Outcome = std::vector<std::int64_t>;

struct Mechanism {
  std::string name;
  double epsilon = 1, delta = 0;  ///< what it claims
  Domain domain{};
  std::function<Outcome(const Dataset&, const dp::NoiseSeed&)> run;
  bool doubles = false;             ///< outcomes are bits of doubles
  std::size_t samples = 0;          ///< per dataset; 0: the tester's
  std::vector<Neighbours> pairs{};  ///< tested before those of the domain
};

constexpr double kError = 1e-9;  ///< of a false accusation, per pair of datasets

struct Violation {
  std::string evidence;  ///< which event, its probabilities and what was permitted
};

/// Bounds of a probability, seen `hits` times in `trials`, each wrong with probability `error` (Clopper, Pearson 1934).
double clopper_pearson_low(std::uint64_t hits, std::uint64_t trials, double error);
double clopper_pearson_high(std::uint64_t hits, std::uint64_t trials, double error);

/// One pair, `samples` answers on each side. `number` chooses the seeds.
std::optional<Violation> test_pair(const Mechanism& mechanism, const Neighbours& pair, std::size_t samples,
                                   std::uint64_t number);

struct Effort {
  std::size_t datasets, pairs, samples;
};
/// All pairs, up to the first violation.
std::optional<Violation> test_mechanism(const Mechanism& mechanism, const Effort& effort);

}  // namespace prism::privacy
