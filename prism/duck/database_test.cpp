#include "prism/duck/database.h"

#include <duckdb.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <string>

namespace prism::duck {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

Database small() {
  auto database = Database::open({.memory_bytes = std::uint64_t{64} << 20, .threads = 1});
  EXPECT_TRUE(database) << database.error().message;
  return *std::move(database);
}

Int128 number(Database& database, const Statement& statement) {
  const auto rows = database.query(statement);
  EXPECT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->count, 1u);
  return rows->columns[0].numbers[0];
}

/// An engine with DuckDB's own defaults: what ours must refuse, this one does.
class PlainEngine {
 public:
  PlainEngine() {
    EXPECT_EQ(duckdb_open(nullptr, &database_), DuckDBSuccess);
    EXPECT_EQ(duckdb_connect(database_, &connection_), DuckDBSuccess);
  }
  PlainEngine(const PlainEngine&) = delete;
  PlainEngine& operator=(const PlainEngine&) = delete;
  ~PlainEngine() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  bool runs(const std::string& text) {
    duckdb_result result;
    const bool done = duckdb_query(connection_, text.c_str(), &result) == DuckDBSuccess;
    duckdb_destroy_result(&result);
    return done;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

class HardeningTest : public testing::Test {
 protected:
  HardeningTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "prism_duck_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream(folder_ + "/in.csv") << "a,b\n1,2\n";
    std::ofstream(folder_ + "/in.json") << "{\"a\": 1}\n";
  }
  ~HardeningTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(HardeningTest, NothingOutsideIsReached) {
  PlainEngine plain;
  Database ours = small();
  const std::string f = folder_;
  const std::string statements[] = {
      "SELECT * FROM read_csv('" + f + "/in.csv')",
      "SELECT * FROM '" + f + "/in.csv'",
      "SELECT * FROM read_text('" + f + "/in.csv')",
      "SELECT * FROM read_blob('" + f + "/in.csv')",
      "SELECT * FROM sniff_csv('" + f + "/in.csv')",
      "SELECT * FROM glob('" + f + "/*')",
      "SELECT * FROM read_json('" + f + "/in.json')",
      "COPY (SELECT 1) TO '" + f + "/out.csv'",
      "COPY (SELECT 1) TO '" + f + "/out.parquet' (FORMAT parquet)",
      "EXPORT DATABASE '" + f + "/exported'",
      "ATTACH '" + f + "/other.db' AS other",
      "CREATE TABLE copied AS SELECT * FROM read_csv('" + f + "/in.csv')",
  };
  for (const std::string& text : statements) {
    EXPECT_TRUE(plain.runs(text)) << text;  // else the next line would say nothing
    const auto rows = ours.query({text, {}});
    ASSERT_FALSE(rows) << text;
    EXPECT_EQ(rows.error().message.find(f), std::string::npos) << rows.error().message;
  }
  EXPECT_FALSE(ours.query({"LOAD '" + f + "/x.duckdb_extension'", {}}));
  EXPECT_FALSE(ours.query({"INSTALL httpfs", {}}));
  EXPECT_FALSE(ours.query({"LOAD httpfs", {}}));
}

// No statement but SELECT is taken in the first place; SettingsAreWhatTheyShouldBe is the second wall.
TEST_F(HardeningTest, SettingsAreLocked) {
  PlainEngine plain;
  Database ours = small();
  for (const char* const text :
       {"SET threads = 3", "SET memory_limit = '1GB'", "RESET memory_limit", "PRAGMA threads = 2",
        "SET enable_progress_bar = true", "SET autoinstall_known_extensions = true",
        "SET autoload_known_extensions = true", "SET temp_directory = '/tmp/prism_no_such_folder'",
        "SET max_temp_directory_size = '1GB'", "SET default_collation = 'nocase'", "PRAGMA enable_profiling",
        "SET preserve_insertion_order = true", "SET allow_persistent_secrets = true"}) {
    EXPECT_TRUE(plain.runs(text)) << text;
    EXPECT_FALSE(ours.query({text, {}})) << text;
  }
  for (const char* const text : {"SET enable_external_access = true", "SET lock_configuration = false",
                                 "RESET lock_configuration", "SET allow_unsigned_extensions = true"})
    EXPECT_FALSE(ours.query({text, {}})) << text;
}

TEST_F(HardeningTest, SettingsAreWhatTheyShouldBe) {
  Database ours = small();
  const auto rows = ours.query(
      {"SELECT name, value FROM duckdb_settings() WHERE name IN ('enable_external_access', 'lock_configuration', "
       "'autoinstall_known_extensions', 'autoload_known_extensions', 'allow_community_extensions', "
       "'allow_unsigned_extensions', 'allow_persistent_secrets', 'temp_directory', 'threads', 'default_collation', "
       "'preserve_insertion_order')",
       {}});
  ASSERT_TRUE(rows) << rows.error().message;
  std::set<std::string> found;
  for (std::size_t i = 0; i < rows->count; ++i)
    found.insert(rows->columns[0].texts[i] + "=" + rows->columns[1].texts[i]);
  EXPECT_EQ(found, (std::set<std::string>{"enable_external_access=false", "lock_configuration=true",
                                          "autoinstall_known_extensions=false", "autoload_known_extensions=false",
                                          "allow_community_extensions=false", "allow_unsigned_extensions=false",
                                          "allow_persistent_secrets=false", "temp_directory=", "threads=1",
                                          "default_collation=", "preserve_insertion_order=false"}));
}

TEST(DatabaseTest, OneStatementAtATimeWithAllItsParameters) {
  Database database = small();
  EXPECT_EQ(number(database, {"SELECT $1::BIGINT + $2::BIGINT", {std::int64_t{2}, std::int64_t{3}}}), 5);
  EXPECT_FALSE(database.query({"SELECT 1; SELECT 2", {}}));
  EXPECT_FALSE(database.query({"SELECT $1::BIGINT", {}}));
  EXPECT_FALSE(database.query({"SELECT 1", {std::int64_t{2}}}));
  EXPECT_FALSE(database.query({"SELECT", {}}));
  EXPECT_FALSE(database.query({"", {}}));
  EXPECT_FALSE(database.query({"SELECT 1.5::DOUBLE", {}}));  // a type that no statement of ours returns
}

table::Column numbers(std::vector<std::optional<std::int64_t>> values) {
  table::Column column;
  column.schema.type = table::ColumnType::integer;
  for (const auto& value : values) {
    column.values.push_back(value.value_or(0));
    column.valid.push_back(value ? 1 : 0);
  }
  table::summarise(column);
  return column;
}

table::Column texts(const std::vector<std::optional<std::string>>& values) {
  table::Column column;
  std::set<std::string> words;
  for (const auto& value : values)
    if (value) words.insert(*value);
  column.dictionary.assign(words.begin(), words.end());
  for (const auto& value : values) {
    column.valid.push_back(value ? 1 : 0);
    column.values.push_back(value ? std::distance(words.begin(), words.find(*value)) : 0);
  }
  return column;
}

TEST(DatabaseTest, EveryValueComesBack) {
  const std::vector<std::optional<std::string>> some_words = {"",
                                                              "'; DROP TABLE t0; --",
                                                              std::nullopt,
                                                              "\"x\"",
                                                              "Zürich",
                                                              "日本",
                                                              "\xF4\x8F\xBF\xBF",
                                                              "a word that is not short"};
  const std::vector<std::optional<std::int64_t>> some_values = {0, kLeast, kMost, std::nullopt, -1};
  // More than one vector of the engine, with NULLs everywhere.
  std::vector<std::optional<std::int64_t>> values;
  std::vector<std::optional<std::string>> words;
  for (std::size_t i = 0; i < 5'000; ++i) {
    values.push_back(some_values[i * i % some_values.size()]);
    words.push_back(some_words[(i * 7 + i / 64) % some_words.size()]);
  }
  table::Table table{"t", values.size(), {numbers(values), texts(words)}};
  Database database = small();
  const Kind kinds[] = {Kind::text, Kind::number};
  const Source sources[] = {{1}, {0}};
  ASSERT_TRUE(database.create("t0", kinds));
  ASSERT_TRUE(database.append("t0", table, sources));
  const auto rows = database.query({"SELECT c0, c1, rowid FROM t0 ORDER BY rowid", {}});
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->count, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(rows->columns[0].valid[i] != 0, words[i].has_value()) << i;
    ASSERT_EQ(rows->columns[0].texts[i], words[i].value_or("")) << i;
    ASSERT_EQ(rows->columns[1].valid[i] != 0, values[i].has_value()) << i;
    ASSERT_EQ(rows->columns[1].numbers[i], Int128{values[i].value_or(0)}) << i;
  }
  // Parameters, too, come back as they were.
  for (const auto& word : some_words) {
    if (!word) continue;
    const auto echo = database.query(
        {"SELECT $1::VARCHAR, $2::HUGEINT, $3::VARCHAR", {*word, static_cast<Int128>(kLeast) * 4, std::monostate{}}});
    ASSERT_TRUE(echo) << echo.error().message;
    EXPECT_EQ(echo->columns[0].texts[0], *word);
    EXPECT_EQ(echo->columns[1].numbers[0], static_cast<Int128>(kLeast) * 4);
    EXPECT_EQ(echo->columns[2].valid[0], 0);
  }
}

TEST(DatabaseTest, ChosenRowsAndClampedOffsets) {
  table::Table table{"t", 6, {numbers({5, kLeast, kMost, std::nullopt, 17, 100})}};
  Database database = small();
  const Kind kinds[] = {Kind::number, Kind::offset};
  const Source sources[] = {{0}, {0, 7, 90}};
  ASSERT_TRUE(database.create("t0", kinds));
  const std::vector<std::uint32_t> chosen = {1, 2, 3, 4};
  ASSERT_TRUE(database.append("t0", table, sources, &chosen));
  const auto rows = database.query({"SELECT c0, c1 FROM t0 ORDER BY rowid", {}});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->count, 4u);
  EXPECT_EQ(rows->columns[1].numbers, (std::vector<Int128>{0, 83, 0, 10}));
  EXPECT_EQ(rows->columns[1].valid, (std::vector<std::uint8_t>{1, 1, 0, 1}));
}

TEST(DatabaseTest, TextComparesByBytes) {
  Database database = small();
  for (const auto& [a, b] : {std::pair<std::string, std::string>{"Z", "a"},
                             {"z", "ä"},
                             {"", "a"},
                             {"a", "a "},
                             {"ab", "b"},
                             {"\xEF\xBF\xBF", "\xF0\x90\x80\x80"}})
    EXPECT_EQ(number(database, {"SELECT ($1::VARCHAR < $2::VARCHAR)::BIGINT", {a, b}}), 1) << a << " " << b;
}

TEST(DatabaseTest, OtherColumnsAreRefused) {
  Database database = small();
  const Kind kinds[] = {Kind::number};
  const Source one[] = {{0}}, two[] = {{0}, {0}};
  const table::Table table{"t", 1, {numbers({1})}}, words{"t", 1, {texts({"x"})}};
  ASSERT_TRUE(database.create("t0", kinds));
  EXPECT_FALSE(database.create("t0", kinds));
  EXPECT_FALSE(database.create("T; DROP", kinds));
  EXPECT_TRUE(database.append("t0", table, one));
  EXPECT_EQ(database.append("t0", table, two).error().code, ErrorCode::mismatch);
  EXPECT_EQ(database.append("t0", words, one).error().code, ErrorCode::mismatch);
  EXPECT_EQ(database.append("t1", table, one).error().code, ErrorCode::mismatch);
  EXPECT_EQ(number(database, {"SELECT count(*) FROM t0", {}}), 1);
}

TEST(DatabaseTest, StopEndsAStatementAndTheNextOneRuns) {
  Database database = small();
  int asked = 0;
  const auto rows =
      database.query({"SELECT sum(range % 7)::HUGEINT FROM range(100000000000)", {}}, [&] { return ++asked > 3; });
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::interrupted);
  EXPECT_EQ(number(database, {"SELECT 7", {}}), 7);

  const table::Table table{"t", 1, {numbers({1})}};
  const Kind kinds[] = {Kind::number};
  const Source sources[] = {{0}};
  ASSERT_TRUE(database.create("t0", kinds));
  EXPECT_EQ(database.append("t0", table, sources, nullptr, [] { return true; }).error().code, ErrorCode::interrupted);
}

TEST(DatabaseTest, MemoryAndRowsAreLimited) {
  auto database = Database::open({.memory_bytes = std::uint64_t{32} << 20, .threads = 1, .result_rows = 1000});
  ASSERT_TRUE(database) << database.error().message;
  const auto hungry =
      database->query({"SELECT count(*) FROM (SELECT range AS a, count(*) FROM range(20000000) GROUP BY range)", {}});
  ASSERT_FALSE(hungry);
  EXPECT_EQ(hungry.error().code, ErrorCode::exhausted) << hungry.error().message;
  const auto long_answer = database->query({"SELECT range FROM range(1001)", {}});
  ASSERT_FALSE(long_answer);
  EXPECT_EQ(long_answer.error().code, ErrorCode::exhausted);
  EXPECT_TRUE(database->query({"SELECT range FROM range(1000)", {}}));
  EXPECT_FALSE(Database::open({.memory_bytes = 1000}));
  EXPECT_FALSE(Database::open({.threads = 0}));
}

/// The engine's own words name the value that did not fit; ours are the same whatever it was.
TEST(DatabaseTest, ErrorsHoldNoData) {
  Database database = small();
  std::set<std::string> messages;
  for (const std::int64_t value : {kMost, kMost - 4711, kLeast}) {
    const auto rows = database.query({"SELECT $1::BIGINT * 2::BIGINT", {value}});
    ASSERT_FALSE(rows);
    messages.insert(rows.error().message + rows.error().detail);
  }
  for (const char* const text : {"secret", "4711x"}) {
    const auto rows = database.query({"SELECT $1::VARCHAR::BIGINT", {std::string(text)}});
    ASSERT_FALSE(rows);
    messages.insert(rows.error().message + rows.error().detail);
  }
  EXPECT_EQ(messages.size(), 1u) << *messages.begin() << "\n" << *messages.rbegin();
  for (const std::string& message : messages) EXPECT_EQ(message.find("4711"), std::string::npos);
}

}  // namespace
}  // namespace prism::duck
