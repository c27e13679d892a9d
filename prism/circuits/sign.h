// prism/circuits/sign.h - the sign of real numbers under CKKS: -1 or 1 to a stated error, outside a dead zone around 0.
//
// Composite minimax polynomials (Lee-Lee-No 2020/834 after Cheon-Kim-Kim 2019/1234): each stage is the odd polynomial
// nearest to the sign function on what the stage before leaves. Compositions for dead zones of 2^-4 .. 2^-20 and
// errors of 2^-8 .. 2^-20 are searched for the least depth, then the fewest relinearisations, by
// tools/sign_polynomials.py; sign_test.cpp proves every one of them on the whole interval.
#pragma once
#include <vector>

#include "prism/circuits/polynomial.h"

namespace prism::circuits {

class Sign {
 public:
  struct Stage {
    Polynomial polynomial;
    double from;  ///< messages that keep their promise are in [from, 1] or [-1, -from] before this stage
  };
  /// For messages |x| <= range: error at most 2^-precision_bits where |x| >= range * 2^-dead_zone_bits. In the dead
  /// zone results are somewhere in [-1, 1], up to the error, and 0 at 0. A range other than 1 costs one level. Takes
  /// the shallowest composition that is at least as good; refuses (unsupported) more than 20 bits of either, naming
  /// what there is.
  static Result<Sign> make(int dead_zone_bits, int precision_bits, double range = 1);

  /// sign(x), or with `step` (sign(x) + 1)/2, depth() levels down, at the canonical scale. Messages are promised to be
  /// real, |x| <= range. The result's error bound holds where |x| is outside the dead zone; nothing wraps inside it:
  /// `stray`, when given, is set to how far results decrypt from [-1, 1] (a step: [0, 1]) at most, for any |x| <=
  /// range.
  Result<ckks::Ciphertext> sign(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x,
                                const rlwe::EvaluationKeys& keys, Cost* count = nullptr,
                                math::Bound* stray = nullptr) const;
  Result<ckks::Ciphertext> step(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x,
                                const rlwe::EvaluationKeys& keys, Cost* count = nullptr,
                                math::Bound* stray = nullptr) const;
  /// What the polynomials compute in the clear.
  double operator()(double x) const;

  const std::vector<Stage>& stages() const { return stages_; }
  double range() const { return range_; }
  /// The smallest |x| that is promised: range * 2^-bits, where bits may be more than asked for.
  double dead_zone() const { return range_ * stages_[0].from; }
  /// |sign(x) - result| of the polynomials; half of it for a step.
  double error() const { return error_; }
  int depth() const { return cost().levels; }
  Cost cost() const;
  static KeyList keys_needed(rlwe::Level argument) { return Polynomial::keys_needed(argument); }

 private:
  Result<ckks::Ciphertext> run(const ckks::Evaluator& evaluator, const ckks::Ciphertext& x,
                               const rlwe::EvaluationKeys& keys, bool step, Cost* count, math::Bound* stray) const;
  std::vector<Stage> stages_;
  std::vector<Polynomial> halved_;  ///< the last stage, divided by two
  double range_ = 1, error_ = 0;
};

/// The compositions there are, as (dead zone bits, precision bits).
std::vector<std::pair<int, int>> sign_compositions();

}  // namespace prism::circuits
