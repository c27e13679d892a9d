// What a small request costs, in parts: prism/compute/run.h on one ciphertext.
#include <benchmark/benchmark.h>

#include <map>
#include <random>

#include "prism/compute/plan.h"
#include "prism/compute/run.h"
#include "prism/fhe/context.h"
#include "prism/fhe/key_holder.h"
#include "prism/fhe/rehearsal.h"

namespace prism::compute {
namespace {

class SeededRandom final : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_{1};
};

struct World {
  SeededRandom random;
  Request request;
  std::shared_ptr<const ckks::Parameters> parameters;
  fhe::Approximate::KeyHolder keys;
  std::shared_ptr<const Context> context;
  Bytes data;
  Plan plan;

  World(const char* json, std::size_t size, std::shared_ptr<const ckks::Parameters> chosen)
      : request(Request::parse(json).value()),
        parameters(std::move(chosen)),
        keys(fhe::Approximate::KeyHolder::create(parameters, 500, ring::fresh_secret_seed(random).value(), random)
                 .value()) {
    const Bytes declared = fhe::encode_parameters<fhe::Approximate>({parameters, 500}).value();
    plan = answer_plan(plan_question(json, {{"x", size}}, declared), {}).value();
    context = Context::decode(keys.context_with(plan.key_ids()).value().encode().value()).value();
    const std::vector<double> values(size, 0.5);
    data = keys.encrypt_to_bytes(values).value();
  }
};

constexpr const char* kSum = R"({"operation":"sum","inputs":["x"]})";
constexpr const char* kStatistics = R"({"operation":"statistics","compute":["mean","variance","sum"],"inputs":["x"]})";

/// What fhe-encrypt chooses for statistics of 4,096 values up to 500.
std::shared_ptr<const ckks::Parameters> chosen() {
  const auto request = Request::parse(kStatistics).value();
  return program::approximate_parameters_for(request.lower(program::Family::approximate, {{"x", 4096}}).value(), 500, 4,
                                             rlwe::Security::bits128)
      .value();
}

World& sum_world() {
  static World one(kSum, 4096, chosen());
  return one;
}
/// 4,096 values up to 500 in one ciphertext, to be added up and nothing else: one prime, and one for keys.
World& sums_only_world() {
  static World one(kSum, 4096,
                   ckks::parameters_for({.depth = 0,
                                         .precision_bits = -8,
                                         .largest_magnitude = 100,
                                         .additions = 4096,
                                         .rotations = true,
                                         .min_slots = 4096})
                       .value());
  return one;
}
World& statistics_world() {
  static World one(kStatistics, 4096, chosen());
  return one;
}

void report(benchmark::State& state, const World& w) {
  state.counters["N"] = static_cast<double>(w.parameters->degree());
  state.counters["levels"] = w.parameters->max_level().value + 1;
  state.counters["keys"] = static_cast<double>(w.plan.keys.size());
  state.counters["key_bytes"] = static_cast<double>(w.plan.key_bytes);
  state.counters["data_bytes"] = static_cast<double>(w.data.size());
  state.counters["answer_bytes"] = static_cast<double>(w.plan.answer_bytes);
  state.counters["planned_seconds"] = w.plan.cpu_seconds;
}

void run_whole(benchmark::State& state, World& w) {
  const NamedBytes inputs[] = {{"x", w.data}};
  for (auto _ : state) benchmark::DoNotOptimize(run(w.request, *w.context, inputs).value());
  report(state, w);
}
BENCHMARK_CAPTURE(run_whole, sum, sums_only_world());
BENCHMARK_CAPTURE(run_whole, sum_with_keys_of_statistics, sum_world());
BENCHMARK_CAPTURE(run_whole, statistics, statistics_world());

void parse_and_lower(benchmark::State& state) {
  World& w = sum_world();
  const NamedBytes inputs[] = {{"x", w.data}};
  for (auto _ : state) {
    const Request request = Request::parse(kSum).value();
    benchmark::DoNotOptimize(lower(request, *w.context, inputs).value().digest());
  }
}
BENCHMARK(parse_and_lower);

void decode_input(benchmark::State& state) {
  World& w = sum_world();
  const auto context = w.keys.public_part();
  for (auto _ : state) benchmark::DoNotOptimize(context.decode_vector(w.data).value());
}
BENCHMARK(decode_input);

void evaluate_sum(benchmark::State& state) {
  World& w = sum_world();
  const auto context = w.keys.context_with(w.plan.key_ids()).value();
  const std::vector<fhe::Approximate::Vector> inputs{context.decode_vector(w.data).value()};
  const NamedBytes named[] = {{"x", w.data}};
  const auto computation = lower(w.request, *w.context, named).value();
  for (auto _ : state)
    benchmark::DoNotOptimize(program::evaluate(computation, std::span<const fhe::Approximate::Vector>(inputs)).value());
}
BENCHMARK(evaluate_sum);

void encode_answer(benchmark::State& state) {
  World& w = sum_world();
  const auto context = w.keys.context_with(w.plan.key_ids()).value();
  const std::vector<fhe::Approximate::Vector> inputs{context.decode_vector(w.data).value()};
  const NamedBytes named[] = {{"x", w.data}};
  const auto computation = lower(w.request, *w.context, named).value();
  const auto answer = program::evaluate(computation, std::span<const fhe::Approximate::Vector>(inputs)).value();
  for (auto _ : state) benchmark::DoNotOptimize(answer[0].encode().value());
}
BENCHMARK(encode_answer);

void plan_again(benchmark::State& state, World& w) {
  const NamedBytes named[] = {{"x", w.data}};
  const auto computation = lower(w.request, *w.context, named).value();
  for (auto _ : state) benchmark::DoNotOptimize(make_plan(computation, w.context->parameters()).value());
}
BENCHMARK_CAPTURE(plan_again, sum, sum_world());
BENCHMARK_CAPTURE(plan_again, statistics, statistics_world());

void encrypt_to_bytes(benchmark::State& state) {
  World& w = sum_world();
  const std::vector<double> values(4096, 0.5);
  for (auto _ : state) benchmark::DoNotOptimize(w.keys.encrypt_to_bytes(values).value());
}
BENCHMARK(encrypt_to_bytes);

}  // namespace
}  // namespace prism::compute

BENCHMARK_MAIN();
