#include "tests/privacy/dataset.h"

#include <algorithm>
#include <cmath>

namespace prism::privacy {
namespace {

/// Values between the ends without overflow, whatever the ends are.
std::int64_t between(std::int64_t low, std::int64_t high, double fraction) {
  const auto width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const auto offset =
      std::min(width, static_cast<std::uint64_t>(fraction * std::ldexp(1.0, 53)) * (width >> 53) +
                          static_cast<std::uint64_t>(fraction * (static_cast<double>(width & ((1ULL << 53) - 1)) + 1)));
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

Dataset make_dataset(const Domain& domain, std::size_t number) {
  Dataset out;
  // Larger datasets first: they have the most neighbours, and their totals the most room to go wrong.
  const auto units = static_cast<std::uint32_t>(domain.most_units - number % domain.most_units);
  std::uint64_t index = 1 + 17 * number;
  for (std::uint32_t unit = 0; unit < units; ++unit) {
    const std::uint32_t rows =
        domain.rows_per_unit - static_cast<std::uint32_t>(number / 4 + unit) % domain.rows_per_unit;
    for (std::uint32_t row = 0; row < rows; ++row, ++index) {
      std::int64_t value = between(domain.low, domain.high, halton(index, 2));
      if (number == 0) value = domain.high;
      if (number == 1) value = domain.low;
      if (number == 2) value = unit % 2 == 0 ? domain.high : domain.low;
      const auto group =
          number == 0 ? static_cast<std::int64_t>(row) % domain.groups
                      : std::min(domain.groups - 1,
                                 static_cast<std::int64_t>(halton(index, 3) * static_cast<double>(domain.groups)));
      out.push_back({unit, group, value});
    }
  }
  return out;
}

}  // namespace

double halton(std::uint64_t index, unsigned base) {
  double out = 0, weight = 1;
  for (; index > 0; index /= base) {
    weight /= base;
    out += weight * static_cast<double>(index % base);
  }
  return out;
}

std::vector<Neighbours> neighbours(const Domain& domain, std::size_t datasets, std::size_t most) {
  std::vector<std::vector<Neighbours>> of_each(datasets);
  for (std::size_t number = 0; number < datasets; ++number) {
    const Dataset all = make_dataset(domain, number);
    const std::uint32_t units = all.back().unit + 1;
    for (std::uint32_t kept = (1U << units) - 1; kept > 0; --kept) {
      for (std::uint32_t removed = 0; removed < units; ++removed) {
        if ((kept >> removed & 1U) == 0) continue;
        Neighbours pair;
        for (const Row& row : all) {
          if ((kept >> row.unit & 1U) == 0) continue;
          pair.with.push_back(row);
          if (row.unit != removed) pair.without.push_back(row);
        }
        if (domain.reordered) std::ranges::reverse(pair.without);
        of_each[number].push_back(std::move(pair));
      }
    }
  }
  std::vector<Neighbours> out;
  for (std::size_t round = 0; out.size() < most; ++round) {
    const std::size_t before = out.size();
    for (auto& list : of_each) {
      if (round < list.size() && out.size() < most) out.push_back(std::move(list[round]));
    }
    if (out.size() == before) break;
  }
  return out;
}

}  // namespace prism::privacy
