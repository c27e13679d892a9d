// Times of one core at N = 2^14; `items` are samples or coefficients times primes.
#include <benchmark/benchmark.h>

#include "prism/math/primes.h"
#include "prism/ring/conversion.h"
#include "prism/ring/sampler.h"

namespace prism::ring {
namespace {

constexpr unsigned kLogN = 14;
constexpr std::int64_t kDegree = std::int64_t{1} << kLogN;

const Ring& bench_ring() {
  static const auto ring = *Ring::make(kLogN, *math::primes_below(50, 1 << 18, 10));
  return *ring;
}
Seed bench_seed() { return Seed{1, 2, 3}; }

void count(benchmark::State& state, std::int64_t items) {
  state.SetItemsProcessed(state.iterations() * items);
  state.SetLabel(std::string(bench_ring().kernels().name));
}

void uniform_row_bench(benchmark::State& state) {
  Residues row(std::size_t{kDegree});
  std::uint64_t stream = 0;
  for (auto _ : state) {
    uniform_row(row, bench_ring(), 0, bench_seed(), stream++);
    benchmark::DoNotOptimize(row.data());
  }
  count(state, kDegree);
}
BENCHMARK(uniform_row_bench)->Name("uniform_row");

void gaussian_bench(benchmark::State& state) {
  const SecretSeed seed(bench_seed());
  std::uint64_t stream = 0;
  for (auto _ : state) benchmark::DoNotOptimize(gaussian(std::size_t{kDegree}, seed, stream++));
  count(state, kDegree);
}
BENCHMARK(gaussian_bench)->Name("gaussian");

void ternary_bench(benchmark::State& state) {
  const SecretSeed seed(bench_seed());
  std::uint64_t stream = 0;
  for (auto _ : state) benchmark::DoNotOptimize(ternary(std::size_t{kDegree}, seed, stream++));
  count(state, kDegree);
}
BENCHMARK(ternary_bench)->Name("ternary");

void from_signed_bench(benchmark::State& state) {
  const auto e = gaussian(std::size_t{kDegree}, SecretSeed(bench_seed()), 0);
  const auto primes = PrimeSet::range(0, 5);
  for (auto _ : state) benchmark::DoNotOptimize(from_signed(bench_ring(), primes, e.reveal(secret::RevealKey{})));
  count(state, 5 * kDegree);
}
BENCHMARK(from_signed_bench)->Name("from_signed/5_primes");

/// Evaluations modulo five primes to four, for BGV's plaintext modulus.
void divide_bench(benchmark::State& state) {
  const Divider divider(bench_ring(), PrimeSet::range(0, 4), PrimeSet({4}), static_cast<std::uint64_t>(state.range(0)));
  const auto x = uniform(bench_ring(), PrimeSet::range(0, 5), bench_seed(), 0);
  for (auto _ : state) benchmark::DoNotOptimize(divider.divide(x));
  count(state, 5 * kDegree);
}
BENCHMARK(divide_bench)->Name("divide/5_to_4_primes/t")->Arg(1)->Arg(8588886017);

void convert_bench(benchmark::State& state) {
  const BaseConverter converter(bench_ring(), PrimeSet::range(0, 5), PrimeSet::range(5, 5));
  const auto x = to_coefficients(uniform(bench_ring(), PrimeSet::range(0, 5), bench_seed(), 0));
  for (auto _ : state) benchmark::DoNotOptimize(converter.convert(x));
  count(state, 5 * kDegree);
}
BENCHMARK(convert_bench)->Name("convert/5_to_5_primes");

void transform_bench(benchmark::State& state) {
  auto x = uniform(bench_ring(), PrimeSet::range(0, 5), bench_seed(), 0);
  for (auto _ : state) {
    x = to_evaluations(to_coefficients(std::move(x)));
    benchmark::DoNotOptimize(x.row(0).data());
  }
  count(state, 5 * kDegree);
}
BENCHMARK(transform_bench)->Name("inverse_and_forward/5_primes");

}  // namespace
}  // namespace prism::ring

BENCHMARK_MAIN();
