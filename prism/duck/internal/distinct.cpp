#include "prism/duck/internal/distinct.h"

#include <duckdb.h>

#include <memory>
#include <new>

namespace prism::duck {
namespace {

/// What the engine keeps per group. It moves these bytes around, so they are a pointer and nothing else; it is made
/// when the first number comes.
struct State {
  DistinctNumbers* numbers;
};
State& of(duckdb_aggregate_state state) { return *reinterpret_cast<State*>(state); }

// Callbacks of C code: nothing may be thrown through them.
void out_of_memory(duckdb_function_info info) {
  duckdb_aggregate_function_set_error(info, "Out of Memory Error: counting different numbers");
}

idx_t size(duckdb_function_info) { return sizeof(State); }
void init(duckdb_function_info, duckdb_aggregate_state state) { of(state).numbers = nullptr; }

void update(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state* states) {
  const duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
  const auto* const numbers = static_cast<const std::int32_t*>(duckdb_vector_get_data(vector));
  std::uint64_t* const validity = duckdb_vector_get_validity(vector);
  const idx_t rows = duckdb_data_chunk_get_size(input);
  try {
    for (idx_t row = 0; row < rows; ++row) {
      if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) continue;
      State& state = of(states[row]);
      if (state.numbers == nullptr) state.numbers = std::make_unique<DistinctNumbers>().release();
      state.numbers->add(numbers[row]);
    }
  } catch (const std::bad_alloc&) {
    out_of_memory(info);
  }
}

void combine(duckdb_function_info info, duckdb_aggregate_state* sources, duckdb_aggregate_state* targets, idx_t count) {
  try {
    for (idx_t i = 0; i < count; ++i) {
      const State& source = of(sources[i]);
      State& target = of(targets[i]);
      if (source.numbers == nullptr) continue;
      if (target.numbers == nullptr) target.numbers = std::make_unique<DistinctNumbers>().release();
      target.numbers->add(*source.numbers);
    }
  } catch (const std::bad_alloc&) {
    out_of_memory(info);
  }
}

void finalize(duckdb_function_info, duckdb_aggregate_state* states, duckdb_vector result, idx_t count, idx_t offset) {
  auto* const out = static_cast<std::int64_t*>(duckdb_vector_get_data(result));
  for (idx_t i = 0; i < count; ++i) {
    DistinctNumbers* const numbers = of(states[i]).numbers;
    out[offset + i] = numbers == nullptr ? 0 : static_cast<std::int64_t>(numbers->count());
  }
}

void destroy(duckdb_aggregate_state* states, idx_t count) {
  for (idx_t i = 0; i < count; ++i) {
    delete of(states[i]).numbers;
    of(states[i]).numbers = nullptr;
  }
}

}  // namespace

Status register_distinct(void* connection) {
  duckdb_aggregate_function function = duckdb_create_aggregate_function();
  duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
  duckdb_logical_type count = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
  duckdb_aggregate_function_set_name(function, "different");
  duckdb_aggregate_function_add_parameter(function, number);
  duckdb_aggregate_function_set_return_type(function, count);
  duckdb_aggregate_function_set_functions(function, size, init, update, combine, finalize);
  duckdb_aggregate_function_set_destructor(function, destroy);
  const duckdb_state state = duckdb_register_aggregate_function(static_cast<duckdb_connection>(connection), function);
  duckdb_destroy_logical_type(&count);
  duckdb_destroy_logical_type(&number);
  duckdb_destroy_aggregate_function(&function);
  if (state != DuckDBSuccess) return fail(ErrorCode::unsupported, "the engine takes no functions of ours");
  return {};
}

}  // namespace prism::duck
