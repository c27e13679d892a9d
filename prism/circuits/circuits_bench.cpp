// Rows such as `circuits/matrix_1024x1024/16384`: CKKS at the top level of 128-bit secure parameters (N = 2^14: 7 + 2
// primes, digits of two; a scale of 2^40), one thread, keys and encodings made before. `transforms`: of one row, as
// stated by the circuit's cost.
#include <benchmark/benchmark.h>

#include "prism/circuits/internal/testing.h"
#include "prism/circuits/linear_map.h"
#include "prism/circuits/sums.h"

namespace prism::circuits {
namespace {

using testing::must;
using Evaluator = ckks::Evaluator;
using World = testing::World<testing::Ckks>;

World& world() {
  static World w(1, {.log_n = 14,
                     .levels = 6,
                     .digit_size = 2,
                     .base_primes = 1,
                     .scale_bits = 40,
                     .security = rlwe::Security::bits128});
  return w;
}

void report(benchmark::State& state, const Cost& cost, const KeyList& keys, rlwe::Level level) {
  state.counters["transforms"] = static_cast<double>(cost.transforms(world().parameters->rlwe(), level));
  state.counters["switches"] = static_cast<double>(cost.switches);
  state.counters["keys"] = static_cast<double>(keys.size());
}

/// A dense matrix of this size on a vector that is repeated along the row.
void matrix(benchmark::State& state, std::size_t size, int level) {
  World& w = world();
  Matrix<ckks::Complex> values{size, size, std::vector<ckks::Complex>(size * size)};
  for (ckks::Complex& x : values.values) x = testing::Ckks::draw(w.engine, *w.parameters);
  const auto map = must(SlotMap<Evaluator>::from_matrix(*w.parameters, values, Layout::repeated));
  const auto linear = must(LinearMap<Evaluator>::make(w.evaluator, w.encoder, map, rlwe::Level{level}));
  w.make(linear.keys_needed());
  auto x = w.draw();
  for (std::size_t i = size; i < x.size(); ++i) x[i] = x[i - size];
  const auto c = w.encrypt(x, linear.level());
  ring::Workspace workspace;
  ckks::Ciphertext out;
  for (auto _ : state) {
    must(linear.apply(out, w.evaluator, c, w.keys, workspace));
    benchmark::DoNotOptimize(out);
  }
  report(state, linear.cost(), linear.keys_needed(), linear.level());
  state.counters["MB"] = static_cast<double>(linear.memory_bytes()) / 1e6;
  state.counters["babies"] = static_cast<double>(linear.plan().babies().size());
}

/// The sum of a whole row, with windows of this radix.
void inner_sum(benchmark::State& state, unsigned radix) {
  World& w = world();
  const WindowPlan plan(w.row(), 1, radix);
  w.make(plan.keys_needed(w.parameters->rlwe(), w.top()));
  const auto c = w.encrypt(w.draw());
  for (auto _ : state) benchmark::DoNotOptimize(must(plan.apply(w.evaluator, c, w.keys)));
  report(state, plan.cost(w.parameters->rlwe()), plan.keys_needed(w.parameters->rlwe(), w.top()), w.top());
}

/// The same by one rotation after another, for comparison.
void inner_sum_by_rotation(benchmark::State& state) {
  World& w = world();
  const WindowPlan plan(w.row());
  w.make(plan.keys_needed(w.parameters->rlwe(), w.top()));
  const auto c = w.encrypt(w.draw());
  for (auto _ : state) benchmark::DoNotOptimize(must(w.evaluator.sum_slots(c, w.keys)));
}

void register_all() {
  const auto add = [](const char* name, auto f) {
    benchmark::RegisterBenchmark((std::string("circuits/") + name + "/16384").c_str(), f)
        ->Unit(benchmark::kMillisecond);
  };
  add("matrix_128x128", [](benchmark::State& s) { matrix(s, 128, 6); });
  add("matrix_1024x1024", [](benchmark::State& s) { matrix(s, 1024, 6); });
  add("matrix_1024x1024_level2", [](benchmark::State& s) { matrix(s, 1024, 2); });
  add("inner_sum_radix2", [](benchmark::State& s) { inner_sum(s, 2); });
  add("inner_sum_radix4", [](benchmark::State& s) { inner_sum(s, 4); });
  add("inner_sum_radix8", [](benchmark::State& s) { inner_sum(s, 8); });
  add("inner_sum_by_rotation", inner_sum_by_rotation);
}

}  // namespace
}  // namespace prism::circuits

int main(int argc, char** argv) {
  prism::circuits::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
