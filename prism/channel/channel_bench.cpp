// The channel's benchmarks: handshake_bench.cpp, and what records cost.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
