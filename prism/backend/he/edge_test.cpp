// Tables at the edges of what is allowed, asked everything; the clear backend says what is true.
#include <gtest/gtest.h>

#include "prism/backend/clear/clear.h"
#include "prism/backend/he/open.h"
#include "prism/backend/he/query.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/sealed/writer.h"
#include "prism/table/read_csv.h"
#include "tests/support/test_directory.h"

namespace prism::backend::he {
namespace {

using sealed::Role;
using Roles = std::vector<std::pair<std::string, Role>>;

/// A sealed table beside its rows.
class Case {
 public:
  Case(const std::string& csv, const sealed::SealOptions& options) { outcome_ = seal(csv, options); }

  const Status& outcome() const { return outcome_; }

  /// Both answers as CSV; both must be there.
  void expect_truth(const std::string& sql) {
    SCOPED_TRACE(sql);
    ASSERT_TRUE(outcome_) << outcome_.error().message;
    const auto want = clear::answer(sql, table_);
    ASSERT_TRUE(want) << want.error().message;
    const auto got = ask(sql);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(*got, table::to_csv(*want));
  }
  /// Right, or refused with this code; never wrong.
  void expect_refusal(const std::string& sql, ErrorCode code) {
    SCOPED_TRACE(sql);
    ASSERT_TRUE(outcome_) << outcome_.error().message;
    const auto got = ask(sql);
    ASSERT_FALSE(got) << *got;
    EXPECT_EQ(got.error().code, code) << got.error().message;
  }

  Result<std::string> ask(const std::string& sql) {
    PRISM_TRY(const sealed::SealedTable table, sealed::SealedTable::open(directory_ / "t.sealed"));
    PRISM_TRY(const Compiled question, compile(table, sql, dictionaries_));
    Serial serial;
    PRISM_TRY(const Bytes answer, answer_query(table, question, serial));
    PRISM_TRY(const Opened opened, open_answer(answer, manifest_, *key_));
    return table::to_csv(opened.table);
  }

 private:
  Status seal(const std::string& csv, const sealed::SealOptions& options) {
    PRISM_TRY(table_, table::read_csv_text("t", csv));
    PRISM_TRY(sealed::Proposal proposal, sealed::propose(table_, options));
    host::SystemRandom random;
    PRISM_CHECKED(random.fill(proposal.header.id));
    PRISM_TRY(key_, rlwe::SecretKey::generate(proposal.header.parameters->rlwe_ptr(), random));
    PRISM_TRY(host::AtomicFile file,
              host::AtomicFile::create(directory_ / "t.sealed", host::AtomicFile::Access::everybody));
    Serial serial;
    PRISM_TRY(manifest_, sealed::seal(table_, proposal.header, *key_, file, random, serial));
    for (std::size_t c = 0; c < manifest_.header.columns.size(); ++c)
      if (manifest_.header.columns[c].code && manifest_.header.columns[c].schema.type == table::ColumnType::text)
        dictionaries_[c] = manifest_.dictionaries[c];
    return file.commit();
  }

  support::TestDirectory directory_;
  table::Table table_;
  sealed::Manifest manifest_;
  std::optional<rlwe::SecretKey> key_;
  Dictionaries dictionaries_;
  Status outcome_{};
};

sealed::SealOptions with(Roles roles) {
  sealed::SealOptions options;
  options.roles = std::move(roles);
  return options;
}

TEST(EdgeTest, NoRows) {
  Case c("a,b,s\n", with({{"a", Role::filter}, {"b", Role::filter}, {"s", Role::filter}, {"s", Role::group}}));
  for (const char* sql :
       {"select count(*) from t", "select count(a) from t where b is null", "select s, count(*) from t group by s"})
    c.expect_truth(sql);
}

TEST(EdgeTest, OneRow) {
  Case c("a,b,s\n-7,2.50,x\n", with({{"a", Role::filter},
                                     {"a", Role::measure},
                                     {"b", Role::measure},
                                     {"b", Role::filter},
                                     {"s", Role::group},
                                     {"s", Role::filter}}));
  for (const char* sql :
       {"select count(*), sum(a), avg(b), var_pop(a), var_samp(a), sum(a)*3 from t",
        "select s, sum(b) from t where a = -7 group by s", "select s, sum(b) from t where a <> -7 group by s",
        "select count(*) from t where a < -7", "select count(*) from t where a <= -7 and b = 2.5",
        "select count(*) from t where b > 2.499 and b < 2.501", "select sum(a*a) from t where s = 'x'",
        "select count(*) from t where s = 'y' or s > 'w'", "select count(*) from t where a = 9223372036854775807"})
    c.expect_truth(sql);
}

TEST(EdgeTest, ColumnsOfNulls) {
  sealed::SealOptions options =
      with({{"e", Role::filter}, {"e", Role::group}, {"n", Role::measure}, {"n", Role::filter}, {"g", Role::group}});
  Case c("e,n,g\n,1,\n,2,\n,,\n,4,\n", options);
  for (const char* sql :
       {"select count(*), count(e), count(g), sum(n) from t", "select e, count(*), sum(n) from t group by e",
        "select g, e, count(*) from t group by g, e", "select count(*) from t where e is null and n > 1",
        "select count(*) from t where e is not null", "select count(*) from t where e = 'x'",
        "select count(*) from t where e <> 'x' or n is null", "select count(*) from t where g is null"})
    c.expect_truth(sql);
  options.publish = {"e", "g"};
  Case published("e,n,g\n,1,\n,2,\n,,\n,4,\n", options);
  published.expect_truth("select e, count(*), sum(n) from t group by e");
}

TEST(EdgeTest, RowsThatFillBlocksExactly) {
  for (const int rows : {2048, 4096, 8192, 8193}) {
    SCOPED_TRACE(rows);
    std::string csv = "a,s\n";
    for (int i = 0; i < rows; ++i)
      csv += (i % 11 == 0 ? "" : std::to_string(i % 1000 - 500)) + "," +
             (i % 5 == 0   ? ""
              : i % 3 == 0 ? "x"
                           : "y") +
             "\n";
    Case c(csv, with({{"a", Role::filter}, {"a", Role::measure}, {"s", Role::filter}, {"s", Role::group}}));
    for (const char* sql : {"select count(*), count(a), sum(a) from t where a < 0 or s is null",
                            "select s, count(*), sum(a) from t where not (a >= -17) group by s",
                            "select count(*) from t where a is null or a between -3 and 400"})
      c.expect_truth(sql);
  }
}

TEST(EdgeTest, LargestNumbers) {
  std::string csv = "a,b\n";
  for (int i = 0; i < 600; ++i)
    csv += std::string(i % 2 == 0 ? "-" : "") + "1000000000000000000," + std::to_string(2305843009213693951 - i) + "\n";
  Case c(csv, with({{"a", Role::measure}, {"a", Role::filter}}));
  for (const char* sql :
       {"select sum(a), avg(a) from t", "select sum(a) from t where a < -999999999999999999",
        "select count(*) from t where a >= 1000000000000000000", "select count(*) from t where a > 1000000000000000000",
        "select count(*) from t where a <= 9223372036854775807 and a >= -9223372036854775808"})
    c.expect_truth(sql);
  c.expect_refusal("select sum(a*a) from t", ErrorCode::refused);
  c.expect_refusal("select var_pop(a) from t", ErrorCode::refused);
}

TEST(EdgeTest, Int64Ends) {
  Case c("a\n9223372036854775807\n-9223372036854775808\n", with({{"a", Role::measure}}));
  EXPECT_FALSE(c.outcome());
  Case f("a\n9223372036854775807\n9223372036854775806\n", with({{"a", Role::filter}}));
  if (f.outcome()) {
    f.expect_truth("select count(*) from t where a = 9223372036854775807");
    f.expect_truth("select count(*) from t where a > 9223372036854775807");
  }
}

TEST(EdgeTest, NegativeDecimalsAndOddNames) {
  sealed::SealOptions options = with({{"a \"b\",;", Role::measure},
                                      {"a \"b\",;", Role::filter},
                                      {"SELECT", Role::filter},
                                      {"SELECT", Role::group},
                                      {"\xC3\xA9", Role::group}});
  Case c("\"a \"\"b\"\",;\",SELECT,\xC3\xA9\n-0.05,'x',1\n-12.5,,2\n,\"a,b\",\n3.333,\"q\"\"q\",3\n", options);
  for (const char* sql :
       {"select sum(\"a \"\"b\"\",;\") from t", "select count(*) from t where \"a \"\"b\"\",;\" <= -0.05",
        "select \"SELECT\", avg(\"a \"\"b\"\",;\") from t group by \"SELECT\"",
        "select count(*) from t where \"SELECT\" = 'a,b' or \"SELECT\" = '''x'''",
        "select \"\xC3\xA9\", count(\"\xC3\xA9\") from t group by \"\xC3\xA9\"",
        "select count(*) from t where \"a \"\"b\"\",;\" > -12.505 and \"a \"\"b\"\",;\" < -0.0499"})
    c.expect_truth(sql);
}

TEST(EdgeTest, DatesAtTheEnds) {
  Case c("d,x\n9999-12-31,1\n9999-12-25,2\n,3\n",
         with({{"d", Role::group}, {"d", Role::filter}, {"x", Role::measure}}));
  for (const char* sql : {"select d, sum(x) from t group by d", "select sum(x) from t where d = '9999-12-31'",
                          "select sum(x) from t where d > date '9999-12-25' or d is null"})
    c.expect_truth(sql);
  // Bounds are rounded to tens of days, past the last date there is.
  Case beyond("d,x\n9999-12-31,1\n9999-12-05,2\n", with({{"d", Role::group}, {"x", Role::measure}}));
  beyond.expect_truth("select d, sum(x) from t group by d");
  Case wide("d,x\n0001-01-01,1\n9999-12-31,2\n1970-01-01,3\n", with({{"d", Role::filter}, {"x", Role::measure}}));
  for (const char* sql : {"select sum(x) from t where d < '1970-01-01'", "select sum(x) from t where d >= '1970-01-01'",
                          "select sum(x) from t where d <> '0001-01-01'"})
    wide.expect_truth(sql);
}

TEST(EdgeTest, ManyGroups) {
  std::string csv = "g,h,x,y\n";
  for (int i = 0; i < 700; ++i)
    csv += (i % 97 == 0 ? "" : std::to_string(i % 256)) + "," +
           (i % 13 == 0  ? ""
            : i % 2 == 0 ? "p"
                         : "q") +
           "," + std::to_string(i - 350) + "," + (i % 7 == 0 ? "" : std::to_string(i)) + "\n";
  sealed::SealOptions options =
      with({{"g", Role::group}, {"h", Role::group}, {"x", Role::measure}, {"y", Role::measure}, {"y", Role::filter}});
  options.bounds["g"] = {0, 255};
  Case c(csv, options);
  for (const char* sql : {"select g, count(*) from t group by g", "select count(g), count(h) from t",
                          "select h, sum(x) from t where y > 100 group by h"})
    c.expect_truth(sql);
  // Group-only columns in and beside a condition.
  for (const char* sql : {"select count(g) from t where y > 100", "select count(*) from t where h is null",
                          "select h, count(h), count(g) from t where y > 100 group by h",
                          "select h, count(*) from t where h is not null group by h"})
    c.expect_truth(sql);
  c.expect_refusal("select h, sum(x) from t where h is null or y < 30 group by h", ErrorCode::level_exhausted);
}

TEST(EdgeTest, GroupsWithoutFilters) {
  Case c("s,x,y\na,1,2\nb,2,\na,,4\n,4,5\n", with({{"s", Role::group}, {"x", Role::measure}, {"y", Role::measure}}));
  for (const char* sql : {"select s, count(*), sum(x), count(y) from t group by s", "select count(s) from t",
                          "select count(*) from t where s is null", "select sum(x) from t where x is not null"})
    c.expect_truth(sql);
  c.expect_refusal("select sum(y) from t where x is not null and s is null", ErrorCode::refused);
  c.expect_refusal("select s, sum(y) from t where x is not null group by s", ErrorCode::refused);
}

/// What the dialect has and ciphertexts cannot do is refused with its place and the backend that can.
TEST(EdgeTest, QuestionsForTheSandboxAreRefusedByNameAndPlace) {
  Case c("s,k,x\na,1,2\nb,1,3\n", with({{"s", Role::group}, {"k", Role::group}, {"x", Role::measure}}));
  struct Refusal {
    const char *sql, *rule;
    int position;
  };
  for (const auto& [sql, rule, position] : std::initializer_list<Refusal>{
           {"select count(distinct s) from t", "he/distinct", 7},
           {"select 1 + min(x) from t", "he/order", 11},
           {"select max(x) from t", "he/order", 7},
           {"select median(x) from t", "he/order", 7},
           {"select count(*) from t a join t b on a.k = b.k", "he/tables", 30},
           {"select count(*) from (select s from t) d", "he/tables", 29},
           {"select s, k, x, count(*) from t group by s, k, x", "he/group-by-columns", 13}}) {
    SCOPED_TRACE(sql);
    const auto got = c.ask(sql);
    ASSERT_FALSE(got) << *got;
    EXPECT_EQ(got.error().code, ErrorCode::unsupported);
    EXPECT_EQ(got.error().detail,
              "rule=" + std::string(rule) + " position=" + std::to_string(position) + " accepted_by=dp_sandbox");
    EXPECT_NE(got.error().message.find("--backend dp_sandbox"), std::string::npos) << got.error().message;
  }
}

TEST(EdgeTest, ConditionsOnTheGroupColumnItself) {
  Case c(
      "s,k,x\na,1,2\nb,1,3\na,2,\n,2,5\nb,,7\n",
      with({{"s", Role::group}, {"s", Role::filter}, {"k", Role::group}, {"k", Role::filter}, {"x", Role::measure}}));
  for (const char* sql :
       {"select s, sum(x) from t where s = 'a' group by s", "select s, sum(x) from t where s <> 'a' group by s",
        "select s, k, sum(x), count(*) from t where s is null or k = 1 group by s, k",
        "select k, count(s) from t where s >= 'b' or k is null group by k",
        "select k, count(k) from t where not (s = 'a' and k > 1) group by k having count(*) > 1"})
    c.expect_truth(sql);
}

TEST(EdgeTest, PaddedEmptyAndMeasuresOnly) {
  sealed::SealOptions options = with({{"x", Role::measure}, {"y", Role::measure}});
  options.pad_rows_to = 3000;
  Case c("x,y\n1,\n2,3\n,4\n", options);
  for (const char* sql : {"select count(*), sum(x), count(y) from t", "select avg(x), var_pop(y) from t",
                          "select count(*) from t where 1 = 0"})
    c.expect_truth(sql);
  options = with({{"x", Role::filter}, {"s", Role::group}});
  options.pad_rows_to = 100;
  Case empty("x,s\n", options);
  for (const char* sql : {"select count(*), count(x) from t", "select count(*) from t where x is null",
                          "select s, count(*) from t where x is null group by s"})
    empty.expect_truth(sql);
}

}  // namespace
}  // namespace prism::backend::he
