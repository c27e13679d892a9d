// prism/ckks/internal/wide_gaussian.h - integers from a discrete Gaussian as wide as asked, made of narrow ones: no
// floating point, no table that grows, no branch on what is drawn.
//
// Convolution (Micciancio-Peikert 2013/069, Theorem 3.3; as a sampler Micciancio-Walter 2017/259, section 4): for
// independent x1, x2 of width sigma on the integers and coprime z1 >= z2 with sigma >= sqrt(2) z1 eta, z1*x1 + z2*x2 is
// within a few 2^-128 of the discrete Gaussian of width sigma*sqrt(z1^2 + z2^2), where eta = sqrt(ln(2(1 + 2^128)) / (2
// pi^2)) = 2.13 is the smoothing parameter of the integers for 2^-128 in units of the standard deviation. Here z2 =
// max(1, z1 - 1). Widths square from step to step: 2^50 takes 128 narrow draws.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "prism/base/int128.h"
#include "prism/ring/sampler.h"

namespace prism::ckks {

class WideGaussian {
 public:
  static constexpr double kMostLog2 = 100;
  /// Of a standard deviation between 2^log2_sigma and twice that; log2_sigma at most kMostLog2 (checked).
  explicit WideGaussian(double log2_sigma);
  /// What it really is.
  double log2_sigma() const { return log2_sigma_; }
  /// Narrow draws (ring::gaussian) for one of these.
  std::size_t draws() const { return std::size_t{1} << steps_.size(); }
  /// Independent values, from streams 0, 1, ... of the seed, which must be used for nothing else. Below 2^(8 +
  /// log2_sigma) in size for certain.
  void fill(std::span<Int128> out, const ring::SecretSeed& seed) const;

 private:
  std::vector<std::uint64_t> steps_;  ///< z1 of each convolution
  double log2_sigma_;
};

}  // namespace prism::ckks
