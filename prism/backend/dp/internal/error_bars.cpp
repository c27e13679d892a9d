#include "prism/backend/dp/internal/error_bars.h"

#include <algorithm>
#include <cmath>

#include "prism/backend/dp/internal/joint_noise.h"
#include "prism/backend/dp/internal/measures.h"
#include "prism/base/check.h"
#include "prism/dp/interval.h"
#include "prism/table/date.h"

namespace prism::backend::dp::internal {
namespace {

using sql::Expression;
using Op = Expression::Op;

mpz_class power_of_ten(int n) {
  mpz_class out;
  mpz_ui_pow_ui(out.get_mpz_t(), 10, static_cast<unsigned long>(n));
  return out;
}

mpz_class floor_of(const mpq_class& v) {
  mpz_class out;
  mpz_fdiv_q(out.get_mpz_t(), v.get_num().get_mpz_t(), v.get_den().get_mpz_t());
  return out;
}
mpz_class ceil_of(const mpq_class& v) {
  mpz_class out;
  mpz_cdiv_q(out.get_mpz_t(), v.get_num().get_mpz_t(), v.get_den().get_mpz_t());
  return out;
}

/// A double upwards, as a fraction: doubles of weights were rounded, so a little more than what was computed.
mpq_class above(double value) { return mpq_class(value * (1 + 0x1p-40)); }

bool same_leaf(const Expression& a, const Expression& b) {
  return a.op == b.op && a.index == b.index && a.count == b.count && a.square == b.square && a.scale == b.scale;
}

/// Square root, rounded down or up to 2^-64.
mpq_class root(const mpq_class& value, bool up) {
  if (sgn(value) <= 0) return 0;
  mpz_class scaled = up ? ceil_of(mpq_class(value * (mpz_class(1) << 128))) : floor_of(value * (mpz_class(1) << 128));
  mpz_class whole, rest;
  mpz_sqrtrem(whole.get_mpz_t(), rest.get_mpz_t(), scaled.get_mpz_t());
  if (up && rest != 0) whole += 1;
  mpq_class out(whole, mpz_class(mpz_class(1) << 64));
  out.canonicalize();
  return out;
}

/// (p r - s^2/4) / (p + r + s)^2: the population variance of Bernstein sums p, s, r over W^2.
mpq_class spread(const mpq_class& p, const mpq_class& s, const mpq_class& r) {
  const mpq_class n = p + s + r;
  if (sgn(n) <= 0) return 0;
  const mpq_class value = (p * r - s * s / 4) / (n * n);
  return sgn(value) < 0 ? mpq_class(0) : value;
}

mpq_class clamp(const mpq_class& v, const mpq_class& low, const mpq_class& high) {
  return v < low ? low : v > high ? high : v;
}

std::optional<mpq_class> number_of(const table::Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    const auto day = table::parse_date(*text);
    if (!day) return std::nullopt;
    return mpq_class(mpz_class(static_cast<long>(*day)));
  }
  const auto* number = std::get_if<table::Number>(&cell);
  if (number == nullptr) return std::nullopt;
  std::string digits = number->text;
  const std::size_t point = digits.find('.');
  const int places = point == std::string::npos ? 0 : static_cast<int>(digits.size() - point - 1);
  if (point != std::string::npos) digits.erase(point, 1);
  mpq_class out(mpz_class(digits, 10), power_of_ten(places));
  out.canonicalize();
  return out;
}

std::optional<mpq_class> least(const std::vector<mpq_class>& v) { return *std::min_element(v.begin(), v.end()); }
std::optional<mpq_class> largest(const std::vector<mpq_class>& v) { return *std::max_element(v.begin(), v.end()); }

}  // namespace

std::string decimal_text(const mpq_class& value, int places, bool up) {
  const mpq_class scaled = value * power_of_ten(places);
  const mpz_class whole = up ? ceil_of(scaled) : floor_of(scaled);
  std::string digits = mpz_class(abs(whole)).get_str();
  if (digits.size() <= static_cast<std::size_t>(places))
    digits.insert(0, static_cast<std::size_t>(places) + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - static_cast<std::size_t>(places), ".");
  return (whole < 0 ? "-" : "") + digits;
}

ErrorBars::ErrorBars(const ReleasePlan& plan) : plan_(plan) {
  for (const sql::OutputColumn& output : plan.finishing.outputs) {
    std::vector<Expression> leaves;
    each_leaf(output.value, [&](const Expression& leaf) {
      if (std::none_of(leaves.begin(), leaves.end(), [&](const Expression& l) { return same_leaf(l, leaf); }))
        leaves.push_back(leaf);
    });
    OutputBars bars;
    const double coverage = leaves.size() < 2 ? kCoverage : 1 - (1 - kCoverage) / static_cast<double>(leaves.size());
    for (const Expression& leaf : leaves) bars.leaves.push_back(bars_of(leaf, coverage));
    outputs_.push_back(std::move(bars));
  }
}

mpq_class ErrorBars::half_width(const LinearForm& form, double& coverage) const {
  std::vector<prism::dp::NoiseTerm> terms;
  for (const PlannedRelease& r : plan_.releases) {
    for (std::size_t i = r.first; i < r.first + r.numbers && i < form.weights.size(); ++i) {
      if (sgn(form.weights[i]) != 0) terms.push_back({form.weights[i].get_d(), &*r.noise});
    }
  }
  const prism::dp::Interval interval = prism::dp::smallest_interval(terms, coverage);
  const double half = interval.half_width;
  coverage = interval.coverage;
  // A single draw of weight 1 has a whole half width, which must not be widened to the next number.
  if (terms.size() == 1 && std::fabs(terms[0].weight) == 1) return mpq_class(half);
  return above(half);
}

const PlannedRelease* ErrorBars::release_of(const Expression& leaf) const {
  const std::vector<std::size_t> columns = measured(plan_.finishing.primitives[leaf.index]);
  for (const PlannedRelease& r : plan_.releases) {
    if (r.kind == PlannedRelease::Kind::moments && r.columns == columns) return &r;
  }
  return nullptr;
}

ErrorBars::LeafBars ErrorBars::bars_of(const Expression& leaf, double coverage) const {
  LeafBars out;
  out.leaf = leaf;
  switch (leaf.op) {
    case Op::count:
    case Op::sum:
      out.coverage = coverage;
      if (!decides(leaf)) {
        out.half = half_width(*plan_.sources[leaf.index].form, out.coverage);
      } else {
        double whole = coverage;
        out.half = half_width(*plan_.sources[leaf.index].form, whole);  // what groups far above the threshold have
      }
      return out;
    case Op::statistic:
      return out;
    case Op::average: {
      const PlannedRelease* r = release_of(leaf);
      if (r == nullptr) {
        out.constant = true;
        return out;
      }
      const LinearForm& sum = *plan_.sources[leaf.index].form;
      const LinearForm& count = *plan_.sources[leaf.count].form;
      // Three terms and more are convolved, which takes milliseconds each.
      const int steps = r->numbers - (r->absent ? 1 : 0) <= 2 ? 64 : 16;
      const mpq_class low = to_mpz(r->range.low);
      const mpq_class width = mpq_class(to_mpz(r->range.high)) - low;
      for (int i = 0; i <= steps; ++i) out.stairs.at.push_back(low + width * i / steps);
      const auto weights_at = [&](const mpq_class& t) {
        std::vector<double> weights;
        for (std::size_t k = r->first; k < std::min(r->first + r->numbers, sum.weights.size()); ++k)
          weights.push_back(mpq_class(sum.weights[k] - t * count.weights[k]).get_d());
        return weights;
      };
      for (std::size_t i = 0; i + 1 < out.stairs.at.size(); ++i) {
        const std::vector<double> a = weights_at(out.stairs.at[i]), b = weights_at(out.stairs.at[i + 1]);
        if (r->noise->standard_deviation() <= prism::dp::kValueByValue) {
          out.stairs.height.push_back(above(joint_half_width(*r->noise, a, b, coverage)));
          continue;
        }
        // Here half widths come from continuous forms and how far draws can be from them. Both grow with the magnitude
        // of each weight (noise is symmetric and unimodal), and a weight is linear in t: the larger of its magnitudes
        // at both ends holds for everything between.
        std::vector<prism::dp::NoiseTerm> widest;
        for (std::size_t k = 0; k < a.size(); ++k)
          widest.push_back({std::max(std::fabs(a[k]), std::fabs(b[k])), &*r->noise});
        out.stairs.height.push_back(above(prism::dp::smallest_interval(widest, coverage).half_width));
      }
      return out;
    }
    default: {
      const PlannedRelease* r = release_of(leaf);
      if (r == nullptr || r->degree != 2) {
        out.constant = true;
        return out;
      }
      // The three draws are independent, so the box has the product of their coverages.
      const double each = std::min(std::cbrt(coverage) * (1 + 0x1p-40), 1 - 0x1p-40);
      out.box.assign(3, mpq_class(to_mpz(prism::dp::smallest_half_width(*r->noise, each))));
      return out;
    }
  }
}

/// Whether this leaf is the count that chose the groups, or a multiple of it: COUNT(*), SUM(2), the sum of a column
/// whose bounds leave one value.
bool ErrorBars::decides(const Expression& leaf) const {
  if (!plan_.threshold || (leaf.op != Op::count && leaf.op != Op::sum)) return false;
  const std::vector<mpq_class>& weights = plan_.sources[leaf.index].form->weights;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // A count that chose groups is a release of one number, which no form mixes with others.
    if (sgn(weights[i]) != 0) return i == plan_.threshold->number;
  }
  return false;
}

Span ErrorBars::shown_count_span(const LeafBars& bars, const NoisyGroup& group) const {
  const Int128 seen = to_int128(group.numbers[plan_.threshold->number]);
  const Int128 threshold = plan_.threshold->selection.threshold();
  const prism::dp::Noise* noise = nullptr;
  for (const PlannedRelease& r : plan_.releases) {
    if (r.first == plan_.threshold->number && r.numbers == 1) noise = &*r.noise;
  }
  const auto at_least = [&](Int128 t) {  // P(noise >= t), by symmetry
    return t >= 1 ? noise->tail_up(t - 1) / 2 : 1 - noise->tail_up(-t) / 2;
  };
  const double tail = (1 - bars.coverage) / 2;
  // Both tails are monotone in n. The group exists, so at least one unit is in it.
  const auto not_too_high = [&](Int128 n) { return at_least(seen - n) >= tail * at_least(threshold - n); };
  const auto not_too_low = [&](Int128 n) { return at_least(seen + 1 - n) <= (1 - tail) * at_least(threshold - n); };
  Int128 below = 0, low = std::max<Int128>(seen, 1);
  while (low - below > 1) {
    const Int128 middle = below + (low - below) / 2;
    (not_too_high(middle) ? low : below) = middle;
  }
  Int128 high = std::max<Int128>(seen, 1), step = 1;
  while (not_too_low(high + step)) {
    high += step;
    step *= 2;
  }
  for (; step >= 1; step /= 2) {
    if (not_too_low(high + step)) high += step;
  }
  const mpq_class weight = plan_.sources[bars.leaf.index].form->weights[plan_.threshold->number] /
                           power_of_ten(bars.leaf.op == Op::sum ? bars.leaf.scale : 0);
  mpq_class one_end = weight * to_mpz(low), other_end = weight * to_mpz(high);
  if (sgn(weight) < 0) std::swap(one_end, other_end);
  return {one_end, other_end};
}

std::optional<Span> ErrorBars::average_span(const LeafBars& bars, const NoisyGroup& group) const {
  const mpq_class scale = power_of_ten(bars.leaf.scale);
  if (bars.constant) return std::nullopt;
  const mpq_class s = plan_.sources[bars.leaf.index].form->of(group.numbers);
  const mpq_class n = plan_.sources[bars.leaf.count].form->of(group.numbers);
  const Staircase& stairs = bars.stairs;
  std::optional<mpq_class> low, high;
  for (std::size_t i = 0; i < stairs.height.size(); ++i) {
    // {t in [a, b] : -q <= s - t n <= q}: an interval, for s - t n is linear in t.
    mpq_class a = stairs.at[i], b = stairs.at[i + 1];
    const mpq_class& q = stairs.height[i];
    if (sgn(n) == 0) {
      if (abs(s) > q) continue;
    } else {
      mpq_class t0 = (s - q) / n, t1 = (s + q) / n;
      if (t0 > t1) std::swap(t0, t1);
      a = std::max(a, t0);
      b = std::min(b, t1);
      if (a > b) continue;
    }
    if (!low) low = a;
    high = b;
  }
  // No t agrees with the noisy numbers: rarer than the coverage allows. All values are then as good as any.
  if (!low) return Span{mpq_class(stairs.at.front() / scale), mpq_class(stairs.at.back() / scale)};
  return Span{mpq_class(*low / scale), mpq_class(*high / scale)};
}

std::optional<Span> ErrorBars::spread_span(const LeafBars& bars, const NoisyGroup& group) const {
  if (bars.constant) return Span{mpq_class(0), mpq_class(0)};
  const PlannedRelease& r = *release_of(bars.leaf);
  mpq_class low[3], high[3];
  for (std::size_t i = 0; i < 3; ++i) {
    const mpq_class center = group.numbers[r.first + i];
    low[i] = std::max(mpq_class(0), mpq_class(center - bars.box[i]));
    high[i] = std::max(mpq_class(0), mpq_class(center + bars.box[i]));
  }
  // Numbers 0, 1, 2 are p, s, r of spread(). It falls in s, so s is at an end. In p it rises, then falls: the least is
  // at a corner. The largest lies on an edge, at the top p = r + s + s^2 / (2 r) of that edge or at its end; for s = 0
  // also where p = r.
  std::vector<mpq_class> least_values, most_values;
  for (const mpq_class& p : {low[0], high[0]}) {
    for (const mpq_class& q : {low[2], high[2]}) least_values.push_back(spread(p, high[1], q));
  }
  const mpq_class& s = low[1];
  const auto top = [&](const mpq_class& other, const mpq_class& from, const mpq_class& to) {
    if (sgn(other) == 0) return to;
    return clamp(other + s + s * s / (2 * other), from, to);
  };
  for (const mpq_class& q : {low[2], high[2]}) most_values.push_back(spread(top(q, low[0], high[0]), s, q));
  for (const mpq_class& p : {low[0], high[0]}) most_values.push_back(spread(p, s, top(p, low[2], high[2])));
  if (sgn(s) == 0) {
    const mpq_class from = std::max(low[0], low[2]), to = std::min(high[0], high[2]);
    if (from <= to && sgn(to) > 0) most_values.push_back(mpq_class(1, 4));
  }
  mpq_class least_value = *least(least_values), most_value = *largest(most_values);
  const mpq_class width = to_mpz(static_cast<Int128>(width_of(r.range)));
  const bool sample = bars.leaf.op == Op::variance_sample || bars.leaf.op == Op::deviation_sample;
  if (sample) {
    // n / (n - 1), for at least the two rows without which it is NULL.
    const auto factor = [&](const mpq_class& sum, bool up) {
      mpq_class n = sum / (width * width);
      n = std::max(mpq_class(2), up ? mpq_class(ceil_of(n)) : n);
      return mpq_class(n / (n - 1));
    };
    most_value *= factor(low[0] + low[1] + low[2], true);
    least_value *= factor(high[0] + high[1] + high[2], false);
  }
  const mpq_class unit = width * width / mpq_class(power_of_ten(2 * bars.leaf.scale));
  least_value *= unit;
  most_value *= unit;
  if (bars.leaf.op == Op::deviation_population || bars.leaf.op == Op::deviation_sample)
    return Span{root(least_value, false), root(most_value, true)};
  return Span{least_value, most_value};
}

std::optional<Span> ErrorBars::leaf_span(const LeafBars& bars, const NoisyGroup& group) const {
  switch (bars.leaf.op) {
    case Op::count:
    case Op::sum: {
      if (decides(bars.leaf)) return shown_count_span(bars, group);
      const mpq_class scale = power_of_ten(bars.leaf.op == Op::sum ? bars.leaf.scale : 0);
      const mpq_class center = plan_.sources[bars.leaf.index].form->of(group.numbers);
      mpq_class low = (center - bars.half) / scale, high = (center + bars.half) / scale;
      if (bars.leaf.op == Op::count) {
        low = std::max(low, mpq_class(0));
        high = std::max(high, mpq_class(0));
      }
      return Span{low, high};
    }
    case Op::average:
      return average_span(bars, group);
    case Op::statistic: {
      const auto& estimate = group.quantiles[bars.leaf.index];
      if (!estimate) return std::nullopt;
      const mpq_class scale = power_of_ten(bars.leaf.type == sql::ValueType::decimal ? bars.leaf.scale : 0);
      return Span{mpq_class(mpz_class(estimate->low) / scale), mpq_class(mpz_class(estimate->high) / scale)};
    }
    default:
      return spread_span(bars, group);
  }
}

std::optional<Span> ErrorBars::span(const Expression& e, const OutputBars& bars, const NoisyGroup& group) const {
  if (reads_primitives(e.op)) {
    for (const LeafBars& leaf : bars.leaves) {
      if (same_leaf(leaf.leaf, e)) return leaf_span(leaf, group);
    }
    return std::nullopt;
  }
  switch (e.op) {
    case Op::number: {
      if (e.type == sql::ValueType::date) return std::nullopt;
      mpq_class value(mpz_class(e.digits, 10), power_of_ten(e.scale));
      value.canonicalize();
      return Span{value, value};
    }
    case Op::key: {
      const auto* value = std::get_if<std::int64_t>(&group.keys[e.index]);
      if (value == nullptr || e.type == sql::ValueType::date) return std::nullopt;
      const mpq_class scaled = mpq_class(mpz_class(*value)) / power_of_ten(e.scale);
      return Span{scaled, scaled};
    }
    case Op::negate: {
      const auto inner = span(e.arguments[0], bars, group);
      if (!inner) return std::nullopt;
      Span out;
      if (inner->high) out.low = -*inner->high;
      if (inner->low) out.high = -*inner->low;
      return out;
    }
    case Op::add:
    case Op::subtract: {
      const auto a = span(e.arguments[0], bars, group);
      const auto b = span(e.arguments[1], bars, group);
      if (!a || !b) return std::nullopt;
      const bool minus = e.op == Op::subtract;
      const auto& b_low = minus ? b->high : b->low;
      const auto& b_high = minus ? b->low : b->high;
      Span out;
      if (a->low && b_low) out.low = minus ? mpq_class(*a->low - *b_low) : mpq_class(*a->low + *b_low);
      if (a->high && b_high) out.high = minus ? mpq_class(*a->high - *b_high) : mpq_class(*a->high + *b_high);
      return out;
    }
    case Op::multiply:
    case Op::divide: {
      const auto a = span(e.arguments[0], bars, group);
      const auto b = span(e.arguments[1], bars, group);
      if (!a || !b) return std::nullopt;
      if (!a->low || !a->high || !b->low || !b->high) return Span{};
      if (e.op == Op::divide && sgn(*b->low) <= 0 && sgn(*b->high) >= 0) return Span{};
      std::vector<mpq_class> corners;
      for (const mpq_class& x : {*a->low, *a->high}) {
        for (const mpq_class& y : {*b->low, *b->high})
          corners.push_back(e.op == Op::multiply ? mpq_class(x * y) : mpq_class(x / y));
      }
      Span out{least(corners), largest(corners)};
      if (e.op == Op::divide && e.type == sql::ValueType::integer) {
        const auto truncated = [](const mpq_class& v) { return mpq_class(sgn(v) < 0 ? ceil_of(v) : floor_of(v)); };
        out = {truncated(*out.low), truncated(*out.high)};
      }
      return out;
    }
    default:
      return std::nullopt;
  }
}

std::optional<CellInterval> ErrorBars::of(std::size_t output, const NoisyGroup& group, const table::Cell& shown) const {
  const OutputBars& bars = outputs_[output];
  if (bars.leaves.empty()) return std::nullopt;
  const Expression& e = plan_.finishing.outputs[output].value;
  if (e.type == sql::ValueType::text || e.type == sql::ValueType::boolean) return std::nullopt;
  auto where = span(e, bars, group);
  if (!where) return std::nullopt;

  CellInterval out;
  out.exact = bars.leaves.size() == 1 && (e.op == Op::count || e.op == Op::sum) && !decides(e);
  if (out.exact) out.coverage = bars.leaves[0].coverage;
  const bool whole = e.type == sql::ValueType::integer || e.type == sql::ValueType::date;
  const bool grid = whole || e.type == sql::ValueType::decimal;
  if (grid && where->low && where->high) {
    // The truth is a multiple of 10^-places, so the ends may move inwards to the nearest ones.
    const mpq_class unit = power_of_ten(whole ? 0 : e.scale);
    const mpq_class low = mpq_class(ceil_of(*where->low * unit)) / unit;
    const mpq_class high = mpq_class(floor_of(*where->high * unit)) / unit;
    if (low <= high) where = Span{low, high};
  }
  // The cell was post-processed (held to what is possible) and may have left the interval; a wider one covers no less.
  if (const auto value = number_of(shown)) {
    if (where->low && *value < *where->low) where->low = *value;
    if (where->high && *value > *where->high) where->high = *value;
  }
  int places = whole ? 0 : e.scale;
  if (!grid) {
    places = 6;
    if (where->low && where->high) {
      // Three digits of the width, and never fewer than the value shows before its point.
      const double width = mpq_class(*where->high - *where->low).get_d();
      places = width > 0 ? std::clamp(2 - static_cast<int>(std::floor(std::log10(width))), 0, 20) : 20;
    }
  }
  const auto cell = [&](const std::optional<mpq_class>& end, bool up) -> table::Cell {
    if (!end) return std::monostate{};
    if (e.type != sql::ValueType::date) return table::Number{decimal_text(*end, places, up)};
    static const std::int64_t first_day = *table::parse_date("0001-01-01");
    static const std::int64_t last_day = *table::parse_date("9999-12-31");
    const mpz_class day = up ? ceil_of(*end) : floor_of(*end);
    if (day < first_day || day > last_day) return std::monostate{};
    return table::format_date(day.get_si());
  };
  out.low = cell(where->low, false);
  out.high = cell(where->high, true);
  return out;
}

std::optional<ErrorBars::Expected> ErrorBars::expected(std::size_t output, std::uint64_t rows) const {
  const OutputBars& bars = outputs_[output];
  if (bars.leaves.size() != 1) return std::nullopt;
  const Expression& e = plan_.finishing.outputs[output].value;
  if (!reads_primitives(e.op)) return std::nullopt;
  const LeafBars& leaf = bars.leaves[0];
  if (leaf.constant || e.op == Op::statistic) return std::nullopt;
  if (e.op == Op::count || e.op == Op::sum) {
    const mpq_class half = leaf.half / power_of_ten(e.op == Op::sum ? e.scale : 0);
    return Expected{half.get_d(), true};
  }
  // As if the noise were zero: all values in the middle for averages, half of them at each end of the middle half for
  // variances, which is what evenly spread values come to.
  const PlannedRelease& r = *release_of(e);
  NoisyGroup group;
  group.numbers.assign(plan_.numbers, 0);
  const mpz_class width = to_mpz(static_cast<Int128>(width_of(r.range)));
  const mpz_class n = static_cast<unsigned long>(rows);
  if (r.degree == 1) {
    group.numbers[r.first] = n * width / 2;
    group.numbers[r.first + 1] = n * width / 2;
  } else {
    for (std::size_t i = 0; i < 3; ++i) group.numbers[r.first + i] = n * width * width / 3;
  }
  const auto where = leaf_span(leaf, group);
  if (!where || !where->low || !where->high) return std::nullopt;
  return Expected{mpq_class((*where->high - *where->low) / 2).get_d(), false};
}

}  // namespace prism::backend::dp::internal
