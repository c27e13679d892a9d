// apps/prism/private_question.h - a question to dp_sandbox, as the command line asks it: answered, or only explained.
#pragma once
#include <cstddef>
#include <string>

#include "prism/base/result.h"

namespace CLI {
class App;
}

namespace prism::app {

/// Text as it was typed; empty where nothing was said.
struct PrivateQuestion {
  std::string csv, sql;
  std::string epsilon, delta;
  std::string analyst, room;
  std::string format = "table";  ///< table, json or csv; `explain` knows table and json
  std::string output;            ///< a file; stdout when empty
  std::size_t threads = 1;
};

/// Adds --epsilon, --delta, --analyst and --room.
void add_private_options(CLI::App& command, PrivateQuestion& question);
/// invalid_argument when one of these was given, though the file is for he_backend.
Status refuse_private_options(const PrivateQuestion& question);

/// What it would cost and how exact it would be. Reads the schema and the ledger, not the rows; spends nothing.
Status explain_private(const PrivateQuestion& question);
/// Charges, answers and prints. What is left of the budget goes to stderr.
Status answer_private(const PrivateQuestion& question);

}  // namespace prism::app
