#include "prism/backend/clear/internal/rows.h"

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

void add_row(const sql::Primitive& primitive, const Columns& columns, std::size_t row, mpz_class& total) {
  for (const std::size_t c : primitive.columns)
    if (columns[c]->valid[row] == 0) return;
  if (primitive.kind == sql::Primitive::Kind::count) {
    ++total;
    return;
  }
  mpz_class product = 1;
  for (const std::size_t c : primitive.columns) product *= static_cast<long>(columns[c]->values[row]);
  total += product;
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
  if (plan.group_by.empty()) groups[{}] = {{}, std::vector<mpz_class>(plan.primitives.size())};
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
    }
    for (std::size_t p = 0; p < plan.primitives.size(); ++p)
      add_row(plan.primitives[p], columns, row, group.primitives[p]);
  }
  std::vector<Group> out;
  for (auto& [stored, group] : groups) out.push_back(std::move(group));
  return out;
}

}  // namespace prism::backend::clear
