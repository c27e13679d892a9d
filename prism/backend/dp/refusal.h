// prism/backend/dp/refusal.h - refusals that say where in the query, which rule, what to do and who would answer.
#pragma once
#include <string>
#include <string_view>

#include "prism/base/result.h"

namespace prism::backend::dp {

/// "1:27: <message> [dp/bounds]", with `rule=dp/bounds position=26` as detail. Position -1: no place.
/// `accepted_by` names a backend that answers this query, and is empty when none is known to.
Error refusal(ErrorCode code, std::string_view sql, int position, std::string_view rule, const std::string& message,
              std::string_view accepted_by = {});

/// The one error for whatever goes wrong once private data could have been touched: the same bytes for every cause.
Error failed();

}  // namespace prism::backend::dp
