// prism/backend/dp/refusal.h - refusals that say where in the query, which rule and what to do.
#pragma once
#include "prism/base/result.h"
#include "prism/sql/sql.h"

namespace prism::backend::dp {

using sql::refusal;

/// The one error for whatever goes wrong once private data could have been touched: the same bytes for every cause.
Error failed();

}  // namespace prism::backend::dp
