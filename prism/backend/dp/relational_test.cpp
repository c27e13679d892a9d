// Generated statements against a slow reading of the same plan, row by row, on tables full of extreme values.
#include "prism/backend/dp/relational.h"

#include <gtest/gtest.h>

#include <algorithm>
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
    std::string from = one_of(froms);
    // The first name that holds the columns asked for below.
    const std::string t = from.substr(0, 1) == "(" ? from.substr(from.find(") AS ") + 5, 1) : from.substr(0, 1);
    const bool has_word = from.find("w,") != std::string::npos || from[0] != '(';
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
    if (below(2) == 0) out.groups_per_unit = 1 + below(4);
    if (below(4) == 0)
      out.keep = {
          sql::Predicate::Kind::test, {.column = one_of(numbers), .intervals = {interval()}, .null_is_true = true}, {}};
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
  for (std::uint64_t seed = 1; seed <= rounds(60); ++seed) {
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
      if (!facts->is_private) EXPECT_EQ(slow.most_rows_of_unit(), 0u);
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
  EXPECT_GT(answered, 200u);
  EXPECT_GT(bounded, 10u);
}

}  // namespace
}  // namespace prism::backend::dp
