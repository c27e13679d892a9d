// prism/backend/he/refusal.h - refusals that say where in the query, which rule, and what to do.
#pragma once
#include <string_view>

#include "prism/base/result.h"

namespace prism::backend::he {

/// "1:27: <message> [he/role]", with `rule=he/role position=26` as detail. Position -1: no place.
Error refusal(ErrorCode code, std::string_view sql, int position, std::string_view rule, const std::string& message);

/// A question that no sealed table can answer, but dp_sandbox can over a plain file: the detail ends in
/// `accepted_by=dp_sandbox`.
Error only_in_sandbox(std::string_view sql, int position, std::string_view rule, const std::string& message);

}  // namespace prism::backend::he
