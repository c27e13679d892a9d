// prism/duck/database.h - an in-memory DuckDB that runs statements of ours and nothing else.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/result.h"
#include "prism/duck/statement.h"
#include "prism/table/table.h"

namespace prism::duck {

/// Asked every few milliseconds while a statement runs; true ends it. This is where deadlines and cancellation meet.
using Stop = std::function<bool()>;

struct Limits {
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;  ///< tables and working memory together; at least 16 MiB
  int threads = 1;                                      ///< 1..256
  std::uint64_t result_rows = 1'000'000;                ///< of one answer
};

/// The type a column is kept as.
enum class Kind {
  number,  ///< BIGINT: integers, decimals and dates as table.h encodes them
  text,    ///< VARCHAR, compared byte by byte
  offset,  ///< INTEGER: a clamped value less its lower bound, see Source
};
Kind kind_of(table::ColumnType type);

/// Where one column of a stored table comes from: a column of the table that is read.
struct Source {
  std::size_t column = 0;
  /// Kind offset: values are brought to the nearest end of [low, high] and stored less low; NULL stays. Sums over such
  /// a column need no clamping in the query, and it takes half the room. high - low is below 2^31.
  std::int64_t low = 0, high = 0;
  /// Kind offset: these numbers instead, one per row of the table, 0 to 2^31 - 1, none NULL. Must outlive the append.
  const std::vector<std::int32_t>* numbers = nullptr;
};

/// One database with one connection; not for several threads at once.
///
/// Nothing outside the process can be reached from it: no files, no extensions, no attached databases, no spilling to
/// disk, and the settings that say so are locked. Errors carry fixed messages: the engine's own may quote values.
class Database {
 public:
  /// exhausted or unsupported when the engine does not start with these limits; invalid_argument for impossible ones.
  static Result<Database> open(const Limits& limits);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// CREATE TABLE `name` (c0, c1, ...). `name` is lower-case letters and digits, ours, never a user's.
  Status create(std::string_view name, std::span<const Kind> columns);
  /// Adds rows of `table`: one value per column of `name` from each row that `rows` lists (places below table.rows;
  /// absent: all). mismatch when the stored columns are others. Text with a NUL byte is malformed. An append that fails
  /// or is stopped leaves a part of the rows behind: drop the database.
  Status append(std::string_view name, const table::Table& table, std::span<const Source> sources,
                const std::vector<std::uint32_t>* rows = nullptr, const Stop& stop = {});

  /// Beside the engine's own functions there is different(INTEGER): as count(DISTINCT), and several times as fast when
  /// equal numbers stand together. The engine does not know its memory, some bytes per different number and group; it
  /// is counted apart, and may be as much as Limits::memory_bytes again.
  ///
  /// Runs one SELECT to its end; any other statement is not taken. Errors: interrupted (stop said so), exhausted
  /// (memory, or more than Limits::result_rows rows), invalid_argument (the engine does not take the statement: a
  /// mistake of ours, whatever the data), integrity (it gave up while running). None of the messages depends on data.
  Result<Rows> query(const Statement& statement, const Stop& stop = {});

 private:
  class Engine;
  explicit Database(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace prism::duck
