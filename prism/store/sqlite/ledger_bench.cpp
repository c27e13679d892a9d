// ledger_file/...: charges per second, each durable with its mark. The disk decides; say which with TMPDIR.
#include <benchmark/benchmark.h>

#include "prism/store/sqlite/internal/ledger_test_support.h"

namespace prism::store::sqlite {
namespace {

using internal::kTestTime;

policy::Grant large_grant() {
  policy::Grant grant = internal::test_grant("1000");
  grant.query_least = dp::Epsilon::from_nano(1'000);
  return grant;
}

void reserve_and_commit(benchmark::State& state) {
  const internal::TestFolder folder(internal::TestFolder::Where::disk);
  const policy::Grant grant = large_grant();
  LedgerFile book = internal::test_ledger(folder, grant);
  const policy::Charge charge = internal::test_charge(grant, "0.00001");
  for (auto _ : state) {
    const policy::ReservationId id = book.reserve(charge, kTestTime).value();
    check(book.commit(id, kTestTime).has_value(), "a commit failed");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(reserve_and_commit)->Name("ledger_file/reserve_and_commit")->Unit(benchmark::kMillisecond)->UseRealTime();

void reserve_in_memory(benchmark::State& state) {
  const policy::Grant grant = large_grant();
  policy::MemoryBook book = policy::MemoryBook::make(grant).value();
  const policy::Charge charge = internal::test_charge(grant, "0.00001");
  for (auto _ : state) {
    const policy::ReservationId id = book.reserve(charge, kTestTime).value();
    check(book.commit(id, kTestTime).has_value(), "a commit failed");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(reserve_in_memory)->Name("memory_book/reserve_and_commit")->Iterations(100'000);

void open_ledger(benchmark::State& state) {
  const internal::TestFolder folder;
  const policy::Grant grant = large_grant();
  {
    LedgerFile book = internal::test_ledger(folder, grant);
    const policy::Charge charge = internal::test_charge(grant, "0.00001");
    for (int i = 0; i < state.range(0); ++i) check(book.reserve(charge, kTestTime).has_value(), "a charge failed");
  }
  for (auto _ : state) check(LedgerFile::open(folder.ledger(), folder.options()).has_value(), "it does not open");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(open_ledger)->Name("ledger_file/open")->Arg(10)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace prism::store::sqlite
BENCHMARK_MAIN();
