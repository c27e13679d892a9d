#include "prism/backend/dp/internal/release_plan.h"

#include <algorithm>
#include <limits>

#include "prism/backend/dp/internal/measures.h"
#include "prism/backend/dp/refusal.h"
#include "prism/dp/calibrate.h"
#include "prism/table/date.h"

namespace prism::backend::dp::internal {
namespace {

using prism::dp::Delta;
using prism::dp::Epsilon;
using prism::dp::Event;
using sql::Primitive;

constexpr Int128 kMostSensitivity = Int128{1} << 90;  // leaves room for scales: calibration wants below 2^100
constexpr Int128 kMostWithSquare = Int128{1} << 50;   // squares below 2^100 too; larger ones get Laplace noise only
constexpr Int128 kMostSquared = Int128{1} << 42;      // its square, times 2^40 rows, and a factor of two
constexpr Int128 kMostValue = Int128{1} << (126 - kMostRowsLog2);

Int128 magnitude(Int128 value) { return value < 0 ? -value : value; }

/// Of products of values from two ranges; both within 64 bits.
Range product_range(const sql::Interval& a, const sql::Interval& b) {
  const Int128 corners[] = {Int128{a.low} * b.low, Int128{a.low} * b.high, Int128{a.high} * b.low,
                            Int128{a.high} * b.high};
  return {*std::min_element(std::begin(corners), std::end(corners)),
          *std::max_element(std::begin(corners), std::end(corners))};
}

/// Of squares: never below zero, which the product of a range with itself does not know.
Range square_range(const sql::Interval& a) {
  Range out = product_range(a, a);
  out.low = a.low <= 0 && a.high >= 0 ? Int128{0} : std::min(Int128{a.low} * a.low, Int128{a.high} * a.high);
  return out;
}

class Planner {
 public:
  Planner(const Question& question, Epsilon epsilon, Delta delta) : q_(question) {
    out_.epsilon = epsilon;
    allowed_ = delta;
  }

  Result<ReleasePlan> plan() {
    out_.finishing = q_.plan;
    out_.sources.resize(q_.plan.primitives.size());
    const Needs needs = needs_of(q_.plan);
    if (needs.nothing() && q_.public_groups)
      return refuse(q_.plan.outputs.empty() ? -1 : q_.plan.outputs[0].value.position, "dp/nothing-asked",
                    "nothing here depends on the data; select an aggregate such as COUNT(*)");
    bound_contribution();
    for (const Measure& measure : needs.measures) PRISM_CHECKED(add(measure));
    bool rows = needs.rows || rows_wanted_;
    for (const std::size_t index : needs.distinct) {
      PRISM_CHECKED(check_distinct(index));
      if (one_row()) rows = true;
    }
    if (rows) attach_rows();
    for (const std::size_t index : needs.distinct) add_distinct(index);
    for (const std::size_t index : needs.order_statistics) PRISM_CHECKED(add_quantiles(index));
    for (const Constant& constant : constants_) settle(constant);
    connect();
    PRISM_CHECKED(calibrate());
    return std::move(out_);
  }

 private:
  /// A measure whose bounds leave one value only.
  struct Constant {
    std::vector<std::size_t> columns;
    Int128 value;
  };

  bool one_row() const { return out_.contribution.rows == 1; }
  const std::string& name(std::size_t column) const { return q_.plan.catalog.columns[column].name; }
  bool nullable(const std::vector<std::size_t>& columns) const {
    return std::any_of(columns.begin(), columns.end(),
                       [&](std::size_t c) { return q_.plan.catalog.columns[c].nullable; });
  }
  std::string names(const std::vector<std::size_t>& columns) const {
    std::string out;
    for (const std::size_t c : columns) out += (out.empty() ? "" : " * ") + name(c);
    return out;
  }

  void bound_contribution() {
    out_.contribution.rows = q_.facts.rows_per_unit;
    out_.contribution.groups = 1;
    if (q_.plan.group_by.empty()) return;
    out_.contribution.groups = q_.facts.rows_per_unit;
    if (q_.grant.groups_per_unit)
      out_.contribution.groups = std::min(*q_.grant.groups_per_unit, q_.facts.rows_per_unit);
  }

  PlannedRelease& release(PlannedRelease::Kind kind, std::vector<std::size_t> columns, std::size_t numbers, Int128 l1) {
    PlannedRelease out;
    out.kind = kind;
    out.columns = std::move(columns);
    out.first = out_.numbers;
    out.numbers = numbers;
    out.l1 = l1;
    out.l2_squared = l1 < kMostWithSquare ? l1 * l1 : Int128{0};
    out_.numbers += numbers;
    out_.releases.push_back(std::move(out));
    return out_.releases.back();
  }

  Result<Range> range_of(const Measure& measure, std::vector<sql::Interval>& bounds) const {
    for (const std::size_t column : measure.columns) {
      const std::optional<sql::Interval>& declared = q_.facts.columns[column].bounds;
      if (!declared)
        return refuse(measure.position, "dp/bounds",
                      "one row could add any amount to this, so no noise would hide it: the grant's schema has no low "
                      "and high for column " +
                          name(column) + "; a grant with bounds allows it, COUNT and MEDIAN need none");
      bounds.push_back(*declared);
    }
    const bool squares_only = measure.square && !measure.sum && !measure.count;
    if (squares_only) return square_range(bounds[0]);
    if (bounds.size() == 2) return product_range(bounds[0], bounds[1]);
    return Range{bounds[0].low, bounds[0].high};
  }

  Status add(const Measure& measure) {
    const auto rows = static_cast<Int128>(out_.contribution.rows);
    const bool absent = nullable(measure.columns);
    if (!measure.sum && !measure.square) {
      if (!absent) {
        rows_wanted_ = true;
        return {};
      }
      PlannedRelease& r = release(PlannedRelease::Kind::rows, measure.columns, 1, rows);
      r.what = "rows with " + names(measure.columns);
      return {};
    }
    std::vector<sql::Interval> bounds;
    PRISM_TRY(const Range range, range_of(measure, bounds));
    const int degree = measure.square ? 2 : 1;
    const Int128 width = static_cast<Int128>(width_of(range));
    const Int128 largest = std::max(std::max(magnitude(range.low), magnitude(range.high)), width);
    const bool squares_only = measure.square && !measure.sum && !measure.count;
    const bool too_wide = largest >= kMostValue || (degree == 2 && !squares_only && largest >= kMostSquared);
    const Int128 per_row = degree == 2 && !squares_only && !too_wide ? width * width : width;
    if (too_wide || per_row > kMostSensitivity / rows || largest > kMostSensitivity / rows)
      return refuse(measure.position, "dp/too-wide",
                    "the bounds of " + names(measure.columns) +
                        " are so wide that sums over them might not fit 128 bits; declare narrower bounds or a smaller "
                        "scale for it");
    if (range.low == range.high && !squares_only) {
      // Every value is moved to the one the bounds allow, so only their number is private.
      constants_.push_back({measure.columns, range.low});
      if (absent) {
        PlannedRelease& r = release(PlannedRelease::Kind::rows, measure.columns, 1, rows);
        r.what = "rows with " + names(measure.columns);
      } else {
        rows_wanted_ = true;
      }
      return {};
    }
    if (squares_only || (measure.sum && !measure.square && !measure.count)) {
      // Bernstein sums would need noise for low and for high; alone, the larger of both is enough.
      std::vector<std::size_t> columns = measure.columns;
      if (squares_only) columns.push_back(columns[0]);
      if (squares_only) bounds.push_back(bounds[0]);
      PlannedRelease& r = release(PlannedRelease::Kind::sum, columns, 1,
                                  std::max(Int128{1}, std::max(magnitude(range.low), magnitude(range.high))) * rows);
      r.range = range;
      r.bounds = bounds;
      r.what = "sum of " + names(columns);
      return {};
    }
    PlannedRelease& r =
        release(PlannedRelease::Kind::moments, measure.columns, static_cast<std::size_t>(degree) + 1, per_row * rows);
    r.range = range;
    r.bounds = bounds;
    r.degree = degree;
    r.what = std::string(degree == 2 ? "count, sum and squares of " : "count and sum of ") + names(measure.columns);
    return {};
  }

  /// COUNT(*): from the release of a measure when there is one, at the price of a number more where values can be
  /// absent.
  void attach_rows() {
    PlannedRelease* best = nullptr;
    const auto cost = [&](const PlannedRelease& r) { return r.numbers + (nullable(r.columns) ? 1 : 0); };
    for (PlannedRelease& r : out_.releases) {
      if (r.kind != PlannedRelease::Kind::moments && r.kind != PlannedRelease::Kind::rows) continue;
      if (best == nullptr || cost(r) < cost(*best)) best = &r;
    }
    if (best == nullptr) {
      best = &release(PlannedRelease::Kind::rows, {}, 1, static_cast<Int128>(out_.contribution.rows));
      best->what = "rows";
    }
    rows_release_ = static_cast<std::size_t>(best - out_.releases.data());
    if (!nullable(best->columns)) return;
    best->absent = true;
    best->what += ", and of rows without";
    best->numbers += 1;
    // Its numbers stay in one piece: those of later releases move.
    out_.numbers = 0;
    for (PlannedRelease& r : out_.releases) {
      r.first = out_.numbers;
      out_.numbers += r.numbers;
    }
  }

  Status check_distinct(std::size_t index) const {
    const Primitive& p = q_.plan.primitives[index];
    const std::size_t column = p.columns[0];
    if (q_.facts.columns[column].is_unit) return {};
    return refuse(p.position, "dp/distinct",
                  "different values of " + name(column) +
                      " cannot be counted privately here, for one unit may be all that a value has; count the privacy "
                      "unit, or GROUP BY " +
                      name(column) + " and count the groups");
  }

  void add_distinct(std::size_t index) {
    if (one_row()) return;  // connect() takes the rows
    PlannedRelease& r = release(PlannedRelease::Kind::units, {}, 1, static_cast<Int128>(out_.contribution.groups));
    r.what = "different units";
    out_.sources[index].form = form(r, 0);
  }

  Status add_quantiles(std::size_t index);
  /// Where the values of a column lie whatever the data: its bounds, or all there is.
  Range domain(std::size_t column) const;

  /// Number `which` of a release, alone.
  LinearForm form(const PlannedRelease& r, std::size_t which, const mpq_class& weight = 1) const {
    LinearForm out;
    out.weights.assign(r.first + which + 1, 0);
    out.weights.back() = weight;
    return out;
  }

  /// A form over a release's own numbers, over those of the group.
  static LinearForm shifted(const PlannedRelease& r, const LinearForm& own) {
    LinearForm out;
    out.weights.assign(r.first, 0);
    out.weights.insert(out.weights.end(), own.weights.begin(), own.weights.end());
    return out;
  }

  const PlannedRelease* find(const std::vector<std::size_t>& columns) const {
    for (const PlannedRelease& r : out_.releases) {
      if (r.kind != PlannedRelease::Kind::units && r.kind != PlannedRelease::Kind::quantiles && r.columns == columns &&
          !columns.empty())
        return &r;
    }
    return nullptr;
  }

  /// Rows that have the release's values.
  LinearForm count_form(const PlannedRelease& r) const {
    if (r.kind == PlannedRelease::Kind::moments) return shifted(r, moment_forms(r.range, r.degree).count);
    return form(r, 0);
  }

  LinearForm rows_form() const {
    const PlannedRelease& r = out_.releases[*rows_release_];
    LinearForm out = count_form(r);
    if (!r.absent) return out;
    mpq_class scale = 1;
    for (int i = 0; i < r.degree; ++i) scale /= to_mpz(static_cast<Int128>(width_of(r.range)));
    out.weights.resize(r.first + r.numbers, 0);
    out.weights.back() = scale;
    return out;
  }

  LinearForm values_form(const std::vector<std::size_t>& columns) const {
    const PlannedRelease* r = find(columns);
    if (r != nullptr && r->kind != PlannedRelease::Kind::sum) return count_form(*r);
    return rows_form();
  }

  void settle(const Constant& constant) {
    const mpz_class value = to_mpz(constant.value);
    for (std::size_t i = 0; i < q_.plan.primitives.size(); ++i) {
      const Primitive& p = q_.plan.primitives[i];
      if (p.kind != Primitive::Kind::sum || measured(p) != constant.columns) continue;
      const bool square = constant.columns.size() == 1 && p.columns.size() == 2;
      LinearForm out = values_form(constant.columns);
      for (mpq_class& weight : out.weights) weight *= square ? mpz_class(value * value) : value;
      out_.sources[i].form = std::move(out);
    }
  }

  /// Sources of all primitives that have a release, and each average's own count.
  void connect() {
    for (std::size_t i = 0; i < q_.plan.primitives.size(); ++i) {
      const Primitive& p = q_.plan.primitives[i];
      Source& source = out_.sources[i];
      if (source.form || source.quantile) continue;
      const std::vector<std::size_t> columns = measured(p);
      const PlannedRelease* r = find(columns);
      switch (p.kind) {
        case Primitive::Kind::count:
          if (p.columns.empty()) {
            if (rows_release_) source.form = rows_form();
          } else if (r != nullptr && r->kind != PlannedRelease::Kind::sum) {
            source.form = count_form(*r);
          }
          break;
        case Primitive::Kind::sum: {
          if (r != nullptr && r->kind == PlannedRelease::Kind::moments) {
            const MomentForms forms = moment_forms(r->range, r->degree);
            const bool square = columns.size() == 1 && p.columns.size() == 2;
            source.form = shifted(*r, square ? forms.square : forms.sum);
          } else {
            const PlannedRelease* own = find(p.columns);
            if (own != nullptr && own->kind == PlannedRelease::Kind::sum) source.form = form(*own, 0);
          }
          break;
        }
        case Primitive::Kind::count_distinct:
          if (rows_release_ && one_row()) source.form = rows_form();
          break;
        default:
          break;
      }
    }
    each_leaf_of_plan(out_.finishing, [&](sql::Expression& e) {
      using Op = sql::Expression::Op;
      if (e.op == Op::count || e.op == Op::sum || e.op == Op::statistic) return;
      const Primitive& p = q_.plan.primitives[e.index];
      if (p.kind != Primitive::Kind::sum) return;
      // A copy of the count as this measure's own release has it. Equal columns, so the rows counted are the same.
      Primitive count{Primitive::Kind::count, measured(p), p.position};
      for (std::size_t i = q_.plan.primitives.size(); i < out_.finishing.primitives.size(); ++i) {
        if (out_.finishing.primitives[i].columns == count.columns) {
          e.count = i;
          return;
        }
      }
      e.count = out_.finishing.primitives.size();
      out_.finishing.primitives.push_back(std::move(count));
      out_.sources.push_back({values_form(measured(p))});
    });
  }

  Status calibrate();

  /// Where the widest of these releases is asked for, and what would help.
  Error no_noise(const std::vector<PlannedRelease*>& summed) const {
    const PlannedRelease& widest = **std::max_element(
        summed.begin(), summed.end(), [](const PlannedRelease* a, const PlannedRelease* b) { return a->l1 < b->l1; });
    sql::Position position = -1;
    for (const Primitive& p : q_.plan.primitives) {
      if (position < 0 && (measured(p) == widest.columns || p.columns == widest.columns)) position = p.position;
    }
    return refuse(position, "dp/too-wide",
                  "no noise that fits 128 bits hides the " + widest.what +
                      "; declare narrower bounds or a smaller scale, ask for fewer things, or with a larger epsilon");
  }

  Error refuse(sql::Position position, std::string_view rule, const std::string& message) const {
    return refusal(ErrorCode::refused, q_.sql, position, rule, message);
  }

  const Question& q_;
  Delta allowed_;
  ReleasePlan out_;
  bool rows_wanted_ = false;
  std::optional<std::size_t> rows_release_;
  std::vector<Constant> constants_;
};

Status Planner::add_quantiles(std::size_t index) {
  const Primitive& p = q_.plan.primitives[index];
  const std::size_t column = p.columns[0];
  const std::int64_t fraction = p.kind == Primitive::Kind::minimum   ? 0
                                : p.kind == Primitive::Kind::maximum ? prism::dp::QuantileRelease::kNanos
                                                                     : p.fraction_nano;
  PlannedRelease* found = nullptr;
  for (PlannedRelease& r : out_.releases) {
    if (r.kind == PlannedRelease::Kind::quantiles && r.columns[0] == column) found = &r;
  }
  if (found == nullptr) {
    found = &release(PlannedRelease::Kind::quantiles, {column}, 0, static_cast<Int128>(out_.contribution.rows));
    found->range = domain(column);
    found->what = "quantiles of " + name(column);
  }
  auto& fractions = found->fractions_nano;
  const auto place = std::find(fractions.begin(), fractions.end(), fraction);
  const auto at = static_cast<std::size_t>(place - fractions.begin());
  if (place == fractions.end()) fractions.push_back(fraction);
  if (fractions.size() > prism::dp::QuantileRelease::kMostFractions)
    return refuse(p.position, "dp/quantiles",
                  "more than " + std::to_string(prism::dp::QuantileRelease::kMostFractions) +
                      " quantiles of one column share its epsilon; ask for fewer");
  out_.sources[index].quantile = Source::Quantile{static_cast<std::size_t>(found - out_.releases.data()), at};
  return {};
}

Range Planner::domain(std::size_t column) const {
  if (const auto& bounds = q_.facts.columns[column].bounds) return {bounds->low, bounds->high};
  if (q_.plan.catalog.columns[column].type == table::ColumnType::date)
    return {*table::parse_date("0001-01-01"), *table::parse_date("9999-12-31")};
  return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
}

Status Planner::calibrate() {
  const std::size_t count = out_.releases.size();
  std::vector<PlannedRelease*> summed, chosen;
  for (PlannedRelease& r : out_.releases) (r.kind == PlannedRelease::Kind::quantiles ? chosen : summed).push_back(&r);
  const bool selects = !q_.public_groups;
  // A lone noisy count of rows that are units decides by itself which groups are shown, for no epsilon.
  const bool by_count = selects && one_row() && rows_release_ && out_.releases[*rows_release_].numbers == 1;
  const std::uint64_t shares = count + (selects && !by_count ? 1 : 0);
  out_.selection_epsilon = Epsilon::from_nano(
      selects && !by_count ? out_.epsilon.nano() / static_cast<std::int64_t>(shares) : std::int64_t{0});
  const Epsilon left = out_.epsilon - out_.selection_epsilon;
  // For cut tails of samplers: far more than they need, and too little to be missed.
  const Delta reserve = Delta::from_units(allowed_.units() >> 10);
  const Delta usable = allowed_ - reserve;
  const Error no_delta =
      refuse(-1, "dp/delta", "delta " + allowed_.text() + " is too little for this query; allow it more");

  Delta cut;
  Epsilon unspent = left;
  for (PlannedRelease* r : chosen) {
    r->epsilon = Epsilon::from_nano(left.nano() / static_cast<std::int64_t>(count));
    unspent = unspent - r->epsilon;
    prism::dp::QuantileRelease::Options options;
    options.epsilon = r->epsilon;
    options.low = static_cast<std::int64_t>(r->range.low);
    options.high = static_cast<std::int64_t>(r->range.high);
    options.rows_per_unit = out_.contribution.rows;
    options.fractions_nano = r->fractions_nano;
    options.coverage = kCoverage;
    auto choice = prism::dp::QuantileRelease::make(options);
    if (!choice) return refuse(-1, "dp/quantiles", "no quantile can be chosen: " + choice.error().message);
    r->choice = *std::move(choice);
    out_.events.push_back(Event::pure(r->epsilon));
    cut = cut + r->choice->delta_of_truncation() * out_.contribution.groups;
  }
  if (!summed.empty()) {
    std::vector<prism::dp::Sensitivity> sensitivities;
    for (const PlannedRelease* r : summed) {
      prism::dp::Sensitivity s;
      s.l1 = r->l1;
      if (r->l2_squared > 0) s.l2_squared = r->l2_squared;
      sensitivities.push_back(s);
    }
    const Delta for_noise = selects ? Delta::from_units(usable.units() / 2) : usable;
    auto calibrated = prism::dp::calibrate(sensitivities, unspent, for_noise);
    if (!calibrated) return no_noise(summed);
    out_.delta = calibrated->delta;
    const auto gaussians = static_cast<Uint128>(
        std::max<std::ptrdiff_t>(1, std::count_if(calibrated->releases.begin(), calibrated->releases.end(),
                                                  [](const auto& c) { return c.kind == Event::Kind::gaussian; })));
    for (std::size_t i = 0; i < summed.size(); ++i) {
      PlannedRelease& r = *summed[i];
      const prism::dp::CalibratedRelease& c = calibrated->releases[i];
      const bool gaussian = c.kind == Event::Kind::gaussian;
      auto noise = gaussian ? prism::dp::Noise::gaussian(c.parameter) : prism::dp::Noise::laplace(c.parameter);
      if (!noise) return no_noise(summed);
      r.noise = *std::move(noise);
      r.half_width = c.half_width;
      r.epsilon = Epsilon::from_nano(unspent.nano() / static_cast<std::int64_t>(summed.size()));
      // Gaussian releases share one delta; each says an even part of it.
      if (gaussian) r.delta = Delta::from_units(calibrated->delta.units() / gaussians);
      out_.events.push_back(c.event);
      cut = cut + r.noise->delta_of_truncation(out_.epsilon) * (out_.contribution.groups * r.numbers);
    }
  }
  if (cut > reserve) return no_delta;

  if (selects) {
    out_.selection_delta = usable - out_.delta;
    if (out_.selection_delta.units() == 0) return no_delta;
    if (by_count) {
      auto selection = prism::dp::ThresholdSelection::make(*out_.releases[*rows_release_].noise, out_.selection_delta,
                                                           out_.contribution.groups, 1);
      if (!selection) return no_delta;
      out_.threshold = ReleasePlan::Threshold{*std::move(selection), out_.releases[*rows_release_].first};
    } else {
      auto selection =
          prism::dp::PartitionSelection::make(out_.selection_epsilon, out_.selection_delta, out_.contribution.groups);
      if (!selection) return refuse(-1, "dp/delta", "no choice of groups can be made: " + selection.error().message);
      out_.selection = *std::move(selection);
    }
    out_.events.push_back(Event::approximate(out_.selection_epsilon, out_.selection_delta));
    out_.delta = out_.delta + out_.selection_delta;
  }
  if (cut.units() > 0) out_.events.push_back(Event::approximate(Epsilon(), cut));
  out_.delta = out_.delta + cut;
  return {};
}

}  // namespace

Result<ReleasePlan> plan_releases(const Question& question, Epsilon epsilon, Delta delta) {
  return Planner(question, epsilon, delta).plan();
}

}  // namespace prism::backend::dp::internal
