// Rows and bytes per second from CSV to a typed table; fixed seed, columns like those of a loan book.
#include <benchmark/benchmark.h>

#include <random>

#include "prism/table/read_csv.h"

namespace {

using namespace prism::table;

std::string loans(std::size_t rows) {
  std::mt19937_64 random(7);
  std::string text = "id,state,amount,rate,opened,title,income,months\n";
  for (std::size_t i = 0; i < rows; ++i) {
    text += std::to_string(i) + "," + static_cast<char>('A' + random() % 7) + static_cast<char>('A' + random() % 7) +
            "," + std::to_string(1000 + random() % 39000) + "," + std::to_string(5 + random() % 25) + "." +
            std::to_string(10 + random() % 90) + ",20" + std::to_string(10 + random() % 10) + "-0" +
            std::to_string(1 + random() % 9) + "-1" + std::to_string(random() % 10) + ",\"title, " +
            std::to_string(random() % 4000) + "\"," + std::to_string(random() % 200000) + ".5," +
            (random() % 10 == 0 ? "" : std::to_string(random() % 60)) + "\n";
  }
  return text;
}

void read_table(benchmark::State& state) {
  const auto rows = static_cast<std::size_t>(state.range(0));
  const std::string text = loans(rows);
  for (auto _ : state) {
    auto table = read_csv_text("loans", text);
    benchmark::DoNotOptimize(table);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(read_table)->Arg(100'000)->Unit(benchmark::kMillisecond)->MinTime(0.2);

void records_only(benchmark::State& state) {
  const std::string text = loans(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    auto reader = CsvReader::open(memory_source(text));
    while (*reader->next() != nullptr) {
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(records_only)->Arg(100'000)->Unit(benchmark::kMillisecond)->MinTime(0.2);

}  // namespace

BENCHMARK_MAIN();
