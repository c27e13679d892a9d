// Hostile and odd texts: whatever comes in, an answer or a refusal comes out, quickly and without deep recursion.
#include <gtest/gtest.h>

#include <thread>

#include "prism/sql/sql.h"

namespace prism::sql {
namespace {

const Catalog& catalog() {
  static const Catalog value{"t",
                             {{"a", table::ColumnType::integer, 0, true},
                              {"s", table::ColumnType::text, 0, true},
                              {std::string(70, 'n'), table::ColumnType::integer, 0, false},
                              {"quo\"te", table::ColumnType::integer, 0, false}}};
  return value;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string outcome(const std::string& sql) {
  const auto plan = plan_query(sql, catalog());
  return plan ? describe(plan->where, plan->catalog) : plan.error().detail.substr(0, plan.error().detail.find(' '));
}
std::string where(const std::string& condition) { return outcome("SELECT COUNT(*) FROM t WHERE " + condition); }

TEST(SqlLimitsTest, NestingIsBounded) {
  EXPECT_EQ(where(repeated("(", 150) + "a = 1" + repeated(")", 150)), "a in {1}");
  EXPECT_EQ(where(repeated("(", 20'000) + "a = 1"), "rule=sql/depth");
  EXPECT_EQ(where(repeated("NOT ", 100) + "a = 1"), "a in {1}");
  EXPECT_EQ(where(repeated("NOT ", 1'000) + "a = 1"), "rule=sql/depth");
  EXPECT_EQ(where(repeated("NOT ", 16'000) + "a = 1"), "rule=sql/size");
  EXPECT_EQ(where("a = 1" + repeated("+1", 100)), "a in {101}");
  EXPECT_EQ(where("a = 1" + repeated("+1", 1'000)), "rule=sql/depth");
  EXPECT_EQ(where("a = 1" + repeated("+1", 30'000)), "rule=sql/size");
  EXPECT_EQ(where("a = " + repeated("- ", 5'000) + "x"), "rule=sql/depth");
  EXPECT_EQ(where("a = '1'" + repeated("::int", 5'000)), "rule=sql/size");
  EXPECT_EQ(where("a = 1 OR " + repeated("a = 1 OR ", 1'500) + "a = 2"), "a in {1..2}");
}

TEST(SqlLimitsTest, ShortQueriesCannotGrowIntoLongPlans) {
  EXPECT_EQ(where(repeated("(", 60) + "a = 1" + repeated(") IS UNKNOWN", 60)), "rule=sql/size");
  EXPECT_EQ(where(repeated("(", 60) + "TRUE" + repeated(") IS DISTINCT FROM TRUE", 60)), "rule=sql/size");
  EXPECT_EQ(where(repeated("(", 60) + "TRUE" + repeated(") BETWEEN SYMMETRIC FALSE AND TRUE", 60)), "rule=sql/size");
  EXPECT_EQ(outcome("SELECT SUM(" + repeated("(a+1)*", 3) + "1) FROM t"), "rule=sql/aggregate-argument");
  EXPECT_EQ(where("a = 1" + repeated(" * 999999999999999999999999999999", 150)), "never");
  EXPECT_EQ(outcome("SELECT COUNT(*)" + repeated(" * 0.00000000000000000001", 50) + " FROM t"), "rule=sql/literal");
}

TEST(SqlLimitsTest, ListsTextAndNumbersAreBounded) {
  EXPECT_EQ(where("a IN (" + repeated("7,", 999) + "8)"), "a in {7..8}");
  EXPECT_EQ(where("a IN (" + repeated("7,", 1'000) + "8)"), "rule=sql/in-list");
  EXPECT_EQ(outcome("SELECT COUNT(*) FROM t " + std::string(65'536, ' ')), "rule=sql/length");
  EXPECT_EQ(outcome("SELECT COUNT(*) FROM t" + std::string(65'536 - 22, ' ')), "always");
  EXPECT_EQ(where("a < 1e59"), "a is not null");
  EXPECT_EQ(where("a < 1e60"), "rule=sql/literal");
  EXPECT_EQ(where("a < 1e-61"), "rule=sql/literal");
  EXPECT_EQ(where("a < 1e-999999999999999"), "rule=sql/literal");
  EXPECT_EQ(where("a < 0." + std::string(60, '0')), "a in {..-1}");
  EXPECT_EQ(outcome("SELECT COUNT(*) " + repeated(", 1", 300) + " FROM t"), "rule=sql/size");
}

TEST(SqlLimitsTest, JoinsAndDerivedTablesAreBounded) {
  const auto nested = [](int times) {
    return repeated("SELECT COUNT(*) AS a FROM (", times) + "SELECT a FROM t" + repeated(") AS d", times);
  };
  EXPECT_EQ(outcome(nested(7)), "always");
  EXPECT_EQ(outcome(nested(8)), "rule=sql/depth");
  EXPECT_EQ(outcome(nested(60)), "rule=sql/depth");
  const auto joined = [](int times) {
    std::string sql = "SELECT COUNT(*) FROM t";
    for (int i = 0; i < times; ++i) sql += " JOIN t x" + std::to_string(i) + " ON t.a = x" + std::to_string(i) + ".a";
    return sql;
  };
  EXPECT_EQ(outcome(joined(7)), "always");
  EXPECT_EQ(outcome(joined(8)), "rule=sql/joins");
  EXPECT_EQ(outcome(joined(300)), "rule=sql/depth");
  EXPECT_EQ(outcome("SELECT COUNT(*) FROM " + repeated("t, ", 2'000) + "t"), "rule=sql/joins");
  // Five parts of five parts of five are too many tables.
  std::string wide = "t";
  for (int depth = 0; depth < 3; ++depth) {
    std::string from = "(SELECT a FROM " + wide + ") y";
    for (int i = 0; i < 4; ++i)
      from += " JOIN (SELECT a FROM " + wide + ") y" + std::to_string(i) + " ON y.a = y" + std::to_string(i) + ".a";
    wide = "(SELECT y.a FROM " + from + ") z";
    EXPECT_EQ(outcome("SELECT COUNT(*) FROM " + wide), depth < 2 ? "always" : "rule=sql/size") << depth;
  }
  // Stars multiply: 256 columns of a derived table are the most.
  EXPECT_EQ(outcome("SELECT COUNT(*) FROM (SELECT " + repeated("t.*, ", 100) + "1 FROM t) d"), "rule=sql/size");
}

TEST(SqlLimitsTest, OnlyCleanTextIsRead) {
  EXPECT_EQ(outcome(std::string("SELECT COUNT(*)\0 FROM t", 23)), "rule=sql/encoding");
  EXPECT_EQ(where("s = '\xFF'"), "rule=sql/encoding");
  EXPECT_EQ(where("s = '\xC3"), "rule=sql/encoding");
  EXPECT_EQ(where("s = '\xED\xA0\x80'"), "rule=sql/encoding");
  EXPECT_EQ(where("s = 'tab\t quote\" back\\ new\nline \x01 \x7F \xE2\x82\xAC'"),
            "s in {'tab\\x09 quote\" back\\ new\\x0aline \\x01 \\x7f \xE2\x82\xAC'}");
  EXPECT_EQ(where("s = E'\\u20AC\\n'"), "s in {'\xE2\x82\xAC\\x0a'}");
  EXPECT_EQ(where("s = $$dollar$$"), "s in {'dollar'}");
}

TEST(SqlLimitsTest, LongAndQuotedNamesAreFound) {
  EXPECT_EQ(where(std::string(70, 'n') + " = 1"), std::string(70, 'n') + " in {1}");
  EXPECT_EQ(where(std::string(62, 'n') + " = 1"), std::string(70, 'n') + " in {1}");  // as the grammar may cut it
  EXPECT_EQ(where(std::string(50, 'n') + " = 1"), "rule=sql/unknown-column");
  EXPECT_EQ(where("\"quo\"\"te\" = 1"), "quo\"te in {1}");
}

TEST(SqlLimitsTest, PlacesAreDrawn) {
  EXPECT_EQ(explain_position("SELECT MAX(a)", 7), "SELECT MAX(a)\n       ^\n");
  EXPECT_EQ(explain_position("a\n\tb c\nd", 5), "\tb c\n\t  ^\n");
  EXPECT_EQ(explain_position("\xC3\xA9 x", 3), "\xC3\xA9 x\n  ^\n");
  EXPECT_EQ(explain_position("ab", 2), "ab\n  ^\n");
  EXPECT_EQ(explain_position("ab", 3), "");
  EXPECT_EQ(explain_position("ab", -1), "");
  EXPECT_EQ(position_of(fail(ErrorCode::io, "no place")), -1);
}

TEST(SqlLimitsTest, RefusalsOfBackendsNameTheirPlace) {
  const auto made = [](std::string_view sql, Position at) { return refusal(ErrorCode::refused, sql, at, "x/y", "no"); };
  EXPECT_EQ(made("SELECT a", 7).message, "1:8: no [x/y]");
  EXPECT_EQ(made("SELECT\n\xC3\xA9 x", 10).message, "2:3: no [x/y]");  // in characters, not in bytes
  EXPECT_EQ(made("SELECT a", 8).message, "1:9: no [x/y]");             // the end is a place
  EXPECT_EQ(made("SELECT a", 9).message, "no [x/y]");
  EXPECT_EQ(made("SELECT a", -1).message, "no [x/y]");
  EXPECT_EQ(made("SELECT a", 7).detail, "rule=x/y position=7");
  EXPECT_EQ(position_of(made("SELECT a", 7)), 7);
}

TEST(SqlLimitsTest, ThreadsMayPlanAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (std::size_t n = 0; n < good.size(); ++n) {
    threads.emplace_back([&good, n] {
      for (int i = 0; i < 50; ++i) good[n] += where("a = " + std::to_string(i)) == "a in {" + std::to_string(i) + "}";
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, std::vector<int>(4, 50));
}

TEST(SqlEncodeTest, DifferentQuestionsHaveDifferentBytes) {
  const char* queries[] = {"SELECT COUNT(*) FROM t",
                           "SELECT COUNT(*) AS n FROM t",
                           "SELECT COUNT(a) FROM t",
                           "SELECT SUM(a) FROM t",
                           "SELECT SUM(a * a) FROM t",
                           "SELECT COUNT(*) FROM t WHERE a = 1",
                           "SELECT COUNT(*) FROM t WHERE a = 2",
                           "SELECT COUNT(*) FROM t WHERE a = 1 OR a IS NULL",
                           "SELECT COUNT(*) FROM t WHERE s < 'a'",
                           "SELECT COUNT(*) FROM t WHERE s <= 'a'",
                           "SELECT COUNT(*) FROM t WHERE a = 1 AND s = 'a'",
                           "SELECT COUNT(*) FROM t WHERE a = 1 OR s = 'a'",
                           "SELECT COUNT(*) FROM t WHERE FALSE",
                           "SELECT COUNT(*) FROM t GROUP BY s",
                           "SELECT COUNT(*) FROM t GROUP BY s ORDER BY s",
                           "SELECT COUNT(*) FROM t GROUP BY s ORDER BY s DESC",
                           "SELECT COUNT(*) FROM t GROUP BY s ORDER BY s NULLS FIRST",
                           "SELECT COUNT(*) FROM t GROUP BY s LIMIT 1",
                           "SELECT COUNT(*) FROM t GROUP BY s OFFSET 1",
                           "SELECT COUNT(*) FROM t HAVING COUNT(*) > 1",
                           "SELECT COUNT(*) FROM t HAVING COUNT(*) > 1.0",
                           "SELECT COUNT(*) FROM t HAVING COUNT(*) > 2"};
  std::vector<Bytes> seen;
  for (const char* query : queries) {
    const auto plan = plan_query(query, catalog());
    ASSERT_TRUE(plan.has_value()) << query;
    const Bytes bytes = encode(*plan);
    for (const Bytes& other : seen) EXPECT_NE(bytes, other) << query;
    seen.push_back(bytes);
  }
  const auto version = [](const Bytes& bytes) { return int{bytes[4]} + 256 * int{bytes[5]}; };
  for (const Bytes& bytes : seen) EXPECT_EQ(version(bytes), 1);
  const std::vector<Catalog> two = {catalog(), {"u", catalog().columns}, {"v", catalog().columns}};
  for (const char* query : {"SELECT MIN(a) FROM t",
                            "SELECT MAX(a) FROM t",
                            "SELECT MEDIAN(a) FROM t",
                            "SELECT QUANTILE(a, 0.4) AS median FROM t",
                            "SELECT COUNT(DISTINCT a) FROM t",
                            "SELECT COUNT(*) FROM u",
                            "SELECT COUNT(*) FROM v",
                            "SELECT COUNT(*) FROM t JOIN u ON t.a = u.a",
                            "SELECT COUNT(*) FROM t JOIN v ON t.a = v.a",
                            "SELECT COUNT(*) FROM u JOIN t ON t.a = u.a",
                            "SELECT COUNT(*) FROM t JOIN u ON t.s = u.s",
                            "SELECT COUNT(*) FROM t JOIN u ON t.a = u.a AND t.s = u.s",
                            "SELECT COUNT(*) FROM t JOIN t u ON t.a = u.a",
                            "SELECT COUNT(*) FROM (SELECT a FROM t) d",
                            "SELECT COUNT(*) FROM (SELECT s FROM t) d",
                            "SELECT COUNT(*) FROM (SELECT a, s FROM t) d",
                            "SELECT COUNT(*) FROM (SELECT a FROM t WHERE a > 1) d",
                            "SELECT COUNT(*) FROM (SELECT a FROM t GROUP BY a) d",
                            "SELECT COUNT(*) FROM (SELECT a FROM t GROUP BY a, s) d",
                            "SELECT COUNT(*) FROM (SELECT COUNT(*) FROM t) d",
                            "SELECT COUNT(*) FROM (SELECT COUNT(a) FROM t) d",
                            "SELECT COUNT(*) FROM (SELECT SUM(a) FROM t) d",
                            "SELECT COUNT(*) FROM (SELECT MIN(a) FROM t) d",
                            "SELECT COUNT(*) FROM (SELECT MAX(a) FROM t) d",
                            "SELECT COUNT(*) FROM (SELECT a FROM (SELECT a FROM t) c) d"}) {
    const auto plan = plan_query(query, two);
    ASSERT_TRUE(plan.has_value()) << query << ": " << plan.error().message;
    const Bytes bytes = encode(*plan);
    EXPECT_EQ(version(bytes), 2) << query;
    for (const Bytes& before : seen) EXPECT_NE(bytes, before) << query;
    seen.push_back(bytes);
  }
  Catalog other = catalog();
  other.columns[0].nullable = false;
  EXPECT_NE(encode(*plan_query(queries[0], other)), seen[0]);
}

}  // namespace
}  // namespace prism::sql
