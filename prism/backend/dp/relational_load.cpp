#include "prism/backend/dp/relational_load.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "prism/backend/dp/internal/relation_sql.h"
#include "prism/base/check.h"
#include "prism/hash/sha256.h"
#include "prism/hash/siphash.h"

namespace prism::backend::dp {
namespace {

/// One row on its way to being chosen.
struct Candidate {
  std::uint64_t unit;
  std::uint64_t content;
  std::uint32_t row;
  bool operator<(const Candidate& o) const {
    if (unit != o.unit) return unit < o.unit;
    if (content != o.content) return content < o.content;
    return row < o.row;
  }
};

/// Sorted in pieces that fit a cache: rows of one unit share a bucket, and nothing else matters about the order of
/// units.
constexpr std::size_t kBucketBits = 10;

/// A column's values as words to hash. Text by its bytes, never by its place in the dictionary, which depends on rows
/// of others.
class ColumnWords {
 public:
  ColumnWords(const table::Column& column, const RowKey& key) : column_(column) {
    for (const std::string& word : column.dictionary) texts_.push_back(hash::siphash(key, word));
  }
  void add(std::uint32_t row, hash::SipHash& hash) const {
    const auto value = static_cast<std::uint64_t>(column_.values[row]);
    hash.update(column_.valid[row]);
    hash.update(column_.valid[row] == 0 ? 0 : texts_.empty() ? value : texts_[value]);
  }

 private:
  const table::Column& column_;
  std::vector<std::uint64_t> texts_;
};

Status check_columns(const TableLayout& layout, const table::Table& table, const std::vector<std::size_t>& places) {
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const table::ColumnSchema& wanted = layout.columns[i];
    const table::ColumnSchema& found = table.columns[places[i]].schema;
    if (found.type != wanted.type || found.scale != wanted.scale)
      return fail(ErrorCode::mismatch, "column ", wanted.name, " of table ", table.name, " is ",
                  table::type_text(found), "; declared is ", table::type_text(wanted));
  }
  return {};
}

Status check_public_nulls(const TableLayout& layout, const table::Table& table,
                          const std::vector<std::size_t>& places) {
  for (std::size_t i = 0; i < places.size(); ++i)
    if (const auto& valid = table.columns[places[i]].valid;
        !layout.columns[i].nullable && std::find(valid.begin(), valid.end(), 0) != valid.end())
      return fail(ErrorCode::mismatch, "column ", layout.columns[i].name, " of table ", table.name,
                  " has fields without a value; declare it nullable");
  return {};
}

}  // namespace

Result<BoundedRows> bounded_rows(const TableLayout& layout, const table::Table& table,
                                 const std::vector<std::size_t>& places, const RowKey& key) {
  check(layout.unit.has_value(), "bounded_rows: a public table");
  if (table.rows > std::numeric_limits<std::int32_t>::max())
    return fail(ErrorCode::exhausted, table.rows, " rows; a table can have 2^31 - 1");
  const table::Column& units = table.columns[places[*layout.unit]];
  std::vector<ColumnWords> words;
  std::vector<const std::uint8_t*> needed = {units.valid.data()};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const table::Column& column = table.columns[places[i]];
    // The unit's own value need not be hashed: rows are compared within one unit.
    if (i != *layout.unit) words.emplace_back(column, key);
    if (!layout.columns[i].nullable) needed.push_back(column.valid.data());
  }
  const auto complete = [&](std::uint32_t row) {
    for (const std::uint8_t* const valid : needed)
      if (valid[row] == 0) return false;
    return true;
  };

  BoundedRows out;
  const auto rows = static_cast<std::uint32_t>(table.rows);
  const hash::SipHash fresh(key);
  const auto bucket_of = [&](std::uint32_t row) {
    // Fibonacci hashing: consecutive identifiers spread over all buckets.
    return (static_cast<std::uint64_t>(units.values[row]) * 0x9E3779B97F4A7C15U) >> (64 - kBucketBits);
  };
  std::vector<std::size_t> ends(std::size_t{1} << kBucketBits, 0);
  for (std::uint32_t row = 0; row < rows; ++row)
    if (complete(row))
      ++ends[bucket_of(row)];
    else
      ++out.incomplete;
  std::size_t total = 0;
  for (std::size_t& end : ends) end = std::exchange(total, total + end);
  std::vector<Candidate> candidates(total);
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (!complete(row)) continue;
    hash::SipHash hash = fresh;
    for (const ColumnWords& column : words) column.add(row, hash);
    candidates[ends[bucket_of(row)]++] = {static_cast<std::uint64_t>(units.values[row]), hash.finish(), row};
  }
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    std::sort(candidates.begin() + static_cast<std::ptrdiff_t>(begin),
              candidates.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end;
  }
  std::vector<std::uint8_t> kept(rows, 0);
  std::uint64_t ordinal = 0;
  std::int32_t units_seen = 0;
  out.units.assign(rows, 0);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    ordinal = i > 0 && candidates[i - 1].unit == candidates[i].unit ? ordinal + 1 : 1;
    if (ordinal == 1) ++units_seen;
    out.units[candidates[i].row] = units_seen - 1;
    out.most_rows_of_unit = std::max(out.most_rows_of_unit, ordinal);
    if (ordinal <= layout.rows_per_unit)
      kept[candidates[i].row] = 1;
    else
      ++out.over_the_bound;
  }
  // Numbers in the order of the table's rows: where rows of a unit stand together, so do equal numbers, ascending.
  std::vector<std::int32_t> renumbered(static_cast<std::size_t>(units_seen), -1);
  std::int32_t next = 0;
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (kept[row] == 0) continue;
    out.rows.push_back(row);
    std::int32_t& number = renumbered[static_cast<std::size_t>(out.units[row])];
    if (number < 0) number = next++;
    out.units[row] = number;
  }
  return out;
}

Digest digest_of(const table::Table& table) {
  hash::Sha256 hash;
  const auto bytes = [&](const auto* data, std::size_t count) {
    hash.update(ByteView(reinterpret_cast<const std::uint8_t*>(data), count * sizeof(*data)));
  };
  const auto number = [&](std::uint64_t value) { bytes(&value, 1); };
  const auto text = [&](std::string_view value) {
    number(value.size());
    hash.update(as_bytes(value));
  };
  number(table.rows);
  number(table.columns.size());
  for (const table::Column& column : table.columns) {
    text(column.schema.name);
    number(static_cast<std::uint64_t>(column.schema.type));
    number(static_cast<std::uint64_t>(column.schema.scale));
    bytes(column.values.data(), column.values.size());
    bytes(column.valid.data(), column.valid.size());
    number(column.dictionary.size());
    for (const std::string& word : column.dictionary) text(word);
  }
  return hash.finish();
}

Status load_table(duck::Database& database, const Layout& layout, std::size_t number, const table::Table& table,
                  const RowKey& key, const duck::Stop& stop) {
  if (number >= layout.tables.size()) return fail(ErrorCode::mismatch, "the layout has no table number ", number);
  const TableLayout& wanted = layout.tables[number];
  std::vector<std::size_t> places;
  for (const table::ColumnSchema& column : wanted.columns) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const table::Column& c) { return c.schema.name == column.name; });
    if (found == table.columns.end())
      return fail(ErrorCode::mismatch, "column ", column.name, " is declared, and table ", table.name, " lacks it");
    places.push_back(static_cast<std::size_t>(found - table.columns.begin()));
  }
  PRISM_CHECKED(check_columns(wanted, table, places));

  std::vector<duck::Kind> kinds;
  std::vector<duck::Source> sources;
  for (std::size_t i = 0; i < places.size(); ++i) {
    kinds.push_back(duck::kind_of(wanted.columns[i].type));
    sources.push_back({places[i]});
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!has_offset(wanted, i)) continue;
    kinds.push_back(duck::Kind::offset);
    sources.push_back({places[i], wanted.bounds[i]->low, wanted.bounds[i]->high});
  }
  const std::string name = "t" + std::to_string(number);
  if (wanted.unit) kinds.push_back(duck::Kind::offset);  // the unit's number
  PRISM_CHECKED(database.create(name, kinds));
  if (!wanted.unit) {
    PRISM_CHECKED(check_public_nulls(wanted, table, places));
    return database.append(name, table, sources, nullptr, stop);
  }
  PRISM_TRY(const BoundedRows bounded, bounded_rows(wanted, table, places, key));
  sources.push_back({places[*wanted.unit], 0, 0, &bounded.units});
  return database.append(name, table, sources, &bounded.rows, stop);
}

}  // namespace prism::backend::dp
