// apps/prism/demo_private.h - the demo's second half: the same questions from ciphertexts, with noise, and in truth.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "prism/base/result.h"
#include "prism/table/result_table.h"
#include "prism/table/table.h"

namespace prism::app {

/// Texts of several lines beside each other, divided by bars and indented.
std::string side_by_side(const std::vector<std::string>& texts);

/// Answers a question from the sealed table and opens the answer.
using AskSealed = std::function<Result<table::ResultTable>(const std::string& sql)>;

/// Grants a small budget in a ledger at `ledger`, asks until it is used up, and shows the refusal. integrity when it is
/// never used up.
Status tell_private_story(const table::Table& table, const std::string& ledger, const std::string& marks,
                          const AskSealed& ask);

}  // namespace prism::app
