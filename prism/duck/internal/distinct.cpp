#include "prism/duck/internal/distinct.h"

#include <duckdb.h>

#include <memory>
#include <string>
#include <utility>

namespace prism::duck {
namespace {

/// What the engine keeps per group. It moves these bytes around, so they are a pointer and nothing else; it is made
/// when the first number comes.
struct State {
  DistinctNumbers* numbers;
};
MemoryMeter* meter_of(duckdb_function_info info) {
  return static_cast<MemoryMeter*>(duckdb_aggregate_function_get_extra_info(info));
}
State& of(duckdb_aggregate_state state) { return *reinterpret_cast<State*>(state); }

void out_of_memory(duckdb_function_info info) {
  duckdb_aggregate_function_set_error(info, std::string(kOutOfMemory).c_str());
}

/// Runs what may need memory. These are callbacks of C code: nothing may be thrown through them.
template <class Body>
void guarded(duckdb_function_info info, const Body& body) noexcept {
  try {
    body();
  } catch (...) {
    out_of_memory(info);
  }
}

DistinctNumbers& numbers_of(State& state, MemoryMeter* meter) {
  if (state.numbers == nullptr) {
    Metered<DistinctNumbers> memory(meter);
    state.numbers = new (memory.allocate(1)) DistinctNumbers(meter);
  }
  return *state.numbers;
}

idx_t size(duckdb_function_info) { return sizeof(State); }
void init(duckdb_function_info, duckdb_aggregate_state state) { of(state).numbers = nullptr; }

void update(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state* states) {
  const duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
  const auto* const numbers = static_cast<const std::int32_t*>(duckdb_vector_get_data(vector));
  std::uint64_t* const validity = duckdb_vector_get_validity(vector);
  const idx_t rows = duckdb_data_chunk_get_size(input);
  guarded(info, [&] {
    MemoryMeter* const meter = meter_of(info);
    for (idx_t row = 0; row < rows; ++row) {
      if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) continue;
      numbers_of(of(states[row]), meter).add(numbers[row]);
    }
  });
}

void combine(duckdb_function_info info, duckdb_aggregate_state* sources, duckdb_aggregate_state* targets, idx_t count) {
  guarded(info, [&] {
    MemoryMeter* const meter = meter_of(info);
    for (idx_t i = 0; i < count; ++i)
      if (DistinctNumbers* const source = of(sources[i]).numbers; source != nullptr)
        numbers_of(of(targets[i]), meter).add(*source);
  });
}

void finalize(duckdb_function_info info, duckdb_aggregate_state* states, duckdb_vector result, idx_t count,
              idx_t offset) {
  auto* const out = static_cast<std::int64_t*>(duckdb_vector_get_data(result));
  guarded(info, [&] {
    for (idx_t i = 0; i < count; ++i) {
      DistinctNumbers* const numbers = of(states[i]).numbers;
      out[offset + i] = numbers == nullptr ? 0 : static_cast<std::int64_t>(numbers->count());
    }
  });
}

void destroy(duckdb_aggregate_state* states, idx_t count) {
  for (idx_t i = 0; i < count; ++i) {
    DistinctNumbers* const numbers = std::exchange(of(states[i]).numbers, nullptr);
    if (numbers == nullptr) continue;
    Metered<DistinctNumbers> memory(numbers->meter());
    std::destroy_at(numbers);
    memory.deallocate(numbers, 1);
  }
}

}  // namespace

Status register_distinct(void* connection, MemoryMeter* meter) {
  duckdb_aggregate_function function = duckdb_create_aggregate_function();
  duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
  duckdb_logical_type count = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
  duckdb_aggregate_function_set_name(function, "different");
  duckdb_aggregate_function_add_parameter(function, number);
  duckdb_aggregate_function_set_return_type(function, count);
  duckdb_aggregate_function_set_functions(function, size, init, update, combine, finalize);
  duckdb_aggregate_function_set_destructor(function, destroy);
  duckdb_aggregate_function_set_extra_info(function, meter, nullptr);
  const duckdb_state state = duckdb_register_aggregate_function(static_cast<duckdb_connection>(connection), function);
  duckdb_destroy_logical_type(&count);
  duckdb_destroy_logical_type(&number);
  duckdb_destroy_aggregate_function(&function);
  if (state != DuckDBSuccess) return fail(ErrorCode::unsupported, "the engine takes no functions of ours");
  return {};
}

}  // namespace prism::duck
