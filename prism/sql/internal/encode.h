// prism/sql/internal/encode.h - parts of encode() that ordering needs.
#pragma once
#include "prism/base/bytes.h"
#include "prism/sql/plan.h"

namespace prism::sql::internal {

/// Without positions.
Bytes encode_predicate(const Predicate& predicate);

}  // namespace prism::sql::internal
