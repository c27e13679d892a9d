// prism/sealed/propose.h - from a table and what its owner wants to what sealing it will make, and make public. Nothing
// is encrypted here.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "prism/sealed/layout.h"
#include "prism/table/table.h"

namespace prism::sealed {

enum class Role { measure, filter, group };
Result<Role> role_from(std::string_view name);

struct SealOptions {
  /// Column name and role; empty: the proposal. With any, only named columns are sealed.
  std::vector<std::pair<std::string, Role>> roles;
  std::vector<std::string> publish;                           ///< text columns whose dictionary becomes public
  std::vector<std::pair<std::string, std::string>> products;  ///< a*b to seal as measures of their own
  bool squares = true;
  /// compact: fewest bytes per wide filter value; fast: fewer and shallower products per query.
  enum class Style { compact, fast } style = Style::compact;
  /// Products of conditions over different columns that WHERE may nest beyond one comparison; -1: 0 for one filter
  /// column, 1 for two, else 2.
  int nesting = -1;
  rlwe::Security security = rlwe::Security::bits128;
  /// Public bounds of scaled values by column name, instead of the data's own, rounded outwards.
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> bounds;
  /// Hides the row count: rows are padded to this many and an encrypted cell says which are real.
  std::optional<std::uint64_t> pad_rows_to;
};

struct Proposal {
  Header header;                            ///< without id, key, seeds
  std::vector<std::string> columns;         ///< a line per column: its roles, encoding, bytes per row
  std::vector<std::string> becomes_public;  ///< everything that whoever holds the file can read
  std::vector<std::string> left_out;        ///< columns that are not sealed, with the flag that would
  std::uint64_t file_bytes = 0;
};

/// Errors: not_found (columns), invalid_argument (roles that cannot be, bounds the data breaks: row and column named,
/// never the value), insecure / level_exhausted when no parameters carry it.
Result<Proposal> propose(const table::Table& table, const SealOptions& options);

/// low down and high up to multiples of 10^floor(log10(high - low)), within int64.
std::pair<std::int64_t, std::int64_t> rounded_outwards(std::int64_t low, std::int64_t high);
/// Mixed radices with `digits` digits whose product is at least `size`, fewest cells, larger digits first.
std::vector<std::uint32_t> balanced_bases(std::uint64_t size, std::size_t digits);
/// Products on the path of a comparison with that many digits: ceil(log2 digits).
int leaf_depth(std::size_t digits);

}  // namespace prism::sealed
