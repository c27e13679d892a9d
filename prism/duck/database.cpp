#include "prism/duck/database.h"

#include <duckdb.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "prism/base/check.h"
#include "prism/duck/internal/distinct.h"

namespace prism::duck {
namespace {

constexpr std::uint64_t kLeastMemory = std::uint64_t{16} << 20;

/// The C API's objects are freed by a function that takes a pointer to them.
template <class T, void (*destroy)(T*)>
class Owned {
 public:
  Owned() = default;
  Owned(Owned&& other) noexcept : object_(std::exchange(other.object_, T{})) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Owned() { destroy(&object_); }
  T get() const { return object_; }
  T* out() { return &object_; }

 private:
  T object_{};
};
void destroy_appender(duckdb_appender* appender) { duckdb_appender_destroy(appender); }
using Config = Owned<duckdb_config, duckdb_destroy_config>;
using Handle = Owned<duckdb_database, duckdb_close>;
using Connection = Owned<duckdb_connection, duckdb_disconnect>;
using Prepared = Owned<duckdb_prepared_statement, duckdb_destroy_prepare>;
using Pending = Owned<duckdb_pending_result, duckdb_destroy_pending>;
using Answer = Owned<duckdb_result, duckdb_destroy_result>;
using Chunk = Owned<duckdb_data_chunk, duckdb_destroy_data_chunk>;
using LogicalType = Owned<duckdb_logical_type, duckdb_destroy_logical_type>;
using Appender = Owned<duckdb_appender, destroy_appender>;

duckdb_hugeint huge(Int128 value) {
  const auto bits = static_cast<Uint128>(value);
  return {static_cast<std::uint64_t>(bits), static_cast<std::int64_t>(static_cast<std::uint64_t>(bits >> 64))};
}
Int128 from_huge(duckdb_hugeint value) {
  return static_cast<Int128>((static_cast<Uint128>(static_cast<std::uint64_t>(value.upper)) << 64) | value.lower);
}

Error not_taken() {
  return fail(ErrorCode::invalid_argument, "the engine does not take this statement; it was built wrongly");
}
Error stopped() { return fail(ErrorCode::interrupted, "the query was stopped before its end"); }

/// The kind of error is the first words of the engine's message; the rest of it may quote values and stays here.
Error failure_of(const char* message, std::uint64_t memory_bytes) {
  if (message != nullptr && (std::string_view(message).starts_with("Out of Memory Error") ||
                             std::string_view(message).find(kOutOfMemory) != std::string_view::npos))
    return fail(ErrorCode::exhausted, "the query needs more memory than its limit of ", memory_bytes,
                " bytes; allow more or ask for fewer groups");
  return fail(ErrorCode::integrity, "the engine gave up while it ran a statement");
}

Status bind(duckdb_prepared_statement prepared, idx_t place, const Value& value) {
  duckdb_state state = DuckDBError;
  if (std::holds_alternative<std::monostate>(value)) state = duckdb_bind_null(prepared, place);
  if (const auto* number = std::get_if<std::int64_t>(&value)) state = duckdb_bind_int64(prepared, place, *number);
  if (const auto* number = std::get_if<Int128>(&value)) state = duckdb_bind_hugeint(prepared, place, huge(*number));
  if (const auto* text = std::get_if<std::string>(&value))
    state = duckdb_bind_varchar_length(prepared, place, text->data(), text->size());
  if (state != DuckDBSuccess) return not_taken();
  return {};
}

template <class T>
void widen(duckdb_vector vector, idx_t rows, std::vector<Int128>& out) {
  const auto* values = static_cast<const T*>(duckdb_vector_get_data(vector));
  for (idx_t i = 0; i < rows; ++i) out.push_back(static_cast<Int128>(values[i]));
}

Status take_column(duckdb_vector vector, idx_t rows, RowsColumn& out) {
  LogicalType type;
  *type.out() = duckdb_vector_get_column_type(vector);
  const duckdb_type id = duckdb_get_type_id(type.get());
  std::uint64_t* const validity = duckdb_vector_get_validity(vector);
  const std::size_t first = out.valid.size();
  for (idx_t i = 0; i < rows; ++i)
    out.valid.push_back(validity == nullptr || duckdb_validity_row_is_valid(validity, i) ? 1 : 0);
  switch (id) {
    case DUCKDB_TYPE_INTEGER:
      widen<std::int32_t>(vector, rows, out.numbers);
      break;
    case DUCKDB_TYPE_BIGINT:
      widen<std::int64_t>(vector, rows, out.numbers);
      break;
    case DUCKDB_TYPE_UBIGINT:
      widen<std::uint64_t>(vector, rows, out.numbers);
      break;
    case DUCKDB_TYPE_HUGEINT: {
      const auto* values = static_cast<const duckdb_hugeint*>(duckdb_vector_get_data(vector));
      for (idx_t i = 0; i < rows; ++i) out.numbers.push_back(from_huge(values[i]));
      break;
    }
    case DUCKDB_TYPE_VARCHAR: {
      out.text = true;
      auto* values = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
      for (idx_t i = 0; i < rows; ++i)
        out.texts.push_back(out.valid[first + i] == 0
                                ? std::string()
                                : std::string(duckdb_string_t_data(&values[i]), duckdb_string_t_length(values[i])));
      break;
    }
    default:
      return not_taken();  // no statement of ours returns another type
  }
  // Values under a NULL are whatever the engine left there.
  for (std::size_t i = first; i < out.valid.size() && !out.text; ++i)
    if (out.valid[i] == 0) out.numbers[i] = 0;
  return {};
}

Error other_columns(std::string_view name) {
  return fail(ErrorCode::mismatch, "table ", std::string(name), " is not there, or has other columns");
}

Result<Kind> stored_kind(duckdb_logical_type type, std::string_view name) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BIGINT:
      return Kind::number;
    case DUCKDB_TYPE_VARCHAR:
      return Kind::text;
    case DUCKDB_TYPE_INTEGER:
      return Kind::offset;
    default:
      return other_columns(name);
  }
}

/// One column of one chunk: the values at `places`.
void fill(duckdb_vector vector, Kind kind, const table::Column& column, const Source& source,
          std::span<const std::size_t> places) {
  const std::int64_t* const values = column.values.data();
  const std::uint8_t* const valid = column.valid.data();
  void* const data = duckdb_vector_get_data(vector);
  if (source.numbers != nullptr) {
    auto* const out = static_cast<std::int32_t*>(data);
    for (std::size_t k = 0; k < places.size(); ++k) out[k] = (*source.numbers)[places[k]];
    return;  // a vector without validity has no NULLs
  }
  if (kind == Kind::number) {
    auto* const out = static_cast<std::int64_t*>(data);
    for (std::size_t k = 0; k < places.size(); ++k) out[k] = values[places[k]];
  } else if (kind == Kind::offset) {
    auto* const out = static_cast<std::int32_t*>(data);
    for (std::size_t k = 0; k < places.size(); ++k)
      out[k] = static_cast<std::int32_t>(std::clamp(values[places[k]], source.low, source.high) - source.low);
  } else {
    for (std::size_t k = 0; k < places.size(); ++k) {
      if (valid[places[k]] == 0) continue;
      const std::string& word = column.dictionary[static_cast<std::size_t>(values[places[k]])];
      duckdb_vector_assign_string_element_len(vector, k, word.data(), word.size());
    }
  }
  duckdb_vector_ensure_validity_writable(vector);
  std::uint64_t* const validity = duckdb_vector_get_validity(vector);
  for (std::size_t first = 0; first < places.size(); first += 64) {
    std::uint64_t word = 0;
    for (std::size_t k = first; k < std::min(first + 64, places.size()); ++k)
      word |= std::uint64_t{valid[places[k]]} << (k - first);
    validity[first / 64] = word;
  }
}

bool is_own_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

}  // namespace

Kind kind_of(table::ColumnType type) { return type == table::ColumnType::text ? Kind::text : Kind::number; }

class Database::Engine {
 public:
  // Destroyed from the last to the first: the connection before its database.
  Limits limits;
  MemoryMeter distinct_memory;
  Handle database;
  Connection connection;

  explicit Engine(const Limits& limited) : limits(limited), distinct_memory(limited.memory_bytes) {}

  Status start() {
    Config config;
    if (duckdb_create_config(config.out()) != DuckDBSuccess) return not_started();
    const std::string memory = std::to_string(limits.memory_bytes) + "B";
    const std::string threads = std::to_string(limits.threads);
    // Each of these is tried out in database_test.cpp. What no setting can take back is set last: the lock.
    const std::pair<const char*, const char*> settings[] = {
        {"access_mode", "AUTOMATIC"},
        {"memory_limit", memory.c_str()},
        {"threads", threads.c_str()},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"allow_unsigned_extensions", "false"},
        {"allow_persistent_secrets", "false"},
        {"temp_directory", ""},                // nothing is spilled to disk
        {"max_temp_directory_size", "0B"},     //
        {"preserve_insertion_order", "false"}  // answers have no order; keeping one costs memory
    };
    for (const auto& [name, value] : settings)
      if (duckdb_set_config(config.get(), name, value) != DuckDBSuccess) return not_started();
    if (duckdb_open_ext(nullptr, database.out(), config.get(), nullptr) != DuckDBSuccess) return not_started();
    if (duckdb_connect(database.get(), connection.out()) != DuckDBSuccess) return not_started();
    PRISM_CHECKED(register_distinct(connection.get(), &distinct_memory));
    // Whether groups are kept compressed depends on statistics of the data, and such a plan does not bind when columns
    // were cut from the joins below it ("Failed to bind column reference", 1.4.4): a statement would fail for some data
    // only. Without the cutting both plans bind.
    for (const char* const text : {"SET default_collation = ''", "SET enable_progress_bar = false",
                                   "SET disabled_optimizers = 'column_lifetime'", "SET enable_external_access = false",
                                   "SET lock_configuration = true"}) {
      Answer answer;
      if (duckdb_query(connection.get(), text, answer.out()) != DuckDBSuccess) return not_started();
    }
    return {};
  }

  Result<Rows> run(const Statement& statement, duckdb_statement_type type, const Stop& stop);

 private:
  static Error not_started() {
    return fail(ErrorCode::unsupported, "DuckDB ", duckdb_library_version(),
                " does not start with these limits; give it more memory");
  }
};

Database::Database(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const Limits& limits) {
  if (limits.memory_bytes < kLeastMemory)
    return fail(ErrorCode::invalid_argument, limits.memory_bytes, " bytes of memory; the engine needs at least ",
                kLeastMemory);
  if (limits.threads < 1 || limits.threads > 256)
    return fail(ErrorCode::invalid_argument, limits.threads, " threads; take 1 to 256");
  auto engine = std::make_unique<Engine>(limits);
  PRISM_CHECKED(engine->start());
  return Database(std::move(engine));
}

Status Database::create(std::string_view name, std::span<const Kind> columns) {
  if (!is_own_name(name)) return not_taken();
  std::string text = "CREATE TABLE " + std::string(name) + " (";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text += (i == 0 ? "c" : ", c") + std::to_string(i);
    text += columns[i] == Kind::text ? " VARCHAR" : columns[i] == Kind::offset ? " INTEGER" : " BIGINT";
  }
  PRISM_TRY(const Rows none, engine_->run({text + ")", {}}, DUCKDB_STATEMENT_TYPE_CREATE, {}));
  return {};
}

Status Database::append(std::string_view name, const table::Table& table, std::span<const Source> sources,
                        const std::vector<std::uint32_t>* rows, const Stop& stop) {
  const std::size_t count = rows == nullptr ? table.rows : rows->size();
  Appender appender;
  if (!is_own_name(name) ||
      duckdb_appender_create(engine_->connection.get(), nullptr, std::string(name).c_str(), appender.out()) !=
          DuckDBSuccess ||
      duckdb_appender_column_count(appender.get()) != sources.size())
    return other_columns(name);
  const auto failed = [&] {
    return fail(ErrorCode::exhausted, "the rows do not fit the memory limit of ", engine_->limits.memory_bytes,
                " bytes; allow more");
  };
  std::vector<LogicalType> types(sources.size());
  std::vector<duckdb_logical_type> raw_types;
  std::vector<Kind> kinds;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    check(sources[i].column < table.columns.size(), "append: a column that the table does not have");
    check(sources[i].numbers == nullptr || sources[i].numbers->size() == table.rows, "append: a number for each row");
    const table::Column& column = table.columns[sources[i].column];
    *types[i].out() = duckdb_appender_column_type(appender.get(), i);
    raw_types.push_back(types[i].get());
    PRISM_TRY(const Kind kind, stored_kind(types[i].get(), name));
    const bool text = sources[i].numbers == nullptr && column.schema.type == table::ColumnType::text;
    if ((kind == Kind::text) != text || (sources[i].numbers != nullptr && kind != Kind::offset))
      return other_columns(name);
    const auto width = static_cast<Uint128>(static_cast<Int128>(sources[i].high) - sources[i].low);
    if (kind == Kind::offset) check(width < (Uint128{1} << 31), "append: an offset that does not fit 31 bits");
    kinds.push_back(kind);
    for (const std::string& word : column.dictionary)
      if (word.find('\0') != std::string::npos)
        return fail(ErrorCode::malformed, "a text column holds NUL bytes; remove them");
  }
  Chunk chunk;
  *chunk.out() = duckdb_create_data_chunk(raw_types.data(), raw_types.size());
  const std::size_t most = duckdb_vector_size();
  std::vector<std::size_t> places(most);
  for (std::size_t first = 0; first < count; first += most) {
    if (stop && (first / most) % 64 == 0 && stop()) return stopped();
    const std::size_t size = std::min(most, count - first);
    for (std::size_t k = 0; k < size; ++k) places[k] = rows == nullptr ? first + k : (*rows)[first + k];
    duckdb_data_chunk_reset(chunk.get());
    for (std::size_t i = 0; i < sources.size(); ++i)
      fill(duckdb_data_chunk_get_vector(chunk.get(), i), kinds[i], table.columns[sources[i].column], sources[i],
           std::span(places).first(size));
    duckdb_data_chunk_set_size(chunk.get(), size);
    if (duckdb_append_data_chunk(appender.get(), chunk.get()) != DuckDBSuccess) return failed();
  }
  if (duckdb_appender_close(appender.get()) != DuckDBSuccess) return failed();
  return {};
}

Result<Rows> Database::query(const Statement& statement, const Stop& stop) {
  return engine_->run(statement, DUCKDB_STATEMENT_TYPE_SELECT, stop);
}

Result<Rows> Database::Engine::run(const Statement& statement, duckdb_statement_type type, const Stop& stop) {
  Prepared prepared;
  if (duckdb_prepare(connection.get(), statement.text.c_str(), prepared.out()) != DuckDBSuccess ||
      duckdb_prepared_statement_type(prepared.get()) != type ||
      duckdb_nparams(prepared.get()) != statement.parameters.size())
    return not_taken();
  for (std::size_t i = 0; i < statement.parameters.size(); ++i)
    PRISM_CHECKED(bind(prepared.get(), i + 1, statement.parameters[i]));

  Pending pending;
  if (duckdb_pending_prepared(prepared.get(), pending.out()) != DuckDBSuccess) return not_taken();
  // Tasks are short (some thousand rows each), so asking between them is often enough.
  for (;;) {
    if (stop && stop()) {
      duckdb_interrupt(connection.get());
      return stopped();
    }
    const duckdb_pending_state state = duckdb_pending_execute_task(pending.get());
    if (state == DUCKDB_PENDING_ERROR) return failure_of(duckdb_pending_error(pending.get()), limits.memory_bytes);
    if (duckdb_pending_execution_is_finished(state)) break;
    // The engine's own threads have the rest.
    if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  Answer answer;
  if (duckdb_execute_pending(pending.get(), answer.out()) != DuckDBSuccess)
    return failure_of(duckdb_result_error(answer.out()), limits.memory_bytes);

  Rows rows;
  rows.columns.resize(duckdb_column_count(answer.out()));
  if (duckdb_result_return_type(*answer.out()) != DUCKDB_RESULT_TYPE_QUERY_RESULT) return Rows{};
  for (;;) {
    Chunk chunk;
    *chunk.out() = duckdb_fetch_chunk(*answer.out());
    if (chunk.get() == nullptr) break;
    const idx_t size = duckdb_data_chunk_get_size(chunk.get());
    rows.count += size;
    if (rows.count > limits.result_rows)
      return fail(ErrorCode::exhausted, "the answer has more than ", limits.result_rows, " rows");
    for (std::size_t i = 0; i < rows.columns.size(); ++i)
      PRISM_CHECKED(take_column(duckdb_data_chunk_get_vector(chunk.get(), i), size, rows.columns[i]));
  }
  return rows;
}

}  // namespace prism::duck
