#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "prism/hash/sha256.h"
#include "prism/program/computation.h"

namespace prism::program {
namespace {

constexpr double kMostWhole = 0x1p49;

std::uint64_t bits_of(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

bool is_whole(double value) { return value == std::floor(value); }

/// Names go into files, JSON and terminals.
bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMostNameBytes) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

struct ComputationBuilder::State {
  Family family;
  std::vector<Input> inputs;
  std::vector<Operation> operations;
  std::vector<Form> forms;
  std::vector<Digest> digests;  ///< what each node is, whatever its number
  std::map<Digest, Node> known;
  std::vector<Output> outputs;
  std::size_t constants = 0;

  Status check_node(Node node) const {
    if (node < operations.size()) return {};
    return fail(ErrorCode::invalid_argument, "operand ", node, " of a computation that has ", operations.size(),
                " operations");
  }

  Status check_numbers(const std::vector<double>& numbers) const {
    for (const double number : numbers) {
      if (!std::isfinite(number)) return fail(ErrorCode::invalid_argument, "a number that is not finite");
      if (family == Family::exact && !(is_whole(number) && std::fabs(number) < kMostWhole))
        return fail(ErrorCode::invalid_argument, "the number ", number,
                    " in a computation on whole numbers; they are whole and below 2^49 in size");
    }
    return {};
  }

  Digest digest_of(const Operation& op) const {
    hash::Sha256 h = hash::tagged_sha256("prism computation node v1");
    h.update_u64(static_cast<std::uint64_t>(op.step));
    if (op.step == Step::input) {
      h.update_u64(inputs[op.input].name.size()).update(inputs[op.input].name).update_u64(inputs[op.input].size);
      return h.finish();
    }
    h.update(ByteView(digests[op.a]));
    if (op.step == Step::add || op.step == Step::subtract || op.step == Step::multiply)
      h.update(ByteView(digests[op.b]));
    h.update_u64(op.steps).update_u64(op.numbers.size());
    for (const double number : op.numbers) h.update_u64(bits_of(number));
    if (op.step == Step::chebyshev) h.update_u64(bits_of(op.interval.low)).update_u64(bits_of(op.interval.high));
    return h.finish();
  }

  /// The node that is already there, or a new one.
  Result<Node> emit(Operation op, Form form) {
    for (double& number : op.numbers) number += 0.0;  // one zero
    op.interval.low += 0.0;
    op.interval.high += 0.0;
    if ((op.step == Step::add || op.step == Step::multiply) && digests[op.b] < digests[op.a]) std::swap(op.a, op.b);
    const Digest digest = digest_of(op);
    if (const auto found = known.find(digest); found != known.end()) return found->second;
    if (operations.size() == kMostOperations)
      return fail(ErrorCode::exhausted, "a computation of more than ", kMostOperations, " operations");
    if (op.numbers.size() > kMostConstants - constants)
      return fail(ErrorCode::exhausted, "a computation with more than ", kMostConstants, " public numbers");
    constants += op.numbers.size();
    const Node node = static_cast<Node>(operations.size());
    operations.push_back(std::move(op));
    forms.push_back(form);
    digests.push_back(digest);
    known.emplace(digest, node);
    return node;
  }

  Result<Node> pair(Step step, Node a, Node b) {
    PRISM_CHECKED(check_node(a));
    PRISM_CHECKED(check_node(b));
    const Form x = forms[a], y = forms[b];
    if (x.size != y.size && !x.everywhere && !y.everywhere)
      return fail(ErrorCode::invalid_argument, name_of(step), " of vectors of ", x.size, " and ", y.size,
                  " values; both must have the same number, or one must be a sum");
    return emit({step, a, b}, {std::max(x.size, y.size), x.everywhere && y.everywhere});
  }

  Result<Node> with_values(Step step, Node a, std::vector<double> values) {
    PRISM_CHECKED(check_node(a));
    PRISM_CHECKED(check_numbers(values));
    const Form form = forms[a];
    if (values.empty() || (values.size() != form.size && !form.everywhere))
      return fail(ErrorCode::invalid_argument, values.size(), " public values beside a vector of ", form.size);
    Operation op{step, a};
    const std::uint64_t size = values.size();
    op.numbers = std::move(values);
    return emit(std::move(op), {size, false});
  }

  Status add_output(Output output) {
    if (!is_name(output.name))
      return fail(ErrorCode::invalid_argument, "the name of a result; 1 to ", kMostNameBytes,
                  " printable characters without spaces");
    for (const Output& other : outputs)
      if (other.name == output.name) return fail(ErrorCode::invalid_argument, "two results of the name ", other.name);
    if (outputs.size() == kMostResults)
      return fail(ErrorCode::exhausted, "a computation with more than ", kMostResults, " results");
    PRISM_CHECKED(check_node(output.value));
    if (output.over) {
      PRISM_CHECKED(check_node(*output.over));
      const Form x = forms[output.value], y = forms[*output.over];
      if (x.size != y.size && !y.everywhere)
        return fail(ErrorCode::invalid_argument, "a quotient of ", x.size, " by ", y.size, " values");
    }
    // A fraction on top of the value would take a level; whoever reads the result multiplies for nothing.
    while (operations[output.value].step == Step::multiply_number && !is_whole(operations[output.value].numbers[0])) {
      output.factor *= operations[output.value].numbers[0];
      output.value = operations[output.value].a;
    }
    if (!std::isfinite(output.factor) || output.factor == 0 || !(output.divisor >= 1) || !std::isfinite(output.divisor))
      return fail(ErrorCode::invalid_argument, "a result times ", output.factor, " over ", output.divisor,
                  "; factors are finite and not 0, divisors at least 1");
    outputs.push_back(std::move(output));
    return {};
  }
};

ComputationBuilder::ComputationBuilder(Family family) : state_(std::make_unique<State>()) { state_->family = family; }
ComputationBuilder::~ComputationBuilder() = default;
ComputationBuilder::ComputationBuilder(ComputationBuilder&&) noexcept = default;
Family ComputationBuilder::family() const { return state_->family; }
Form ComputationBuilder::form(Node node) const { return state_->forms[node]; }

Result<Node> ComputationBuilder::input(std::string_view name, std::uint64_t size) {
  if (!is_name(name))
    return fail(ErrorCode::invalid_argument, "the name of an input; 1 to ", kMostNameBytes,
                " printable characters without spaces");
  if (size == 0 || size > kMostValues)
    return fail(ErrorCode::invalid_argument, "an input of ", size, " values; 1 to ", kMostValues, " are possible");
  auto& inputs = state_->inputs;
  const auto same = std::find_if(inputs.begin(), inputs.end(), [&](const Input& i) { return i.name == name; });
  if (same != inputs.end() && same->size != size)
    return fail(ErrorCode::invalid_argument, "the input ", name, " of ", same->size, " and of ", size, " values");
  if (same == inputs.end() && inputs.size() == kMostInputs)
    return fail(ErrorCode::exhausted, "a computation with more than ", kMostInputs, " inputs");
  Operation op;
  op.input = static_cast<std::uint32_t>(same - inputs.begin());
  if (same == inputs.end()) inputs.push_back({std::string(name), size});
  return state_->emit(std::move(op), {size, false});
}

Result<Node> ComputationBuilder::add(Node a, Node b) { return state_->pair(Step::add, a, b); }
Result<Node> ComputationBuilder::subtract(Node a, Node b) { return state_->pair(Step::subtract, a, b); }
Result<Node> ComputationBuilder::multiply(Node a, Node b) { return state_->pair(Step::multiply, a, b); }

Result<Node> ComputationBuilder::add(Node a, double number) {
  PRISM_CHECKED(state_->check_node(a));
  PRISM_CHECKED(state_->check_numbers({number}));
  if (number == 0) return a;
  Operation op{Step::add_number, a};
  op.numbers = {number};
  return state_->emit(std::move(op), form(a));
}

Result<Node> ComputationBuilder::multiply(Node a, double number) {
  PRISM_CHECKED(state_->check_node(a));
  PRISM_CHECKED(state_->check_numbers({number}));
  if (number == 0) return fail(ErrorCode::invalid_argument, "a product with 0; it needs no encrypted computation");
  if (number == 1) return a;
  Operation op{Step::multiply_number, a};
  op.numbers = {number};
  return state_->emit(std::move(op), form(a));
}

Result<Node> ComputationBuilder::add(Node a, std::vector<double> values) {
  return state_->with_values(Step::add_values, a, std::move(values));
}
Result<Node> ComputationBuilder::multiply(Node a, std::vector<double> values) {
  return state_->with_values(Step::multiply_values, a, std::move(values));
}

Result<Node> ComputationBuilder::sum(Node a) {
  PRISM_CHECKED(state_->check_node(a));
  if (form(a).everywhere) return a;
  return state_->emit({Step::sum, a}, {1, true});
}

Result<Node> ComputationBuilder::dot(Node a, Node b) {
  PRISM_TRY(const Node product, multiply(a, b));
  return sum(product);
}

Result<Node> ComputationBuilder::rotate(Node a, std::int64_t steps) {
  PRISM_CHECKED(state_->check_node(a));
  const auto size = static_cast<std::int64_t>(form(a).size);
  const std::int64_t left = (steps % size + size) % size;
  if (left == 0 || form(a).everywhere) return a;
  Operation op{Step::rotate, a};
  op.steps = static_cast<std::uint64_t>(left);
  return state_->emit(std::move(op), form(a));
}

Result<Node> ComputationBuilder::polynomial(Node a, std::vector<double> coefficients) {
  PRISM_CHECKED(state_->check_node(a));
  PRISM_CHECKED(state_->check_numbers(coefficients));
  while (!coefficients.empty() && coefficients.back() == 0) coefficients.pop_back();
  if (coefficients.size() < 2)
    return fail(ErrorCode::invalid_argument, "a polynomial that is constant; it needs no encrypted computation");
  if (coefficients.size() > kMostDegree + 1)
    return fail(ErrorCode::invalid_argument, "a polynomial of degree ", coefficients.size() - 1, "; at most ",
                kMostDegree);
  if (coefficients.size() == 2) {
    PRISM_TRY(const Node scaled, multiply(a, coefficients[1]));
    return add(scaled, coefficients[0]);
  }
  Operation op{Step::polynomial, a};
  op.numbers = std::move(coefficients);
  return state_->emit(std::move(op), form(a));
}

Result<Node> ComputationBuilder::chebyshev(Node a, std::vector<double> coefficients, circuits::Interval interval) {
  PRISM_CHECKED(state_->check_node(a));
  if (family() == Family::exact)
    return fail(ErrorCode::unsupported, "a Chebyshev series of whole numbers; they are for real ones");
  PRISM_CHECKED(state_->check_numbers(coefficients));
  while (!coefficients.empty() && coefficients.back() == 0) coefficients.pop_back();
  if (coefficients.size() < 2 || coefficients.size() > kMostDegree + 1)
    return fail(ErrorCode::invalid_argument, "a Chebyshev series of ", coefficients.size(), " coefficients; 2 to ",
                kMostDegree + 1);
  if (!(interval.low < interval.high) || !std::isfinite(interval.low) || !std::isfinite(interval.high))
    return fail(ErrorCode::invalid_argument, "an interval from ", interval.low, " to ", interval.high);
  Operation op{Step::chebyshev, a};
  op.numbers = std::move(coefficients);
  op.interval = interval;
  return state_->emit(std::move(op), form(a));
}

Status ComputationBuilder::output(std::string_view name, Node value, double factor, double divisor) {
  return state_->add_output({std::string(name), value, std::nullopt, factor, divisor});
}

Status ComputationBuilder::quotient(std::string_view name, Node value, Node over, double factor, double divisor) {
  return state_->add_output({std::string(name), value, over, factor, divisor});
}

Status ComputationBuilder::mean(std::string_view name, Node a) {
  PRISM_TRY(const Node total, sum(a));
  return output(name, total, 1, static_cast<double>(form(a).size));
}

Status ComputationBuilder::variance(std::string_view name, Node a, Divisor divisor) {
  PRISM_CHECKED(state_->check_node(a));
  const std::uint64_t n = form(a).size;
  if (divisor == Divisor::sample && n < 2)
    return fail(ErrorCode::invalid_argument, "the sample variance of one value; it takes two or more");
  const double count = static_cast<double>(n);
  PRISM_TRY(const Node squares, dot(a, a));
  PRISM_TRY(const Node scaled, multiply(squares, count));
  PRISM_TRY(const Node total, sum(a));
  PRISM_TRY(const Node square_of_total, square(total));
  PRISM_TRY(const Node numerator, subtract(scaled, square_of_total));
  return output(name, numerator, 1, count * (divisor == Divisor::sample ? count - 1 : count));
}

Result<Computation> ComputationBuilder::finish() const {
  const State& s = *state_;
  if (s.outputs.empty()) return fail(ErrorCode::invalid_argument, "a computation without results");
  Computation out;
  out.family_ = s.family;
  // Operands before what uses them, from the first output on: an order that does not depend on how it was built.
  constexpr Node kUnknown = ~Node{0};
  std::vector<Node> number(s.operations.size(), kUnknown), order;
  std::vector<bool> used(s.inputs.size(), false);
  std::vector<std::pair<Node, bool>> pending;  // whether its operands were pushed
  const auto visit = [&](Node root) {
    pending.push_back({root, false});
    while (!pending.empty()) {
      const auto [node, ready] = pending.back();
      pending.pop_back();
      if (number[node] != kUnknown) continue;
      const Operation& op = s.operations[node];
      if (!ready && op.step != Step::input) {
        pending.push_back({node, true});
        if (op.step == Step::add || op.step == Step::subtract || op.step == Step::multiply)
          pending.push_back({op.b, false});
        pending.push_back({op.a, false});
        continue;
      }
      if (op.step == Step::input) used[op.input] = true;
      number[node] = static_cast<Node>(order.size());
      order.push_back(node);
    }
  };
  for (const Output& output : s.outputs) {
    visit(output.value);
    if (output.over) visit(*output.over);
  }
  std::vector<std::uint32_t> sorted(s.inputs.size()), place(s.inputs.size());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) {
    if (!used[i])
      return fail(ErrorCode::invalid_argument, "the input ", s.inputs[i].name, " is not needed for any result");
    sorted[i] = i;
  }
  std::sort(sorted.begin(), sorted.end(),
            [&](std::uint32_t a, std::uint32_t b) { return s.inputs[a].name < s.inputs[b].name; });
  for (std::uint32_t i = 0; i < sorted.size(); ++i) {
    place[sorted[i]] = i;
    out.inputs_.push_back(s.inputs[sorted[i]]);
  }
  for (const Node node : order) {
    Operation op = s.operations[node];
    if (op.step == Step::input) {
      op.input = place[op.input];
    } else {
      op.a = number[op.a];
      op.b = op.step == Step::add || op.step == Step::subtract || op.step == Step::multiply ? number[op.b] : 0;
    }
    out.operations_.push_back(std::move(op));
    out.forms_.push_back(s.forms[node]);
  }
  for (Output output : s.outputs) {
    output.value = number[output.value];
    if (output.over) output.over = number[*output.over];
    out.outputs_.push_back(std::move(output));
  }
  return out;
}

}  // namespace prism::program
