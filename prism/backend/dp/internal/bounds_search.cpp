// Bounds of columns that the grant has none for: how they are searched, and how the answer is planned with them.
#include <algorithm>
#include <limits>

#include "prism/backend/dp/internal/measures.h"
#include "prism/backend/dp/internal/prepared_state.h"
#include "prism/backend/dp/refusal.h"

namespace prism::backend::dp::internal {
namespace {

using Bounds = prism::dp::ApproximateBounds::Bounds;

/// Whether the answer can be planned with every column's bounds at the limits of a level.
bool fits(const Prepared::State& state, int level) {
  Prepared::State trial = state;
  for (const BoundsSearch::Column& column : state.search->columns)
    trial.facts.columns[column.column].bounds = limits_at(level, column.multiplied);
  return static_cast<bool>(plan_numbers(trial, state.epsilon_after_search, state.delta_after_search));
}

}  // namespace

sql::Interval limits_at(int level, bool multiplied) {
  const int bits = multiplied ? level / 2 : level;
  if (bits >= 63) return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  return {-(std::int64_t{1} << bits), std::int64_t{1} << bits};
}

sql::Interval usable_bounds(const BoundsSearch::Column& column, const Bounds& found, int level) {
  const sql::Interval limits = limits_at(level, column.multiplied);
  sql::Interval out{std::clamp(found.low, limits.low, limits.high), std::clamp(found.high, limits.low, limits.high)};
  if (out.low != out.high) return out;
  // Towards zero, so that limits stay kept; zero itself could as well be the smaller of a yes and a no.
  if (out.low > 0)
    out.low /= 2;
  else if (out.high < 0)
    out.high /= 2;
  else
    out.high = 1;
  return out;
}

/// Decides whether bounds have to be found, and plans how.
Status plan_search(Prepared::State& state) {
  std::vector<std::size_t> columns;
  std::vector<bool> multiplied(state.facts.columns.size(), false);
  const auto look_for = [&](std::size_t column) {
    if (!state.facts.columns[column].bounds && std::find(columns.begin(), columns.end(), column) == columns.end())
      columns.push_back(column);
  };
  const Needs needs = needs_of(state.plan);
  for (const Measure& measure : needs.measures) {
    if (!measure.sum && !measure.square) continue;
    for (const std::size_t column : measure.columns) {
      look_for(column);
      if (measure.square || measure.columns.size() > 1) multiplied[column] = true;
    }
  }
  // Dates have bounds of their own, those of the calendar.
  for (const std::size_t index : needs.order_statistics) {
    const std::size_t column = state.plan.primitives[index].columns[0];
    if (state.plan.catalog.columns[column].type != table::ColumnType::date) look_for(column);
  }
  if (columns.empty()) return {};
  const auto place = [&](std::size_t column) {
    for (const sql::Primitive& p : state.plan.primitives) {
      if (p.position >= 0 && std::find(p.columns.begin(), p.columns.end(), column) != p.columns.end())
        return p.position;
    }
    return -1;
  };
  BoundsSearch search;
  AggregateRequest request;
  if (state.groups) request.keep = within_public_values(state.grant, state.plan, state.facts);
  const auto each =
      prism::dp::Epsilon::from_nano(state.epsilon_after_search.nano() / 4 / static_cast<std::int64_t>(columns.size()));
  prism::dp::Delta cut;
  for (const std::size_t column : columns) {
    auto mechanism = prism::dp::ApproximateBounds::make(each, state.facts.rows_per_unit);
    if (!mechanism)
      return refusal(ErrorCode::refused, state.sql, place(column), "dp/bounds",
                     "column " + state.plan.catalog.columns[column].name +
                         " has no bounds in the grant, and they cannot be found: " + mechanism.error().message);
    cut = cut + mechanism->delta_of_truncation();
    search.columns.push_back({column, each, *std::move(mechanism), multiplied[column]});
    state.epsilon_after_search = state.epsilon_after_search - each;
    request.histograms.push_back(
        {column, {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}, 1});
    state.facts.columns[column].bounds = sql::Interval{0, 1};
  }
  if (cut >= state.delta_after_search)
    return refusal(ErrorCode::refused, state.sql, -1, "dp/delta",
                   "delta " + state.delta_after_search.text() + " is too little for this query; allow it more");
  state.delta_after_search = state.delta_after_search - cut;
  request.aggregates.push_back({Aggregate::Kind::rows, {}, {}, 0});
  sql::Plan all_groups = state.plan;
  all_groups.group_by.clear();
  auto query = AggregateQuery::make(all_groups, state.layout, state.facts, std::move(request));
  if (!query) return placed(state.sql, std::move(query).error(), "dp/range");
  search.query = *std::move(query);
  state.search = std::move(search);
  return {};
}

void set_highest_level(Prepared::State& state) {
  if (!state.search) return;
  int level = kHighestLevel;
  while (level > 0 && !fits(state, level)) --level;
  state.search->level = level;
}

std::unique_ptr<Prepared::State> plan_found(const Prepared::State& prepared, const FoundBounds& found,
                                            std::vector<Note>& notes) {
  const BoundsSearch& search = *prepared.search;
  auto out = std::make_unique<Prepared::State>(prepared);
  const auto plan_at = [&](int level) {
    for (std::size_t i = 0; i < search.columns.size(); ++i) {
      auto& bounds = out->facts.columns[search.columns[i].column].bounds;
      bounds = found[i] ? usable_bounds(search.columns[i], *found[i], level) : sql::Interval{0, 1};
    }
    return static_cast<bool>(plan_answer(*out, prepared.epsilon_after_search, prepared.delta_after_search));
  };
  int level = search.level;
  while (level >= 0 && !plan_at(level)) --level;
  if (level < 0) {
    out = std::make_unique<Prepared::State>(prepared);
    out->bars.reset();
    out->bars.emplace(out->releases);
  }
  for (std::size_t i = 0; i < search.columns.size(); ++i) {
    const BoundsSearch::Column& column = search.columns[i];
    const std::string& name = prepared.plan.catalog.columns[column.column].name;
    if (!found[i]) {
      notes.push_back({{},
                       "no bounds of " + name +
                           " were found, for too few values: they are held to its smallest steps, so this answer says "
                           "next to nothing of them; bounds in the grant help"});
      continue;
    }
    notes.push_back({{}, "the bounds of " + name + " were found with epsilon " + column.epsilon.text()});
    const sql::Interval used = *out->facts.columns[column.column].bounds;
    if (found[i]->low < used.low || found[i]->high > used.high)
      notes.push_back({{},
                       name + " seems to have values that are too large for what is computed of them; they are held to "
                              "narrower bounds than were found, so the answer can be far off"});
  }
  return out;
}

}  // namespace prism::backend::dp::internal
