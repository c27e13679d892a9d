// tests/privacy/mechanisms.h - mechanisms that are private, and mechanisms that only claim to be.
#pragma once
#include <cstdint>
#include <vector>

#include "prism/dp/noise.h"
#include "tests/privacy/tester.h"

namespace prism::privacy {

/// Must pass: what dp/ offers, and textbook forms built from its noise.
std::vector<Mechanism> private_mechanisms();
/// Must be rejected: each repeats a mistake that was made in practice or is easy to make.
std::vector<Mechanism> broken_mechanisms();

// -- small words for both lists

dp::Noise laplace(std::int64_t numerator, std::int64_t denominator = 1);
dp::Noise gaussian(std::int64_t numerator, std::int64_t denominator = 1);
std::int64_t count(const Dataset& data);
/// Of values brought into [low, high].
std::int64_t clamped_sum(const Dataset& data, std::int64_t low, std::int64_t high);
/// One draw of stream number `draw`; for values that fit.
std::int64_t drawn(const dp::Noise& noise, const dp::NoiseSeed& seed, std::uint64_t draw);

/// A unit with one row of value 1, or no unit at all.
Neighbours one_or_none();

/// The sparse vector technique as published, in the numbering of Lyu, Su, Li 2017 (figure 1): 1 and 2 are private, 3, 5
/// and 6 are not. Queries have sensitivity 1 and thresholds are 0.
class SparseVariant {
 public:
  struct Answers {
    std::vector<bool> above;
    std::int64_t released = 0;  ///< variant 3: the noisy value of the last answer "above"
  };
  SparseVariant(int variant, std::int64_t epsilon, std::int64_t most_above);
  Answers ask(const std::vector<std::int64_t>& queries, const dp::NoiseSeed& seed) const;

 private:
  int variant_;
  std::int64_t most_above_;
  dp::Noise threshold_noise_, value_noise_;
};

}  // namespace prism::privacy
