#include "prism/store/sqlite/internal/ledger_schema.h"

#include <algorithm>

namespace prism::store::sqlite::internal {
namespace {

constexpr std::int64_t kApplication = 0x50524c47;  // "PRLG", where `file` and SQLite look for it
constexpr std::int64_t kVersion = 1;
constexpr const char* kTable =
    "CREATE TABLE events (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL, chain BLOB NOT NULL) STRICT";

template <class... Parts>
Error broken(const std::string& path, const Parts&... parts) {
  return fail(ErrorCode::integrity, path, " is damaged or was edited: ", parts..., "; bring back the ledger as it was");
}

/// The row's event, when its chain digest follows from `before`.
Result<policy::LedgerEvent> read_row(const Statement& row, const Digest& before, const std::string& path) {
  const ByteView body = row.blob(1);
  const Digest chain = policy::chain_digest(before, body);
  if (!std::ranges::equal(row.blob(2), chain))
    return broken(path, "event ", row.integer(0), " does not follow from the one before it");
  PRISM_TRY(policy::LedgerEvent event, policy::decode_ledger_event(body));
  if (event.sequence != static_cast<std::uint64_t>(row.integer(0)))
    return broken(path, "event ", row.integer(0), " has another number inside");
  return event;
}

}  // namespace

Result<Bytes> new_ledger(const policy::LedgerEvent& granted) {
  PRISM_TRY(const policy::Ledger ledger, policy::Ledger::begin(granted));
  PRISM_TRY(Database database, Database::in_memory());
  PRISM_CHECKED(database.run(("PRAGMA application_id = " + std::to_string(kApplication)).c_str()));
  PRISM_CHECKED(database.run(("PRAGMA user_version = " + std::to_string(kVersion)).c_str()));
  PRISM_CHECKED(database.run(kTable));
  PRISM_TRY(Statement insert, database.prepare("INSERT INTO events VALUES (1, ?, ?)"));
  const Bytes body = policy::encode(granted);
  PRISM_TRY(const bool row, insert.bind(1, body).bind(2, ledger.head()).step());
  (void)row;
  return database.serialize();
}

Status prepare_ledger(Database& database, const std::string& path) {
  // A rollback journal rather than a write-ahead log: all of the budget stands in one file, which people copy, and
  // there is no shared memory whose state a crash leaves behind. EXTRA makes the journal's removal, which is what
  // commits, durable before COMMIT returns.
  PRISM_CHECKED(database.run("PRAGMA synchronous = EXTRA"));
  PRISM_CHECKED(database.run("PRAGMA temp_store = MEMORY"));
  PRISM_CHECKED(database.run("PRAGMA mmap_size = 0"));
  PRISM_CHECKED(database.run("PRAGMA cell_size_check = ON"));
  PRISM_TRY(const std::int64_t application, database.integer("PRAGMA application_id"));
  if (application != kApplication) return fail(ErrorCode::malformed, path, " is not a ledger");
  PRISM_TRY(const std::int64_t version, database.integer("PRAGMA user_version"));
  if (version != kVersion)
    return fail(ErrorCode::unsupported, path, " is a ledger of version ", version, "; this program reads version ",
                kVersion);
  PRISM_TRY(Statement mode, database.prepare("PRAGMA journal_mode = DELETE"));
  PRISM_TRY(const bool has_mode, mode.step());
  if (!has_mode || mode.text(0) != "delete") return fail(ErrorCode::io, path, " cannot have a rollback journal");
  mode.reset();
  PRISM_TRY(Statement schema, database.prepare("SELECT sql FROM sqlite_schema"));
  PRISM_TRY(const bool has_table, schema.step());
  if (!has_table || schema.text(0) != kTable) return broken(path, "its table is not ours");
  PRISM_TRY(const bool has_more, schema.step());
  if (has_more) return broken(path, "it holds more than the ledger");
  return {};
}

Result<policy::Ledger> read_grant(Database& database, const std::string& path) {
  PRISM_TRY(Statement select, database.prepare("SELECT sequence, body, chain FROM events ORDER BY sequence LIMIT 1"));
  PRISM_TRY(const bool found, select.step());
  if (!found || select.integer(0) != 1) return broken(path, "it does not begin with its grant");
  PRISM_TRY(const policy::LedgerEvent event, read_row(select, Digest{}, path));
  return policy::Ledger::begin(event);
}

Status catch_up(Database& database, const std::string& path, policy::Ledger& ledger) {
  PRISM_TRY(Statement select, database.prepare("SELECT sequence, body, chain FROM events WHERE sequence >= ? "
                                               "ORDER BY sequence"));
  select.bind(1, static_cast<std::int64_t>(ledger.sequence()));
  PRISM_TRY(const bool known, select.step());
  if (!known || static_cast<std::uint64_t>(select.integer(0)) != ledger.sequence() ||
      !std::ranges::equal(select.blob(2), ledger.head()))
    return broken(path, "event ", ledger.sequence(), " is not what it was");
  for (;;) {
    PRISM_TRY(const bool more, select.step());
    if (!more) return {};
    if (ledger.events() >= 3 * policy::kMostLedgerEvents) return broken(path, "it has more events than a ledger can");
    PRISM_TRY(const policy::LedgerEvent event, read_row(select, ledger.head(), path));
    PRISM_CHECKED(ledger.apply(event));
  }
}

Status append(Database& database, const policy::Ledger& ledger, const policy::LedgerEvent& event) {
  PRISM_TRY(Statement insert, database.prepare("INSERT INTO events VALUES (?, ?, ?)"));
  const Bytes body = policy::encode(event);
  const Digest chain = policy::chain_digest(ledger.head(), body);
  insert.bind(1, static_cast<std::int64_t>(event.sequence)).bind(2, body).bind(3, chain);
  PRISM_TRY(const bool row, insert.step());
  (void)row;
  return {};
}

}  // namespace prism::store::sqlite::internal
