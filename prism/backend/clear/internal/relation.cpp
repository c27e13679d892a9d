#include "prism/backend/clear/internal/relation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "prism/backend/clear/internal/rows.h"
#include "prism/base/int128.h"

namespace prism::backend::clear {
namespace {

using Columns = std::vector<const table::Column*>;
using Selection = std::vector<std::size_t>;  // rows, in order, maybe repeated

constexpr std::size_t kMostRows = std::size_t{1} << 26;

/// Text by its bytes, because two columns number their texts differently.
using KeyPart = std::variant<std::int64_t, std::string>;

std::optional<KeyPart> key_part(const table::Column& column, std::size_t row) {
  if (column.valid[row] == 0) return std::nullopt;
  if (column.schema.type == table::ColumnType::text)
    return column.dictionary[static_cast<std::size_t>(column.values[row])];
  return column.values[row];
}

/// The chosen rows of a column.
std::unique_ptr<table::Column> taken(const table::Column& from, const Selection& rows) {
  auto out = std::make_unique<table::Column>();
  out->schema = from.schema;
  out->dictionary = from.dictionary;
  for (const std::size_t row : rows) {
    out->values.push_back(from.values[row]);
    out->valid.push_back(from.valid[row]);
  }
  return out;
}

Rows owned(std::vector<std::unique_ptr<table::Column>> made, std::size_t count) {
  Rows out;
  out.count = count;
  for (const auto& column : made) out.columns.push_back(column.get());
  out.made = std::move(made);
  return out;
}

/// The key of one row on one side of a join; absent when a part of it is NULL.
std::optional<std::vector<KeyPart>> key_of(const std::vector<const table::Column*>& columns, std::size_t row) {
  std::vector<KeyPart> key;
  for (const table::Column* column : columns) {
    auto part = key_part(*column, row);
    if (!part) return std::nullopt;
    key.push_back(*std::move(part));
  }
  return key;
}

Result<Rows> joined(const Rows& left, const Rows& right, const std::vector<sql::JoinKey>& keys) {
  Columns left_columns, right_columns;
  for (const sql::JoinKey& key : keys) {
    left_columns.push_back(left.columns[key.left]);
    right_columns.push_back(right.columns[key.right]);
  }
  std::map<std::vector<KeyPart>, Selection> partners;
  for (std::size_t row = 0; row < right.count; ++row)
    if (auto key = key_of(right_columns, row)) partners[*std::move(key)].push_back(row);
  Selection from_left, from_right;
  for (std::size_t row = 0; row < left.count; ++row) {
    const auto key = key_of(left_columns, row);
    const auto found = key ? partners.find(*key) : partners.end();
    if (found == partners.end()) continue;
    if (from_left.size() + found->second.size() > kMostRows)
      return fail(ErrorCode::exhausted, "a join has more than ", kMostRows, " rows; join by a key with fewer repeats");
    from_left.insert(from_left.end(), found->second.size(), row);
    from_right.insert(from_right.end(), found->second.begin(), found->second.end());
  }
  std::vector<std::unique_ptr<table::Column>> made;
  for (const table::Column* column : left.columns) made.push_back(taken(*column, from_left));
  for (const table::Column* column : right.columns) made.push_back(taken(*column, from_right));
  return owned(std::move(made), from_left.size());
}

/// One value of a derived column over the rows of one group; absent: NULL.
std::optional<std::int64_t> derived_value(const sql::DerivedColumn& wanted, const Columns& columns,
                                          const Selection& rows) {
  const table::Column* column = wanted.column ? columns[*wanted.column] : nullptr;
  std::vector<std::int64_t> values;
  for (const std::size_t row : rows)
    if (column != nullptr && column->valid[row] != 0) values.push_back(column->values[row]);
  switch (wanted.kind) {
    case sql::DerivedColumn::Kind::count:
      return static_cast<std::int64_t>(column == nullptr ? rows.size() : values.size());
    case sql::DerivedColumn::Kind::column:
      if (column->valid[rows[0]] == 0) return std::nullopt;
      return column->values[rows[0]];
    case sql::DerivedColumn::Kind::minimum:
      if (values.empty()) return std::nullopt;
      return *std::min_element(values.begin(), values.end());
    case sql::DerivedColumn::Kind::maximum:
      if (values.empty()) return std::nullopt;
      return *std::max_element(values.begin(), values.end());
    case sql::DerivedColumn::Kind::sum:
      break;
  }
  if (values.empty()) return std::nullopt;
  Int128 sum = 0;
  for (const std::int64_t value : values) sum += value;
  return static_cast<std::int64_t>(std::clamp<Int128>(sum, INT64_MIN, INT64_MAX));
}

Result<Rows> derived(const sql::Relation& relation, const Rows& inner) {
  // Without groups every row is a group of its own.
  std::map<std::vector<std::optional<std::int64_t>>, Selection> by_key;
  std::vector<Selection> groups;
  if (relation.grouped && relation.group_by.empty()) by_key[{}] = {};
  for (std::size_t row = 0; row < inner.count; ++row) {
    if (!satisfies(relation.where, inner.columns, row)) continue;
    if (!relation.grouped) {
      groups.push_back({row});
      continue;
    }
    std::vector<std::optional<std::int64_t>> key;
    for (const std::size_t c : relation.group_by)
      key.push_back(inner.columns[c]->valid[row] != 0 ? std::optional(inner.columns[c]->values[row]) : std::nullopt);
    by_key[std::move(key)].push_back(row);
  }
  for (auto& [key, rows] : by_key) groups.push_back(std::move(rows));
  std::vector<std::unique_ptr<table::Column>> made;
  for (std::size_t i = 0; i < relation.outputs.size(); ++i) {
    const sql::DerivedColumn& wanted = relation.outputs[i];
    auto column = std::make_unique<table::Column>();
    column->schema = relation.catalog.columns[i];
    if (wanted.kind == sql::DerivedColumn::Kind::column) column->dictionary = inner.columns[*wanted.column]->dictionary;
    for (const Selection& rows : groups) {
      const auto value = derived_value(wanted, inner.columns, rows);
      column->values.push_back(value.value_or(0));
      column->valid.push_back(value ? 1 : 0);
    }
    made.push_back(std::move(column));
  }
  return owned(std::move(made), groups.size());
}

}  // namespace

Result<Rows> table_rows(const sql::Catalog& catalog, std::size_t index, std::span<const table::Table* const> database) {
  if (index >= database.size())
    return fail(ErrorCode::mismatch, "the plan reads table number ", index + 1, ", and there are ", database.size());
  const table::Table& table = *database[index];
  Rows out;
  out.count = table.rows;
  for (const table::ColumnSchema& wanted : catalog.columns) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const table::Column& c) { return c.schema.name == wanted.name; });
    if (found == table.columns.end())
      return fail(ErrorCode::mismatch, "the plan's column ", wanted.name, " is not in table ", table.name);
    if (found->schema.type != wanted.type || found->schema.scale != wanted.scale)
      return fail(ErrorCode::mismatch, "column ", wanted.name, " is ", table::type_text(found->schema),
                  " in the table and ", table::type_text(wanted), " in the plan");
    if (found->nulls != 0 && !wanted.nullable)
      return fail(ErrorCode::mismatch, "column ", wanted.name, " has NULLs, and the plan was made without them");
    out.columns.push_back(&*found);
  }
  return out;
}

Result<Rows> rows_of(const sql::Relation& relation, std::span<const table::Table* const> database) {
  if (relation.kind == sql::Relation::Kind::table) return table_rows(relation.catalog, relation.table, database);
  PRISM_TRY(Rows rows, rows_of(relation.parts[0], database));
  if (relation.kind == sql::Relation::Kind::derived) return derived(relation, rows);
  for (std::size_t i = 1; i < relation.parts.size(); ++i) {
    PRISM_TRY(const Rows right, rows_of(relation.parts[i], database));
    PRISM_TRY(rows, joined(rows, right, relation.keys[i - 1]));
  }
  return rows;
}

}  // namespace prism::backend::clear
