#include "prism/store/sqlite/internal/database.h"

#include <sqlite3.h>

#include <limits>

namespace prism::store::sqlite::internal {
namespace {

Error sqlite_error(int code, const std::string& path) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(ErrorCode::exhausted, path, " is busy: others kept it locked for all of the waiting time; try again");
    case SQLITE_FULL:
      return fail(ErrorCode::exhausted, "cannot write ", path, ": the disk is full");
    case SQLITE_NOTADB:
      return fail(ErrorCode::malformed, path, " is not a ledger");
    case SQLITE_CORRUPT:
    case SQLITE_TOOBIG:
      return fail(ErrorCode::integrity, path, " is damaged; bring back the ledger as it was");
    default:
      return fail(ErrorCode::io, "cannot use ", path, ": ", sqlite3_errstr(code));
  }
}

}  // namespace

void Statement::Finalise::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(sqlite3_stmt* statement, std::string path) : statement_(statement), path_(std::move(path)) {}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), parameter, value) == SQLITE_OK, "a statement has no such parameter");
  return *this;
}

Statement& Statement::bind(int parameter, ByteView blob) {
  check(sqlite3_bind_blob64(statement_.get(), parameter, blob.data(), blob.size(), SQLITE_STATIC) == SQLITE_OK,
        "a statement has no such parameter, or a blob is past its bound");
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  reset();
  if (code == SQLITE_DONE) return false;
  return sqlite_error(code, path_);
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

ByteView Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  return {static_cast<const std::uint8_t*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Result<Database> Database::connect(const std::string& path, int flags, const char* vfs) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, vfs);
  Database database(connection, path);  // to be closed whatever happened
  if (code != SQLITE_OK) return sqlite_error(code, path);
  // The file may come from anywhere: nothing in it is run, and no value in it is larger than ours.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, kMostValueBytes);
  sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
  return database;
}

Result<Database> Database::open(const std::string& path, const std::string& vfs, std::chrono::milliseconds patience) {
  PRISM_TRY(Database database,
            connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, vfs.empty() ? nullptr : vfs.c_str()));
  const auto wait = std::min<std::int64_t>(patience.count(), std::numeric_limits<int>::max());
  sqlite3_busy_timeout(database.connection_.get(), static_cast<int>(wait));
  return database;
}

Result<Database> Database::in_memory() {
  return connect(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
}

Status Database::run(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(code, path_);
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql, -1, 0, &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(code, path_);
  return Statement(statement, path_);
}

Result<std::int64_t> Database::integer(const char* sql) {
  PRISM_TRY(Statement statement, prepare(sql));
  PRISM_TRY(const bool row, statement.step());
  if (!row) return fail(ErrorCode::integrity, path_, " is damaged; bring back the ledger as it was");
  return statement.integer(0);
}

Result<Bytes> Database::serialize() {
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> image(
      sqlite3_serialize(connection_.get(), "main", &size, 0), &sqlite3_free);
  if (!image) return fail(ErrorCode::exhausted, "there is no memory for the ledger");
  return Bytes(image.get(), image.get() + size);
}

Result<Transaction> Transaction::begin(Database& database, Kind kind) {
  PRISM_CHECKED(database.run(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

Status Transaction::commit() {
  PRISM_CHECKED(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace prism::store::sqlite::internal
