#include "prism/program/evaluation.h"

#include <algorithm>
#include <optional>

#include "prism/circuits/integer_polynomial.h"
#include "prism/circuits/polynomial.h"
#include "prism/fhe/context.h"
#include "prism/program/internal/heights.h"

namespace prism::program {
namespace {

/// One pass over the operations, with outputs at level `floor`. Operands come down as far as what follows allows before
/// keys are used on them: switching costs the square of the level.
template <class Family>
class Pass {
 public:
  using Vector = fhe::Vector<Family>;
  using Number = typename Family::Number;
  using Numbers = std::span<const Number>;

  Pass(const Computation& computation, std::span<const Vector> inputs, const Heights& heights, int floor,
       const EvaluateOptions& options)
      : computation_(computation),
        inputs_(inputs),
        heights_(heights),
        floor_(floor),
        options_(options),
        values_(computation.operations().size()),
        uses_(computation.operations().size(), 0) {}

  Result<std::vector<Vector>> run() {
    const auto& operations = computation_.operations();
    for (const Operation& op : operations) {
      if (op.step == Step::input) continue;
      ++uses_[op.a];
      if (is_binary(op.step)) ++uses_[op.b];
    }
    const std::vector<Node> carriers = computation_.carriers();
    for (const Node carrier : carriers) ++uses_[carrier];
    const std::uint64_t all = operations.size() + carriers.size();
    std::uint64_t done = 0;
    for (Node node = 0; node < operations.size(); ++node) {
      PRISM_CHECKED(go_on(done++, all));
      auto made = apply(node);
      if (!made) return std::move(made).error();
      // Bounds are public: what would wrap is seen at once, before a division could hide it.
      if (!(made->budget_bits() > 0))
        return fail(ErrorCode::noise_exceeded, "the result of ", name_of(operations[node].step),
                    " may be too large for the modulus of its level");
      values_[node] = *std::move(made);
      release(operations[node]);
    }
    std::vector<Vector> out;
    for (const Node carrier : carriers) {
      PRISM_CHECKED(go_on(done++, all));
      PRISM_TRY(Vector settled, settle(*values_[carrier]));
      const rlwe::Level level{std::min(floor_, settled.level().value)};
      PRISM_TRY(Vector lowered, lower(settled, level));
      PRISM_TRY(Vector checked, settle(lowered));
      out.push_back(std::move(checked));
    }
    PRISM_CHECKED(go_on(all, all));
    return out;
  }

 private:
  static bool is_binary(Step step) { return step == Step::add || step == Step::subtract || step == Step::multiply; }

  Status go_on(std::uint64_t done, std::uint64_t all) const {
    const bool stop = (options_.stop && options_.stop()) || (options_.progress && !options_.progress(done, all));
    if (stop) return fail(ErrorCode::interrupted, "the computation was stopped");
    return {};
  }

  /// Forgets operands that nothing needs any more.
  void release(const Operation& op) {
    if (op.step == Step::input) return;
    if (--uses_[op.a] == 0) forget(op.a);
    if (is_binary(op.step) && --uses_[op.b] == 0) forget(op.b);
  }
  void forget(Node node) {
    values_[node].reset();
    std::erase_if(lowered_, [&](const auto& entry) { return entry.node == node; });
  }

  /// An operand at the level that `node` needs, where it has more. A product that is put off ends up there by itself.
  Result<Vector> operand(Node operand, Node node) {
    const Vector& value = *values_[operand];
    const int target = heights_.after[node] + heights_.cost[node] + floor_;
    if (value.level().value <= target || value.is_put_off()) return value;
    for (const Lowered& entry : lowered_)
      if (entry.node == operand && entry.level == target) return entry.value;
    PRISM_TRY(Vector made, lower(value, rlwe::Level{target}));
    lowered_.push_back({operand, target, made});
    return made;
  }

  std::vector<Number> numbers_of(const Operation& op) const {
    std::vector<Number> out;
    out.reserve(op.numbers.size());
    for (const double number : op.numbers) out.push_back(static_cast<Number>(number));
    return out;
  }

  Result<Vector> apply(Node node) {
    const Operation& op = computation_.operations()[node];
    switch (op.step) {
      case Step::input:
        return inputs_[op.input];
      case Step::add:
        return *values_[op.a] + *values_[op.b];
      case Step::subtract:
        return *values_[op.a] - *values_[op.b];
      case Step::multiply: {
        PRISM_TRY(const Vector a, operand(op.a, node));
        if (op.a == op.b) return a * a;
        PRISM_TRY(const Vector b, operand(op.b, node));
        return a * b;
      }
      case Step::add_number:
        return *values_[op.a] + static_cast<Number>(op.numbers[0]);
      case Step::multiply_number:
        return *values_[op.a] * static_cast<Number>(op.numbers[0]);
      case Step::add_values: {
        const std::vector<Number> numbers = numbers_of(op);
        return *values_[op.a] + Numbers(numbers);
      }
      case Step::multiply_values: {
        const std::vector<Number> numbers = numbers_of(op);
        PRISM_TRY(const Vector a, operand(op.a, node));
        return a * Numbers(numbers);
      }
      case Step::sum: {
        PRISM_TRY(const Vector a, operand(op.a, node));
        return sum(a);
      }
      case Step::rotate: {
        PRISM_TRY(const Vector a, operand(op.a, node));
        return rotate(a, static_cast<int>(op.steps));
      }
      case Step::polynomial:
      case Step::chebyshev: {
        PRISM_TRY(const Vector a, operand(op.a, node));
        return polynomial(op, a);
      }
    }
    return fail(ErrorCode::unsupported, "an unknown operation");
  }

  Result<Vector> polynomial(const Operation& op, const Vector& a) const {
    if constexpr (std::is_same_v<Family, fhe::Approximate>) {
      auto made = op.step == Step::chebyshev ? circuits::Polynomial::chebyshev(op.numbers, op.interval)
                                             : circuits::Polynomial::monomial(op.numbers);
      if (!made) return std::move(made).error();
      return evaluate(*made, a);
    } else {
      const std::uint64_t t = a.context().parameters().plain_modulus();
      std::vector<std::uint64_t> residues;
      for (const double number : op.numbers) {
        const std::int64_t rest = static_cast<std::int64_t>(number) % static_cast<std::int64_t>(t);
        residues.push_back(static_cast<std::uint64_t>(rest < 0 ? rest + static_cast<std::int64_t>(t) : rest));
      }
      PRISM_TRY(const auto made, circuits::IntegerPolynomial::make(std::move(residues), t));
      return evaluate(made, a);
    }
  }

  struct Lowered {
    Node node;
    int level;
    Vector value;
  };
  const Computation& computation_;
  std::span<const Vector> inputs_;
  const Heights& heights_;
  int floor_;
  const EvaluateOptions& options_;
  std::vector<std::optional<Vector>> values_;
  std::vector<std::uint32_t> uses_;
  std::vector<Lowered> lowered_;
};

Status check_rotations(const Computation& computation) {
  for (const Operation& op : computation.operations())
    if (op.step == Step::rotate && op.steps >= (std::uint64_t{1} << 31))
      return fail(ErrorCode::unsupported, "a rotation by ", op.steps, " places; at most 2^31 - 1");
  return {};
}

template <class Family>
Result<std::vector<fhe::Vector<Family>>> evaluate_any(const Computation& computation,
                                                      std::span<const fhe::Vector<Family>> inputs,
                                                      const EvaluateOptions& options) {
  constexpr bool kExact = std::is_same_v<Family, fhe::Exact>;
  if ((computation.family() == prism::program::Family::exact) != kExact)
    return fail(ErrorCode::mismatch, "a computation on ", name_of(computation.family()), " numbers for ",
                kExact ? "exact" : "approximate", " ones");
  if (inputs.size() != computation.inputs().size())
    return fail(ErrorCode::mismatch, inputs.size(), " vectors for a computation on ", computation.inputs().size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& wanted = computation.inputs()[i];
    if (inputs[i].size() != wanted.size)
      return fail(ErrorCode::mismatch, "the input ", wanted.name, " has ", inputs[i].size(), " values, and ",
                  wanted.size, " were announced");
  }
  PRISM_CHECKED(check_rotations(computation));
  const auto context = inputs[0].context();
  const Heights heights = heights_of(computation, context.slots());
  int top = inputs[0].level().value;
  for (const auto& input : inputs) top = std::min(top, input.level().value);
  const auto too_shallow = [&](std::string why) {
    Error error = fail(ErrorCode::level_exhausted, "this computation takes a depth of ", heights.depth,
                       ", and its inputs have ", top, " levels; make keys for its depth, magnitudes and precision");
    error.detail = std::move(why);
    return error;
  };
  // Products of exact numbers may share a level, and those of BFV do: there, noise alone decides.
  if (!kExact && heights.depth > top) return too_shallow({});
  int lowest = 0, highest = std::max(0, top - heights.depth);
  if constexpr (kExact) {
    if (context.parameters().scheme() == exact::Scheme::bfv) lowest = highest = top;
  }
  // The lowest outputs that do not wrap; mostly those of the first pass.
  std::string why;
  for (int floor = lowest; floor <= highest; ++floor) {
    Pass<Family> pass(computation, inputs, heights, floor, options);
    auto made = pass.run();
    if (made) return made;
    if (made.error().code != ErrorCode::noise_exceeded && made.error().code != ErrorCode::level_exhausted) return made;
    why = std::move(made).error().message;
  }
  return too_shallow(std::move(why));
}

}  // namespace

Result<std::vector<fhe::Approximate::Vector>> evaluate(const Computation& computation,
                                                       std::span<const fhe::Approximate::Vector> inputs,
                                                       const EvaluateOptions& options) {
  return evaluate_any<fhe::Approximate>(computation, inputs, options);
}

Result<std::vector<fhe::Exact::Vector>> evaluate(const Computation& computation,
                                                 std::span<const fhe::Exact::Vector> inputs,
                                                 const EvaluateOptions& options) {
  return evaluate_any<fhe::Exact>(computation, inputs, options);
}

}  // namespace prism::program
