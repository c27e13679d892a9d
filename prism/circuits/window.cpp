#include "prism/circuits/window.h"

#include "prism/circuits/internal/rotations.h"

namespace prism::circuits {

WindowPlan::WindowPlan(std::size_t n, int step, unsigned radix) : n_(n) {
  check(n >= 1 && radix >= 2 && radix <= 16, "a window has values, and a radix from 2 to 16");
  const auto reach = static_cast<std::uint64_t>(step < 0 ? -static_cast<std::int64_t>(step) : step) * n;
  check(n < std::size_t{1} << 31 && reach < std::uint64_t{1} << 31, "a window reaches less than 2^31 slots");
  std::vector<std::size_t> digits;
  for (std::size_t rest = n; rest != 0; rest /= radix) digits.push_back(rest % radix);
  const auto rotation = [step](std::size_t slots) { return step * static_cast<int>(slots); };
  std::size_t window = 1;  // before the top digit the window is the operand itself
  for (std::size_t i = digits.size(); i-- > 0;) {
    Stage stage;
    const bool top = i + 1 == digits.size();
    if (top) {
      for (std::size_t j = 0; j < digits[i]; ++j) stage.of_window.push_back(rotation(j));
      window = digits[i];
    } else {
      for (std::size_t j = 0; j < radix; ++j) stage.of_window.push_back(rotation(j * window));
      for (std::size_t j = 0; j < digits[i]; ++j) stage.of_operand.push_back(rotation(radix * window + j));
      window = radix * window + digits[i];
    }
    if (stage.of_window.size() > 1) stages_.push_back(std::move(stage));
  }
  check(window == n, "the digits of a window's size");
}

KeyList WindowPlan::keys_needed(const rlwe::Parameters& parameters, rlwe::Level level) const {
  KeyList list;
  for (const Stage& stage : stages_) {
    for (const int steps : stage.of_window) list.add_rotation(steps, parameters.degree(), level);
    for (const int steps : stage.of_operand) list.add_rotation(steps, parameters.degree(), level);
  }
  return list;
}

Cost WindowPlan::cost(const rlwe::Parameters& parameters) const {
  Cost cost;
  bool raised = false;  // the operand's decomposition serves every stage
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const auto moving = [&](const std::vector<int>& steps) {
      std::size_t count = 0;
      for (const int s : steps) count += rlwe::galois_element_for_rotation(s, parameters.degree()) != 1 ? 1 : 0;
      return count;
    };
    const std::size_t window = moving(stages_[i].of_window), operand = moving(stages_[i].of_operand);
    cost.switches += window + operand;
    cost.divisions += window + operand > 0 ? 2 : 0;
    if (i == 0) {
      raised = window > 0;
      cost.decompositions += raised ? 1 : 0;
    } else {
      cost.decompositions += window > 0 ? 1 : 0;
      if (operand > 0 && !raised) {
        raised = true;
        ++cost.decompositions;
      }
    }
  }
  return cost;
}

template <class Evaluator>
Result<CiphertextOf<Evaluator>> WindowPlan::apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                                  const rlwe::EvaluationKeys& keys, Cost* spent) const {
  Cost count;
  PRISM_CHECKED(can_rotate(evaluator, a, keys));
  ring::Workspace workspace;
  Rotated<Evaluator> operand(a);
  CiphertextOf<Evaluator> window = a.clone();
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    Rotated<Evaluator> current(window);
    // In the first stage the window is the operand, whose decomposition later stages use again.
    const Term<Evaluator> terms[] = {{i == 0 ? &operand : &current, stages_[i].of_window},
                                     {&operand, stages_[i].of_operand}};
    PRISM_TRY(window, sum_of_rotations<Evaluator>(evaluator, terms, keys, workspace, count));
  }
  if (spent != nullptr) *spent += count;
  return window;
}

template Result<ckks::Ciphertext> WindowPlan::apply(const ckks::Evaluator&, const ckks::Ciphertext&,
                                                    const rlwe::EvaluationKeys&, Cost*) const;
template Result<exact::Ciphertext> WindowPlan::apply(const exact::Evaluator&, const exact::Ciphertext&,
                                                     const rlwe::EvaluationKeys&, Cost*) const;

}  // namespace prism::circuits
