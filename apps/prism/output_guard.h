// apps/prism/output_guard.h - what an output must not overwrite: the files that are read, and every budget.
#pragma once
#include <span>
#include <string>

#include "prism/base/result.h"

namespace prism::app {

/// refused when `output` is one of `inputs`, by any name, or part of a budget (not_a_budget).
Status check_output(const std::string& output, std::span<const std::string> inputs);

/// refused when `output` is a ledger or one of SQLite's files beside it, or lies among high-water marks. What an answer
/// overwrites there is budget that nobody can bring back.
Status not_a_budget(const std::string& output);

}  // namespace prism::app
