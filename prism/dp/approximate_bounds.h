// prism/dp/approximate_bounds.h - where the values of a column lie, found privately, when nobody has declared bounds.
//
// A histogram over the signed powers of two, discrete Laplace noise on every bin, and a threshold that noise alone
// passes anywhere with at most the stated probability: the bounds are the outer edges of the first and the last bin
// that reach it. Values outside are clamped by the caller. Spends its epsilon whether or not bounds are found.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/noise.h"
#include "prism/dp/parameters.h"
#include "prism/dp/seed.h"

namespace prism::dp {

class ApproximateBounds {
 public:
  struct Bounds {
    std::int64_t low = 0, high = 0;  ///< low <= high
    friend bool operator==(const Bounds&, const Bounds&) = default;
  };
  /// Bin 64 holds 0; bin 64 + k the values with k significant bits, 2^(k-1) to 2^k - 1; bin 64 - k their negatives; bin
  /// 0 the least int64 alone.
  static constexpr std::size_t kBins = 128;
  using Histogram = std::array<std::uint64_t, kBins>;
  static std::size_t bin_of(std::int64_t value);
  /// The least and the greatest value of a bin.
  static Bounds edges(std::size_t bin);

  /// `rows_per_unit`: values one unit adds, at least 1. `failure`: probability, in (0, 1), that some empty bin is taken
  /// for a full one. invalid_argument otherwise, or when epsilon is zero.
  static Result<ApproximateBounds> make(Epsilon epsilon, std::uint64_t rows_per_unit, double failure = 1e-3);

  /// Counts per bin; 128 draws from the stream. Nothing when no bin reaches the threshold: too few values for the
  /// epsilon.
  std::optional<Bounds> find(const Histogram& counts, DrawStream& stream) const;

  /// A noisy bin counts from here on. A bin of twice as many values is missed with probability below `failure`.
  Int128 threshold() const { return threshold_; }
  const Noise& noise() const { return noise_; }
  /// What cut tails add to delta, rounded up.
  Delta delta_of_truncation() const;

 private:
  ApproximateBounds(Epsilon epsilon, Noise noise, Int128 threshold)
      : epsilon_(epsilon), noise_(std::move(noise)), threshold_(threshold) {}
  Epsilon epsilon_;
  Noise noise_;
  Int128 threshold_;
};

}  // namespace prism::dp
