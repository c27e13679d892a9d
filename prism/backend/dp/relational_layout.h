// prism/backend/dp/relational_layout.h - what a grant says about tables, as planning and reading them wants it.
#pragma once
#include <span>
#include <vector>

#include "prism/backend/dp/relational.h"
#include "prism/policy/grant.h"
#include "prism/sql/plan.h"

namespace prism::backend::dp {

/// For plan_query: one catalog per table, columns in the order of the rules.
std::vector<sql::Catalog> catalogs_of(std::span<const policy::TableRule> tables);
/// The same tables and columns. Rules as check_grant (policy/grant.h) accepts them.
Layout layout_of(std::span<const policy::TableRule> tables);

}  // namespace prism::backend::dp
