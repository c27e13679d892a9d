// Key switching by digit size: benchmarks are named by log2 N, ciphertext primes, primes per digit (as many special
// primes).
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
  for (auto _ : state) benchmark::DoNotOptimize(at.switcher.switch_key(at.d, at.key));
  state.counters["key_bytes"] = static_cast<double>(at.key.file_bytes());
  state.counters["special_bits"] = at.parameters->ring().log2_product(at.parameters->special_primes());
}

void apply_hoisted(benchmark::State& state) {
  const Setting at(state);
  const auto digits = at.switcher.decompose(at.d);
  for (auto _ : state) benchmark::DoNotOptimize(at.switcher.apply_permuted(digits, 5, at.key));
}

void make_switch_key(benchmark::State& state) {
  Setting at(state);
  for (auto _ : state) benchmark::DoNotOptimize(rlwe::make_switch_key(at.secret, at.key.id, 1, at.random));
}

void shapes(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMillisecond)->ArgNames({"log_n", "primes", "digit"});
  for (const std::int64_t digit : {1, 2, 3}) b->Args({13, 3, digit});
  for (const std::int64_t digit : {1, 2, 3, 6}) b->Args({14, 6, digit});
  for (const std::int64_t digit : {1, 2, 3, 4, 6, 12}) b->Args({15, 12, digit});
}

BENCHMARK(switch_key)->Apply(shapes);
BENCHMARK(apply_hoisted)->Args({14, 6, 1})->Args({14, 6, 2})->Unit(benchmark::kMillisecond);
BENCHMARK(make_switch_key)->Args({14, 6, 1})->Args({14, 6, 2})->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
