// prism/backend/dp/internal/release_plan.h - the noisy numbers a query releases, how much noise each gets, and how
// every primitive of the plan is computed from them.
//
// One release per measure: its count, sum and squares are Bernstein sums (moments.h) that share one draw of epsilon.
// COUNT(*) comes from a measure's release where there is one (a further number counts the rows without a value), so it
// costs nothing extra. What is left gets its own release. Epsilon is split evenly between releases and the choice of
// groups; the split is part of every preview and answer.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/backend/dp/answer.h"
#include "prism/backend/dp/dp.h"
#include "prism/backend/dp/internal/moments.h"
#include "prism/backend/dp/relational.h"
#include "prism/base/result.h"
#include "prism/dp/event.h"
#include "prism/dp/noise.h"
#include "prism/dp/partition.h"
#include "prism/dp/quantile.h"
#include "prism/sql/plan.h"

namespace prism::backend::dp::internal {

/// The most rows of a table, joined or not, that 128-bit sums are proved for.
inline constexpr int kMostRowsLog2 = 40;

struct PlannedRelease {
  enum class Kind {
    rows,       ///< rows of the group; with `absent`: rows with a value, rows without
    sum,        ///< clamped values (or products, or squares: columns {c, c}), one number
    moments,    ///< Bernstein sums of degree 1 or 2, then with `absent` the rows without a value times W^degree
    units,      ///< different privacy units
    quantiles,  ///< places among the clamped values of columns[0]; has no numbers of its own
  };
  Kind kind = Kind::rows;
  std::vector<std::size_t> columns;  ///< rows: those that have to have a value, if any
  int degree = 0;
  Range range{0, 0};                  ///< what values are clamped to
  std::vector<sql::Interval> bounds;  ///< sums and moments: of each column
  bool absent = false;
  std::size_t first = 0, numbers = 0;  ///< its part of the group's numbers
  Int128 l1 = 1;                       ///< sensitivity of the whole release over all groups
  Int128 l2_squared = 1;               ///< 0: too large to write
  std::string what;                    ///< for people

  std::vector<std::int64_t> fractions_nano;  ///< quantiles: which

  // Filled in by calibration.
  std::optional<prism::dp::Noise> noise;             ///< all but quantiles
  std::optional<prism::dp::QuantileRelease> choice;  ///< quantiles
  prism::dp::Epsilon epsilon;                        ///< its share
  prism::dp::Delta delta;
  double half_width = 0;  ///< of one number, 95 %, about
};

/// Where a primitive comes from: a linear form of the group's numbers, or a quantile. Neither: no expression needs it.
struct Source {
  struct Quantile {
    std::size_t release, fraction;
  };
  std::optional<LinearForm> form{};
  std::optional<Quantile> quantile{};
};

struct ReleasePlan {
  std::vector<PlannedRelease> releases;  ///< draw number i + 1 belongs to releases[i]; 0 to the choice of groups
  std::size_t numbers = 0;
  std::vector<Source> sources;  ///< as finishing.primitives
  /// The plan with every average and variance reading the count of its own measure.
  sql::Plan finishing;
  /// Private groups are shown by `selection`, or by `threshold` on one of the group's numbers.
  struct Threshold {
    prism::dp::ThresholdSelection selection;
    std::size_t number;
  };
  std::optional<prism::dp::PartitionSelection> selection;
  std::optional<Threshold> threshold;
  prism::dp::Epsilon selection_epsilon;
  prism::dp::Delta selection_delta;
  Contribution contribution;
  prism::dp::Epsilon epsilon;  ///< of everything: what was asked for
  prism::dp::Delta delta;      ///< of everything: what is charged, at most what was allowed
  std::vector<prism::dp::Event> events;
};

/// What is known before releases are planned.
struct Question {
  const policy::Grant& grant;
  const sql::Plan& plan;
  std::string_view sql;
  const RelationFacts& facts;
  bool public_groups;  ///< or none at all
};

/// Refusals: dp/nothing-asked, dp/bounds, dp/distinct, dp/delta, dp/too-wide.
Result<ReleasePlan> plan_releases(const Question& question, prism::dp::Epsilon epsilon, prism::dp::Delta delta);

}  // namespace prism::backend::dp::internal
