// Generated statements against a slow reading of the same plan, row by row, on tables full of extreme values.
#include "prism/backend/dp/relational.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>

#include "prism/backend/dp/internal/relation_sql.h"
#include "prism/backend/dp/internal/slow_relation_test.h"
#include "prism/backend/dp/relational_load.h"
#include "prism/sql/sql.h"
#include "prism/table/utf8.h"

namespace prism::backend::dp {
namespace {

using table::ColumnType;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr RowKey kKey = {1, 2, 3};

std::size_t rounds(std::size_t usual) { return std::getenv("PRISM_LONG") != nullptr ? 20 * usual : usual; }

const std::vector<std::string> kWords = {
    "", "a", "a'b", "\"q\"", "ä", "日本", "$1", "; DROP TABLE t0; --", "\xF4\x8F\xBF\xBF"};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }
  std::int64_t value() {
    static const std::vector<std::int64_t> extremes = {kLeast, kLeast + 1, kMost, kMost - 1, 0, -1};
    return below(4) == 0 ? one_of(extremes) : static_cast<std::int64_t>(below(12)) - 4;
  }
  sql::Interval interval() {
    std::int64_t low = value(), high = value();
    if (low > high) std::swap(low, high);
    return {low, high};
  }

  table::Column column(ColumnType type, const std::string& name, std::size_t rows, std::size_t variety) {
    table::Column out;
    out.schema = {name, type, 0, true};
    if (type == ColumnType::text) {
      std::set<std::string> words;
      std::vector<std::string> values;
      for (std::size_t i = 0; i < rows; ++i) {
        values.push_back(kWords[below(std::min(variety, kWords.size()))]);
        words.insert(values.back());
      }
      out.dictionary.assign(words.begin(), words.end());
      for (const std::string& word : values) out.values.push_back(std::distance(words.begin(), words.find(word)));
    } else {
      for (std::size_t i = 0; i < rows; ++i)
        out.values.push_back(variety == 0 ? value() : static_cast<std::int64_t>(below(variety)));
    }
    for (std::size_t i = 0; i < rows; ++i) {
      out.valid.push_back(below(8) == 0 ? 0 : 1);
      if (out.valid[i] == 0 && type != ColumnType::text) out.values[i] = 0;
    }
    return out;
  }

  /// a and b private with unit `u`, p public; the number of rows of each may be 0.
  std::vector<table::Table> tables() {
    std::vector<table::Table> out;
    for (const char* const name : {"a", "b", "p"}) {
      const std::size_t rows = below(10) == 0 ? 0 : below(*name == 'p' ? 8 : 40);
      out.push_back({name, rows, {}});
      out.back().columns.push_back(column(ColumnType::integer, "u", rows, 6));
      out.back().columns.push_back(column(ColumnType::integer, "k", rows, 4));
      out.back().columns.push_back(column(ColumnType::text, "w", rows, 4 + below(6)));
      out.back().columns.push_back(column(ColumnType::integer, "x", rows, 0));
      out.back().columns.push_back(column(ColumnType::integer, "y", rows, below(2) * 9));
    }
    return out;
  }
  Layout layout(const std::vector<table::Table>& tables) {
    Layout out;
    for (const table::Table& table : tables) {
      TableLayout& t = out.tables.emplace_back();
      if (table.name != "p") t.unit = 0;
      t.rows_per_unit = t.unit ? 1 + below(5) : 1;
      for (const table::Column& column : table.columns) {
        t.columns.push_back(column.schema);
        t.bounds.emplace_back();
        if (column.schema.type != ColumnType::text && below(3) != 0) t.bounds.back() = interval();
      }
    }
    return out;
  }

  std::string query() {
    static const std::vector<std::string> froms = {
        "a",
        "a",
        "p",
        "a JOIN b ON a.u = b.u",
        "a JOIN b ON a.u = b.u AND a.k = b.k",
        "a JOIN a AS b ON a.u = b.u",
        "a JOIN p ON a.k = p.k",
        "p JOIN a ON a.w = p.w",
        "p JOIN p AS q ON p.k = q.k JOIN a ON a.w = q.w AND a.y = p.y",
        "a JOIN p ON a.k = p.k JOIN b ON b.u = a.u",
        "(SELECT k, w, x, y FROM a WHERE k < 3 OR w = 'a''b') AS a",
        "(SELECT u, k, SUM(x) AS x, COUNT(*) AS y, MIN(y) AS z FROM a WHERE x IS NULL OR x > -3 GROUP BY u, k) AS a",
        "(SELECT u, SUM(x) AS x, COUNT(y) AS y, MAX(x) AS k FROM a GROUP BY u) AS a",
        "(SELECT u, w, COUNT(*) AS k, SUM(y) AS y, SUM(x) AS x FROM a GROUP BY u, w) AS a JOIN b ON a.u = b.u",
        "(SELECT a.u, SUM(p.x) AS x, SUM(b.y) AS y, COUNT(*) AS k FROM a JOIN b ON a.u = b.u JOIN p ON p.k = b.k GROUP "
        "BY a.u) AS a",
        "(SELECT k, COUNT(*) AS y, SUM(x) AS x FROM p GROUP BY k) AS p JOIN a ON a.k = p.k",
        "(SELECT u, SUM(x) AS x, SUM(y) AS y, SUM(k) AS k FROM (SELECT u, k, SUM(x) AS x, SUM(y) AS y FROM a GROUP BY "
        "u, k) AS i GROUP BY u) AS a",
    };
    const std::string from = one_of(froms);
    // All columns asked for below come from the first name: p or a.
    const std::string t = from[0] == 'p' || from.ends_with("AS p JOIN a ON a.k = p.k") ? "p" : "a";
    const bool has_word = from[0] != '(' || from.starts_with("(SELECT k, w") || from.starts_with("(SELECT u, w");
    static const std::vector<std::string> tests = {"",
                                                   "x > 3",
                                                   "x <> 0",
                                                   "k IN (0, 2, 9) OR y IS NULL",
                                                   "NOT (y BETWEEN -2 AND 3)",
                                                   "x >= -9223372036854775808",
                                                   "y < 9223372036854775807 AND k = 1",
                                                   "1 = 0"};
    static const std::vector<std::string> word_tests = {"w >= 'a''b'", "w LIKE 'a%'",
                                                        "w IN ('$1', '日本') OR w IS NULL", "w <> ''", "NOT (w < 'ä')"};
    std::string test = has_word && below(3) == 0 ? one_of(word_tests) : one_of(tests);
    std::string qualified;
    for (std::size_t i = 0; i < test.size(); ++i) {
      const bool name = std::string("xkyw").find(test[i]) != std::string::npos &&
                        (i == 0 || test[i - 1] == ' ' || test[i - 1] == '(') && i + 1 < test.size() &&
                        test[i + 1] == ' ';
      qualified += name ? t + "." + test[i] : std::string(1, test[i]);
    }
    static const std::vector<std::string> keys = {"", "", "k", "k, y"};
    static const std::vector<std::string> word_keys = {"w", "w, k"};
    std::string group = has_word && below(2) == 0 ? one_of(word_keys) : one_of(keys);
    std::string listed;
    for (const char c : group) listed += c == ',' || c == ' ' ? std::string(1, c) : t + "." + c;
    return "SELECT COUNT(*), SUM(" + t + ".x), SUM(" + t + ".y) FROM " + from +
           (qualified.empty() ? "" : " WHERE " + qualified) + (listed.empty() ? "" : " GROUP BY " + listed);
  }

  AggregateRequest request(const sql::Plan& plan, const RelationFacts& facts) {
    AggregateRequest out;
    std::vector<std::size_t> numbers, all;
    for (std::size_t i = 0; i < plan.catalog.columns.size(); ++i) {
      all.push_back(i);
      if (plan.catalog.columns[i].type != ColumnType::text) numbers.push_back(i);
    }
    const auto bounds = [&](std::size_t column) {
      return facts.columns[column].bounds && below(3) != 0 ? *facts.columns[column].bounds : interval();
    };
    const auto narrow = [&](sql::Interval wide) {
      const std::int64_t low = std::clamp<std::int64_t>(wide.low, -1'000'000, 1'000'000);
      return sql::Interval{low, std::clamp<std::int64_t>(wide.high, low, 1'000'001)};
    };
    out.aggregates.push_back({});
    out.aggregates.push_back({.kind = Aggregate::Kind::values, .columns = {one_of(all)}});
    out.aggregates.push_back({.kind = Aggregate::Kind::values, .columns = {one_of(all), one_of(all)}});
    if (facts.is_private) out.aggregates.push_back({.kind = Aggregate::Kind::units});
    for (int i = 0; i < 2; ++i) {
      const std::size_t c = one_of(numbers), d = one_of(numbers);
      const sql::Interval b = bounds(c);
      out.aggregates.push_back({.kind = Aggregate::Kind::sum, .columns = {c}, .bounds = {b}});
      for (const int degree : {0, 1})
        out.aggregates.push_back({.kind = Aggregate::Kind::bernstein, .columns = {c}, .bounds = {b}, .degree = degree});
      out.aggregates.push_back(
          {.kind = Aggregate::Kind::bernstein, .columns = {c}, .bounds = {narrow(b)}, .degree = 2});
      out.aggregates.push_back(
          {.kind = Aggregate::Kind::product, .columns = {c, d}, .bounds = {narrow(b), narrow(bounds(d))}});
      out.aggregates.push_back({.kind = Aggregate::Kind::product, .columns = {c, d}, .bounds = {b, {-1, 2}}});
      const sql::Interval leaves = bounds(c);
      static const std::vector<std::uint64_t> widths = {1, 3, 1'000'000'000'000'000, std::uint64_t{1} << 63,
                                                        ~std::uint64_t{0}};
      out.histograms.push_back({c, leaves, one_of(widths)});
    }
    if (below(3) != 0) out.groups_per_unit = below(4) == 0 ? 2 : 1;
    if (below(4) == 0)
      out.keep = {sql::Predicate::Kind::test,
                  {.column = one_of(numbers), .intervals = {interval()}, .texts = {}, .null_is_true = true},
                  {}};
    return out;
  }

 private:
  std::mt19937_64 random_;
};

duck::Database database_of(const Layout& layout, const std::vector<table::Table>& tables) {
  auto database = duck::Database::open({.memory_bytes = std::uint64_t{256} << 20, .threads = 1});
  EXPECT_TRUE(database) << database.error().message;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const Status loaded = load_table(*database, layout, i, tables[i], kKey);
    EXPECT_TRUE(loaded) << loaded.error().message;
  }
  return *std::move(database);
}

std::vector<sql::Catalog> catalogs_of(const std::vector<table::Table>& tables) {
  std::vector<sql::Catalog> out;
  for (const table::Table& table : tables) {
    out.push_back({table.name, {}});
    for (const table::Column& column : table.columns) out.back().columns.push_back(column.schema);
  }
  return out;
}

KeyMultiplicity multiplicity_in(duck::Database& database, const Layout& layout) {
  return [&](const sql::Relation& rows, const std::vector<std::size_t>& columns) -> Result<std::uint64_t> {
    PRISM_TRY(const duck::Statement statement, key_multiplicity_statement(rows, layout, columns));
    PRISM_TRY(const duck::Rows answer, database.query(statement));
    return static_cast<std::uint64_t>(answer.columns[0].numbers[0]);
  };
}

/// The engine's own hash, one value at a time.
GroupHash hash_in(duck::Database& database) {
  return [&](const sql::KeyValue& unit, const std::vector<sql::KeyValue>& keys) {
    duck::Statement statement;
    const auto add = [&](const sql::KeyValue& value) {
      statement.parameters.push_back(std::visit([](const auto& v) { return duck::Value(v); }, value));
      statement.text += (statement.text.empty() ? "SELECT hash($" : ", $") +
                        std::to_string(statement.parameters.size()) +
                        (std::holds_alternative<std::string>(value) ? "::VARCHAR" : "::BIGINT");
    };
    add(unit);
    for (const sql::KeyValue& key : keys) add(key);
    statement.text += ")";
    const auto rows = database.query(statement);
    EXPECT_TRUE(rows) << rows.error().message;
    return static_cast<std::uint64_t>(rows->columns[0].numbers[0]);
  };
}

void expect_same(const std::vector<GroupNumbers>& got, const std::vector<GroupNumbers>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].keys, want[i].keys) << i;
    EXPECT_EQ(got[i].leaves, want[i].leaves) << i;
    ASSERT_EQ(got[i].numbers.size(), want[i].numbers.size());
    for (std::size_t k = 0; k < got[i].numbers.size(); ++k)
      for (std::size_t d = 0; d < got[i].numbers[k].size(); ++d)
        EXPECT_EQ(to_string(got[i].numbers[k][d]), to_string(want[i].numbers[k][d]))
            << "group " << i << ", aggregate " << k << ", number " << d;
  }
}

table::Table shuffled(const table::Table& table, std::mt19937_64& random) {
  std::vector<std::size_t> order(table.rows);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  table::Table out = table;
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    for (std::size_t i = 0; i < order.size(); ++i) {
      out.columns[c].values[i] = table.columns[c].values[order[i]];
      out.columns[c].valid[i] = table.columns[c].valid[order[i]];
    }
  return out;
}

/// Everything at once: extreme values never make a statement fail, numbers are those of the slow reading, units stay
/// within their rows, and the order of rows changes nothing.
TEST(RelationalTest, StatementsAgreeWithTheSlowReading) {
  std::size_t answered = 0, bounded = 0;
  for (std::uint64_t seed = 1; seed <= rounds(14); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    const std::vector<table::Table> tables = world.tables();
    const Layout layout = world.layout(tables);
    duck::Database database = database_of(layout, tables);
    std::mt19937_64 random(seed);
    std::vector<table::Table> others;
    for (const table::Table& table : tables) others.push_back(shuffled(table, random));
    duck::Database permuted = database_of(layout, others);
    for (int i = 0; i < 6; ++i) {
      const std::string text = world.query();
      SCOPED_TRACE(text);
      const auto plan = sql::plan_query(text, catalogs_of(tables));
      ASSERT_TRUE(plan) << plan.error().message;
      const auto facts = analyse(*plan, layout, multiplicity_in(database, layout));
      ASSERT_TRUE(facts) << facts.error().message;
      const AggregateRequest request = world.request(*plan, *facts);
      const auto query = AggregateQuery::make(*plan, layout, *facts, request);
      ASSERT_TRUE(query) << query.error().message;
      SCOPED_TRACE(query->statements()[0].text);
      const auto got = query->run(database);
      ASSERT_TRUE(got) << got.error().message;
      const SlowRelation slow(*plan, layout, *facts, tables, kKey);
      EXPECT_LE(slow.most_rows_of_unit(), facts->rows_per_unit);
      if (!facts->is_private) {
        EXPECT_EQ(slow.most_rows_of_unit(), 0u);
      }
      const std::vector<GroupNumbers> want = slow.groups(request, hash_in(database));
      expect_same(*got, want);
      answered += got->size();
      AggregateRequest unbounded = request;
      unbounded.groups_per_unit.reset();
      bounded += slow.groups(unbounded, hash_in(database)) != want ? 1 : 0;
      const auto again = query->run(permuted);
      ASSERT_TRUE(again) << again.error().message;
      expect_same(*again, *got);
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(answered, 60u);
  EXPECT_GT(bounded, 1u);
}

/// What is public about a database of these tables, with unit column 0 where `units` says so.
Layout plain_layout(const std::vector<table::Table>& tables, const std::string& private_names,
                    std::uint64_t rows_per_unit) {
  Layout layout;
  for (const table::Table& table : tables) {
    TableLayout& t = layout.tables.emplace_back();
    if (private_names.find(table.name) != std::string::npos) t.unit = 0;
    t.rows_per_unit = t.unit ? rows_per_unit : 1;
    for (const table::Column& column : table.columns) t.columns.push_back(column.schema);
    t.bounds.resize(t.columns.size());
  }
  return layout;
}

Result<RelationFacts> facts_of(const std::string& text, const Layout& layout, const std::vector<table::Table>& tables,
                               std::uint64_t multiplicity) {
  PRISM_TRY(const sql::Plan plan, sql::plan_query(text, catalogs_of(tables)));
  return analyse(plan, layout, [&](const sql::Relation&, const std::vector<std::size_t>&) -> Result<std::uint64_t> {
    return multiplicity;
  });
}

TEST(RelationalTest, RowsPerUnitFollowThroughJoinsAndDerivedTables) {
  const std::vector<table::Table> tables = World(1).tables();
  Layout layout = plain_layout(tables, "ab", 5);
  layout.tables[0].bounds[3] = sql::Interval{-2, 10};
  layout.tables[0].bounds[4] = sql::Interval{4, kMost};
  const auto rows = [&](const std::string& text) -> std::uint64_t {
    const auto facts = facts_of(text, layout, tables, 7);
    return facts ? facts->rows_per_unit : 0;
  };
  EXPECT_EQ(rows("SELECT COUNT(*) FROM a"), 5u);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM a JOIN b ON a.u = b.u"), 25u);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM a JOIN p ON a.k = p.k"), 35u);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM p JOIN a ON a.k = p.k"), 35u);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM a JOIN b ON a.u = b.u JOIN p ON p.k = b.k"), 175u);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM (SELECT u, COUNT(*) AS n FROM a GROUP BY u) AS d"), 1u);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM (SELECT u, k, COUNT(*) AS n FROM a GROUP BY u, k) AS d"), 5u);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM (SELECT u, COUNT(*) AS n FROM a GROUP BY u) AS d JOIN b ON b.u = d.u"), 5u);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM p"), 1u);

  const auto sums = facts_of(
      "SELECT SUM(x) FROM (SELECT u, SUM(x) AS x, SUM(y) AS y, COUNT(*) AS n, MAX(x) AS m FROM a GROUP BY u) AS d",
      layout, tables, 7);
  ASSERT_TRUE(sums) << sums.error().message;
  EXPECT_TRUE(sums->columns[0].is_unit);
  EXPECT_EQ(sums->columns[0].origin, (ColumnOrigin{0, 0}));
  EXPECT_EQ(sums->columns[1].bounds, (sql::Interval{-10, 50}));
  EXPECT_EQ(sums->columns[2].bounds, (sql::Interval{4, kMost}));
  EXPECT_EQ(sums->columns[3].bounds, (sql::Interval{0, 5}));
  EXPECT_EQ(sums->columns[4].bounds, (sql::Interval{-2, 10}));
}

TEST(RelationalTest, WhatDoesNotKeepTheUnitIsRefused) {
  const std::vector<table::Table> tables = World(1).tables();
  const Layout layout = plain_layout(tables, "ab", 5);
  const auto rule = [&](const std::string& text, std::uint64_t multiplicity) {
    const auto facts = facts_of(text, layout, tables, multiplicity);
    return facts ? std::string() : facts.error().detail;
  };
  const std::string by_other = "SELECT COUNT(*) FROM a JOIN b ON a.k = b.k";
  EXPECT_EQ(rule(by_other, 1), "rule=dp/join position=" + std::to_string(by_other.find("a.k")));
  EXPECT_TRUE(rule("SELECT COUNT(*) FROM a JOIN b ON a.u = b.k", 1).starts_with("rule=dp/join"));
  EXPECT_TRUE(rule("SELECT COUNT(*) FROM p JOIN a ON a.k = p.k JOIN b ON b.u = p.u", 1).starts_with("rule=dp/join"));
  EXPECT_TRUE(
      rule("SELECT COUNT(*) FROM (SELECT k, COUNT(*) AS n FROM a GROUP BY k) AS d", 1).starts_with("rule=dp/derived"));
  EXPECT_TRUE(rule("SELECT SUM(n) FROM (SELECT COUNT(*) AS n FROM a) AS d", 1).starts_with("rule=dp/derived"));
  EXPECT_TRUE(rule("SELECT COUNT(*) FROM a JOIN p ON a.k = p.k", 1'000'000'000).starts_with("rule=dp/rows"));
  // A sum by unit is no unit, whatever it is called.
  EXPECT_TRUE(
      rule(
          "SELECT COUNT(*) FROM (SELECT SUM(u) AS u, k FROM p GROUP BY k) AS d JOIN a ON a.u = d.u JOIN b ON b.u = d.u",
          1)
          .starts_with("rule=dp/join"));
}

TEST(RelationalTest, BoundsThatCouldOverflowAreRefused) {
  const std::vector<table::Table> tables = World(1).tables();
  const Layout layout = plain_layout(tables, "a", 1);
  const auto plan = sql::plan_query("SELECT SUM(x) FROM a", catalogs_of(tables));
  ASSERT_TRUE(plan);
  const auto facts = facts_of("SELECT SUM(x) FROM a", layout, tables, 1);
  ASSERT_TRUE(facts);
  const auto made = [&](Aggregate aggregate) {
    return AggregateQuery::make(*plan, layout, *facts, {.aggregates = {std::move(aggregate)}}).has_value();
  };
  using Kind = Aggregate::Kind;
  EXPECT_TRUE(made({Kind::sum, {3}, {{kLeast, kMost}}}));
  EXPECT_TRUE(made({Kind::bernstein, {3}, {{kLeast, kMost}}, 1}));
  EXPECT_TRUE(made({Kind::bernstein, {3}, {{kMost - (std::int64_t{1} << 42) + 1, kMost}}, 2}));
  EXPECT_FALSE(made({Kind::bernstein, {3}, {{kMost - (std::int64_t{1} << 42), kMost}}, 2}));
  EXPECT_FALSE(made({Kind::bernstein, {3}, {{kLeast, kMost}}, 2}));
  EXPECT_TRUE(made({Kind::product, {3, 4}, {{0, std::int64_t{1} << 43}, {-(std::int64_t{1} << 42), 1}}}));
  EXPECT_FALSE(made({Kind::product, {3, 4}, {{0, std::int64_t{1} << 43}, {-(std::int64_t{1} << 43), 1}}}));
  EXPECT_FALSE(made({Kind::product, {3, 4}, {{kLeast, 0}, {kLeast, 0}}}));
  EXPECT_FALSE(made({Kind::sum, {2}, {{0, 1}}}));  // text
  EXPECT_FALSE(made({Kind::sum, {3}, {{1, 0}}}));
  EXPECT_FALSE(made({Kind::sum, {9}, {{0, 1}}}));
}

/// Names, constants and text of users are nowhere in a statement: all it is made of are names of ours.
TEST(RelationalTest, StatementsHoldNothingOfTheUser) {
  World world(7);
  for (int i = 0; i < 100; ++i) {
    const std::vector<table::Table> tables = world.tables();
    const Layout layout = world.layout(tables);
    const std::string text = world.query();
    const auto plan = sql::plan_query(text, catalogs_of(tables));
    ASSERT_TRUE(plan) << plan.error().message;
    const auto facts =
        analyse(*plan, layout, [](const auto&, const auto&) -> Result<std::uint64_t> { return std::uint64_t{1}; });
    ASSERT_TRUE(facts) << facts.error().message;
    const auto query = AggregateQuery::make(*plan, layout, *facts, world.request(*plan, *facts));
    ASSERT_TRUE(query) << query.error().message;
    static const std::set<std::string> known = {
        "SELECT", "FROM",     "WHERE", "GROUP",     "BY",      "AS",         "ON",    "JOIN",   "AND",     "OR",
        "NOT",    "NULL",     "IS",    "IN",        "BETWEEN", "CASE",       "WHEN",  "THEN",   "ELSE",    "END",
        "FILTER", "DISTINCT", "OVER",  "PARTITION", "ORDER",   "TRUE",       "FALSE", "BIGINT", "HUGEINT", "VARCHAR",
        "count",  "sum",      "min",   "max",       "hash",    "dense_rank", "u",     "g",      "n",       "different"};
    for (const duck::Statement& statement : query->statements()) {
      std::string word;
      for (const char c : statement.text + " ") {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
          word += c;
          continue;
        }
        ASSERT_NE(std::string(" ,.()*+-/<>=:$").find(c), std::string::npos) << statement.text;
        const bool numbered = word.size() > 1 && std::string("tcor").find(word[0]) != std::string::npos &&
                              word.find_first_not_of("0123456789", 1) == std::string::npos;
        const bool place = word.find_first_not_of("0123456789") == std::string::npos;
        ASSERT_TRUE(word.empty() || numbered || place || known.contains(word)) << word << " in " << statement.text;
        word.clear();
      }
    }
  }
}

TEST(RelationalTest, BoundsOfTextThatIsNoTextMeanTheSame) {
  // All texts of up to two of these characters, held against all bounds of up to three of these bytes.
  const std::vector<std::string> characters = {
      "a", "\x7F", "\xC2\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"};
  const std::string bytes = "a\x7F\x80\xBF\xC2\xED\xEE\xF4\xFF";
  std::vector<std::string> texts = {""}, bounds = {""};
  for (const std::string& c : characters) {
    texts.push_back(c);
    for (const std::string& d : characters) texts.push_back(c + d);
  }
  for (std::size_t from = 0, length = 0; length < 3; ++length)
    for (const std::size_t to = bounds.size(); from < to; ++from)
      for (const char c : bytes) bounds.push_back(bounds[from] + c);
  for (const std::string& bound : bounds) {
    const std::optional<std::string> valid = valid_text_from(bound);
    if (valid) {
      table::Utf8Validator validator;
      ASSERT_TRUE(!validator.feed(*valid) && validator.complete());
    }
    for (const std::string& text : texts)
      ASSERT_EQ(text >= bound, valid && text >= *valid) << testing::PrintToString(bound);
  }
}

}  // namespace
}  // namespace prism::backend::dp
