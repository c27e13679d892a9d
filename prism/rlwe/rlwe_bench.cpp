// Key switching and key generation by shape: benchmarks are named by log2 N, ciphertext primes and special primes (as
// many primes per digit). Times are of the process, minimum over repetitions is what to read on a busy machine.
#include <benchmark/benchmark.h>

#include "prism/rlwe/internal/test_support.h"
#include "prism/rlwe/key_switch.h"

namespace {

using namespace prism;

struct Setting {
  explicit Setting(const benchmark::State& state)
      : random(1),
        parameters(rlwe::test::make_parameters(rlwe::test::small_spec(
            static_cast<unsigned>(state.range(0)), static_cast<std::size_t>(state.range(1)),
            static_cast<std::size_t>(state.range(2)), static_cast<std::uint32_t>(state.range(2))))),
        secret(rlwe::SecretKey::generate(parameters, random).value()),
        key(rlwe::make_switch_key(secret, {rlwe::KeyId::Kind::automorphism, 5, parameters->max_level()}, 1, random)
                .value()),
        switcher(parameters, 1),
        d(ring::uniform(parameters->ring(), parameters->primes(parameters->max_level()), {}, 0)) {}
  rlwe::test::SeededRandom random;
  std::shared_ptr<const rlwe::Parameters> parameters;
  rlwe::SecretKey secret;
  rlwe::SwitchKey key;
  rlwe::KeySwitcher switcher;
  ring::Evaluations d;
};

void switch_key(benchmark::State& state) {
  const Setting at(state);
  ring::Workspace workspace;
  rlwe::Extended sum;
  ring::Evaluations u0, u1;
  for (auto _ : state) {
    sum.clear();
    benchmark::DoNotOptimize(at.switcher.accumulate(sum, at.d, 5, at.key, workspace));
    at.switcher.divide(u0, u1, sum, sum.level, workspace);
  }
  state.counters["key_bytes"] = static_cast<double>(at.key.memory_bytes());
}

/// Without the division: what a sum of switched polynomials costs per term, digits held or not.
void accumulate(benchmark::State& state) {
  const Setting at(state);
  ring::Workspace workspace;
  rlwe::Extended sum;
  for (auto _ : state) {
    sum.clear();
    benchmark::DoNotOptimize(at.switcher.accumulate(sum, at.d, 5, at.key, workspace));
  }
}

void accumulate_hoisted(benchmark::State& state) {
  const Setting at(state);
  ring::Workspace workspace;
  const auto digits = at.switcher.decompose(at.d);
  rlwe::Extended sum;
  for (auto _ : state) {
    sum.clear();
    benchmark::DoNotOptimize(at.switcher.accumulate(sum, digits, 5, at.key, workspace));
  }
}

void divide(benchmark::State& state, int dropped) {
  const Setting at(state);
  ring::Workspace workspace;
  rlwe::Extended sum;
  ring::Evaluations u0, u1;
  check(at.switcher.accumulate(sum, at.d, at.key, workspace).has_value(), "the key fits");
  const rlwe::Level lower{sum.level.value - dropped};
  for (auto _ : state) at.switcher.divide(u0, u1, sum, lower, workspace);
}

void apply_hoisted(benchmark::State& state) {
  const Setting at(state);
  ring::Workspace workspace;
  const auto digits = at.switcher.decompose(at.d);
  rlwe::Extended sum;
  ring::Evaluations u0, u1;
  for (auto _ : state) {
    sum.clear();
    benchmark::DoNotOptimize(at.switcher.accumulate(sum, digits, 5, at.key, workspace));
    at.switcher.divide(u0, u1, sum, sum.level, workspace);
  }
}

void decompose(benchmark::State& state) {
  const Setting at(state);
  ring::Workspace workspace;
  rlwe::Decomposition digits;
  for (auto _ : state) at.switcher.decompose(digits, at.d, workspace);
}

void make_switch_key(benchmark::State& state) {
  Setting at(state);
  ring::Workspace workspace;
  for (auto _ : state)
    benchmark::DoNotOptimize(rlwe::make_switch_key(at.key, at.secret, at.key.id, 1, at.random, workspace));
}

void shapes(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond)->ArgNames({"log_n", "primes", "special"});
  b->Args({13, 3, 1})->Args({14, 8, 1})->Args({14, 7, 2})->Args({15, 16, 1})->Args({15, 16, 2})->Args({15, 13, 4});
}

BENCHMARK(switch_key)->Apply(shapes);
BENCHMARK(apply_hoisted)->Apply(shapes);
BENCHMARK(decompose)->Apply(shapes);
BENCHMARK(accumulate)->Apply(shapes);
BENCHMARK(accumulate_hoisted)->Apply(shapes);
BENCHMARK_CAPTURE(divide, by_special, 0)->Apply(shapes);
BENCHMARK_CAPTURE(divide, and_one_level, 1)->Apply(shapes);
BENCHMARK(make_switch_key)->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
