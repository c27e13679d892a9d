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
Status WindowPlan::apply(CiphertextOf<Evaluator>& out, const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                         const rlwe::EvaluationKeys& keys, ring::Workspace& workspace, Cost* spent) const {
  Cost count;
  PRISM_CHECKED(can_rotate(evaluator, a, keys));
  check(&out != &a, "a window's sums go to another ciphertext");
  if (stages_.empty()) {
    take_kind(out, a);
    out.parts.resize(2);
    for (std::size_t i = 0; i < 2; ++i) ring::copy(out.parts[i], a.parts[i]);
    return {};
  }
  std::size_t rotations_of_a = stages_[0].of_window.size() - 1;
  for (const Stage& stage : stages_) rotations_of_a += stage.of_operand.size();
  Rotated<Evaluator> operand(a, rotations_of_a <= 1);
  // Stages write to `out` and to one ciphertext more in turn; the last one writes to `out`.
  CiphertextOf<Evaluator> other;
  const std::size_t words = evaluator.parameters().rlwe().primes(a.level).size() * evaluator.parameters().degree();
  for (int part = 0; part < 2; ++part) other.parts.emplace_back(workspace.take(words));
  Status status;
  for (std::size_t i = 0; i < stages_.size() && status; ++i) {
    const bool to_out = (stages_.size() - 1 - i) % 2 == 0;
    Rotated<Evaluator> current(to_out ? other : out, stages_[i].of_window.size() == 2);
    // In the first stage the window is the operand, whose decomposition later stages use again.
    const Term<Evaluator> terms[] = {{i == 0 ? &operand : &current, stages_[i].of_window},
                                     {&operand, stages_[i].of_operand}};
    status = sum_of_rotations<Evaluator>(to_out ? out : other, evaluator, terms, keys, workspace, count);
  }
  for (ring::Evaluations& part : other.parts) workspace.give_back(std::move(part));
  PRISM_CHECKED(std::move(status));
  if (spent != nullptr) *spent += count;
  return {};
}

template <class Evaluator>
Result<CiphertextOf<Evaluator>> WindowPlan::apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                                  const rlwe::EvaluationKeys& keys, Cost* spent) const {
  ring::Workspace workspace;
  CiphertextOf<Evaluator> out;
  PRISM_CHECKED(apply(out, evaluator, a, keys, workspace, spent));
  return out;
}

template Result<ckks::Ciphertext> WindowPlan::apply(const ckks::Evaluator&, const ckks::Ciphertext&,
                                                    const rlwe::EvaluationKeys&, Cost*) const;
template Result<exact::Ciphertext> WindowPlan::apply(const exact::Evaluator&, const exact::Ciphertext&,
                                                     const rlwe::EvaluationKeys&, Cost*) const;
template Status WindowPlan::apply(ckks::Ciphertext&, const ckks::Evaluator&, const ckks::Ciphertext&,
                                  const rlwe::EvaluationKeys&, ring::Workspace&, Cost*) const;
template Status WindowPlan::apply(exact::Ciphertext&, const exact::Evaluator&, const exact::Ciphertext&,
                                  const rlwe::EvaluationKeys&, ring::Workspace&, Cost*) const;

}  // namespace prism::circuits
