// prism/circuits/polynomial.h - a real polynomial, ready to be evaluated on CKKS ciphertexts.
//
// Every constant is encoded at the scale that makes the sum it belongs to exact (Bossuat-Mouchet-Troncoso-Hubaux
// 2020/1203, section 3.2), so scales are equal, never nearly equal, and the result has the canonical scale of its
// level.
#pragma once
#include <span>
#include <vector>

#include "prism/circuits/chebyshev.h"
#include "prism/circuits/key_list.h"
#include "prism/circuits/polynomial_plan.h"
#include "prism/ckks/evaluator.h"

namespace prism::circuits {

class Polynomial {
 public:
  /// sum c_k x^k. Bounds are those of |x| as declared: good near 0, hopeless for high degrees where |x| > 1.
  static Result<Polynomial> monomial(std::vector<double> coefficients);
  /// sum c_k T_k(y), y = (2x - low - high)/(high - low). Any interval but [-1, 1] costs one level more.
  /// Both refuse (invalid_argument) coefficients that are not finite or above 2^200, degrees of 0 and above 4095; zeros
  /// at the end are dropped.
  static Result<Polynomial> chebyshev(std::vector<double> coefficients, Interval interval = {});
  static Result<Polynomial> chebyshev(const ChebyshevApproximation& approximation) {
    return chebyshev(approximation.coefficients, approximation.interval);
  }

  Basis basis() const { return plan_.shape().basis; }
  std::uint32_t degree() const { return plan_.shape().degree; }
  Interval interval() const { return interval_; }
  const std::vector<double>& coefficients() const { return coefficients_; }
  /// How it is evaluated; counts of products are exact when no coefficient of the parity is zero.
  const PolynomialPlan& plan() const { return plan_; }
  /// Levels: ceil(log2(degree + 1)), and one for an interval.
  int depth() const { return plan_.depth() + (mapped() ? 1 : 0); }
  Cost cost() const;
  bool mapped() const { return basis() == Basis::chebyshev && interval_ != Interval{}; }
  /// The relinearisation key, at the level of the argument.
  static KeyList keys_needed(rlwe::Level argument);
  double operator()(double x) const;
  /// An upper bound on |p| over the interval; Chebyshev only (monomials: infinity).
  double largest() const { return largest_; }

 private:
  friend class PolynomialCircuit;
  /// What a node of the plan computes.
  struct Piece {
    std::vector<double> coefficients;  ///< leaves: of the sum
    double largest = 0, slope = 0;     ///< |piece| <= largest + distance * slope * chebyshev_growth(degree, distance)
    double rounding = 0;               ///< sum of what dividing coefficients in double precision may have lost
  };
  static Result<Polynomial> make(std::vector<double> coefficients, Basis basis, Interval interval);
  void split(std::uint32_t node, std::vector<double> coefficients);

  PolynomialPlan plan_;
  Interval interval_;
  std::vector<double> coefficients_, first_, second_;  // and the derivatives by y
  std::vector<Piece> pieces_;
  double largest_ = std::numeric_limits<double>::infinity();
};

struct PolynomialOptions {
  /// Where in the interval messages are promised to be; empty: anywhere. Smaller error bounds where the polynomial is
  /// flat there (sign functions). Chebyshev only.
  std::vector<Interval> promised;
  /// |function - polynomial| where messages are: counted as error, so that the result's bound is about the function.
  double approximation_error = 0;
  /// For compositions, whose later stages may meet what kept no promise: how far the argument decrypts from the
  /// interval at most, whatever was promised (null: its error). Set to the same for the result. All roundings are
  /// bounded for such arguments, so that nothing wraps.
  math::Bound* stray = nullptr;
  /// What is done is added to it, when given.
  Cost* count = nullptr;
};

/// p(x), depth() levels below x, at the canonical scale. For Chebyshev series every message of x must be real and in
/// the interval: that is the caller's word, and what comes of other values is neither near p(x) nor covered by the
/// bound. level_exhausted when x has too few levels.
///
/// The bound: let v = m + e be what x decrypts to, |e| <= error of x. The circuit computes p at v, so its own roundings
/// are bounded on v without e, with |T_k(v)| <= T_k(1 + |e|), and |p(v) - p(m)| <= |e| * (largest |p'| where messages
/// are + |e| * largest |p''| nearby). Magnitude: the largest |p| over the interval, which is proven (chebyshev.h).
Result<ckks::Ciphertext> evaluate(const ckks::Evaluator& evaluator, const Polynomial& polynomial,
                                  const ckks::Ciphertext& x, const rlwe::EvaluationKeys& keys,
                                  const PolynomialOptions& options = {});

}  // namespace prism::circuits
