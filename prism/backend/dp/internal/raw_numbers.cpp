#include "prism/backend/dp/internal/raw_numbers.h"

namespace prism::backend::dp::internal {
namespace {

bool same(const Aggregate& a, const Aggregate& b) {
  return a.kind == b.kind && a.columns == b.columns && a.bounds == b.bounds && a.degree == b.degree;
}

std::size_t place_of(AggregateRequest& request, Aggregate wanted) {
  for (std::size_t i = 0; i < request.aggregates.size(); ++i) {
    if (same(request.aggregates[i], wanted)) return i;
  }
  request.aggregates.push_back(std::move(wanted));
  return request.aggregates.size() - 1;
}

}  // namespace

RawRequest raw_request(const ReleasePlan& plan) {
  using Kind = PlannedRelease::Kind;
  RawRequest out;
  AggregateRequest& request = out.request;
  const auto rows = [&] { return place_of(request, {Aggregate::Kind::rows, {}, {}, 0}); };
  const auto values = [&](const std::vector<std::size_t>& columns) {
    return columns.empty() ? rows() : place_of(request, {Aggregate::Kind::values, columns, {}, 0});
  };
  const auto sum = [&](const PlannedRelease& r) {
    const auto kind = r.columns.size() == 1 ? Aggregate::Kind::sum : Aggregate::Kind::product;
    return place_of(request, {kind, r.columns, r.bounds, 0});
  };
  for (const PlannedRelease& r : plan.releases) {
    RawRequest::Parts parts;
    switch (r.kind) {
      case Kind::rows:
        parts.values = values(r.columns);
        if (r.absent) parts.rows = rows();
        break;
      case Kind::sum:
        parts.sum = sum(r);
        break;
      case Kind::moments:
        if (r.columns.size() == 1) {
          parts.bernstein = place_of(request, {Aggregate::Kind::bernstein, r.columns, r.bounds, r.degree});
        } else {
          parts.sum = sum(r);
        }
        if (r.columns.size() != 1 || r.absent) parts.values = values(r.columns);
        if (r.absent) parts.rows = rows();
        break;
      case Kind::units:
        parts.units = place_of(request, {Aggregate::Kind::units, {}, {}, 0});
        break;
      case Kind::quantiles:
        parts.histogram = request.histograms.size();
        request.histograms.push_back({r.columns[0],
                                      {static_cast<std::int64_t>(r.range.low), static_cast<std::int64_t>(r.range.high)},
                                      r.choice->leaf_width()});
        break;
    }
    out.parts.push_back(parts);
  }
  // With one row for each unit, rows are units, and cheaper to count.
  if (plan.selection)
    out.units = plan.contribution.rows == 1 ? rows() : place_of(request, {Aggregate::Kind::units, {}, {}, 0});
  if (request.aggregates.empty()) rows();
  if (plan.contribution.groups < plan.contribution.rows && !plan.finishing.group_by.empty())
    request.groups_per_unit = plan.contribution.groups;
  return out;
}

std::vector<mpz_class> exact_numbers(const ReleasePlan& plan, const RawRequest& raw, const GroupNumbers* group) {
  using Kind = PlannedRelease::Kind;
  std::vector<mpz_class> out(plan.numbers);
  if (group == nullptr) return out;
  const auto number = [&](std::size_t aggregate, std::size_t place = 0) {
    return to_mpz(group->numbers[aggregate][place]);
  };
  for (std::size_t i = 0; i < plan.releases.size(); ++i) {
    const PlannedRelease& r = plan.releases[i];
    const RawRequest::Parts& parts = raw.parts[i];
    switch (r.kind) {
      case Kind::rows:
        out[r.first] = number(parts.values);
        if (r.absent) out[r.first + 1] = number(parts.rows) - number(parts.values);
        break;
      case Kind::sum:
        out[r.first] = number(parts.sum);
        break;
      case Kind::moments: {
        const mpz_class width = to_mpz(static_cast<Int128>(width_of(r.range)));
        const auto degree = static_cast<std::size_t>(r.degree);
        if (r.columns.size() == 1) {
          for (std::size_t k = 0; k <= degree; ++k) out[r.first + k] = number(parts.bernstein, k);
        } else {
          // sum(y - low) and sum(high - y), from the sum of products and their number.
          const mpz_class total = number(parts.sum), count = number(parts.values);
          out[r.first] = total - to_mpz(r.range.low) * count;
          out[r.first + 1] = to_mpz(r.range.high) * count - total;
        }
        if (r.absent) {
          mpz_class weight = 1;
          for (std::size_t k = 0; k < degree; ++k) weight *= width;
          out[r.first + degree + 1] = (number(parts.rows) - number(parts.values)) * weight;
        }
        break;
      }
      case Kind::units:
        out[r.first] = number(parts.units);
        break;
      case Kind::quantiles:
        break;
    }
  }
  return out;
}

}  // namespace prism::backend::dp::internal
