// prism/policy/internal/names.h - names of tables, columns, analysts and rooms; the digest of a grant as it is stored.
#pragma once
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::policy::internal {

/// 1 to kMostNameBytes bytes of UTF-8 without control characters: names stand in messages and on terminals.
Status check_name(std::string_view name, std::string_view pointer);

Digest digest_of_grant_text(std::string_view json);

}  // namespace prism::policy::internal
