#include "prism/sql/finish.h"

#include <gtest/gtest.h>

#include <random>

#include "prism/sql/sql.h"

namespace prism::sql {
namespace {

using table::Cell;
using table::ColumnType;
using table::Number;

const Catalog& catalog() {
  static const Catalog value{"t",
                             {{"n", ColumnType::integer, 0, true},
                              {"d", ColumnType::decimal, 2, true},
                              {"day", ColumnType::date, 0, true},
                              {"s", ColumnType::text, 0, true},
                              {"k", ColumnType::integer, 0, false}}};
  return value;
}

Plan plan_of(const std::string& sql) {
  auto plan = plan_query(sql, catalog());
  EXPECT_TRUE(plan.has_value()) << sql << ": " << plan.error().message;
  return *std::move(plan);
}

/// NULL as "NULL", numbers as they are, text in quotes; rows joined by '/', cells by ' '.
std::string shown(const table::ResultTable& result) {
  std::string out;
  for (const auto& row : result.rows) {
    if (!out.empty()) out += " / ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += ' ';
      if (const auto* number = std::get_if<Number>(&row[i]))
        out += number->text;
      else if (const auto* text = std::get_if<std::string>(&row[i]))
        out += "'" + *text + "'";
      else
        out += "NULL";
    }
  }
  return out;
}

/// The answer of a query without groups; primitives in the order in which the query first needs them.
std::string answer(const std::string& sql, const std::vector<Int128>& primitives) {
  const Plan plan = plan_of(sql);
  const auto result = finish(plan, {{{}, primitives}});
  return result ? shown(*result) : "error " + std::string(name_of(result.error().code));
}

std::string grouped(const std::string& sql, const std::vector<GroupValues>& groups) {
  const auto result = finish(plan_of(sql), groups);
  return result ? shown(*result) : "error " + std::string(name_of(result.error().code));
}

TEST(FinishTest, NumbersAreRenderedByType) {
  EXPECT_EQ(answer("SELECT COUNT(*) FROM t", {5}), "5");
  EXPECT_EQ(answer("SELECT SUM(n), SUM(d), SUM(n * d) FROM t", {3, -7, 4, -5, 2, 1230}), "-7 -0.05 12.30");
  EXPECT_EQ(answer("SELECT SUM(d) * 2, SUM(d) * 0.5, -SUM(d) FROM t", {1, 100}), "2.00 0.500 -1.00");
  EXPECT_EQ(answer("SELECT SUM(d), -SUM(d) FROM t", {1, 0}), "0.00 0.00");
  EXPECT_EQ(answer("SELECT SUM(n) FROM t", {1, Int128{1} << 100}), "1267650600228229401496703205376");
  EXPECT_EQ(answer("SELECT 1.50, -3, 'x', TRUE, NULL, DATE '2020-02-29', COUNT(*) > 1 FROM t", {1}),
            "1.50 -3 'x' 'true' NULL '2020-02-29' 'false'");
}

TEST(FinishTest, AveragesAreExactOrRoundedToTwentyDigits) {
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {3, 1}), "0.33333333333333333333");
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {3, 2}), "0.66666666666666666667");
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {3, -200}), "-66.666666666666666667");
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {4, 10}), "2.5");
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {4, 40}), "10");
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {4, 0}), "0");
  EXPECT_EQ(answer("SELECT AVG(d) FROM t", {4, 10}), "0.025");
  EXPECT_EQ(answer("SELECT AVG(n * d) FROM t", {4, 10}), "0.025");
  EXPECT_EQ(answer("SELECT AVG(2 * n + 1) FROM t", {2, 5}), "6");
  // 2^-30 has 21 significant digits, ending in 5: half goes away from zero.
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {1 << 30, 1}), "0.00000000093132257461547851563");
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {1 << 30, -1}), "-0.00000000093132257461547851563");
  // 25 digits before the point: those past the twentieth become zeros.
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {1, Int128{1234567890123456789LL} * 1000000 + 555555}),
            "1234567890123456789600000");
  // All nines round up to one digit more.
  EXPECT_EQ(answer("SELECT AVG(n) FROM t", {3, Int128{299999999999999999LL} * 1000 + 999}), "100000000000000000000");
}

TEST(FinishTest, VariancesAndDeviationsComeFromExactSums) {
  // 2, 4, 4, 4, 5, 5, 7, 9: the population deviation is 2 exactly.
  EXPECT_EQ(answer("SELECT VAR_POP(n), STDDEV_POP(n) FROM t", {8, 40, 232}), "4 2");
  EXPECT_EQ(answer("SELECT VAR_SAMP(n), STDDEV(n) FROM t", {8, 40, 232}),
            "4.5714285714285714286 2.1380899352993950775");
  EXPECT_EQ(answer("SELECT VAR_POP(d), STDDEV_POP(d) FROM t", {8, 40, 232}), "0.0004 0.02");
  EXPECT_EQ(answer("SELECT STDDEV_POP(n) FROM t", {2, 2, 4}), "1");
  EXPECT_EQ(answer("SELECT STDDEV_SAMP(n) FROM t", {2, 2, 4}), "1.4142135623730950488");
  EXPECT_EQ(answer("SELECT VARIANCE(n), STDDEV(n), VAR_POP(n), STDDEV_POP(n) FROM t", {1, 5, 25}), "NULL NULL 0 0");
  EXPECT_EQ(answer("SELECT VARIANCE(n), VAR_POP(n) FROM t", {0, 0, 0}), "NULL NULL");
  EXPECT_EQ(answer("SELECT VAR_POP(n) FROM t", {2, 4, 1}), "error integrity");
  EXPECT_EQ(answer("SELECT COUNT(*) FROM t", {-1}), "error integrity");
}

/// a * b of decimal digits, schoolbook: independent of the library that finish() uses.
std::string product(const std::string& a, const std::string& b) {
  std::vector<int> sums(a.size() + b.size(), 0);
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) sums[i + j + 1] += (a[i] - '0') * (b[j] - '0');
  }
  for (std::size_t i = sums.size(); i-- > 1;) {
    sums[i - 1] += sums[i] / 10;
    sums[i] %= 10;
  }
  std::string out;
  for (const int digit : sums) {
    if (!out.empty() || digit != 0) out += static_cast<char>('0' + digit);
  }
  return out;
}

bool smaller(const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

TEST(FinishTest, RootsAreRoundedToNearest) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 random(seed);
  int inexact = 0;
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t v = (random() >> 1) >> (random() % 60);
    if (v == 0) continue;
    // One value with sum 0 and square v has "variance" v.
    const std::string text = answer("SELECT STDDEV_POP(n) FROM t", {1, 0, Int128{static_cast<std::int64_t>(v)}});
    const std::size_t point = text.find('.');
    const std::size_t decimals = point == std::string::npos ? 0 : text.size() - point - 1;
    std::string digits = text;
    if (point != std::string::npos) digits.erase(point, 1);
    ASSERT_LE(digits.size(), 20U) << "seed " << seed << " v " << v << " " << text;
    // With r the digits and k the decimals: r^2 = v 10^2k exactly, or all 20 digits are there and
    // (10 r - 5)^2 <= v 10^(2k+2) <= (10 r + 5)^2.
    if (product(digits, digits) == std::to_string(v) + std::string(2 * decimals, '0')) continue;
    ++inexact;
    // Zeros at the end are not shown.
    std::string full = digits + std::string(20 - digits.size(), '0');
    const std::string wanted = std::to_string(v) + std::string(2 * (decimals + 20 - digits.size()) + 2, '0');
    std::string below = full + "0";
    for (std::size_t i = below.size() - 2; below[i]-- == '0'; --i) below[i] = '9';
    below.back() = '5';  // 10 r - 5
    EXPECT_FALSE(smaller(wanted, product(below, below))) << "seed " << seed << " v " << v << " " << text;
    EXPECT_FALSE(smaller(product(full + "5", full + "5"), wanted)) << "seed " << seed << " v " << v << " " << text;
  }
  EXPECT_GT(inexact, 100) << "seed " << seed;
}

TEST(FinishTest, EmptyGroupsGiveNullSumsAndZeroCounts) {
  EXPECT_EQ(answer("SELECT COUNT(*), SUM(n), AVG(n), SUM(5), SUM(n) + 1, COUNT(n) FROM t", {0, 0, 0}),
            "0 NULL NULL NULL NULL 0");
  EXPECT_EQ(answer("SELECT SUM(0 * n), SUM(n + 1) FROM t", {0, 0}), "NULL NULL");
  EXPECT_EQ(answer("SELECT SUM(0 * n), SUM(n + 1) FROM t", {2, 10}), "0 12");
}

TEST(FinishTest, IntegersDivideAsPostgresDoes) {
  EXPECT_EQ(answer("SELECT SUM(n) / COUNT(*) FROM t", {3, -7, 2}), "-3");
  EXPECT_EQ(answer("SELECT SUM(n) / 2.0, 7 / 2, -7 / 2, SUM(n) / (COUNT(*) - 2) FROM t", {3, -7, 2}), "-3.5 3 -3 NULL");
  EXPECT_EQ(answer("SELECT SUM(d) / COUNT(*) FROM t", {3, 100, 3}), "0.33333333333333333333");
}

TEST(FinishTest, LogicIsThreeValued) {
  const std::vector<Int128> none{0, 0, 1};  // count(n), sum(n), count(*)
  EXPECT_EQ(answer("SELECT SUM(n) > 1, COUNT(*) FROM t", none), "NULL 1");
  EXPECT_EQ(answer("SELECT SUM(n) > 1 AND COUNT(*) = 0, SUM(n) > 1 OR COUNT(*) = 1, NOT SUM(n) > 1 FROM t", none),
            "'false' 'true' NULL");
  EXPECT_EQ(answer("SELECT SUM(n) IS NULL, SUM(n) IS DISTINCT FROM NULL, SUM(n) IS NOT DISTINCT FROM COUNT(*), (SUM(n) "
                   "= 1) IS UNKNOWN FROM t",
                   none),
            "'true' 'false' 'false' 'true'");
  EXPECT_EQ(answer("SELECT COUNT(*) FROM t HAVING SUM(n) > 1", {1, 0, 0}), "");
  EXPECT_EQ(answer("SELECT COUNT(*) FROM t HAVING COUNT(*) IN (1, NULL)", {1}), "1");
  EXPECT_EQ(answer("SELECT COUNT(*) FROM t HAVING COUNT(*) NOT IN (2, NULL)", {1}), "");
}

std::vector<GroupValues> some_groups() {
  return {{{std::string("b")}, {2}}, {{std::string("a")}, {2}},        {{std::monostate{}}, {7}},
          {{std::string("")}, {0}},  {{std::string("\xC3\xA9")}, {1}}, {{std::string("aa")}, {3}}};
}

TEST(FinishTest, GroupsAreOrderedFilteredAndCut) {
  const std::string select = "SELECT s, COUNT(*) FROM t GROUP BY s ";
  EXPECT_EQ(grouped(select, some_groups()), "'a' 2 / 'aa' 3 / 'b' 2 / '\xC3\xA9' 1 / NULL 7");
  EXPECT_EQ(grouped(select + "ORDER BY s DESC", some_groups()), "NULL 7 / '\xC3\xA9' 1 / 'b' 2 / 'aa' 3 / 'a' 2");
  EXPECT_EQ(grouped(select + "ORDER BY s DESC NULLS LAST", some_groups()),
            "'\xC3\xA9' 1 / 'b' 2 / 'aa' 3 / 'a' 2 / NULL 7");
  EXPECT_EQ(grouped(select + "ORDER BY 1 NULLS FIRST LIMIT 2", some_groups()), "NULL 7 / 'a' 2");
  EXPECT_EQ(grouped(select + "ORDER BY 2 DESC", some_groups()), "NULL 7 / 'aa' 3 / 'a' 2 / 'b' 2 / '\xC3\xA9' 1");
  EXPECT_EQ(grouped(select + "HAVING COUNT(*) > 1 AND s < 'b' ORDER BY 2 DESC", some_groups()), "'aa' 3 / 'a' 2");
  EXPECT_EQ(grouped(select + "ORDER BY COUNT(*) LIMIT 2 OFFSET 1", some_groups()), "'a' 2 / 'b' 2");
  EXPECT_EQ(grouped(select + "OFFSET 9", some_groups()), "");
  EXPECT_EQ(grouped(select + "LIMIT 0", some_groups()), "");
  EXPECT_EQ(grouped(select, std::vector<GroupValues>{}), "");
}

TEST(FinishTest, KeysAreShownInTheirType) {
  EXPECT_EQ(
      grouped("SELECT day, d FROM t GROUP BY d, day", {GroupValues{{std::int64_t{-5}, std::int64_t{18321}}, {1}}}),
      "'2020-02-29' -0.05");
  EXPECT_EQ(grouped("SELECT k * 2, k / 2, k > 2 FROM t GROUP BY k", {GroupValues{{std::int64_t{5}}, {1}}}),
            "10 2 'true'");
  const auto result =
      finish(plan_of("SELECT day, d, COUNT(*) AS c, AVG(n), COUNT(*) > 1 AS b FROM t GROUP BY d, day"), {});
  ASSERT_TRUE(result.has_value());
  std::vector<ColumnType> types;
  for (const auto& column : result->columns) types.push_back(column.type);
  EXPECT_EQ(types, (std::vector<ColumnType>{ColumnType::date, ColumnType::decimal, ColumnType::integer,
                                            ColumnType::decimal, ColumnType::text}));
  EXPECT_EQ(result->columns[4].name, "b");
}

TEST(FinishTest, GroupsOfTheWrongShapeAreRefused) {
  EXPECT_EQ(grouped("SELECT COUNT(*) FROM t", std::vector<GroupValues>{}), "error mismatch");
  EXPECT_EQ(grouped("SELECT COUNT(*) FROM t", {GroupValues{{}, {1}}, GroupValues{{}, {1}}}), "error mismatch");
  EXPECT_EQ(grouped("SELECT COUNT(*) FROM t", {GroupValues{{}, {1, 2}}}), "error mismatch");
  EXPECT_EQ(grouped("SELECT s FROM t GROUP BY s", {GroupValues{{}, {1}}}), "error mismatch");
  EXPECT_EQ(grouped("SELECT s FROM t GROUP BY s", {GroupValues{{std::int64_t{1}}, {1}}}), "error mismatch");
  EXPECT_EQ(grouped("SELECT k FROM t GROUP BY k", {GroupValues{{std::string("1")}, {1}}}), "error mismatch");
  EXPECT_EQ(grouped("SELECT day FROM t GROUP BY day", {GroupValues{{std::int64_t{99999999}}, {1}}}), "error mismatch");
  EXPECT_EQ(grouped("SELECT s FROM t GROUP BY s",
                    {GroupValues{{std::string("a")}, {1}}, GroupValues{{std::string("a")}, {1}}}),
            "error mismatch");
}

TEST(FinishTest, OrderStatisticsAreShownInTheTypeOfTheirColumn) {
  EXPECT_EQ(answer("SELECT MIN(n), MAX(d), MEDIAN(day), QUANTILE(k, 0.9) FROM t", {3, -7, 2, 1234, 1, 18321, 5, 8}),
            "-7 12.34 '2020-02-29' 8");
  EXPECT_EQ(answer("SELECT MIN(n), MEDIAN(day), COUNT(DISTINCT s) FROM t", {0, 0, 0, 0, 0}), "NULL NULL 0");
  EXPECT_EQ(answer("SELECT MAX(n) - MIN(n), MAX(n) > MIN(n) FROM t", {3, 9, 4}), "5 'true'");
  EXPECT_EQ(answer("SELECT COUNT(DISTINCT s) FROM t", {-1}), "error integrity");
  EXPECT_EQ(answer("SELECT MAX(day) FROM t", {1, Int128{1} << 90}), "error integrity");
}

/// Estimates of a query without groups.
std::string estimated(const std::string& sql, const std::vector<Ratio>& primitives) {
  const auto result = finish_estimates(plan_of(sql), {{{}, primitives}});
  return result ? shown(result->table) : "error " + std::string(name_of(result.error().code));
}

TEST(FinishEstimatesTest, WholeNumbersAndDecimalsAreRoundedToTheirPlaces) {
  EXPECT_EQ(estimated("SELECT COUNT(*) FROM t", {{7, 2}}), "4");
  EXPECT_EQ(estimated("SELECT COUNT(*) FROM t", {{-7, 2}}), "-4");
  EXPECT_EQ(estimated("SELECT COUNT(*) FROM t", {{10, 3}}), "3");
  EXPECT_EQ(estimated("SELECT SUM(n), SUM(d) FROM t", {{1, 1}, {-5, 2}, {1, 1}, {12345, 10}}), "-3 12.35");
  EXPECT_EQ(estimated("SELECT SUM(d) * 2 FROM t", {{1, 1}, {12345, 10}}), "24.70");  // rounded where it is a leaf
  EXPECT_EQ(estimated("SELECT MEDIAN(day), MAX(d) FROM t", {{1, 1}, {36643, 2}, {1, 1}, {1, 3}}), "'2020-03-01' 0.00");
}

TEST(FinishEstimatesTest, AveragesAndVariancesAreExactFractionsOfTheirEstimates) {
  EXPECT_EQ(estimated("SELECT AVG(n) FROM t", {{5, 2}, {10, 1}}), "4");
  EXPECT_EQ(estimated("SELECT AVG(d) FROM t", {{3, 1}, {100, 1}}), "0.33333333333333333333");
  // n = 4, s = 10, q = 30: 30/4 - 25/4.
  EXPECT_EQ(estimated("SELECT VAR_POP(n), STDDEV_POP(n) FROM t", {{8, 2}, {20, 2}, {60, 2}}),
            "1.25 1.1180339887498948482");
  EXPECT_EQ(estimated("SELECT VAR_SAMP(n) FROM t", {{3, 2}, {0, 1}, {2, 1}}), "4");
}

TEST(FinishEstimatesTest, ImpossibleValuesAreNullOrZeroAndNeverErrors) {
  const std::vector<Ratio> odd = {{0, 1}, {-3, 1}, {1, 2}, {0, 0}, {Int128{1} << 126, 3}, {-(Int128{1} << 126), 7}};
  for (const Ratio& n : odd)
    for (const Ratio& s : odd)
      for (const Ratio& q : odd)
        for (const char* sql : {"SELECT AVG(n), VAR_POP(n), STDDEV(n), SUM(n) / COUNT(n) FROM t",
                                "SELECT VAR_SAMP(d) > 1, SUM(d), STDDEV_SAMP(d) FROM t HAVING SUM(d) < 5 OR TRUE"}) {
          const std::string shown_row = estimated(
              sql, plan_of(sql).primitives.size() == 3 ? std::vector<Ratio>{n, s, q} : std::vector<Ratio>{n, s, q, n});
          EXPECT_EQ(shown_row.find("error"), std::string::npos) << sql << ": " << shown_row;
        }
  EXPECT_EQ(estimated("SELECT AVG(n) FROM t", {{0, 1}, {5, 1}}), "NULL");
  EXPECT_EQ(estimated("SELECT AVG(n) FROM t", {{-1, 9}, {5, 1}}), "NULL");
  EXPECT_EQ(estimated("SELECT SUM(n), COUNT(n) FROM t", {{-2, 1}, {5, 1}}), "5 -2");
  EXPECT_EQ(estimated("SELECT SUM(n), COUNT(n) FROM t", {{0, 0}, {5, 1}}), "5 NULL");
  EXPECT_EQ(estimated("SELECT VAR_SAMP(n), VAR_POP(n) FROM t", {{1, 1}, {3, 1}, {9, 1}}), "NULL 0");
  EXPECT_EQ(estimated("SELECT VAR_POP(n), STDDEV_POP(n) FROM t", {{2, 1}, {9, 1}, {1, 1}}), "0 0");
  EXPECT_EQ(estimated("SELECT MAX(day) FROM t", {{1, 1}, {Int128{1} << 100, 1}}), "NULL");
  EXPECT_EQ(estimated("SELECT MAX(n) FROM t", {{0, 1}, {5, 1}}), "5");
}

TEST(FinishEstimatesTest, EveryGroupIsKeptUnlessHavingSaysOtherwise) {
  const std::vector<GroupEstimates> groups = {{{std::string("b")}, {{5, 2}}},
                                              {{std::monostate{}}, {{-9, 1}}},
                                              {{std::string("a")}, {{0, 1}}},
                                              {{std::string("c")}, {{0, 0}}}};
  const auto all = finish_estimates(plan_of("SELECT s, COUNT(*) FROM t GROUP BY s"), groups);
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(shown(all->table), "'a' 0 / 'b' 3 / 'c' NULL / NULL -9");
  EXPECT_EQ(all->group_of_row, (std::vector<std::size_t>{2, 0, 3, 1}));
  const auto some = finish_estimates(
      plan_of("SELECT s FROM t GROUP BY s HAVING COUNT(*) < 3 ORDER BY COUNT(*) DESC LIMIT 1"), groups);
  ASSERT_TRUE(some.has_value());
  EXPECT_EQ(shown(some->table), "'a'");  // 2.5 is 3 before it is compared
  EXPECT_EQ(some->group_of_row, (std::vector<std::size_t>{2}));
  const auto far =
      finish_estimates(plan_of("SELECT day, COUNT(*) FROM t GROUP BY day"), {{{std::int64_t{99999999}}, {{1, 1}}}});
  ASSERT_TRUE(far.has_value());
  EXPECT_EQ(shown(far->table), "NULL 1");
}

TEST(FinishEstimatesTest, OnlyTheShapeCanBeWrong) {
  EXPECT_EQ(estimated("SELECT COUNT(*) FROM t", {}), "error mismatch");
  EXPECT_EQ(estimated("SELECT COUNT(*) FROM t", {{1, 1}, {1, 1}}), "error mismatch");
  const Plan plan = plan_of("SELECT s FROM t GROUP BY s");
  EXPECT_FALSE(finish_estimates(plan, {{{std::int64_t{1}}, {{1, 1}}}}).has_value());
  EXPECT_FALSE(finish_estimates(plan, {{{std::string("a")}, {{1, 1}}}, {{std::string("a")}, {{1, 1}}}}).has_value());
}

/// Whole estimates that agree with each other finish as exact numbers do.
TEST(FinishEstimatesTest, ExactNumbersFinishTheSameWay) {
  std::mt19937_64 random(7);
  const char* queries[] = {"SELECT COUNT(*), SUM(n), AVG(n), VAR_POP(n), STDDEV_SAMP(n), SUM(n) / COUNT(*) FROM t",
                           "SELECT AVG(d) + 1, MAX(d), SUM(d) > 5, COUNT(DISTINCT s) FROM t"};
  for (const char* sql : queries) {
    const Plan plan = plan_of(sql);
    for (int round = 0; round < 50; ++round) {
      const Int128 n = 2 + static_cast<Int128>(random() % 5);
      GroupValues exact{{}, {}};
      GroupEstimates estimates{{}, {}};
      for (const Primitive& primitive : plan.primitives) {
        const bool square = primitive.kind == Primitive::Kind::sum && primitive.columns.size() == 2;
        const Int128 value = primitive.kind == Primitive::Kind::count ? n
                             : square                                 ? Int128{1'000'000}
                                                                      : Int128{random() % 1000};
        exact.primitives.push_back(value);
        const Int128 times = 1 + static_cast<Int128>(random() % 9);
        estimates.primitives.push_back({value * times, times});
      }
      const auto want = finish(plan, {exact});
      const auto got = finish_estimates(plan, {estimates});
      ASSERT_TRUE(want.has_value() && got.has_value());
      EXPECT_EQ(shown(got->table), shown(*want)) << sql;
    }
  }
}

}  // namespace
}  // namespace prism::sql
