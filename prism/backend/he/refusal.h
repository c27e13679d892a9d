// prism/backend/he/refusal.h - refusals that say where in the query, which rule, and what to do.
#pragma once
#include <string>
#include <string_view>

#include "prism/base/result.h"
#include "prism/sql/sql.h"

namespace prism::backend::he {

using sql::refusal;

/// A question that no sealed table can answer, but dp_sandbox can over a plain file: the detail ends in
/// `accepted_by=dp_sandbox`.
Error only_in_sandbox(std::string_view sql, int position, std::string_view rule, const std::string& message);

}  // namespace prism::backend::he
