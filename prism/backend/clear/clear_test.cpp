// Answers worked out by hand, after prism/sql/README.md.
#include "prism/backend/clear/clear.h"

#include <gtest/gtest.h>

#include <string>

#include "prism/sql/sql.h"
#include "prism/table/read_csv.h"

namespace prism::backend::clear {
namespace {

constexpr const char* kPeople =
    "name,age,state,income,visits,born\n"
    "ann,34,NJ,1200.50,3,1990-02-28\n"
    "bob,,CA,800.25,0,2000-02-29\n"
    "cyd,71,NJ,,12,\n"
    "dee,18,,99.99,7,1969-12-31\n"
    "eve,52,TX,4300.00,1,1970-01-01\n"
    "fay,52,CA,-20.75,,0001-01-01\n"
    "gus,65,CA,650.00,9,9999-12-31\n";

table::Table people() {
  auto table = table::read_csv_text("people", kPeople);
  EXPECT_TRUE(table) << table.error().message;
  return *std::move(table);
}

std::string ask(const std::string& sql, const table::Table& table) {
  const auto result = answer(sql, table);
  return result ? table::to_csv(*result) : "error: " + result.error().message;
}
std::string ask(const std::string& sql) { return ask(sql, people()); }

struct Case {
  const char* sql;
  const char* want;
};
void hold(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(ask(c.sql), c.want) << c.sql;
}

TEST(ClearTest, CountsAndSumsSkipNulls) {
  hold({
      {"select count(*), count(age), count(state), count(income) from people", "count,count,count,count\n7,6,6,6\n"},
      {"select sum(age), sum(income), sum(visits) from people", "sum,sum,sum\n292,7029.99,32\n"},
      {"select sum(age*visits) from people", "sum\n1717\n"},  // 102 + 852 + 126 + 52 + 585
      {"select sum(income*visits) from people", "sum\n14451.43\n"},
      {"select sum(2*age) + 1 as x from people", "x\n585\n"},
      {"select sum(income*income) from people where visits < 2", "sum\n19130400.0625\n"},
      {"select sum(age), count(*) from people where age > 1000", "sum,count\n,0\n"},
  });
}

TEST(ClearTest, ConditionsFollowThreeValuedLogic) {
  hold({
      {"select count(*) from people where age >= 52", "count\n4\n"},
      {"select count(*) from people where not (age >= 52)", "count\n2\n"},
      {"select count(*) from people where age <> 52", "count\n4\n"},
      {"select count(*) from people where age is null or state is null", "count\n2\n"},
      {"select count(*) from people where not (age > 20 and income > 0)", "count\n2\n"},
      {"select count(*) from people where state in ('CA', 'ZZ')", "count\n3\n"},
      {"select count(*) from people where state not in ('CA', 'ZZ')", "count\n3\n"},
      {"select count(*) from people where state > 'CA'", "count\n3\n"},
      {"select count(*) from people where state like 'N%'", "count\n2\n"},
      {"select count(*) from people where age not between 30 and 60", "count\n3\n"},
      {"select count(*) from people where income = 99.990", "count\n1\n"},
      {"select count(*) from people where income > 99.9899", "count\n5\n"},
      {"select count(*) from people where income = 99.991", "count\n0\n"},
      {"select count(*) from people where born < '1970-01-01'", "count\n2\n"},
      {"select count(*) from people where state is distinct from 'CA'", "count\n4\n"},
  });
}

TEST(ClearTest, QuotientsHaveTwentySignificantDigits) {
  hold({
      {"select avg(age) from people", "avg\n48.666666666666666667\n"},
      {"select avg(income) from people", "avg\n1171.665\n"},
      {"select 1.0/3 as a, 2.0/3 as b, -1.0/8 as c, 7/2 as d, -7/2 as e, 1/(count(*)-7) as f, count(*)*0.5 as g from "
       "people",
       "a,b,c,d,e,f,g\n0.33333333333333333333,0.66666666666666666667,-0.125,3,-3,,3.5\n"},
      // Half goes away from zero at the twenty-first digit, and digits beyond the twentieth become zeros.
      {"select 1.000000000000000000050/1 as a, -1.00000000000000000005/1 as b, count(*) from people",
       "a,b,count\n1.0000000000000000001,-1.0000000000000000001,7\n"},
      {"select 123456789012345678905/1.0 as a, 99999999999999999999.5/1 as b, count(*) from people",
       "a,b,count\n123456789012345678910,100000000000000000000,7\n"},
      {"select 1/1000000000000000000000000.0 as a, 0/7.0 as b, count(*) from people",
       "a,b,count\n0.000000000000000000000001,0,7\n"},
  });
}

TEST(ClearTest, VariancesAndDeviations) {
  // visits 3 0 12 7 1 9: sum 32, squares 284, n 6. Population (6*284 - 1024)/36 = 680/36, sample 680/30.
  hold({
      {"select var_pop(visits), var_samp(visits), variance(visits) from people",
       "var_pop,var_samp,variance\n18.888888888888888889,22.666666666666666667,22.666666666666666667\n"},
      // sqrt(170)/3 = 4.34613493680176580972198..., sqrt(68/3) = 4.76095228569523333199959...
      {"select stddev_pop(visits), stddev(visits) from people",
       "stddev_pop,stddev\n4.3461349368017658097,4.760952285695233332\n"},
      {"select var_samp(age), stddev_samp(age), var_pop(age), stddev_pop(age) from people where age = 18",
       "var_samp,stddev_samp,var_pop,stddev_pop\n,,0,0\n"},
      {"select var_pop(age), stddev(age) from people where age < 0", "var_pop,stddev\n,\n"},
      // 800.25 and -20.75: half the distance is 410.5.
      {"select stddev_pop(income), var_pop(income) from people where income in (800.25, -20.75)",
       "stddev_pop,var_pop\n410.5,168510.25\n"},
  });
}

TEST(ClearTest, GroupsAreThoseThatHaveRows) {
  hold({
      {"select state, count(*), sum(income) from people group by state",
       "state,count,sum\nCA,3,1429.50\nNJ,2,1200.50\nTX,1,4300.00\n,1,99.99\n"},
      {"select state, count(*) from people where age > 60 group by state", "state,count\nCA,1\nNJ,1\n"},
      {"select state, count(*) from people where age > 600 group by state", "state,count\n"},
      {"select state, age, count(*) from people where visits is not null group by age, state",
       "state,age,count\n,18,1\nNJ,34,1\nTX,52,1\nCA,65,1\nNJ,71,1\nCA,,1\n"},
      {"select born, count(*) from people where born <= '1970-01-01' group by born",
       "born,count\n0001-01-01,1\n1969-12-31,1\n1970-01-01,1\n"},
      {"select born from people where born > '1990-12-31' group by born", "born\n2000-02-29\n9999-12-31\n"},
      {"select income, income + 1 as x from people where income < 100 group by income",
       "income,x\n-20.75,-19.75\n99.99,100.99\n"},
  });
}

TEST(ClearTest, HavingOrderAndLimit) {
  hold({
      {"select state, count(*) from people group by state having sum(income) > 1000",
       "state,count\nCA,3\nNJ,2\nTX,1\n"},
      {"select state from people group by state having count(*) > 1 and state <> 'NJ'", "state\nCA\n"},
      {"select state, count(*) as n from people group by state order by n desc", "state,n\nCA,3\nNJ,2\nTX,1\n,1\n"},
      {"select state, count(*) as n from people group by state order by n", "state,n\nTX,1\n,1\nNJ,2\nCA,3\n"},
      {"select state from people group by state order by state desc", "state\n\nTX\nNJ\nCA\n"},
      {"select state from people group by state order by state desc nulls last", "state\nTX\nNJ\nCA\n\n"},
      {"select state from people group by state order by state nulls first limit 2 offset 1", "state\nCA\nNJ\n"},
      {"select age from people group by age order by avg(visits) desc", "age\n71\n65\n18\n34\n52\n\n"},
      {"select count(*) from people limit 0", "count\n"},
      {"select count(*) from people offset 1", "count\n"},
      {"select count(*) from people having count(*) > 7", "count\n"},
      {"select state, sum(age) > 100 as old from people group by state order by old",
       "state,old\nTX,false\n,false\nCA,true\nNJ,true\n"},
      {"select state, sum(visits) is null as none, not (sum(age) > 100 or null) as x from people group by state",
       "state,none,x\nCA,false,false\nNJ,false,false\nTX,false,\n,false,\n"},
  });
}

TEST(ClearTest, EmptyTablesHaveOneGroupWithoutGroupBy) {
  auto table = table::read_csv_text("t", "a,b\n");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(ask("select count(*), count(a) from t", *table), "count,count\n0,0\n");
  EXPECT_EQ(ask("select a, count(*) from t group by a", *table), "a,count\n");
}

TEST(ClearTest, SumsBeyond64BitsAreExact) {
  auto table = table::read_csv_text("t", "a\n9223372036854775807\n9223372036854775807\n-9223372036854775808\n");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(ask("select sum(a), sum(a*a) from t", *table),
            "sum,sum\n9223372036854775806,255211775190703847560637467426407055362\n");
}

TEST(ClearTest, TextIsOrderedByUnsignedBytes) {
  auto table = table::read_csv_text("t", "w\nz\n\xC3\xA9\nab\na\n");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(ask("select w from t group by w", *table), "w\na\nab\nz\n\xC3\xA9\n");
  EXPECT_EQ(ask("select count(*) from t where w > 'a' and w < '\xC3\xA9'", *table), "count\n2\n");
}

TEST(ClearTest, ColumnsMustAgreeWithThePlan) {
  const table::Table table = people();
  const auto code_of = [&](const std::string& sql, const sql::Catalog& catalog) {
    const auto plan = sql::plan_query(sql, catalog);
    EXPECT_TRUE(plan);
    const auto result = answer(*plan, table);
    return result ? std::string("answered") : std::string(name_of(result.error().code));
  };
  sql::Catalog fewer{"people", {table.columns[4].schema, table.columns[1].schema}};
  const auto plan = sql::plan_query("select sum(age), sum(visits) from people", fewer);
  ASSERT_TRUE(plan);
  const auto result = answer(*plan, table);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(table::to_csv(*result), "sum,sum\n292,32\n");

  sql::Catalog other = fewer;
  other.columns[0].name = "visitors";
  EXPECT_EQ(code_of("select count(*) from people", other), "mismatch");
  other = fewer;
  other.columns[0].type = table::ColumnType::date;
  EXPECT_EQ(code_of("select count(*) from people", other), "mismatch");
  other = fewer;
  other.columns[0].nullable = false;
  EXPECT_EQ(code_of("select count(*) from people", other), "mismatch");
  sql::Catalog scaled{"people", {table.columns[3].schema}};
  scaled.columns[0].scale = 3;
  EXPECT_EQ(code_of("select count(*) from people", scaled), "mismatch");
}

TEST(ClearTest, OrderStatisticsAreValuesOfTheColumn) {
  hold({
      {"select min(age), max(age), min(income), max(born) from people", "min,max,min,max\n18,71,-20.75,9999-12-31\n"},
      // 18 34 52 52 65 71: the third of six; 0 1 3 7 9 12 likewise.
      {"select median(age), median(visits), quantile(visits, 0.5), quantile(visits, 0.51) from people",
       "median,median,quantile,quantile\n52,3,3,7\n"},
      {"select quantile(visits, 0), quantile(visits, 1), quantile(visits, 0.166666667) from people",
       "quantile,quantile,quantile\n0,12,1\n"},
      {"select percentile_disc(0.25) within group (order by income) as q from people", "q\n99.99\n"},
      {"select min(age), median(age), max(age) from people where age > 100", "min,median,max\n,,\n"},
      {"select count(distinct state), count(distinct age), count(distinct name) from people",
       "count,count,count\n3,5,7\n"},
      {"select state, max(visits) - min(visits) as d from people group by state order by 2, 1",
       "state,d\nTX,0\n,0\nCA,9\nNJ,9\n"},
  });
}

/// Two tables; the second has visitors nobody knows and a NULL.
std::string ask_both(const std::string& sql) {
  const table::Table first = people();
  const auto second = table::read_csv_text("trips",
                                           "who,town,cost\n"
                                           "ann,Rome,10\n"
                                           "ann,Oslo,20\n"
                                           "bob,Rome,5\n"
                                           ",Rome,100\n"
                                           "zed,Oslo,7\n"
                                           "gus,,9223372036854775807\n"
                                           "gus,Rome,9223372036854775807\n");
  EXPECT_TRUE(second) << second.error().message;
  const table::Table* const database[] = {&first, &*second};
  const auto result = answer(sql, database);
  return result ? table::to_csv(*result) : "error: " + result.error().message;
}

TEST(ClearTest, JoinsPairRowsWithEqualKeysAndNullsHaveNoPartner) {
  EXPECT_EQ(ask_both("select count(*), count(distinct name), sum(age) from people join trips on name = who"),
            "count,count,sum\n5,3,198\n");
  EXPECT_EQ(ask_both("select town, count(*) from people, trips where who = name and cost < 1000 group by town"),
            "town,count\nOslo,1\nRome,2\n");
  EXPECT_EQ(ask_both("select count(*) from trips a join trips b on a.who = b.who and a.town = b.town"), "count\n5\n");
  EXPECT_EQ(ask_both("select count(*) from trips a join trips b using (who) join people p on p.name = who"),
            "count\n9\n");
  EXPECT_EQ(ask_both("select count(*) from trips"), "count\n7\n");
}

TEST(ClearTest, DerivedTablesHaveARowPerGroup) {
  EXPECT_EQ(ask_both("select count(*), count(who), max(n) from (select who, count(*) as n from trips group by who) t"),
            "count,count,max\n5,4,2\n");
  EXPECT_EQ(ask_both("select sum(n) from (select who, count(town) as n from trips where cost > 5 group by who) t"),
            "sum\n5\n");
  EXPECT_EQ(ask_both("select max(s), min(low) from (select town, sum(cost) as s, min(cost) as low from trips group by "
                     "town) t"),
            "max,min\n9223372036854775807,5\n");  // a derived sum is held to 64 bits
  EXPECT_EQ(ask_both("select count(s), sum(n) from (select sum(cost) as s, count(*) as n from trips where cost < 0) t"),
            "count,sum\n0,0\n");
  EXPECT_EQ(ask_both("select state, sum(n) from people p join (select who, count(*) as n from trips group by who) t on "
                     "p.name = t.who group by state"),
            "state,sum\nCA,3\nNJ,2\n");
  EXPECT_EQ(
      ask_both("select town, count(*) from (select * from trips where who >= 'b') t where cost < 50 group by town"),
      "town,count\nOslo,1\nRome,1\n");
  EXPECT_EQ(
      ask_both("select count(*) from (select n, count(*) as m from (select who, count(*) as n from trips group by "
               "who) a group by n) b where m = 3"),
      "count\n1\n");
}

}  // namespace
}  // namespace prism::backend::clear
