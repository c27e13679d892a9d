// prism/dp/pld.h - privacy loss distributions: the whole curve of a mechanism, composed by convolution.
//
// The privacy loss of an answer is log(P(answer) / Q(answer)) for neighbours P and Q, drawn from P. All mechanisms here
// have the same curve in both directions, so one distribution is enough.
//
// Losses live on a grid. Every step towards it is pessimistic: connecting the dots (Doroshenko, Ghazi, Kamath, Kumar
// and Manurangsi 2022) rounds a loss up or down at random so that the mean of exp(-loss) stays, which only makes P and
// Q easier to tell apart; upper tails go to infinity, lower tails move up. Convolution is direct, not by Fourier
// transform: sums of products of non-negative numbers keep their relative precision down to the smallest delta.
#pragma once
#include <cstdint>
#include <vector>

namespace prism::dp {

class PrivacyLoss {
 public:
  /// No privacy loss at all, on a grid of this step > 0.
  explicit PrivacyLoss(double step);

  /// Discrete Laplace noise between two centres `steps` >= 1 apart with scale steps / epsilon; one step is randomised
  /// response, which is worst among all epsilon-DP mechanisms.
  static PrivacyLoss laplace(double step, double epsilon, double steps);
  /// Continuous Gaussian noise with sigma = l2 / mu.
  static PrivacyLoss gaussian(double step, double mu);

  /// Both mechanisms, on one grid (a broken invariant otherwise).
  PrivacyLoss composed_with(const PrivacyLoss& other) const;
  /// This mechanism `count` >= 1 times, by squaring.
  PrivacyLoss repeated(std::uint64_t count) const;

  /// The least delta proven for this epsilon >= 0, and the other way round; rounded up. Infinity where there is none.
  double delta(double epsilon) const;
  double epsilon(double delta) const;

  double step() const { return step_; }
  /// Points of the grid in use; convolving two costs the product.
  std::size_t size() const { return mass_.size(); }
  double infinite_mass() const { return infinite_; }
  /// Total probability; 1 up to rounding.
  double total() const;

 private:
  /// A finite loss with its probability under P: split between the two nearest points.
  void add(double loss, double mass);
  /// Cuts what is too unlikely to matter at both ends.
  void trim();

  double step_;
  std::int64_t first_ = 0;    ///< mass_[i] sits at loss (first_ + i) step_
  std::vector<double> mass_;  ///< under P
  double infinite_ = 0;
};

}  // namespace prism::dp
