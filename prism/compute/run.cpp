#include "prism/compute/run.h"

#include <algorithm>
#include <map>
#include <variant>

#include "prism/compute/internal/checks.h"
#include "prism/compute/result.h"
#include "prism/fhe/context.h"
#include "prism/hash/sha256.h"

namespace prism::compute {

struct Context::State {
  std::variant<fhe::Approximate::Context, fhe::Exact::Context> context;
  Digest digest;
  std::uint64_t memory_bytes;
};

namespace {

template <class Family>
std::uint64_t memory_of(const fhe::Context<Family>& context) {
  const rlwe::Parameters& ring = context.parameters().rlwe();
  const std::uint64_t row = 8 * ring.degree(), primes = ring.spec().primes.size() + ring.spec().special_primes.size();
  // Keys, public key, and a few tables of each prime: transforms forward and back.
  return context.keys().memory_bytes() + 2 * ring.spec().primes.size() * row + 8 * primes * row;
}

template <class Family>
Result<std::vector<Bytes>> evaluated(const program::Computation& computation, const fhe::Context<Family>& context,
                                     std::span<const NamedBytes> inputs, const RunOptions& options) {
  std::vector<fhe::Vector<Family>> vectors;
  for (const program::Input& wanted : computation.inputs()) {
    const auto found =
        std::find_if(inputs.begin(), inputs.end(), [&](const NamedBytes& input) { return input.name == wanted.name; });
    check(found != inputs.end(), "a computation that was lowered without its inputs");
    auto vector = context.decode_vector(found->bytes);
    if (!vector) {
      Error error = std::move(vector).error();
      error.message = "the input " + wanted.name + ": " + error.message;
      return error;
    }
    vectors.push_back(*std::move(vector));
  }
  PRISM_TRY(const auto results, program::evaluate(computation, std::span<const fhe::Vector<Family>>(vectors),
                                                  {options.progress, options.stop}));
  std::vector<Bytes> out;
  std::uint64_t bytes = 0;
  for (const auto& result : results) {
    PRISM_TRY(Bytes encoded, result.encode());
    bytes += encoded.size();
    if (bytes > options.limits.answer_bytes)
      return fail(ErrorCode::exhausted, "an answer of more than ", options.limits.answer_bytes, " bytes");
    out.push_back(std::move(encoded));
  }
  return out;
}

}  // namespace

Context::Context(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Context::~Context() = default;

Result<std::shared_ptr<const Context>> Context::decode(ByteView artefact, const Limits& limits) {
  if (artefact.size() > limits.context_bytes)
    return fail(ErrorCode::exhausted, "a context of ", artefact.size(), " bytes; here are at most ",
                limits.context_bytes, " allowed");
  PRISM_TRY(const rlwe::ParameterSpec spec, fhe::named_ring(artefact));
  PRISM_CHECKED(check_ring(spec, limits));
  PRISM_TRY(const bool approximate, fhe::is_approximate(artefact));
  const Digest digest = hash::sha256(artefact);
  const auto make = [&](auto context) {
    const std::uint64_t memory = memory_of(context);
    return std::shared_ptr<const Context>(
        new Context(std::make_unique<const State>(State{std::move(context), digest, memory})));
  };
  if (approximate) {
    PRISM_TRY(auto context, fhe::Approximate::Context::decode(artefact));
    return make(std::move(context));
  }
  PRISM_TRY(auto context, fhe::Exact::Context::decode(artefact));
  return make(std::move(context));
}

program::Family Context::family() const {
  return state_->context.index() == 0 ? program::Family::approximate : program::Family::exact;
}
const Digest& Context::identity() const {
  return std::visit([](const auto& context) -> const Digest& { return context.identity(); }, state_->context);
}
const Digest& Context::digest() const { return state_->digest; }
std::uint64_t Context::memory_bytes() const { return state_->memory_bytes; }

program::AnyParameters Context::parameters() const {
  if (const auto* context = std::get_if<0>(&state_->context))
    return program::ApproximateParameters{context->parameters_ptr(), context->largest_magnitude()};
  const auto& exact = std::get<1>(state_->context);
  return program::ExactParameters{exact.parameters_ptr(), exact.largest_magnitude()};
}

Result<program::Computation> lower(const Request& request, const Context& context, std::span<const NamedBytes> inputs) {
  std::map<std::string, std::uint64_t> sizes;
  for (const NamedBytes& input : inputs) {
    PRISM_TRY(const fhe::VectorSummary summary, fhe::summarise(input.bytes));
    if (summary.identity != context.identity())
      return fail(ErrorCode::mismatch, "the input ", input.name, " belongs to another context than the one given");
    if (!sizes.emplace(std::string(input.name), summary.size).second)
      return fail(ErrorCode::invalid_argument, "the input ", input.name, " twice");
  }
  PRISM_TRY(auto computation, request.lower(context.family(), sizes));
  PRISM_CHECKED(program::check_range(computation, context.parameters()));
  return computation;
}

Result<Ran> run(const Request& request, const Context& context, std::span<const NamedBytes> inputs,
                const RunOptions& options) {
  std::uint64_t bytes = 0;
  for (const NamedBytes& input : inputs) bytes += input.bytes.size();
  if (bytes > options.limits.input_bytes)
    return fail(ErrorCode::exhausted, bytes, " bytes of inputs; here are at most ", options.limits.input_bytes,
                " allowed");
  PRISM_TRY(const program::Computation computation, lower(request, context, inputs));
  PRISM_CHECKED(check_work(computation, context.parameters(), options.limits));
  auto carriers =
      std::visit([&](const auto& of) { return evaluated(computation, of, inputs, options); }, context.state().context);
  if (!carriers) return std::move(carriers).error();
  return Ran{encode_result(context.identity(), computation, *carriers), computation.digest()};
}

}  // namespace prism::compute
