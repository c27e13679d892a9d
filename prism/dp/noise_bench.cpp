// Rows such as `draw/laplace/1000` (scale) and `draw/gaussian/1000` (standard deviation): draws in bulk, items per
// second on one core; `draw_single/...` one at a time from one stream; `group/...` one draw from a stream of its own,
// as groups take them; `build/...` the tables of one noise.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "prism/dp/noise.h"

namespace prism::dp {
namespace {

NoiseSeed seed() { return NoiseSeed::from_bytes({1, 2, 3}); }

Noise make(Noise::Kind kind, std::int64_t size) {
  return kind == Noise::Kind::laplace ? Noise::laplace({size, 1}).value()
                                      : Noise::gaussian({Int128{size} * size, 1}).value();
}

void add(Noise::Kind kind, std::int64_t size) {
  const std::string name = std::string(name_of(kind)) + "/" + std::to_string(size);
  benchmark::RegisterBenchmark(("draw/" + name).c_str(), [=](benchmark::State& state) {
    const Noise noise = make(kind, size);
    DrawStream stream = seed().stream(1);
    std::array<Int128, 1024> out;
    for (auto _ : state) {
      noise.draw(stream, out);
      benchmark::DoNotOptimize(out.data());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
  });
  benchmark::RegisterBenchmark(("draw_single/" + name).c_str(), [=](benchmark::State& state) {
    const Noise noise = make(kind, size);
    DrawStream stream = seed().stream(1);
    for (auto _ : state) benchmark::DoNotOptimize(noise.draw(stream));
    state.SetItemsProcessed(state.iterations());
  });
  benchmark::RegisterBenchmark(("group/" + name).c_str(), [=](benchmark::State& state) {
    const Noise noise = make(kind, size);
    const NoiseSeed from = seed();
    std::array<std::uint8_t, 8> key = {};
    for (auto _ : state) {
      ++key[0];
      DrawStream stream = from.stream(1, key);
      benchmark::DoNotOptimize(noise.draw(stream));
    }
    state.SetItemsProcessed(state.iterations());
  });
  benchmark::RegisterBenchmark(("build/" + name).c_str(), [=](benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(make(kind, size));
  });
}

const bool kAdded = [] {
  for (const Noise::Kind kind : {Noise::Kind::laplace, Noise::Kind::gaussian}) {
    for (const std::int64_t size : {1LL, 10LL, 1'000LL, 1'000'000LL, 1LL << 40}) add(kind, size);
  }
  return true;
}();

}  // namespace
}  // namespace prism::dp

BENCHMARK_MAIN();
