// Tables written as CSV and read back: random ones, and the real files that ship beside the source tree.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "prism/table/date.h"
#include "prism/table/decimal.h"
#include "prism/table/read_csv.h"
#include "prism/table/result_table.h"

namespace prism::table {
namespace {

std::string random_text(std::mt19937_64& random) {
  static const std::vector<std::string> kPieces = {
      ",",  "\"", "\n", "\r\n", "\r", " ",  "\t",           "a",
      "NA", "0",  "-1", "x",    "'",  ";",  "\xC3\xA9",     "\xF0\x9F\x90\x9D",
      "1e", "",   ".",  "null", "=",  "\\", "\xEF\xBB\xBF", "2024-01-01"};
  std::string text;
  for (std::size_t i = random() % 5; i > 0; --i) text += kPieces[random() % kPieces.size()];
  return text;
}

/// A column as the reader would build it, together with the override that makes it read the type that was written.
Column random_column(std::mt19937_64& random, std::size_t rows, std::size_t number) {
  Column column;
  column.schema.name = "c" + std::to_string(number) + (random() % 4 == 0 ? "," : random() % 4 == 0 ? "\"x" : "");
  column.schema.type = static_cast<ColumnType>(random() % 4);
  if (column.schema.type == ColumnType::decimal) column.schema.scale = 1 + static_cast<int>(random() % 18);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < rows; ++i) {
    const bool valid = random() % 5 != 0;
    std::int64_t value = 0;
    if (column.schema.type == ColumnType::text) {
      texts.push_back(random_text(random));
      if (valid) column.dictionary.push_back(texts.back());
    } else if (column.schema.type == ColumnType::date) {
      value = static_cast<std::int64_t>(random() % 3'652'059) - 719'162;
    } else {
      value = static_cast<std::int64_t>(random()) >> (random() % 64);
    }
    column.values.push_back(valid ? value : 0);
    column.valid.push_back(valid ? 1 : 0);
  }
  std::sort(column.dictionary.begin(), column.dictionary.end());
  column.dictionary.erase(std::unique(column.dictionary.begin(), column.dictionary.end()), column.dictionary.end());
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (column.valid[i] != 0) column.values[i] = *find_text(column, texts[i]);
  summarise(column);
  return column;
}

TEST(RoundTripTest, RandomTablesComeBackEqual) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 400; ++round) {
    Table table;
    table.rows = random() % 40;
    CsvOptions options;
    for (std::size_t i = 0, columns = 1 + random() % 6; i < columns; ++i) {
      table.columns.push_back(random_column(random, table.rows, i));
      const ColumnSchema& schema = table.columns.back().schema;
      ColumnOverride& wanted = options.overrides[schema.name];
      wanted.type = schema.type;
      if (schema.type == ColumnType::decimal) wanted.scale = schema.scale;
    }
    const std::string text = to_csv(to_result(table));
    options.limits.chunk_bytes = 4 + random() % 60;
    const std::size_t piece = random() % 3;
    const auto back = read_csv("t", [&]() -> Result<ByteSource> { return memory_source(text, piece); }, options);
    ASSERT_TRUE(back) << back.error().message << "\n" << text;
    ASSERT_EQ(back->rows, table.rows) << text;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      ASSERT_EQ(back->columns[i].schema, table.columns[i].schema) << text;
      ASSERT_EQ(back->columns[i].values, table.columns[i].values) << text;
      ASSERT_EQ(back->columns[i].valid, table.columns[i].valid) << text;
      ASSERT_EQ(back->columns[i].dictionary, table.columns[i].dictionary) << text;
      ASSERT_EQ(back->columns[i].distinct, table.columns[i].distinct) << text;
    }
  }
}

class SharedDataTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("PRISM_SHARED");
    const std::filesystem::path shared = named != nullptr ? named : PRISM_SOURCE_DIR "/../shared";
    data_ = shared / "data";
    if (!std::filesystem::exists(data_)) GTEST_SKIP() << "no " << data_ << "; set PRISM_SHARED";
  }

  Table read(const std::string& stem, const CsvOptions& options = {}) {
    const auto path = data_ / (stem + ".csv");
    const OpenSource open = [path]() -> Result<ByteSource> {
      auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
      if (!*file) return fail(ErrorCode::io, "cannot open ", path.string());
      return ByteSource([file](std::span<char> out) -> Result<std::size_t> {
        file->read(out.data(), static_cast<std::streamsize>(out.size()));
        return static_cast<std::size_t>(file->gcount());
      });
    };
    auto table = read_csv(stem, open, options);
    EXPECT_TRUE(table) << (table ? "" : table.error().message);
    return table ? *std::move(table) : Table{};
  }

  static const Column& column(const Table& table, std::string_view name) {
    return table.columns.at(*find_column(table, name));
  }
  static std::string type(const Table& table, std::string_view name) { return type_text(column(table, name).schema); }

  std::filesystem::path data_;
};

TEST_F(SharedDataTest, Loans) {
  const Table table = read("loans_full_schema");
  ASSERT_EQ(table.rows, 10000U);
  ASSERT_EQ(table.columns.size(), 56U);
  EXPECT_EQ(type(table, "loan_amount"), "integer");
  EXPECT_EQ(type(table, "annual_income"), "decimal(2)");
  EXPECT_EQ(type(table, "interest_rate"), "decimal(2)");
  EXPECT_EQ(type(table, "account_never_delinq_percent"), "decimal(1)");
  EXPECT_EQ(type(table, "emp_title"), "text");
  EXPECT_EQ(type(table, "issue_month"), "text");
  EXPECT_EQ(column(table, "state").distinct, 50U);
  EXPECT_EQ(column(table, "emp_length").nulls, 817U);
  EXPECT_EQ(type(table, "emp_length"), "integer");
  EXPECT_EQ(column(table, "annual_income_joint").nulls, 8505U);
  // Twelve decimals in the file, where arithmetic in floating point left its mark.
  EXPECT_EQ(type(table, "paid_total"), "decimal(6)");
  EXPECT_EQ(column(table, "interest_rate").min, 531);
  EXPECT_EQ(column(table, "interest_rate").max, 3094);
}

TEST_F(SharedDataTest, Medpar) {
  const Table table = read("medpar");
  ASSERT_EQ(table.rows, 1495U);
  ASSERT_EQ(table.columns.size(), 11U);
  EXPECT_EQ(type(table, "los"), "integer");
  EXPECT_EQ(type(table, "provnum"), "text");
  EXPECT_EQ(column(table, "provnum").dictionary.front(), "030001");
  EXPECT_EQ(column(table, "provnum").distinct, 54U);
  EXPECT_NE(column(table, "provnum").note.find("leading zeros"), std::string::npos);
}

TEST_F(SharedDataTest, Rwm5yrReportsItsRounding) {
  const Table table = read("rwm5yr");
  ASSERT_EQ(table.rows, 19609U);
  ASSERT_EQ(table.columns.size(), 18U);
  EXPECT_EQ(type(table, "docvis"), "integer");
  const Column& income = column(table, "hhninc");
  EXPECT_EQ(type_text(income.schema), "decimal(6)");
  EXPECT_EQ(income.values[0], 3050000);
  EXPECT_EQ(income.values[1], 4510050);
  // Counted over the text of the file, independently of the reader.
  std::ifstream file(data_ / "rwm5yr.csv");
  std::string line;
  std::getline(file, line);
  std::uint64_t rounded = 0;
  long double largest = 0;
  while (std::getline(file, line)) {
    std::stringstream fields(line);
    std::string field;
    for (int i = 0; i < 12; ++i) std::getline(fields, field, ',');
    const long double scaled = std::stold(field) * 1e6L;
    const long double error = std::abs(scaled - std::round(scaled));
    rounded += error > 1e-6L ? 1U : 0U;
    largest = std::max(largest, error);
  }
  EXPECT_EQ(income.rounding.rounded, rounded);
  EXPECT_GT(rounded, 0U);
  EXPECT_NEAR(std::stod(income.rounding.largest_error), static_cast<double>(largest) * 1e-6, 1e-15);
}

TEST_F(SharedDataTest, EveryFileSurvivesWritingAndReading) {
  for (const auto& entry : std::filesystem::directory_iterator(data_)) {
    if (entry.path().extension() != ".csv") continue;
    SCOPED_TRACE(entry.path().filename());
    const Table table = read(entry.path().stem());
    EXPECT_GT(table.rows, 0U);
    CsvOptions options;
    for (const Column& c : table.columns) {
      ColumnOverride& wanted = options.overrides[c.schema.name];
      wanted.type = c.schema.type;
      if (c.schema.type == ColumnType::decimal) wanted.scale = c.schema.scale;
    }
    const auto back = read_csv_text("t", to_csv(to_result(table)), options);
    ASSERT_TRUE(back) << back.error().message;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      EXPECT_EQ(back->columns[i].schema, table.columns[i].schema);
      EXPECT_TRUE(back->columns[i].values == table.columns[i].values) << table.columns[i].schema.name;
      EXPECT_TRUE(back->columns[i].valid == table.columns[i].valid) << table.columns[i].schema.name;
      EXPECT_TRUE(back->columns[i].dictionary == table.columns[i].dictionary) << table.columns[i].schema.name;
    }
  }
}

}  // namespace
}  // namespace prism::table
