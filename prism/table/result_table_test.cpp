#include "prism/table/result_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace prism::table {
namespace {

ResultTable sample() {
  ResultTable result;
  result.columns = {{"state", ColumnType::text}, {"sum", ColumnType::decimal}, {"day", ColumnType::date}};
  result.rows = {{std::string("N\"J,\n"), Number{"-12.50"}, std::string("2024-02-29")},
                 {std::monostate{}, Number{"123456789012345678901234567890.123456789"}, std::monostate{}},
                 {std::string(), std::monostate{}, std::string("\xC3\xA9")}};
  return result;
}

TEST(ResultTableTest, TextIsAlignedAndSafeForTerminals) {
  // The long number has 40 characters; columns are two spaces apart.
  EXPECT_EQ(to_text_table(sample()), "state   " + std::string(37, ' ') + "sum  day\n" +          //
                                         "------  " + std::string(40, '-') + "  ----------\n" +  //
                                         "N\"J,\\n  " + std::string(34, ' ') + "-12.50  2024-02-29\n" +
                                         "NULL    123456789012345678901234567890.123456789  NULL\n" + "        " +
                                         std::string(36, ' ') + "NULL  \xC3\xA9\n");
}

TEST(ResultTableTest, ControlCharactersAreShownNotSent) {
  ResultTable result;
  result.columns = {{"a\x1b[2J", ColumnType::text}};
  result.rows = {{std::string("\x1b]0;x\x07\x7f\xC2\x9B\t\r\xC2\xA0")}};
  EXPECT_EQ(to_text_table(result), "a\\x1b[2J\n" + std::string(25, '-') + "\n\\x1b]0;x\\x07\\x7f\\x9b\\t\\r\xC2\xA0\n");
}

TEST(ResultTableTest, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(
      to_csv(sample()),
      "state,sum,day\n\"N\"\"J,\n\",-12.50,2024-02-29\n,123456789012345678901234567890.123456789,\n\"\",,\xC3\xA9\n");
}

TEST(ResultTableTest, JsonKeepsNumbersVerbatim) {
  const auto json = to_json(sample());
  ASSERT_TRUE(json);
  EXPECT_EQ(*json,
            "[\n  {\"state\": \"N\\\"J,\\n\", \"sum\": -12.50, \"day\": \"2024-02-29\"},\n"
            "  {\"state\": null, \"sum\": 123456789012345678901234567890.123456789, \"day\": null},\n"
            "  {\"state\": \"\", \"sum\": null, \"day\": \"\xC3\xA9\"}\n]\n");
  EXPECT_EQ(nlohmann::json::parse(*json).size(), 3U);
  ResultTable empty;
  empty.columns = {{"a", ColumnType::text}};
  EXPECT_EQ(*to_json(empty), "[]\n");
  EXPECT_EQ(to_csv(empty), "a\n");
  EXPECT_EQ(to_text_table(empty), "a\n-\n");
}

TEST(ResultTableTest, JsonEscapesEveryControlCharacterAndSurvivesBadUtf8) {
  ResultTable result;
  std::string all;
  for (char c = 1; c < 0x20; ++c) all += c;
  result.columns = {{"k\"\n", ColumnType::text}};
  result.rows = {{all}, {std::string("\xFF")}};
  const auto parsed = nlohmann::json::parse(*to_json(result));
  EXPECT_EQ(parsed[0]["k\"\n"], all);
  EXPECT_EQ(parsed[1]["k\"\n"], "\xEF\xBF\xBD");
}

TEST(ResultTableTest, JsonRefusesNamesThatClash) {
  ResultTable result;
  result.columns = {{"count", ColumnType::integer}, {"count", ColumnType::integer}};
  const auto json = to_json(result);
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(json.error().message.find("AS"), std::string::npos);
  result.columns[1].name = "COUNT";
  EXPECT_TRUE(to_json(result));
}

TEST(ResultTableDeathTest, JsonAcceptsOnlyJsonNumbers) {
  ResultTable result;
  result.columns = {{"n", ColumnType::integer}};
  for (const char* good : {"0", "-0", "-12.50", "1e5", "1.5E-3", "10"}) {
    result.rows = {{Number{good}}};
    EXPECT_TRUE(to_json(result));
  }
  for (const char* bad : {"", "01", "+1", ".5", "5.", "1.e5", "NaN", "1,2", "-"}) {
    result.rows = {{Number{bad}}};
    EXPECT_DEATH((void)to_json(result), "a result number that is none") << bad;
  }
}

TEST(ResultTableTest, CellsFollowTheColumnsType) {
  Column column;
  column.schema = {"x", ColumnType::decimal, 2, true};
  column.values = {-5, 0};
  column.valid = {1, 0};
  EXPECT_EQ(cell_at(column, 0), Cell(Number{"-0.05"}));
  EXPECT_EQ(cell_at(column, 1), Cell(std::monostate{}));
  column.schema.type = ColumnType::date;
  column.schema.scale = 0;
  EXPECT_EQ(cell_at(column, 0), Cell(std::string("1969-12-27")));
  column.schema.type = ColumnType::text;
  column.dictionary = {"a", "b"};
  EXPECT_EQ(cell_of(column, 1), Cell(std::string("b")));
}

TEST(ResultTableTest, ToResultCutsAtTheEnd) {
  Table table;
  table.rows = 3;
  table.columns.resize(1);
  table.columns[0].schema = {"x", ColumnType::integer, 0, false};
  table.columns[0].values = {1, 2, 3};
  table.columns[0].valid = {1, 1, 1};
  EXPECT_EQ(to_result(table).rows.size(), 3U);
  EXPECT_EQ(to_result(table, 2, 5).rows.size(), 1U);
  EXPECT_EQ(to_result(table, 9).rows.size(), 0U);
}

}  // namespace
}  // namespace prism::table
