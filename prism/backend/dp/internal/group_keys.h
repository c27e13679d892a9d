// prism/backend/dp/internal/group_keys.h - the groups of a query whose keys are public, and every group's name in
// bytes.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "prism/backend/dp/relational.h"
#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/policy/grant.h"
#include "prism/sql/finish.h"
#include "prism/sql/plan.h"

namespace prism::backend::dp::internal {

using Keys = std::vector<sql::KeyValue>;

/// Canonical: two lists of keys have the same bytes only if they are the same. Groups' noise is derived from it.
Bytes key_bytes(const Keys& keys);

/// Every combination of the declared values of the plan's group columns, NULL too where a column is nullable, but those
/// that WHERE rules out by the keys alone; in the order of key_bytes. Absent: some key's values are not public (or
/// there is no GROUP BY). Errors: refused with dp/groups when there are more than the grant allows; dp/unit-key when a
/// key is the privacy unit.
Result<std::optional<std::vector<Keys>>> public_groups(const policy::Grant& grant, const sql::Plan& plan,
                                                       const RelationFacts& facts, std::string_view sql);

/// "This row's keys are among the public values": what keeps other rows from counting anywhere.
sql::Predicate within_public_values(const policy::Grant& grant, const sql::Plan& plan, const RelationFacts& facts);

}  // namespace prism::backend::dp::internal
