// prism/backend/he/indicator.h - conditions as arithmetic: a node that is 1 in the slots of rows where the condition is
// true, else 0.
#pragma once
#include <optional>

#include "prism/backend/he/cells.h"
#include "prism/backend/he/lower.h"

namespace prism::backend::he {

/// Codes from first to last, both included.
struct CodeInterval {
  std::uint64_t first, last;
};
/// The codes a test accepts, sorted and disjoint. Refuses text tests without a dictionary.
Result<std::vector<CodeInterval>> codes_of(const sql::ColumnTest& test, const sealed::Column& column,
                                           const Dictionaries& dictionaries, std::string_view sql);

/// What a predicate comes to over one table: true for some rows (a node), for every row, or (possible false) for none.
struct Condition {
  bool possible = true;
  std::optional<program::Node> node{};
};

/// The predicate as one node at `level` or above.
/// First as written (products taken shallowest first); if that is too deep, multilinear in the range tests, which costs
/// more products but less depth.
Result<Condition> indicator(const sql::Predicate& predicate, int level, Cells& cells, const Dictionaries& dictionaries,
                            std::string_view sql);

}  // namespace prism::backend::he
