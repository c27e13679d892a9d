#include "prism/backend/clear/internal/rows.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "prism/base/check.h"

namespace prism::backend::clear {
namespace {

using Columns = std::vector<const table::Column*>;

bool contains(const sql::TextInterval& interval, const std::string& text) {
  if (interval.low && (interval.low_included ? text < *interval.low : text <= *interval.low)) return false;
  if (interval.high && (interval.high_included ? text > *interval.high : text >= *interval.high)) return false;
  return true;
}

bool passes(const sql::ColumnTest& test, const table::Column& column, std::size_t row) {
  if (column.valid[row] == 0) return test.null_is_true;
  const std::int64_t value = column.values[row];
  if (column.schema.type == table::ColumnType::text) {
    const std::string& text = column.dictionary[static_cast<std::size_t>(value)];
    for (const sql::TextInterval& interval : test.texts)
      if (contains(interval, text)) return true;
    return false;
  }
  for (const sql::Interval& interval : test.intervals)
    if (interval.low <= value && value <= interval.high) return true;
  return false;
}

Value key_at(const table::Column& column, std::size_t row) {
  if (column.valid[row] == 0) return {};
  const std::int64_t value = column.values[row];
  switch (column.schema.type) {
    case table::ColumnType::text:
      return column.dictionary[static_cast<std::size_t>(value)];
    case table::ColumnType::date:
      return Day{value};
    case table::ColumnType::integer:
    case table::ColumnType::decimal: {
      mpq_class number(mpz_class(value), power_of_ten(static_cast<unsigned long>(column.schema.scale)));
      number.canonicalize();
      return number;
    }
  }
  check(false, "unknown ColumnType");
  return {};
}

void add_row(const sql::Primitive& primitive, const Columns& columns, std::size_t row, mpz_class& total,
             std::vector<std::int64_t>& values) {
  for (const std::size_t c : primitive.columns)
    if (columns[c]->valid[row] == 0) return;
  if (primitive.kind == sql::Primitive::Kind::count) {
    ++total;
    return;
  }
  if (primitive.kind != sql::Primitive::Kind::sum) {
    values.push_back(columns[primitive.columns[0]]->values[row]);
    return;
  }
  mpz_class product = 1;
  for (const std::size_t c : primitive.columns) product *= static_cast<long>(columns[c]->values[row]);
  total += product;
}

/// What a primitive that looks at all values finds in them; 0 when there are none. Texts are numbered within their
/// column, so different numbers are different texts.
mpz_class found_in(const sql::Primitive& primitive, std::vector<std::int64_t> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto number = [](std::int64_t value) { return mpz_class(static_cast<long>(value)); };
  switch (primitive.kind) {
    case sql::Primitive::Kind::count_distinct:
      values.erase(std::unique(values.begin(), values.end()), values.end());
      return mpz_class(values.size());
    case sql::Primitive::Kind::minimum:
      return number(values.front());
    case sql::Primitive::Kind::maximum:
      return number(values.back());
    default:
      break;
  }
  // The first place that has at least this share of the values at or before it.
  mpz_class place = mpz_class(static_cast<long>(primitive.fraction_nano)) * mpz_class(values.size());
  mpz_cdiv_q(place.get_mpz_t(), place.get_mpz_t(), mpz_class(1'000'000'000).get_mpz_t());
  return number(values[std::max<std::size_t>(place.get_ui(), 1) - 1]);
}

bool looks_at_all(const sql::Primitive& primitive) {
  return primitive.kind != sql::Primitive::Kind::count && primitive.kind != sql::Primitive::Kind::sum;
}

}  // namespace

bool satisfies(const sql::Predicate& predicate, const Columns& columns, std::size_t row) {
  switch (predicate.kind) {
    case sql::Predicate::Kind::always:
      return true;
    case sql::Predicate::Kind::never:
      return false;
    case sql::Predicate::Kind::test:
      return passes(predicate.test, *columns[predicate.test.column], row);
    case sql::Predicate::Kind::all:
      for (const sql::Predicate& child : predicate.children)
        if (!satisfies(child, columns, row)) return false;
      return true;
    case sql::Predicate::Kind::any:
      for (const sql::Predicate& child : predicate.children)
        if (satisfies(child, columns, row)) return true;
      return false;
  }
  check(false, "unknown Predicate::Kind");
  return false;
}

std::vector<Group> groups_of(const sql::Plan& plan, const Columns& columns, std::size_t rows) {
  std::map<std::vector<std::optional<std::int64_t>>, Group> groups;
  if (plan.group_by.empty())
    groups[{}] = {{},
                  std::vector<mpz_class>(plan.primitives.size()),
                  std::vector<std::vector<std::int64_t>>(plan.primitives.size())};
  for (std::size_t row = 0; row < rows; ++row) {
    if (!satisfies(plan.where, columns, row)) continue;
    std::vector<std::optional<std::int64_t>> stored;
    for (const std::size_t c : plan.group_by)
      stored.push_back(columns[c]->valid[row] != 0 ? std::optional(columns[c]->values[row]) : std::nullopt);
    const auto [at, fresh] = groups.try_emplace(std::move(stored));
    Group& group = at->second;
    if (fresh) {
      for (const std::size_t c : plan.group_by) group.keys.push_back(key_at(*columns[c], row));
      group.primitives.resize(plan.primitives.size());
      group.values.resize(plan.primitives.size());
    }
    for (std::size_t p = 0; p < plan.primitives.size(); ++p)
      add_row(plan.primitives[p], columns, row, group.primitives[p], group.values[p]);
  }
  std::vector<Group> out;
  for (auto& [stored, group] : groups) {
    for (std::size_t p = 0; p < plan.primitives.size(); ++p)
      if (looks_at_all(plan.primitives[p]))
        group.primitives[p] = found_in(plan.primitives[p], std::move(group.values[p]));
    out.push_back(std::move(group));
  }
  return out;
}

}  // namespace prism::backend::clear
