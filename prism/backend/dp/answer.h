// prism/backend/dp/answer.h - a noisy answer with its error bars, and what can be said before asking.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "prism/base/int128.h"
#include "prism/base/result.h"
#include "prism/dp/parameters.h"
#include "prism/dp/rational.h"
#include "prism/table/result_table.h"

namespace prism::backend::dp {

/// The coverage that every interval of an answer has at least.
inline constexpr double kCoverage = 0.95;

/// One use of a mechanism on the data. Every number of an answer is computed from releases alone.
struct Release {
  std::string what;       ///< "rows", "sum of age", "moments of age up to degree 2", "groups", "quantiles of age"
  std::string mechanism;  ///< "discrete Laplace", "discrete Gaussian", "truncated geometric selection"
  prism::dp::Rational parameter{0, 1};  ///< Laplace: scale. Gaussian: variance. Selection: 0. In units of the sums
  Uint128 sensitivity = 0;    ///< L1 for Laplace, L2 (rounded up) for Gaussian, in the same units; groups for selection
  std::uint64_t numbers = 1;  ///< noisy numbers per group
  prism::dp::Epsilon epsilon;
  prism::dp::Delta delta;
};

/// What one privacy unit can contribute to an answer. More is dropped before anything is counted.
struct Contribution {
  std::uint64_t rows = 1;    ///< rows of the (joined) relation per unit
  std::uint64_t groups = 1;  ///< groups per unit
};

/// Where the true value of a cell lies: of the same question over the rows that count, values clamped to their bounds.
/// What clamping and dropped rows change is not part of it; Answer::notes says what was clamped and dropped.
struct CellInterval {
  table::Cell low, high;        ///< of the cell's type; rounded outwards. NULL: unbounded on that side
  double coverage = kCoverage;  ///< the probability over the noise, at least
  bool exact = false;           ///< coverage is the computed value for this cell's noise, not only a bound
};

/// What stands in the way of an answer being the truth about the data, beyond noise. One sentence each.
struct Note {
  std::optional<std::size_t> output;  ///< the column it is about; absent: the whole answer
  std::string text;
};

struct PreviewColumn {
  std::string name;
  /// Half the expected interval's width, a decimal number in the unit of the column; absent: not known beforehand.
  std::optional<std::string> plus_minus;
  /// True: holds whatever the data is. False: for a group of `assumed_rows` rows with values in the middle.
  bool exact = false;
  std::uint64_t assumed_rows = 0;
  std::string text;  ///< "± 6", "± 1.4 in a group of 1000 rows", "the key"
};

/// What running a query would cost and give. Made from the grant and the query alone.
struct Preview {
  prism::dp::Epsilon epsilon;
  prism::dp::Delta delta;
  std::vector<Release> releases;
  Contribution contribution;
  bool public_groups = true;   ///< the groups are known beforehand
  std::uint64_t groups = 1;    ///< how many there are when public, the most there can be otherwise
  double keep_half_units = 0;  ///< private groups: from so many units on a group is shown with probability 1/2
  std::chrono::milliseconds bucket{0};
  std::chrono::milliseconds time_limit{0};
  std::vector<PreviewColumn> columns;
  std::vector<Note> notes;
};

/// Version 1 of the JSON form; see README.md.
std::string to_json(const Preview& preview);
std::string to_text(const Preview& preview);

/// What is left after this answer, in the words of the ledger; absent when the ledger could not be read.
struct BudgetLeft {
  std::string epsilon, delta;
  std::optional<std::string> analyst, room;  ///< epsilon of this analyst and room, where the grant limits them
};

struct Answer {
  table::ResultTable table;
  std::vector<std::vector<std::optional<CellInterval>>> intervals;  ///< as table.rows; absent for keys and constants
  std::vector<Release> releases;
  Contribution contribution;
  prism::dp::Epsilon epsilon;
  prism::dp::Delta delta;
  bool public_groups = true;
  /// Groups without rows in the answer because their noise hid them; only where the groups are public, else absent.
  std::optional<std::uint64_t> suppressed_groups;
  std::vector<Note> notes;
  std::optional<BudgetLeft> left;
};

/// Version 1 of the JSON form, every number exact; golden file in tests/golden.
std::string to_json(const Answer& answer);
/// For people: each number cut to the digits that its interval supports, followed by a column "± name".
table::ResultTable readable(const Answer& answer);

}  // namespace prism::backend::dp
