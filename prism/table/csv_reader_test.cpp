#include "prism/table/csv_reader.h"

#include <gtest/gtest.h>

#include <optional>

namespace prism::table {
namespace {

/// Fields as text, "~" for a missing one; one string per record, fields joined by "|".
struct Records {
  std::vector<std::string> header;
  std::vector<std::string> rows;
  std::vector<std::uint64_t> lines;
  std::optional<Error> error;
  bool operator==(const Records& other) const {
    return header == other.header && rows == other.rows && lines == other.lines &&
           error.has_value() == other.error.has_value() && (!error || error->message == other.error->message);
  }
};

Records read_once(std::string_view text, const CsvLimits& limits, std::size_t piece) {
  Records records;
  auto reader = CsvReader::open(memory_source(text, piece), limits);
  if (!reader) {
    records.error = reader.error();
    return records;
  }
  records.header = reader->header();
  for (;;) {
    const auto row = reader->next();
    if (!row) {
      records.error = row.error();
      EXPECT_EQ(reader->next().error().message, records.error->message) << "an error must stay";
      return records;
    }
    if (*row == nullptr) return records;
    std::string joined;
    for (const CsvField& field : (*row)->fields)
      joined += (joined.empty() && &field == (*row)->fields.data() ? "" : "|") +
                (field.missing ? "~" : std::string(field.text));
    records.rows.push_back(joined);
    records.lines.push_back((*row)->line);
    EXPECT_EQ((*row)->number, records.rows.size());
  }
}

/// Reads whole and in pieces of 1, 2, 3 and 7 bytes: where the source cuts must not matter.
Records read(std::string_view text, const CsvLimits& limits = {}) {
  Records whole = read_once(text, limits, 0);
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    const Records cut = read_once(text, limits, piece);
    // Rows before an error may or may not be delivered, depending on the cut; everything else agrees.
    if (whole.error) {
      EXPECT_TRUE(cut.error) << text;
      if (cut.error) {
        EXPECT_EQ(cut.error->message, whole.error->message) << "pieces of " << piece;
      }
    } else {
      EXPECT_TRUE(cut == whole) << "pieces of " << piece << ": " << (cut.error ? cut.error->message : "no error");
    }
  }
  return whole;
}

std::string error_of(std::string_view text, const CsvLimits& limits = {}) {
  const Records records = read(text, limits);
  EXPECT_TRUE(records.error) << "accepted: " << text;
  return records.error ? records.error->message : "";
}

using Strings = std::vector<std::string>;
using Lines = std::vector<std::uint64_t>;

TEST(CsvReaderTest, PlainRecords) {
  const Records got = read("a,b,c\n1,2,3\n4,5,6\n");
  EXPECT_EQ(got.header, (Strings{"a", "b", "c"}));
  EXPECT_EQ(got.rows, (Strings{"1|2|3", "4|5|6"}));
  EXPECT_EQ(got.lines, (Lines{2, 3}));
}

TEST(CsvReaderTest, LineEndsMayBeEitherAndTheLastMayBeAbsent) {
  const Strings rows = {"1|2", "3|4"};
  EXPECT_EQ(read("a,b\r\n1,2\r\n3,4\r\n").rows, rows);
  EXPECT_EQ(read("a,b\r\n1,2\n3,4").rows, rows);
  EXPECT_EQ(read("a,b\n1,2\r\n3,4").lines, (Lines{2, 3}));
  EXPECT_EQ(read("a,b\n1,\n3,").rows, (Strings{"1|~", "3|~"}));
}

TEST(CsvReaderTest, QuotesHoldSeparatorsBreaksAndQuotes) {
  const Records got = read("a,b\n\"x,y\",\"line one\nline \"\"two\"\"\r\nthree\"\n\"\"\"\",\"\"\nlast,row\n");
  EXPECT_EQ(got.rows, (Strings{"x,y|line one\nline \"two\"\r\nthree", "\"|", "last|row"}));
  EXPECT_EQ(got.lines, (Lines{2, 5, 6}));
}

TEST(CsvReaderTest, SpacesBelongToFieldsButNotToNames) {
  const Records got = read(" a ,\tb\n x , \n\" y \",z \n");
  EXPECT_EQ(got.header, (Strings{"a", "b"}));
  EXPECT_EQ(got.rows, (Strings{" x | ", " y |z "}));
}

TEST(CsvReaderTest, EmptyWithoutQuotesIsMissingAndEmptyInQuotesIsNot) {
  EXPECT_EQ(read("a,b,c\n,\"\",\n").rows, (Strings{"~||~"}));
  EXPECT_EQ(read("a,b\n\"\",\"\"").rows, (Strings{"|"}));
}

TEST(CsvReaderTest, EmptyLinesAreMissingValuesInOneColumnAndTolerableAtTheEndOfMore) {
  EXPECT_EQ(read("a\n\n1\n\n").rows, (Strings{"~", "1", "~"}));
  EXPECT_EQ(read("a\r\n\r\n1\r\n").lines, (Lines{2, 3}));
  EXPECT_EQ(read("a,b\n1,2\n\n\r\n\n").rows, (Strings{"1|2"}));
  EXPECT_EQ(error_of("a,b\n1,2\n\n3,4\n"), "line 3 has 0 fields; the header has 2");
}

TEST(CsvReaderTest, ByteOrderMarkIsRemovedOnceAndAtTheStartOnly) {
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a,b\n1,2\n")
                .header,
            (Strings{"a", "b"}));
  EXPECT_EQ(read("\xEF\xBB\xBF\"a\",b\n1,2\n").header, (Strings{"a", "b"}));
  EXPECT_EQ(read("a\n\xEF\xBB\xBF"
                 "1\n")
                .rows,
            (Strings{"\xEF\xBB\xBF"
                     "1"}));
  EXPECT_NE(error_of("\xEF\xBB\xBF").find("empty"), std::string::npos);
  EXPECT_NE(error_of(std::string_view("\xFF\xFE"
                                      "a\0",
                                      4))
                .find("UTF-16"),
            std::string::npos);
}

TEST(CsvReaderTest, HeaderNames) {
  EXPECT_EQ(read(",x,\n1,2,3\n").header, (Strings{"column_1", "x", "column_3"}));
  EXPECT_EQ(read("Age,AGE\n").header, (Strings{"Age", "AGE"}));
  EXPECT_EQ(error_of("a,b, a\n"), "column 3 is a second `a`; names must differ");
  EXPECT_EQ(error_of("column_2,\n"), "column 2 is a second `column_2`; names must differ");
  EXPECT_NE(error_of("a,\"b\nc\"\n").find("control character"), std::string::npos);
  EXPECT_NE(error_of("a,b\x1b[31m\n").find("control character"), std::string::npos);
  EXPECT_TRUE(read("a,b").rows.empty());
  EXPECT_NE(error_of("").find("empty"), std::string::npos);
  EXPECT_NE(error_of("\n1\n").find("line 1 is empty"), std::string::npos);
}

TEST(CsvReaderTest, RaggedRowsNameLineAndCounts) {
  EXPECT_EQ(error_of("a,b\n1,2\n1,2,3\n"), "line 3 has 3 fields; the header has 2");
  EXPECT_EQ(error_of("a,b\n\"x\ny\",2\n1\n"), "line 4 has 1 field; the header has 2");
}

TEST(CsvReaderTest, StrayQuotesAreRefused) {
  EXPECT_EQ(error_of("a,b\n1,x\"y\n").substr(0, 34), "line 2, byte 8 of the file: a quot");
  EXPECT_NE(error_of("a,b\n1,\"x\"y\n").find("line 2, byte 10"), std::string::npos);
  EXPECT_NE(error_of("a,b\n1,\"x\" \n").find("line 2, byte 10"), std::string::npos);
  EXPECT_NE(error_of("a,b\n1, \"x\"\n").find("line 2, byte 8"), std::string::npos);
  EXPECT_EQ(error_of("a,b\n1,2\n3,\"x\ny\n"), "the quoted field that begins on line 3 is not closed");
}

TEST(CsvReaderTest, LoneCarriageReturnsAreRefusedOutsideQuotes) {
  EXPECT_NE(error_of("a,b\r1,2\r").find("carriage return"), std::string::npos);
  EXPECT_NE(error_of("a,b\n1,2\r").find("line 2 has a carriage return"), std::string::npos);
  EXPECT_NE(error_of("a,b\n1,2\r\r\n").find("line 2 has a carriage return"), std::string::npos);
  EXPECT_EQ(read("a\n\"x\ry\"\n").rows, (Strings{"x\ry"}));
}

TEST(CsvReaderTest, BytesThatAreNotTextAreRefusedWithTheirPlace) {
  EXPECT_EQ(error_of("a\nok\n\xC3\xA9\xFF\n").substr(0, 31), "line 3, byte 8 of the file: not");
  EXPECT_EQ(error_of("\xEF\xBB\xBF"
                     "a\n\xFF\n")
                .substr(0, 27),
            "line 2, byte 6 of the file:");
  EXPECT_NE(error_of(std::string_view("a\nx\0y\n", 6)).find("line 2, byte 4 of the file: a NUL"), std::string::npos);
  EXPECT_NE(error_of("a\nx\xE2\x82").find("within a UTF-8 character"), std::string::npos);
}

TEST(CsvReaderTest, LimitsHold) {
  CsvLimits limits;
  limits.columns = 3;
  EXPECT_EQ(read("a,b,c\n1,2,3\n", limits).rows.size(), 1U);
  EXPECT_NE(error_of("a,b,c,d\n", limits).find("4 fields"), std::string::npos);
  EXPECT_NE(error_of("a,b\n1,2,3,4,5,6\n", limits).find("6 fields"), std::string::npos);
  limits = {};
  limits.rows = 2;
  EXPECT_EQ(read("a\n1\n2\n", limits).rows.size(), 2U);
  EXPECT_EQ(error_of("a\n1\n2\n3\n", limits), "more than 2 rows");
  limits = {};
  limits.field_bytes = 10;
  EXPECT_EQ(read("a\n0123456789\n", limits).rows.size(), 1U);
  EXPECT_NE(error_of("a\n\"\n123456789x\"\n", limits).find("line 2 is longer than 10 bytes"), std::string::npos);
  limits = {};
  limits.row_bytes = 10;
  EXPECT_EQ(read("a,b\n12345,67890\n", limits).rows.size(), 1U);
  EXPECT_NE(error_of("a,b\n12345,678901\n", limits).find("line 2 is longer than 10 bytes"), std::string::npos);
  limits = {};
  limits.name_bytes = 4;
  EXPECT_NE(error_of("name5\n", limits).find("longer than 4 bytes"), std::string::npos);
}

TEST(CsvReaderTest, AnEndlessQuotedFieldStopsAtTheLimit) {
  std::size_t served = 0;
  const ByteSource endless = [&](std::span<char> out) -> Result<std::size_t> {
    for (char& c : out) c = served++ == 0 ? 'a' : served == 2 ? '\n' : served == 3 ? '"' : 'x';
    return out.size();
  };
  CsvLimits limits;
  auto reader = CsvReader::open(endless, limits);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->next().error().code, ErrorCode::exhausted);
  EXPECT_LT(served, limits.field_bytes + 3 * limits.chunk_bytes);
}

TEST(CsvReaderTest, SourceErrorsComeThrough) {
  int calls = 0;
  const ByteSource failing = [&](std::span<char> out) -> Result<std::size_t> {
    if (calls++ > 0) return fail(ErrorCode::io, "the disk is gone");
    out[0] = 'a', out[1] = '\n', out[2] = '1', out[3] = '\n';
    return std::size_t{4};
  };
  auto reader = CsvReader::open(failing);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(reader->next());
  EXPECT_EQ(reader->next().error().message, "the disk is gone");
}

TEST(CsvReaderTest, RowsAcrossManyChunksStayWhole) {
  std::string text = "a,b\n";
  for (int i = 0; i < 20000; ++i)
    text += std::to_string(i) + ",\"" + std::string(static_cast<std::size_t>(i % 50), 'x') + "\n\"\n";
  CsvLimits limits;
  for (const std::size_t chunk : {4U, 5U, 61U, 4096U}) {
    limits.chunk_bytes = chunk;
    const Records got = read_once(text, limits, 0);
    ASSERT_FALSE(got.error);
    ASSERT_EQ(got.rows.size(), 20000U);
    for (std::size_t i = 0; i < got.rows.size(); ++i) {
      ASSERT_EQ(got.rows[i], std::to_string(i) + "|" + std::string(i % 50, 'x') + "\n");
      ASSERT_EQ(got.lines[i], 2 + 2 * i);
    }
  }
}

/// Records where what does not fit is missing; rows as above, and the same whatever the cut.
Records read_tolerantly(std::string_view text, const CsvLimits& limits = {}) {
  std::optional<Records> first;
  for (const std::size_t piece : {0U, 1U, 2U, 3U, 7U}) {
    Records records;
    auto reader = CsvReader::open(memory_source(text, piece), limits, Misfits::missing);
    if (!reader) records.error = reader.error();
    if (reader) records.header = reader->header();
    while (reader) {
      const auto row = reader->next();
      if (!row) records.error = row.error();
      if (!row || *row == nullptr) break;
      std::string joined;
      for (const CsvField& field : (*row)->fields)
        joined += (&field == (*row)->fields.data() ? "" : "|") + (field.missing ? "~" : std::string(field.text));
      records.rows.push_back(joined);
    }
    if (!first) first = records;
    EXPECT_EQ(first->error.has_value(), records.error.has_value()) << text << " in pieces of " << piece;
    if (!records.error) {
      EXPECT_EQ(first->rows, records.rows) << text << " in pieces of " << piece;
    }
  }
  return *first;
}

/// One line may decide about itself only: lines before and after it are read as if it were not there.
TEST(CsvReaderTest, ALineThatDoesNotFitIsMissingAndTheOthersAreRead) {
  const CsvLimits small{.columns = 4, .name_bytes = 9, .field_bytes = 12, .row_bytes = 20, .chunk_bytes = 16};
  const std::pair<std::string, Strings> cases[] = {
      {"5", {"~|~|~"}},
      {"5,6", {"~|~|~"}},
      {"5,6,7,8", {"~|~|~"}},
      {"1,2,3,4,5,6,7,8,9", {"~|~|~"}},
      {"", {}},
      {"\r", {}},
      {"5,x\xFF,7", {"5|~|7"}},
      {"5,\xC3,7", {"5|~|7"}},
      {std::string("5,x\0y,7", 7), {"5|~|7"}},
      {"5,a\rb,7", {"~|~|~", "~|~|~"}},
      {"5,6'10\" tall,7", {"5|~|7"}},
      {"5,6\"\"\",7\"", {"5|~|~"}},
      {"5," + std::string(13, 'x') + ",7", {"5|~|7"}},
      {"5," + std::string(300, 'x') + ",7", {"5|~|7"}},
      {"5,\"" + std::string(300, 'x') + "\",7", {"5|~|7"}},
      {"5,\"" + std::string(300, '\n') + "\",7", {"5|~|7"}},
      {"5,\"" + std::string(302, '"') + "\",7", {"5|~|7"}},
      {"123456789,123456789,123456789", {"~|~|~"}},
  };
  for (const auto& [line, rows] : cases) {
    Strings want = {"1|2|3"};
    want.insert(want.end(), rows.begin(), rows.end());
    want.push_back("8|\"|\xC3\xA9");
    const Records got = read_tolerantly("a,b,c\n1,2,3\n" + line + "\n8,\"\"\"\",\xC3\xA9\n", small);
    EXPECT_FALSE(got.error) << line << ": " << got.error->message;
    EXPECT_EQ(got.rows, want) << line;
  }
  EXPECT_EQ(read_tolerantly("a\n1\n\xC3").rows, (Strings{"1", "~"}));
}

TEST(CsvReaderTest, WhereNobodyCanSayWhereRecordsBeginItStaysAnError) {
  EXPECT_TRUE(read_tolerantly("a,b\n1,\"x\n2,y\n").error);
  EXPECT_TRUE(read_tolerantly("a,b\n1,\"x\"y\n2,\"y\"\n").error);
}

TEST(CsvReaderTest, TheHeaderIsNeverTolerated) {
  for (const std::string header : {"a,\xFF", "a,b\"c", "a,123456789", ""})
    EXPECT_TRUE(read_tolerantly(header + "\n1,2\n", {.field_bytes = 8}).error) << header;
  EXPECT_TRUE(read_tolerantly(std::string("a\0,b\n1,2\n", 9)).error);
}

/// A source of single bytes is asked for the header and nothing more, however short that is.
TEST(CsvReaderTest, OpeningLooksAtTheHeaderOnly) {
  for (const std::string header : {"a\n", "a,b\n", "ab\n",
                                   "\xEF\xBB\xBF"
                                   "a\n",
                                   "\"a\"\n", "id,age\n"}) {
    const std::string text = header + "1\n";
    std::size_t read = 0;
    const auto reader = CsvReader::open([&](std::span<char> out) -> Result<std::size_t> {
      if (read == text.size()) return std::size_t{0};
      out[0] = text[read++];
      return std::size_t{1};
    });
    ASSERT_TRUE(reader) << header;
    EXPECT_EQ(read, header.size()) << header;
  }
}

}  // namespace
}  // namespace prism::table
