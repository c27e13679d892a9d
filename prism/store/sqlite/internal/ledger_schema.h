// prism/store/sqlite/internal/ledger_schema.h - how a ledger lies in SQLite: one table, one row for each event.
#pragma once
#include <string>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/policy/ledger.h"
#include "prism/store/sqlite/internal/database.h"

namespace prism::store::sqlite::internal {

/// A new ledger's file. Errors: those of Ledger::first_event.
Result<Bytes> new_ledger(const policy::LedgerEvent& granted);

/// Sets up a connection and checks that the file holds our table and nothing else. Errors: malformed, unsupported.
Status prepare_ledger(Database& database, const std::string& path);

/// Event 1. Inside a transaction.
Result<policy::Ledger> read_grant(Database& database, const std::string& path);
/// Brings `ledger` up to what the file holds. Inside a transaction. Errors: integrity when the file does not go on from
/// where `ledger` is; what was taken in before stays.
Status catch_up(Database& database, const std::string& path, policy::Ledger& ledger);
/// Adds a row. Inside a transaction for writing; `ledger` stays as it is.
Status append(Database& database, const policy::Ledger& ledger, const policy::LedgerEvent& event);

}  // namespace prism::store::sqlite::internal
