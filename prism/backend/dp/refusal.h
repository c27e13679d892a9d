// prism/backend/dp/refusal.h - refusals that say where in the query, which rule and what to do.
#pragma once
#include "prism/base/result.h"
#include "prism/sql/sql.h"

namespace prism::backend::dp {

using sql::refusal;

/// A refusal whose maker did not have the query's text: with its place and rule, or `otherwise` as rule.
Error placed(std::string_view sql, Error error, std::string_view otherwise);

/// Where a keyword stands outside of quotes, the last time: the outer query's, mostly. -1: nowhere. Lower case.
int place_of(std::string_view sql, std::string_view keyword);

/// The one error for whatever goes wrong once private data could have been touched: the same bytes for every cause.
Error failed();

}  // namespace prism::backend::dp
