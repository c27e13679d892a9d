#include "prism/table/read_csv.h"

#include <gtest/gtest.h>

#include "prism/table/result_table.h"

namespace prism::table {
namespace {

Table read(std::string_view text, const CsvOptions& options = {}) {
  auto table = read_csv_text("t", text, options);
  EXPECT_TRUE(table) << (table ? "" : table.error().message);
  return table ? *std::move(table) : Table{};
}

/// The only column of a file with these lines.
Column column(const std::string& lines, const ColumnOverride& wanted = {}) {
  CsvOptions options;
  if (wanted.type || wanted.scale) options.overrides["x"] = wanted;
  Table table = read("x\n" + lines, options);
  EXPECT_EQ(table.columns.size(), 1U);
  return table.columns.empty() ? Column{} : std::move(table.columns[0]);
}

Error refusal(const std::string& lines, const ColumnOverride& wanted) {
  CsvOptions options;
  options.overrides["x"] = wanted;
  const auto table = read_csv_text("t", "x\n" + lines, options);
  EXPECT_FALSE(table);
  return table ? Error{} : table.error();
}

std::string type_of(const std::string& lines) { return type_text(column(lines).schema); }
using Values = std::vector<std::int64_t>;
using Flags = std::vector<std::uint8_t>;
using Strings = std::vector<std::string>;

TEST(ReadCsvTest, TypesAreInferredFromEveryValue) {
  EXPECT_EQ(type_of("1\n-2\n0\n"), "integer");
  EXPECT_EQ(type_of("1\n2.5\n"), "decimal(1)");
  EXPECT_EQ(type_of("1.25\n2.5000000000\n"), "decimal(2)");
  EXPECT_EQ(type_of("1.0\n2.0\n"), "decimal(1)");
  EXPECT_EQ(type_of("1e5\n2\n"), "decimal(1)");
  EXPECT_EQ(type_of("1.5E-3\n"), "decimal(4)");
  EXPECT_EQ(type_of("2024-02-29\n1970-01-01\n"), "date");
  EXPECT_EQ(type_of("2024-02-30\n"), "text");
  EXPECT_EQ(type_of("2024-02-29\n5\n"), "text");
  EXPECT_EQ(type_of("true\nfalse\n"), "text");
  EXPECT_EQ(type_of("1\n2\nx\n"), "text");
  EXPECT_EQ(type_of("\n\n"), "text");
  EXPECT_EQ(type_of(""), "text");
  EXPECT_EQ(type_of("\"1\"\n\"2\"\n"), "integer");
}

TEST(ReadCsvTest, ValuesAreStoredExactly) {
  const Column decimal = column("1.25\n-3\n\n1e2\n-0.01\n");
  EXPECT_EQ(decimal.values, (Values{125, -300, 0, 10000, -1}));
  EXPECT_EQ(decimal.valid, (Flags{1, 1, 0, 1, 1}));
  EXPECT_EQ(decimal.min, -300);
  EXPECT_EQ(decimal.max, 10000);
  EXPECT_EQ(decimal.nulls, 1U);
  EXPECT_EQ(decimal.distinct, 4U);
  EXPECT_TRUE(decimal.schema.nullable);
  EXPECT_EQ(decimal.rounding, RoundingReport{});
  const Column date = column("1970-01-02\n1969-12-31\n");
  EXPECT_EQ(date.values, (Values{1, -1}));
  EXPECT_FALSE(date.schema.nullable);
  const Column edge = column("9223372036854775807\n-9223372036854775808\n");
  EXPECT_EQ(edge.schema.type, ColumnType::integer);
  EXPECT_EQ(edge.min, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(edge.max, std::numeric_limits<std::int64_t>::max());
}

TEST(ReadCsvTest, TextIsADictionarySortedByBytes) {
  const Column text = column("b\n\xC3\xA9\nB\nb\n\n\"\"\na\n");
  EXPECT_EQ(text.dictionary, (Strings{"", "B", "a", "b", "\xC3\xA9"}));
  EXPECT_EQ(text.values, (Values{3, 4, 1, 3, 0, 0, 2}));
  EXPECT_EQ(text.valid, (Flags{1, 1, 1, 1, 0, 1, 1}));
  EXPECT_EQ(text.distinct, 5U);
  EXPECT_EQ(find_text(text, "b"), 3);
  EXPECT_EQ(find_text(text, ""), 0);
  EXPECT_FALSE(find_text(text, "c"));
}

TEST(ReadCsvTest, NullTokensAreNullOnlyAmongNumbersAndDates) {
  const Column numbers = column("1\nNA\nN/A\nNULL\nnull\nNaN\n\"\"\n\n");
  EXPECT_EQ(numbers.schema.type, ColumnType::integer);
  EXPECT_EQ(numbers.valid, (Flags{1, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(column("2024-01-01\nNA\n").nulls, 1U);
  EXPECT_EQ(column("x\nNA\nnull\n").dictionary, (Strings{"NA", "null", "x"}));
  EXPECT_EQ(column("NA\n\n").dictionary, (Strings{"NA"}));
  EXPECT_EQ(type_of("1\nna\n"), "text");
}

TEST(ReadCsvTest, IdentifiersAndGiantsStayTextWithANote) {
  const Column zeros = column("030001\n5\n");
  EXPECT_EQ(zeros.schema.type, ColumnType::text);
  EXPECT_EQ(zeros.dictionary, (Strings{"030001", "5"}));
  EXPECT_NE(zeros.note.find("leading zeros"), std::string::npos);
  EXPECT_EQ(type_of("+49\n"), "text");
  EXPECT_EQ(type_of("00.5\n"), "text");
  EXPECT_EQ(type_of("0\n-0\n0.5\n"), "decimal(1)");
  const Column giant = column("9223372036854775808\n1\n");
  EXPECT_EQ(giant.schema.type, ColumnType::text);
  EXPECT_NE(giant.note.find("64 bits"), std::string::npos);
  const Column wide = column("10000000000000.5\n0.123456\n");
  EXPECT_EQ(wide.schema.type, ColumnType::text);
  EXPECT_NE(wide.note.find("scale 5"), std::string::npos);
  EXPECT_TRUE(column("x\n030001\n").note.empty());
}

TEST(ReadCsvTest, LongDecimalsAreRoundedAndReported) {
  const Column rounded = column("3.04999995231628\n1.0000005\n-1.0000005\n2.5\n0.00000049\n");
  EXPECT_EQ(type_text(rounded.schema), "decimal(6)");
  EXPECT_EQ(rounded.values, (Values{3050000, 1000001, -1000001, 2500000, 0}));
  EXPECT_EQ(rounded.rounding.rounded, 4U);
  EXPECT_EQ(rounded.rounding.largest_error, "0.0000005");
}

TEST(ReadCsvTest, OverridesChangeTypeAndScale) {
  EXPECT_EQ(column("030001\n+5\n", {ColumnType::integer, {}}).values, (Values{30001, 5}));
  EXPECT_EQ(column("1\n2\n", {ColumnType::text, {}}).dictionary, (Strings{"1", "2"}));
  EXPECT_EQ(column("1.0\n2e1\nNA\n", {ColumnType::integer, {}}).values, (Values{1, 20, 0}));
  EXPECT_EQ(column("1\n2\n", {ColumnType::decimal, {}}).values, (Values{10, 20}));
  const Column fine = column("0.12345678\n", {{}, 8});
  EXPECT_EQ(fine.values, (Values{12345678}));
  EXPECT_EQ(fine.schema.scale, 8);
  const Column coarse = column("1.5\n-2.25\n", {{}, 0});
  EXPECT_EQ(type_text(coarse.schema), "integer");
  EXPECT_EQ(coarse.values, (Values{2, -2}));
  EXPECT_EQ(coarse.rounding, (RoundingReport{2, "0.5"}));
  EXPECT_EQ(column("10000000000000.5\n0.123456\n", {{}, 5}).values, (Values{1000000000000050000, 12346}));
  EXPECT_EQ(column("\n", {ColumnType::date, {}}).schema.type, ColumnType::date);
}

TEST(ReadCsvTest, OverridesThatDoNotFitNameThePlaceAndNeverTheValue) {
  const Error number = refusal("1\n\"\n\"\n12monkeys\n", {ColumnType::integer, {}});
  EXPECT_EQ(number.code, ErrorCode::invalid_argument);
  EXPECT_EQ(number.message, "row 2 (line 3), column `x`: not a number; the column was asked to be integer");
  const Error value = refusal("1\n12monkeys\n", {{}, 2});
  EXPECT_EQ(value.message, "row 2 (line 3), column `x`: not a number; the column was asked to be decimal(2)");
  EXPECT_NE(refusal("1.5\n", {ColumnType::integer, {}}).message.find("not a whole number"), std::string::npos);
  EXPECT_NE(refusal("10\n", {{}, 18}).message.find("beyond 64 bits"), std::string::npos);
  EXPECT_NE(refusal("2024-02-30\n", {ColumnType::date, {}}).message.find("not a date"), std::string::npos);
  EXPECT_NE(refusal("1\n", {{}, 19}).message.find("wanted 0 to 18"), std::string::npos);
  EXPECT_NE(refusal("1\n", {ColumnType::date, 2}).message.find("cannot be date with scale 2"), std::string::npos);
  EXPECT_NE(refusal("1\n", {ColumnType::integer, 2}).message.find("cannot be integer"), std::string::npos);
}

TEST(ReadCsvTest, OverridesFindColumnsAsSqlDoes) {
  CsvOptions options;
  options.overrides["AGE"].type = ColumnType::text;
  EXPECT_EQ(read("Age,b\n1,2\n", options).columns[0].schema.type, ColumnType::text);
  EXPECT_EQ(read_csv_text("t", "b\n2\n", options).error().code, ErrorCode::not_found);
  options.overrides["age"].type = ColumnType::integer;
  EXPECT_NE(read_csv_text("t", "Age,b\n1,2\n", options).error().message.find("two overrides"), std::string::npos);
}

TEST(ReadCsvTest, ColumnsAreFoundByExactNameOrByCaseWhenUnambiguous) {
  const Table table = read("Age,AGE,name\n1,2,x\n");
  EXPECT_EQ(*find_column(table, "AGE"), 1U);
  EXPECT_EQ(*find_column(table, "NAME"), 2U);
  EXPECT_EQ(find_column(table, "age").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(find_column(table, "nam").error().message, "no column `nam`; there are: Age, AGE, name");
}

TEST(ReadCsvTest, HeaderOnlyIsATableWithoutRows) {
  const Table table = read("a,b\n");
  EXPECT_EQ(table.rows, 0U);
  EXPECT_EQ(table.columns.size(), 2U);
  EXPECT_FALSE(read_csv_text("t", "", {}));
}

TEST(ReadCsvTest, AFileThatChangesBetweenPassesIsRefused) {
  for (const char* second : {"a\n1\n", "a\n1\n2\n3\n", "b\n1\n2\n", "a\n1\nx\n", "a\n1\n2.5\n"}) {
    int opened = 0;
    const OpenSource open = [&]() -> Result<ByteSource> { return memory_source(opened++ == 0 ? "a\n1\n2\n" : second); };
    const auto table = read_csv("t", open);
    ASSERT_FALSE(table) << second;
    EXPECT_EQ(table.error().code, ErrorCode::mismatch);
  }
}

TEST(ReadCsvTest, DistinctCountsStopAtTheCap) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{1} << 30}) {  // a narrow range and a wide one
    std::string lines = "\n";
    for (std::size_t i = 0; i < kDistinctCap - 1; ++i) lines += std::to_string(i * step) + "\n";
    lines += "0\n";
    EXPECT_EQ(column(lines).distinct, kDistinctCap - 1);
    EXPECT_FALSE(column(lines).distinct_capped);
    lines += "-1\n-2\n";
    EXPECT_EQ(column(lines).distinct, kDistinctCap);
    EXPECT_TRUE(column(lines).distinct_capped);
  }
}

TEST(ReadCsvTest, MisfitsCanBeNull) {
  CsvOptions options;
  options.overrides = {
      {"n", {ColumnType::integer, {}}}, {"d", {ColumnType::decimal, 2}}, {"t", {ColumnType::date, {}}}};
  const std::string text =
      "n,d,t,free\n1,2.345,2024-02-29,x\n1.5,99999999999999999999,2023-02-29,2\nhello,1e400,yesterday,\n,-,,3\n";
  EXPECT_EQ(read_csv_text("t", text, options).error().code, ErrorCode::invalid_argument);
  options.misfits_are_null = true;
  const auto table = read_csv_text("t", text, options);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->rows, 4u);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(table->columns[c].valid, (std::vector<std::uint8_t>{1, 0, 0, 0})) << c;
    EXPECT_EQ(table->columns[c].nulls, 3u);
  }
  EXPECT_EQ(table->columns[0].values[0], 1);
  EXPECT_EQ(table->columns[1].values[0], 235);
}

TEST(ReadCsvTest, ALineThatIsNoRecordIsARowWithoutValuesWhenAskedTo) {
  CsvOptions options;
  options.overrides["id"].type = ColumnType::integer;
  options.overrides["word"].type = ColumnType::text;
  const std::string text = "id,word\n1,x\n2\n3,y,z\n\n4,\xFF\n5,z\n";
  EXPECT_EQ(read_csv_text("t", text, options).error().code, ErrorCode::malformed);
  options.misfits_are_null = true;
  const auto table = read_csv_text("t", text, options);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->columns[0].valid, (std::vector<std::uint8_t>{1, 0, 0, 1, 1}));
  EXPECT_EQ(table->columns[1].valid, (std::vector<std::uint8_t>{1, 0, 0, 0, 1}));
}

TEST(ReadCsvTest, DescribeShowsTypesButNoText) {
  const Table table = read("id,pay,secret\n1,2.50,hush\n2,,NA\n");
  EXPECT_EQ(describe(table),
            "t: 2 rows, 3 columns\n"
            "  id      integer      1 .. 2, 2 distinct\n"
            "  pay     decimal(1)   2.5 .. 2.5, 1 distinct, 1 NULL\n"
            "  secret  text         2 distinct\n");
}

TEST(ReadCsvTest, TypeNamesComeBack) {
  for (const ColumnType type : {ColumnType::integer, ColumnType::decimal, ColumnType::date, ColumnType::text})
    EXPECT_EQ(*column_type_from(name_of(type)), type);
  EXPECT_FALSE(column_type_from("float"));
}

}  // namespace
}  // namespace prism::table
