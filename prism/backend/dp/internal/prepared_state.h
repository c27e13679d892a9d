// prism/backend/dp/internal/prepared_state.h - everything about a query that is known before it runs. All of it public.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prism/backend/dp/dp.h"
#include "prism/backend/dp/internal/error_bars.h"
#include "prism/backend/dp/internal/group_keys.h"
#include "prism/backend/dp/internal/raw_numbers.h"
#include "prism/backend/dp/internal/release_plan.h"
#include "prism/backend/dp/relational.h"
#include "prism/dp/approximate_bounds.h"

namespace prism::backend::dp::internal {

/// The grant's tables as SQL sees them, and as the executor stores them; unit columns are never NULL, for rows without
/// a unit are dropped.
std::vector<sql::Catalog> catalogs_of(const policy::Grant& grant);
Layout layout_of(const policy::Grant& grant);
/// Which rows of a unit count is decided by a hash under this key: the same for all queries under one grant.
std::array<std::uint8_t, 16> row_key_of(const policy::Grant& grant);
/// The tables a plan reads, each once.
std::vector<std::size_t> tables_of(const sql::Plan& plan);

/// Delta to four digits, rounded down: what is left, for people.
std::string short_text(prism::dp::Delta delta);

/// The releases as an answer tells them.
std::vector<Release> releases_of(const ReleasePlan& plan);
/// What was clamped, dropped and hidden, in words.
std::vector<Note> notes_of(const policy::Grant& grant, const sql::Plan& plan, const RelationFacts& facts,
                           const ReleasePlan& releases, bool public_groups);
/// What the query's own words do that its writer may not expect.
std::vector<Note> notes_of_wording(const sql::Plan& plan);

/// Bounds of columns that the grant has none for, found privately before anything else with a part of epsilon.
struct BoundsSearch {
  struct Column {
    std::size_t column;
    prism::dp::Epsilon epsilon;
    prism::dp::ApproximateBounds mechanism;
    bool multiplied;  ///< squares of its values are added up, or products with another column's
  };
  std::vector<Column> columns;
  std::optional<AggregateQuery> query;  ///< how often each value occurs, over all groups: histograms as `columns`
  int level = 0;                        ///< planned for all bounds that limits_at(level) leaves
};

}  // namespace prism::backend::dp::internal

namespace prism::backend::dp {

/// A public table as it was when the noise was chosen.
struct PublicTable {
  std::size_t table;  ///< of the grant
  Digest digest;
};

struct Prepared::State {
  policy::Grant grant;
  std::string sql;
  sql::Plan plan;
  Layout layout;
  RelationFacts facts;
  std::vector<PublicTable> public_tables;             ///< whose contents the facts rest on
  std::optional<std::vector<internal::Keys>> groups;  ///< public ones
  /// With a search, everything from here to `notes` stands for bounds of [0, 1], and is planned again (plan_found)
  /// with those that are found.
  std::optional<internal::BoundsSearch> search;
  prism::dp::Epsilon epsilon_after_search;
  prism::dp::Delta delta_after_search;
  internal::ReleasePlan releases;
  internal::RawRequest raw;
  std::optional<AggregateQuery> query;
  std::optional<internal::ErrorBars> bars;
  std::vector<Note> notes;
  policy::Charge charge;
};

}  // namespace prism::backend::dp

namespace prism::backend::dp::internal {

/// Fills releases, raw, query, bars and notes from plan, facts and groups. Errors: refusals.
/// plan_numbers does so for the first three.
Status plan_numbers(Prepared::State& state, prism::dp::Epsilon epsilon, prism::dp::Delta delta);
Status plan_answer(Prepared::State& state, prism::dp::Epsilon epsilon, prism::dp::Delta delta);
/// Decides whether bounds have to be found, and plans how; columns that need it get [0, 1] until bounds are found.
Status plan_search(Prepared::State& state);
/// The highest level that the answer can be planned for, after plan_answer succeeded.
void set_highest_level(Prepared::State& state);
/// At level L sums of found columns have about L bits a row: values are held to 2^L, and to 2^(L/2) where they are
/// multiplied. 81 is the most for which squares and products are proved to fit.
inline constexpr int kHighestLevel = 81;
sql::Interval limits_at(int level, bool multiplied);
/// What the search found for a column, held to its limits and never one point: bounds of one point would make a
/// constant of every average.
sql::Interval usable_bounds(const BoundsSearch::Column& column, const prism::dp::ApproximateBounds::Bounds& found,
                            int level);
/// Plans the answer again with what was found (absent: too few values), as search.columns; cannot fail, for the last
/// thing it tries is what `prepared` holds already. Then says in notes what was found and held.
using FoundBounds = std::vector<std::optional<prism::dp::ApproximateBounds::Bounds>>;
std::unique_ptr<Prepared::State> plan_found(const Prepared::State& prepared, const FoundBounds& found,
                                            std::vector<Note>& notes);
/// The releases of the search, for previews and answers.
std::vector<Release> releases_of(const BoundsSearch& search, const sql::Plan& plan, std::uint64_t rows_per_unit);

}  // namespace prism::backend::dp::internal
