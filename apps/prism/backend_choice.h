// apps/prism/backend_choice.h - which backend answers a question about a file: the one that was named, or the one that
// can.
#pragma once
#include <string>

#include "prism/base/result.h"

namespace CLI {
class App;
}

namespace prism::app {

enum class BackendChoice {
  he,  ///< he_backend: sealed tables
  dp,  ///< dp_sandbox: plain CSV files under a grant
};

/// Adds --backend.
void add_backend_option(CLI::App& command, std::string& name);

/// `named` is what --backend said; empty: he_backend for a sealed table, dp_sandbox otherwise. A backend that cannot
/// answer from this kind of file is refused with the one that can.
Result<BackendChoice> choose_backend(const std::string& path, const std::string& named);

}  // namespace prism::app
