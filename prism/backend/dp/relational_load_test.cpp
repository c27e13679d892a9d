#include "prism/backend/dp/relational_load.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>

namespace prism::backend::dp {
namespace {

constexpr RowKey kKey = {9, 8, 7};

using Line = std::vector<std::string>;

/// Lines of a unit, a number and a word, NULL where empty; as a table.
table::Table table_of(const std::vector<Line>& lines) {
  table::Table table{"t", lines.size(), std::vector<table::Column>(3)};
  std::set<std::string> words;
  for (const Line& line : lines)
    if (!line[2].empty()) words.insert(line[2]);
  table.columns[2].dictionary.assign(words.begin(), words.end());
  for (std::size_t c = 0; c < 3; ++c) {
    table::Column& column = table.columns[c];
    column.schema = {std::string(1, "unw"[c]), c == 2 ? table::ColumnType::text : table::ColumnType::integer, 0, true};
    for (const Line& line : lines) {
      column.valid.push_back(line[c].empty() ? 0 : 1);
      if (line[c].empty())
        column.values.push_back(0);
      else
        column.values.push_back(c == 2 ? std::distance(words.begin(), words.find(line[c])) : std::stoll(line[c]));
    }
  }
  return table;
}

/// The same columns with their first as unit.
Result<BoundedRows> bounded(const std::vector<Line>& lines, std::uint64_t rows_per_unit, const RowKey& key = kKey,
                            bool nullable = true) {
  const table::Table table = table_of(lines);
  TableLayout layout;
  for (const table::Column& column : table.columns) {
    layout.columns.push_back(column.schema);
    layout.columns.back().nullable = nullable;
  }
  layout.bounds.resize(3);
  layout.unit = 0;
  layout.rows_per_unit = rows_per_unit;
  return bounded_rows(layout, table, {0, 1, 2}, key);
}

std::vector<Line> some_lines(std::mt19937_64& random, std::size_t count) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < count; ++i)
    lines.push_back({random() % 9 == 0 ? "" : std::to_string(random() % 8),
                     random() % 9 == 0 ? "" : std::to_string(random() % 5),
                     random() % 9 == 0 ? "" : "w" + std::to_string(random() % 6)});
  return lines;
}

/// What counts, by content.
std::multiset<Line> kept(const std::vector<Line>& lines, std::uint64_t rows_per_unit, const RowKey& key = kKey) {
  const auto rows = bounded(lines, rows_per_unit, key);
  EXPECT_TRUE(rows);
  std::multiset<Line> out;
  for (const std::uint32_t row : rows->rows) out.insert(lines[row]);
  return out;
}

TEST(RelationalLoadTest, AtMostSoManyRowsOfEachUnitAndAsManyAsThereAre) {
  std::mt19937_64 random(1);
  const std::vector<Line> lines = some_lines(random, 300);
  std::map<std::string, std::uint64_t> all;
  for (const Line& line : lines) ++all[line[0]];
  for (const std::uint64_t most : {1u, 3u, 30u, 1000u}) {
    const auto rows = bounded(lines, most);
    ASSERT_TRUE(rows);
    std::map<std::string, std::uint64_t> counts;
    for (const std::uint32_t row : rows->rows) ++counts[lines[row][0]];
    std::uint64_t over = 0, largest = 0;
    for (const auto& [unit, count] : all) {
      if (unit.empty()) continue;
      EXPECT_EQ(counts[unit], std::min(count, most));
      over += count - std::min(count, most);
      largest = std::max(largest, count);
    }
    EXPECT_EQ(counts.contains(""), false);
    EXPECT_EQ(rows->incomplete, all[""]);
    EXPECT_EQ(rows->over_the_bound, over);
    EXPECT_EQ(rows->most_rows_of_unit, largest);
  }
}

/// A NULL where none was declared is no error: an error would tell whether somebody has such a row.
TEST(RelationalLoadTest, RowsThatBreakTheDeclarationDoNotCount) {
  std::mt19937_64 random(5);
  const std::vector<Line> lines = some_lines(random, 200);
  const auto rows = bounded(lines, 1000, kKey, false);
  ASSERT_TRUE(rows);
  std::vector<std::uint32_t> want;
  for (std::uint32_t row = 0; row < lines.size(); ++row)
    if (!lines[row][0].empty() && !lines[row][1].empty() && !lines[row][2].empty()) want.push_back(row);
  EXPECT_EQ(rows->rows, want);
  EXPECT_EQ(rows->incomplete, lines.size() - want.size());
}

TEST(RelationalLoadTest, TheOrderOfRowsDoesNotMatter) {
  std::mt19937_64 random(2);
  std::vector<Line> lines = some_lines(random, 200);
  const auto before = kept(lines, 4);
  for (int i = 0; i < 5; ++i) {
    std::shuffle(lines.begin(), lines.end(), random);
    EXPECT_EQ(kept(lines, 4), before);
  }
}

/// Without this, removing one unit could change the rows of others: they would be neighbours too far apart. Words of
/// the removed unit leave the dictionary, so places of all words move.
TEST(RelationalLoadTest, OtherUnitsDoNotMatter) {
  std::mt19937_64 random(3);
  std::vector<Line> lines = some_lines(random, 200);
  lines.push_back({"3", "1", "a word that comes first"});
  const auto before = kept(lines, 4);
  for (int unit = 0; unit < 8; ++unit) {
    std::vector<Line> fewer;
    std::multiset<Line> wanted;
    for (const Line& line : lines)
      if (line[0] != std::to_string(unit)) fewer.push_back(line);
    for (const Line& line : before)
      if (line[0] != std::to_string(unit)) wanted.insert(line);
    EXPECT_EQ(kept(fewer, 4), wanted) << unit;
  }
}

TEST(RelationalLoadTest, TheKeyDecides) {
  std::mt19937_64 random(4);
  const std::vector<Line> lines = some_lines(random, 200);
  EXPECT_NE(kept(lines, 4), kept(lines, 4, {1}));
}

TEST(RelationalLoadTest, TheDigestNamesEveryValue) {
  const std::vector<Line> lines = {{"1", "2", "x"}, {"2", "", "y"}, {"3", "4", ""}};
  const Digest digest = digest_of(table_of(lines));
  EXPECT_EQ(digest_of(table_of(lines)), digest);
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t c = 0; c < 3; ++c)
      for (const char* const other : {"", "9"}) {
        std::vector<Line> changed = lines;
        changed[row][c] = other;
        EXPECT_EQ(digest_of(table_of(changed)) == digest, changed == lines) << row << " " << c;
      }
  EXPECT_NE(digest_of(table_of({lines[0], lines[1], lines[2], lines[2]})), digest);
}

TEST(RelationalLoadTest, OtherColumnsAreRefused) {
  const table::Table table = table_of({{"1", "2", "x"}});
  Layout layout;
  layout.tables.push_back(
      {{table.columns[1].schema, table.columns[0].schema}, {sql::Interval{0, 9}, std::nullopt}, 1, 1});
  auto database = duck::Database::open({});
  ASSERT_TRUE(database);
  ASSERT_TRUE(load_table(*database, layout, 0, table, kKey));
  const auto rows = database->query({"SELECT c0, c1, c2 FROM t0", {}});
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->columns[0].numbers[0], 2);
  EXPECT_EQ(rows->columns[1].numbers[0], 1);
  EXPECT_EQ(rows->columns[2].numbers[0], 2);

  EXPECT_FALSE(load_table(*database, layout, 1, table, kKey));
  layout.tables.push_back(layout.tables[0]);
  layout.tables[1].columns[0].name = "other";
  EXPECT_EQ(load_table(*database, layout, 1, table, kKey).error().code, ErrorCode::mismatch);
  layout.tables[1].columns[0] = table.columns[1].schema;
  layout.tables[1].columns[0].type = table::ColumnType::date;
  EXPECT_EQ(load_table(*database, layout, 1, table, kKey).error().code, ErrorCode::mismatch);
}

}  // namespace
}  // namespace prism::backend::dp
