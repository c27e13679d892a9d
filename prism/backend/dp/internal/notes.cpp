#include <algorithm>

#include "prism/backend/dp/internal/measures.h"
#include "prism/backend/dp/internal/prepared_state.h"
#include "prism/table/date.h"
#include "prism/table/decimal.h"

namespace prism::backend::dp::internal {
namespace {

std::string value_text(Int128 value, const table::ColumnSchema& column) {
  if (column.type == table::ColumnType::date) return table::format_date(static_cast<std::int64_t>(value));
  return table::format_decimal(value, column.scale);
}

std::string plural(std::uint64_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

/// Notes and the outputs that a release's columns show in.
class Notes {
 public:
  Notes(const sql::Plan& plan) : plan_(plan) {}

  void say(std::optional<std::size_t> output, std::string text) {
    const auto same = [&](const Note& n) { return n.output == output && n.text == text; };
    if (std::none_of(notes_.begin(), notes_.end(), same)) notes_.push_back({output, std::move(text)});
  }
  /// To every output that reads this column, by its order (quantiles) or by its sums.
  void say_of_column(std::size_t column, bool by_order, const std::string& text) {
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
      bool reads = false;
      each_leaf(plan_.outputs[i].value, [&](const sql::Expression& leaf) {
        if (leaf.op == sql::Expression::Op::count || by_order != (leaf.op == sql::Expression::Op::statistic)) return;
        const auto& columns = plan_.primitives[leaf.index].columns;
        reads = reads || std::find(columns.begin(), columns.end(), column) != columns.end();
      });
      if (reads) say(i, text);
    }
  }
  std::vector<Note> take() && { return std::move(notes_); }

 private:
  const sql::Plan& plan_;
  std::vector<Note> notes_;
};

}  // namespace

std::string short_text(prism::dp::Delta delta) {
  if (delta.units() == 0) return "0";
  int exponent = 0;
  mpz_class scaled = to_mpz(static_cast<Int128>(delta.units()));  // at most 2^120
  scaled *= 10'000;
  const mpz_class one = mpz_class(1) << prism::dp::Delta::kBits;
  while (scaled < 1000 * one) {
    scaled *= 10;
    --exponent;
  }
  std::string digits = mpz_class(scaled / one).get_str();  // 1000 to 10000
  exponent += static_cast<int>(digits.size()) - 5;
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  if (digits.size() > 1) digits.insert(1, ".");
  return exponent == 0 ? digits : digits + "e" + std::to_string(exponent);
}

std::vector<Release> releases_of(const ReleasePlan& plan) {
  std::vector<Release> out;
  if (plan.selection || plan.threshold) {
    Release r;
    r.what = plan.selection ? "groups, by their units" : "groups, by their noisy counts";
    r.mechanism = plan.selection ? "truncated geometric selection" : "threshold on a released count";
    r.sensitivity = plan.contribution.groups;
    r.epsilon = plan.selection_epsilon;
    r.delta = plan.selection_delta;
    out.push_back(std::move(r));
  }
  for (const PlannedRelease& planned : plan.releases) {
    Release r;
    r.what = planned.what;
    r.epsilon = planned.epsilon;
    r.delta = planned.delta;
    r.sensitivity = static_cast<Uint128>(planned.l1);
    r.numbers = planned.numbers;
    if (planned.choice) {
      r.mechanism = "exponential mechanism on ranks";
      r.numbers = planned.fractions_nano.size();
    } else {
      const bool gaussian = planned.noise->kind() == prism::dp::Noise::Kind::gaussian;
      r.mechanism = gaussian ? "discrete Gaussian" : "discrete Laplace";
      r.parameter = planned.noise->parameter();
    }
    out.push_back(std::move(r));
  }
  return out;
}

std::vector<Release> releases_of(const BoundsSearch& search, const sql::Plan& plan, std::uint64_t rows_per_unit) {
  std::vector<Release> out;
  for (const BoundsSearch::Column& column : search.columns) {
    Release r;
    r.what = "bounds of " + plan.catalog.columns[column.column].name;
    r.mechanism = "discrete Laplace, threshold on magnitudes";
    r.parameter = column.mechanism.noise().parameter();
    r.sensitivity = rows_per_unit;
    r.numbers = prism::dp::ApproximateBounds::kBins;
    r.epsilon = column.epsilon;
    r.delta = column.mechanism.delta_of_truncation();
    out.push_back(std::move(r));
  }
  return out;
}

std::vector<Note> notes_of(const policy::Grant& grant, const sql::Plan& plan, const RelationFacts& facts,
                           const ReleasePlan& releases, bool public_groups) {
  Notes notes(plan);
  for (const PlannedRelease& r : releases.releases) {
    if (r.kind == PlannedRelease::Kind::sum || r.kind == PlannedRelease::Kind::moments) {
      for (std::size_t i = 0; i < r.columns.size(); ++i) {
        const table::ColumnSchema& column = plan.catalog.columns[r.columns[i]];
        const std::string low = value_text(r.bounds[i].low, column), high = value_text(r.bounds[i].high, column);
        notes.say_of_column(
            r.columns[i], false,
            "values of " + column.name + " below " + low + " count as " + low + ", above " + high + " as " + high);
      }
    } else if (r.kind == PlannedRelease::Kind::quantiles) {
      const table::ColumnSchema& column = plan.catalog.columns[r.columns[0]];
      if (facts.columns[r.columns[0]].bounds)
        notes.say_of_column(r.columns[0], true,
                            "values of " + column.name + " are taken to lie from " + value_text(r.range.low, column) +
                                " to " + value_text(r.range.high, column));
      else
        notes.say_of_column(r.columns[0], true,
                            column.name +
                                " has no bounds in the grant, so every value its type has is "
                                "possible; bounds make quantiles sharper");
      const auto extreme = [](std::int64_t f) { return f == 0 || f == prism::dp::QuantileRelease::kNanos; };
      if (std::any_of(r.fractions_nano.begin(), r.fractions_nano.end(), extreme))
        notes.say_of_column(r.columns[0], true,
                            "a minimum or maximum is one unit's value, so a rank a little inside the data is reported");
      if (r.choice->leaf_width() > 1)
        notes.say_of_column(r.columns[0], true,
                            "values closer than " + value_text(static_cast<Int128>(r.choice->leaf_width()), column) +
                                " are not told apart");
    }
  }
  for (const std::size_t table : tables_of(plan)) {
    const policy::TableRule& rule = grant.tables[table];
    if (!rule.unit) continue;
    notes.say({}, "in " + (rule.name.empty() ? std::string("the table") : rule.name) + " at most " +
                      plural(rule.rows_per_unit, "row", "rows") + " of one " + *rule.unit +
                      " can count; more are left out, and so are rows without " + *rule.unit);
  }
  if (!plan.group_by.empty() && releases.contribution.groups < releases.contribution.rows)
    notes.say({}, "one privacy unit counts in at most " + plural(releases.contribution.groups, "group", "groups"));
  if (!plan.group_by.empty() && public_groups)
    notes.say({},
              "groups are all combinations of the declared values, also empty ones; rows with other values are left "
              "out");
  if (!public_groups) notes.say({}, "groups of few privacy units are left out, at random; how many is not told");
  std::vector<Note> out = std::move(notes).take();
  const std::vector<Note> wording = notes_of_wording(plan);
  out.insert(out.end(), wording.begin(), wording.end());
  return out;
}

namespace {

bool divides_whole_numbers(const sql::Expression& e) {
  if (e.op == sql::Expression::Op::divide && e.type == sql::ValueType::integer) return true;
  return std::any_of(e.arguments.begin(), e.arguments.end(), divides_whole_numbers);
}

}  // namespace

std::vector<Note> notes_of_wording(const sql::Plan& plan) {
  const std::string text =
      "whole numbers divide to a whole number, as in PostgreSQL: 3 / 4 is 0; multiply one of them by 1.0 for decimals";
  std::vector<Note> out;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    if (divides_whole_numbers(plan.outputs[i].value)) out.push_back({i, text});
  }
  const bool elsewhere = (plan.having && divides_whole_numbers(*plan.having)) ||
                         std::any_of(plan.order.begin(), plan.order.end(),
                                     [](const sql::OrderKey& key) { return divides_whole_numbers(key.value); });
  if (out.empty() && elsewhere) out.push_back({{}, text});
  return out;
}

}  // namespace prism::backend::dp::internal
