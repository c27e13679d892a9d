// prism/dp/sparse_vector.h - the sparse vector technique: of many counts, which are above a threshold; only those are
// paid.
//
// Variant 1 of Lyu, Su, Li 2017 ("Understanding the sparse vector technique for differential privacy", algorithm 1) on
// integers, with exact discrete Laplace noise: one noise on the threshold for the whole search, fresh noise of its own
// on every value, no number released, and an end after the agreed number of positive answers. Each of these four
// matters: the published variants 3 to 6 lack one and are not private.
//
// Why discrete noise is enough: given the noise of the values, the threshold's noise moved by the sensitivity turns the
// answers of one dataset below the threshold into those of its neighbour at a price of exp(epsilon_1), and each value
// answered "above" moves by twice the sensitivity at exp(epsilon_2 / most_above): sums over integers instead of
// integrals.
#pragma once
#include <cstdint>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/noise.h"
#include "prism/dp/parameters.h"
#include "prism/dp/seed.h"

namespace prism::dp {

class SparseVector {
 public:
  struct Options {
    Epsilon epsilon;               ///< of the whole search
    std::int64_t sensitivity = 1;  ///< one unit changes each value by at most this; at least 1. Thresholds are public
    std::uint64_t most_above = 1;  ///< the search ends after so many answers "above"; at least 1, at most 2^20
    std::uint64_t most_values =
        1024;                ///< or after so many values; at least 1, at most 2^32. Costs nothing but truncation
    bool monotonic = false;  ///< one unit changes all values in the same direction: half the noise on values
  };
  /// invalid_argument: a number outside its range, or an epsilon that would need a scale above 2^100.
  static Result<SparseVector> make(const Options& options);

  /// One search, answering value after value; values may be chosen after seeing earlier answers.
  class Search {
   public:
    /// Whether value + noise >= threshold + noise. Values and thresholds beyond 2^120 in magnitude count as that. The
    /// same work for every value. refused: the search has ended.
    Result<bool> above(Int128 value, Int128 threshold);
    bool ended() const { return above_left_ == 0 || values_left_ == 0; }

   private:
    friend class SparseVector;
    Search(const SparseVector& of, DrawStream& stream);
    Noise value_noise_;
    DrawStream* stream_;
    Int128 threshold_noise_;
    std::uint64_t above_left_, values_left_;
  };
  /// Begins a search with noise from `stream`, which outlives it. A second search from an equal stream would repeat the
  /// noise.
  Search start(DrawStream& stream) const { return Search(*this, stream); }

  const Noise& threshold_noise() const { return threshold_noise_; }
  const Noise& value_noise() const { return value_noise_; }
  /// What cut tails add to delta over a whole search, rounded up.
  Delta delta_of_truncation() const;

 private:
  SparseVector(const Options& options, Noise threshold_noise, Noise value_noise)
      : options_(options), threshold_noise_(std::move(threshold_noise)), value_noise_(std::move(value_noise)) {}
  Options options_;
  Noise threshold_noise_, value_noise_;
};

}  // namespace prism::dp
