// prism/dp/noise.h - exact integer noise: discrete Laplace and discrete Gaussian, with the same work for every draw.
//
// Discrete Laplace with scale t:     P(x) = (1 - q) / (1 + q) * q^|x|, q = exp(-1/t)
// Discrete Gaussian with variance v: P(x) proportional to exp(-x^2 / (2 v))   (Canonne, Kamath, Steinke 2020)
//
// Both are drawn in one form, x = sum_i m_i * T_i, with public multipliers m_i and independent small symmetric T_i,
// each found by comparing one 126-bit uniform number with every threshold of a table (kernels: draw_by_table). No
// rejection, no branch and no index depends on what is drawn, and no floating point takes part. README.md proves both
// sums:
//  - Laplace is the difference of two geometrics, whose digits to base 16 are independent: exact.
//  - Gaussian is x_0 + 2 or 4 times x_1 + ...: variances add up to v exactly, and smoothing bounds the error of the
//  shape.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/parameters.h"
#include "prism/dp/rational.h"
#include "prism/dp/seed.h"

namespace prism::dp {

/// One distribution, ready to be drawn from. Building costs well under a millisecond; copies share the tables.
/// Safe to use from several threads, each with streams of its own.
class Noise {
 public:
  enum class Kind { laplace, gaussian };
  /// One T_i with its m_i. `thresholds` {high, low}, 63 bits each, are 2^126 * P(|T_i| <= j), j = 0, 1, ..., to the
  /// nearest integer; a draw's magnitude is how many of them are not above its uniform number.
  struct Component {
    Int128 multiplier;
    std::vector<std::array<std::uint64_t, 2>> thresholds;
  };

  /// Scale above 0 and at most 2^100 (else invalid_argument). For sensitivity s and epsilon e the scale is s / e.
  static Result<Noise> laplace(const Rational& scale);
  /// Variance above 0 and at most 2^100 (else invalid_argument).
  static Result<Noise> gaussian(const Rational& variance);

  Kind kind() const;
  /// The scale of Laplace, the variance of Gaussian, in lowest terms.
  const Rational& parameter() const;

  /// One value: the next words_per_draw() words of the stream.
  Int128 draw(DrawStream& stream) const;
  /// As many draws in a row give the same values, slower.
  void draw(DrawStream& stream, std::span<Int128> out) const;
  /// No draw is larger in magnitude: below 2^110.
  Int128 largest() const;
  std::size_t words_per_draw() const;

  /// Total variation distance between what is drawn and the exact distribution, rounded up; at most 2^-100, mostly
  /// 2^-110. Counts cut tails, rounded thresholds and the Gaussian's shape.
  Delta truncation() const;
  /// What the distance adds to delta of a mechanism that is private with `epsilon` under exact noise, per draw:
  /// (1 + exp(epsilon)) * truncation(), rounded up, at most 1.
  Delta delta_of_truncation(Epsilon epsilon) const;

  double standard_deviation() const;
  /// P(|x| > h) of the exact distribution plus truncation(), rounded up; at most 1; 1 for h < 0.
  double tail_up(Int128 h) const;

  /// The tables, for tests and proofs.
  std::span<const Component> components() const;

 private:
  struct Tables;
  explicit Noise(std::shared_ptr<const Tables> tables);
  std::shared_ptr<const Tables> tables_;  ///< constant; owners: this and its copies
};

/// `laplace`, `gaussian`.
std::string_view name_of(Noise::Kind kind);

}  // namespace prism::dp
