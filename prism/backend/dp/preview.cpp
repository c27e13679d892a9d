#include <algorithm>
#include <cstdio>

#include "prism/backend/dp/dp.h"
#include "prism/backend/dp/internal/measures.h"
#include "prism/backend/dp/internal/prepared_state.h"

namespace prism::backend::dp {
namespace {

/// Averages and variances are previewed for a group of so many rows.
constexpr std::uint64_t kAssumedRows = 1'000;

/// Three digits, rounded up: 0.123, 12.4, 1240.
std::string digits_up(double value) {
  if (!(value > 0)) return "0";
  int exponent = 0;
  for (double v = value; v >= 1000; v /= 10) ++exponent;
  for (double v = value; v < 100 && exponent > -18; v *= 10) --exponent;
  mpq_class exact(value);
  if (exponent >= 0) {
    mpz_class unit;
    mpz_ui_pow_ui(unit.get_mpz_t(), 10, static_cast<unsigned long>(exponent));
    mpz_class whole;
    mpz_cdiv_q(whole.get_mpz_t(), exact.get_num().get_mpz_t(), mpz_class(exact.get_den() * unit).get_mpz_t());
    return mpz_class(whole * unit).get_str();
  }
  std::string text = internal::decimal_text(exact, -exponent, true);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// Whether a value depends on sums whose bounds the query has to find.
bool reads_found_bounds(const Prepared::State& state, const sql::Expression& value) {
  if (!state.search) return false;
  bool reads = false;
  internal::each_leaf(value, [&](const sql::Expression& leaf) {
    for (const std::size_t column : state.releases.finishing.primitives[leaf.index].columns) {
      for (const auto& searched : state.search->columns) reads = reads || searched.column == column;
    }
    // COUNT(*) may come out of the same release.
    reads = reads || leaf.op == sql::Expression::Op::count;
  });
  return reads;
}

PreviewColumn preview_column(const Prepared::State& state, std::size_t output) {
  using Op = sql::Expression::Op;
  const sql::OutputColumn& column = state.plan.outputs[output];
  PreviewColumn out;
  out.name = column.name;
  if (column.value.op == Op::key) {
    out.text = "the group's key";
    return out;
  }
  if (reads_found_bounds(state, column.value)) {
    out.text = "depends on its bounds, which are found first; the answer says";
    return out;
  }
  if (const auto expected = state.bars->expected(output, kAssumedRows)) {
    const bool whole = column.value.type == sql::ValueType::integer;
    out.plus_minus = whole && expected->half_width < 0x1p62
                         ? std::to_string(static_cast<std::int64_t>(expected->half_width))
                         : digits_up(expected->half_width);
    out.exact = expected->exact;
    out.text = "± " + *out.plus_minus;
    if (!expected->exact) {
      out.assumed_rows = kAssumedRows;
      out.text += ", if " + std::to_string(kAssumedRows) + " rows with values in the middle of their bounds count";
    }
    return out;
  }
  if (column.value.op == Op::statistic) {
    const auto& source = *state.releases.sources[column.value.index].quantile;
    const internal::PlannedRelease& release = state.releases.releases[source.release];
    out.text = "within about " + digits_up(release.choice->rank_error(source.fraction)) +
               " ranks of the wanted one; its interval reaches " +
               digits_up(release.choice->rank_margin(source.fraction)) + " ranks to each side";
    return out;
  }
  out.text = "depends on the data; the answer says";
  return out;
}

}  // namespace

Preview preview(const Prepared& prepared) {
  const Prepared::State& state = prepared.state();
  Preview out;
  out.epsilon = state.charge.epsilon;
  out.delta = state.charge.delta;
  out.releases = internal::releases_of(state.releases);
  if (state.search) {
    // Their scales follow from the bounds that are found; their shares do not.
    for (Release& r : out.releases) {
      r.parameter = {0, 1};
      r.sensitivity = 0;
    }
    const auto searches = internal::releases_of(*state.search, state.plan, state.facts.rows_per_unit);
    out.releases.insert(out.releases.begin(), searches.begin(), searches.end());
  }
  out.contribution = state.releases.contribution;
  out.public_groups = state.plan.group_by.empty() || state.groups.has_value();
  out.groups = state.plan.group_by.empty() ? 1 : state.groups ? state.groups->size() : state.grant.most_groups;
  if (state.releases.selection) {
    out.keep_half_units = static_cast<double>(state.releases.selection->units_for(0.5));
  } else if (state.releases.threshold) {
    out.keep_half_units = static_cast<double>(state.releases.threshold->selection.threshold());
  }
  out.bucket = state.grant.bucket;
  out.time_limit = state.grant.time_limit;
  for (std::size_t i = 0; i < state.plan.outputs.size(); ++i) out.columns.push_back(preview_column(state, i));
  if (!state.search) {
    out.notes = state.notes;
    return out;
  }
  out.notes = internal::notes_of_wording(state.plan);
  for (const auto& searched : state.search->columns)
    out.notes.push_back({{},
                         state.plan.catalog.columns[searched.column].name +
                             " has no bounds in the grant; they are found with epsilon " + searched.epsilon.text() +
                             ", and values outside are moved to them"});
  return out;
}

std::string to_text(const Preview& preview) {
  std::string out;
  const auto line = [&](std::string name, const std::string& text) {
    name.resize(std::max<std::size_t>(name.size() + 1, 14), ' ');
    out += name + text + "\n";
  };
  const auto many = [](std::uint64_t n, const std::string& thing) {
    return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
  };
  line("cost", "epsilon " + preview.epsilon.text() + ", delta " + short_text(preview.delta.value_up()));
  for (const Release& r : preview.releases) {
    std::string text = r.what + ": " + r.mechanism;
    if (r.parameter.numerator != 0)
      text += (r.mechanism == "discrete Gaussian" ? " of variance " : " of scale ") +
              short_text(prism::dp::value_up(r.parameter));
    text += ", epsilon " + r.epsilon.text();
    if (r.delta.units() > 0) text += ", delta " + short_text(r.delta.value_up());
    line("release", text);
  }
  line("one unit", "at most " + many(preview.contribution.rows, "row") + " in at most " +
                       many(preview.contribution.groups, "group"));
  line("groups", preview.public_groups
                     ? std::to_string(preview.groups)
                     : "those of enough units (of groups with " + short_text(preview.keep_half_units) +
                           " half are shown), at most " + std::to_string(preview.groups));
  for (const PreviewColumn& column : preview.columns) line(column.name, column.text);
  line("time", "a multiple of " + std::to_string(preview.bucket.count()) + " ms, at most " +
                   std::to_string(preview.time_limit.count()) + " ms");
  std::vector<std::string> said;
  for (const Note& note : preview.notes) {
    if (std::find(said.begin(), said.end(), note.text) != said.end()) continue;
    said.push_back(note.text);
    line("note", note.text);
  }
  return out;
}

}  // namespace prism::backend::dp
