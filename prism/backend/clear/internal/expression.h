// prism/backend/clear/internal/expression.h - what an expression of a plan is worth for one group.
#pragma once
#include "prism/backend/clear/internal/rows.h"
#include "prism/backend/clear/internal/value.h"

namespace prism::backend::clear {

Value evaluate(const sql::Expression& expression, const Group& group);

}  // namespace prism::backend::clear
