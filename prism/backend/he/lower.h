// prism/backend/he/lower.h - a typed plan over a sealed table becomes an encrypted program, and back: which output is
// which number.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "prism/base/int128.h"
#include "prism/program/program.h"
#include "prism/sealed/layout.h"
#include "prism/sql/plan.h"

namespace prism::backend::he {

/// Entries of text columns by column number, byte-sorted: published ones come from the header, private ones from the
/// owner or an export.
using Dictionaries = std::map<std::size_t, std::vector<std::string>>;
/// What the header publishes.
Dictionaries published_dictionaries(const sealed::Header& header);

/// What SQL may name: the table and its columns.
sql::Catalog catalog_of(const sealed::Header& header);

/// A primitive's value is constant + sum_j 2^(limb_bits*j) * output[j].
struct PrimitiveSource {
  Int128 constant = 0;
  int limb_bits = 0;
  std::vector<std::size_t> outputs;  ///< numbers of program outputs
  Int128 output_bound = 0;           ///< every |output| is at most this, for declared bounds; below t/2
};
/// A group's key: one code per GROUP BY column, absent for NULL.
struct Group {
  std::vector<std::optional<std::uint64_t>> codes;
  std::vector<PrimitiveSource> primitives;  ///< in the plan's order
};
struct Lowered {
  program::Program program;
  std::vector<Group> groups;  ///< exactly one, without codes, when there is no GROUP BY
};

/// Refuses with rule and position what this table was not sealed for: a column without the role, a private dictionary,
/// a product that is too wide, too deep a condition. `sql` is the query's text, for error places.
Result<Lowered> lower(const sql::Plan& plan, const sealed::Header& header, const Dictionaries& dictionaries,
                      std::string_view sql);

}  // namespace prism::backend::he
