// prism/store/sqlite/ledger_file.h - a privacy-budget ledger in one SQLite file.
#pragma once

namespace prism::store::sqlite {}
