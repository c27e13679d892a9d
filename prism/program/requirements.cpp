#include "prism/program/requirements.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "prism/fhe/context.h"
#include "prism/fhe/rehearsal.h"
#include "prism/program/internal/heights.h"
#include "prism/rlwe/files.h"

namespace prism::program {
namespace {

const rlwe::Parameters& ring_of(const AnyParameters& parameters) {
  if (const auto* approximate = std::get_if<ApproximateParameters>(&parameters)) return approximate->parameters->rlwe();
  return std::get<ExactParameters>(parameters).parameters->rlwe();
}

std::uint64_t slots_of(const AnyParameters& parameters) {
  if (const auto* approximate = std::get_if<ApproximateParameters>(&parameters))
    return approximate->parameters->slots();
  return std::get<ExactParameters>(parameters).parameters->slots();
}

bool goes_down(const AnyParameters& parameters) {
  const auto* exact = std::get_if<ExactParameters>(&parameters);
  return exact == nullptr || exact->parameters->scheme() == exact::Scheme::bgv;
}

Chain chain_at(const AnyParameters& parameters, int level) {
  if (const auto* approximate = std::get_if<ApproximateParameters>(&parameters))
    return chain_of(approximate->parameters->rlwe(), rlwe::Level{level});
  return chain_of(*std::get<ExactParameters>(parameters).parameters, rlwe::Level{level});
}

/// Steps of the search for a plan, in residues, for each square of the degree.
constexpr double kPlanningRows = 330;

/// Rows of a level.
std::uint64_t rows(const Chain& at) { return 2 * at.primes; }

/// One ciphertext.
Work work_of(const Operation& op, const Chain& at, bool down, std::uint64_t rotations_for_sum, std::uint64_t routes) {
  const Work product = down && at.primes > 1 ? multiply_relinearise_rescale(at, 1) : multiply_relinearise(at);
  const Work rescaled = down && at.primes > 1 ? rescale(at, 1) : Work{};
  switch (op.step) {
    case Step::input:
      return {.light = rows(at)};
    case Step::add:
    case Step::subtract:
    case Step::add_number:
      return {.light = rows(at)};
    case Step::multiply_number:
      return Work{.products = rows(at)} + (op.numbers[0] == std::floor(op.numbers[0]) ? Work{} : rescaled);
    case Step::add_values:
      return {.forward = at.primes, .light = rows(at)};
    case Step::multiply_values:
      return Work{.forward = at.primes, .products = rows(at)} + rescaled;
    case Step::multiply:
      return product;
    case Step::sum:
      return rotations_for_sum * rotate(at, false);
    case Step::rotate:
      return routes * (rotate(at, false) + Work{.forward = at.primes, .products = rows(at)} + rescaled);
    case Step::polynomial:
    case Step::chebyshev: {
      // Paterson-Stockmeyer: about 2 sqrt(2d) products, and some combinations. Finding the best plan (PolynomialPlan)
      // takes time as well, which grows with the square of the degree and is counted as rows.
      const auto degree = static_cast<double>(op.numbers.size() - 1);
      const auto products = static_cast<std::uint64_t>(std::ceil(2 * std::sqrt(2 * degree) + 2 * std::log2(degree)));
      const auto planning =
          static_cast<std::uint64_t>(degree * degree * kPlanningRows / static_cast<double>(at.degree));
      return products * product + Work{.light = planning};
    }
  }
  return {};
}

template <class Family>
Result<Requirements> rehearsed(const Computation& computation,
                               std::shared_ptr<const typename Family::Parameters> parameters, double largest_magnitude,
                               const EvaluateOptions& options) {
  PRISM_TRY(const auto rehearsal, fhe::Rehearsal<Family>::make(parameters, largest_magnitude));
  std::vector<fhe::Vector<Family>> inputs;
  for (const Input& input : computation.inputs()) {
    if (input.size > std::numeric_limits<std::size_t>::max())
      return fail(ErrorCode::unsupported, "a vector of ", input.size, " values on a machine of 32 bits");
    PRISM_TRY(auto vector, rehearsal.input(static_cast<std::size_t>(input.size)));
    inputs.push_back(std::move(vector));
  }
  PRISM_TRY(const auto results, evaluate(computation, std::span<const fhe::Vector<Family>>(inputs), options));
  const rlwe::Parameters& rlwe = parameters->rlwe();
  Requirements out;
  out.depth = heights_of(computation, rehearsal.context().slots()).depth;
  out.available = rlwe.max_level().value;
  out.keys = rehearsal.keys_used();
  for (const rlwe::KeyId& id : out.keys) out.key_bytes += rlwe::switch_key_bytes(rlwe, id);
  for (const auto& vector : results) {
    Delivered delivered;
    delivered.level = vector.level().value;
    delivered.budget_bits = vector.budget_bits();
    delivered.error_log2 = -HUGE_VAL;
    if constexpr (std::is_same_v<Family, fhe::Approximate>) {
      delivered.error_log2 = vector.error_log2();
      delivered.magnitude_log2 = vector.magnitude_log2();
    }
    delivered.ciphertexts = (vector.size() - 1) / rehearsal.context().slots() + 1;
    if (rlwe.security() != rlwe::Security::none_for_tests) {
      PRISM_TRY(const Bytes bytes, vector.encode());
      delivered.bytes = bytes.size();
      // Exact ciphertexts name their randomness in u16 count and up to 64 names; here there are none.
      if constexpr (std::is_same_v<Family, fhe::Exact>)
        delivered.bytes += delivered.ciphertexts * (2 + 8 * exact::Ancestry::kMostEvents);
    }
    out.answer_bytes += delivered.bytes;
    out.carriers.push_back(delivered);
  }
  return out;
}

}  // namespace

int depth_of(const Computation& computation) { return heights_of(computation, 0).depth; }

Work work_of(const Computation& computation, const AnyParameters& parameters) {
  const std::uint64_t slots = slots_of(parameters);
  const Heights heights = heights_of(computation, slots);
  const rlwe::Parameters& ring = ring_of(parameters);
  const int top = ring.max_level().value;
  std::uint64_t switches = 0;  // of a sum over all slots
  for (std::uint64_t n = slots; n > 1; n /= 2) ++switches;
  Work out;
  for (Node i = 0; i < computation.operations().size(); ++i) {
    const Operation& op = computation.operations()[i];
    const std::uint64_t size = op.step == Step::sum ? computation.form(op.a).size : computation.form(i).size;
    const std::uint64_t blocks = (size - 1) / slots + 1;
    const int level = goes_down(parameters) ? std::min(top, heights.after[i] + heights.cost[i]) : top;
    // Values of one ciphertext come from two places in each of up to three, in rows that may have to be swapped.
    const std::uint64_t routes = size == slots ? 1 : std::min<std::uint64_t>(blocks, 2) * 4;
    const Work one = work_of(op, chain_at(parameters, level), goes_down(parameters), switches, routes);
    if (op.step == Step::sum) {
      out += one + blocks * Work{.light = rows(chain_at(parameters, level))};
    } else {
      out += blocks * one;
    }
  }
  return out;
}

std::uint64_t memory_of(const Computation& computation, const AnyParameters& parameters) {
  const Chain top = chain_at(parameters, ring_of(parameters).max_level().value);
  const std::uint64_t slots = slots_of(parameters), each = ciphertext_bytes(top, 3);
  std::vector<Node> last(computation.operations().size(), 0);
  for (Node i = 0; i < last.size(); ++i) {
    const Operation& op = computation.operations()[i];
    if (op.step != Step::input) last[op.a] = i;
    if (op.step == Step::add || op.step == Step::subtract || op.step == Step::multiply) last[op.b] = i;
  }
  for (const Node carrier : computation.carriers()) last[carrier] = static_cast<Node>(last.size());
  const auto blocks = [&](Node node) { return (computation.form(node).size - 1) / slots + 1; };
  std::uint64_t alive = 0, most = 0;
  std::vector<std::vector<Node>> ends(last.size() + 1);
  for (Node i = 0; i < last.size(); ++i) {
    alive += blocks(i);
    ends[last[i]].push_back(i);
    // Beside what is kept: one operand brought down, and the result of settling.
    most = std::max(most, alive + 2 * blocks(i));
    for (const Node end : ends[i]) alive -= blocks(end);
  }
  return most > std::numeric_limits<std::uint64_t>::max() / each ? std::numeric_limits<std::uint64_t>::max()
                                                                 : most * each;
}

Result<Requirements> requirements(const Computation& computation, const AnyParameters& parameters,
                                  const EvaluateOptions& options) {
  const auto* approximate = std::get_if<ApproximateParameters>(&parameters);
  if ((computation.family() == Family::approximate) != (approximate != nullptr))
    return fail(ErrorCode::mismatch, "a computation on ", name_of(computation.family()),
                " numbers, and parameters for ", approximate != nullptr ? "approximate" : "exact", " ones");
  PRISM_CHECKED(check_range(computation, parameters));
  auto out =
      approximate != nullptr
          ? rehearsed<fhe::Approximate>(computation, approximate->parameters, approximate->largest_magnitude, options)
          : rehearsed<fhe::Exact>(computation, std::get<ExactParameters>(parameters).parameters, 0, options);
  if (out) out->work = work_of(computation, parameters);
  return out;
}

}  // namespace prism::program
