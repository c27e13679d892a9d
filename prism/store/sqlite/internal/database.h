// prism/store/sqlite/internal/database.h - SQLite's C interface as values and results: a connection, a statement.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace prism::store::sqlite::internal {

/// The longest text or blob that is read or written.
inline constexpr int kMostValueBytes = 17 << 20;

class Statement {
 public:
  Statement(Statement&&) noexcept = default;
  Statement& operator=(Statement&&) noexcept = default;

  /// Parameters count from 1. What a blob points at must live until the statement has run.
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, ByteView blob);
  /// Whether there is a row. After the last one the statement may be bound and run again.
  Result<bool> step();
  /// Columns count from 0. A view lives until the next step.
  std::int64_t integer(int column) const;
  ByteView blob(int column) const;
  std::string text(int column) const;
  /// Ends a run before its last row; locks that it held are given back.
  void reset();

 private:
  friend class Database;
  struct Finalise {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3_stmt* statement, std::string path);

  std::unique_ptr<sqlite3_stmt, Finalise> statement_;
  std::string path_;
};

/// One connection, for one thread at a time. Errors: exhausted when others kept it locked for all of the patience, or
/// the disk is full; malformed when it is no database; integrity when it is a damaged one; io.
class Database {
 public:
  /// An existing file, read and written; a symbolic link in its place is refused. `vfs` empty: the system's.
  static Result<Database> open(const std::string& path, const std::string& vfs, std::chrono::milliseconds patience);
  /// Nowhere but in memory.
  static Result<Database> in_memory();

  Status run(const char* sql);
  Result<Statement> prepare(const char* sql);
  /// The one integer that `sql` gives.
  Result<std::int64_t> integer(const char* sql);
  /// The file that this database is.
  Result<Bytes> serialize();

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  Database(sqlite3* connection, std::string path) : connection_(connection), path_(std::move(path)) {}
  static Result<Database> connect(const std::string& path, int flags, const char* vfs);

  std::unique_ptr<sqlite3, Close> connection_;
  std::string path_;
};

/// BEGIN IMMEDIATE or BEGIN, and ROLLBACK unless committed.
class Transaction {
 public:
  enum class Kind { read, write };
  static Result<Transaction> begin(Database& database, Kind kind);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  /// Durable when it returns a value. After an error nothing was written.
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace prism::store::sqlite::internal
