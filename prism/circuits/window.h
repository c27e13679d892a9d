// prism/circuits/window.h - sums of neighbouring slots: slot i becomes x_i + x_(i+s) + ... + x_(i+(n-1)s), cyclically
// in each row of N/2 slots, for any n and any step s, in about log n key switches.
//
// Every slot of the result holds the sum of its own window: partial sums over the data. Before the result goes to
// anyone who may not see those, use BlockSum (sums.h), which leaves the wanted sums only.
#pragma once
#include <vector>

#include "prism/circuits/cost.h"
#include "prism/circuits/key_list.h"
#include "prism/circuits/scheme.h"

namespace prism::circuits {

/// How a window is built up: with radix r, n is written in base r and handled digit by digit from the top, W(rm + d) =
/// the sum of r rotations of W(m) and d rotations of the operand. Each digit costs a decomposition and a division of
/// both parts, each rotation a key and a switch. Radix 2 needs the fewest keys (log2 n for a power of two); 4 needs
/// half as many transforms for half as many keys again.
class WindowPlan {
 public:
  /// n >= 1, |step| * n < 2^31; 2 <= radix <= 16 (checked).
  WindowPlan(std::size_t n, int step = 1, unsigned radix = 2);
  std::size_t size() const { return n_; }

  KeyList keys_needed(const rlwe::Parameters& parameters, rlwe::Level level) const;
  Cost cost(const rlwe::Parameters& parameters) const;
  /// No level is used. not_found names a missing key. The rotations of one digit are added up before their
  /// only division (Halevi-Shoup 2018/244 section 4). The bound: n times the operand's error, and that of each switch
  /// times how often it counts.
  template <class Evaluator>
  Result<CiphertextOf<Evaluator>> apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                        const rlwe::EvaluationKeys& keys, Cost* spent = nullptr) const;
  /// `out` is not `a`.
  template <class Evaluator>
  Status apply(CiphertextOf<Evaluator>& out, const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
               const rlwe::EvaluationKeys& keys, ring::Workspace& workspace, Cost* spent = nullptr) const;

 private:
  /// W(next) = sum of W(m) rotated by `of_window` + sum of the operand rotated by `of_operand`.
  struct Stage {
    std::vector<int> of_window, of_operand;
  };
  std::size_t n_;
  std::vector<Stage> stages_;
};

}  // namespace prism::circuits
