// What dp_sandbox reads through its engine, held against the oracle: with bounds that clamp nothing and drop nothing,
// the numbers of generated statements, finished without noise, are the exact answers. PRISM_LONG=1 asks ten times as
// many.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "prism/backend/clear/clear.h"
#include "prism/backend/dp/relational.h"
#include "prism/backend/dp/relational_load.h"
#include "prism/sql/finish.h"
#include "prism/sql/sql.h"
#include "prism/table/read_csv.h"
#include "tests/queries/relation_generator.h"

namespace prism::queries {
namespace {

namespace engine = backend::dp;
using engine::Aggregate;
using table::ColumnType;

constexpr engine::RowKey kKey = {42};
constexpr sql::Interval kAll = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
/// For squares and products of derived columns, whose bounds nobody declared; the tables below stay inside.
constexpr sql::Interval kModerate = {-(std::int64_t{1} << 41), (std::int64_t{1} << 41) - 1};

/// Tables in an engine, declared exactly as they are.
class Store {
 public:
  /// `units`: one name per table; empty for a public one.
  Store(std::vector<table::Table> tables, const std::vector<std::string>& units)
      : tables_(std::move(tables)), database_(*duck::Database::open({.memory_bytes = std::uint64_t{1} << 30})) {
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const table::Table& table = tables_[i];
      engine::TableLayout& t = layout_.tables.emplace_back();
      std::vector<std::size_t> places;
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const table::Column& column = table.columns[c];
        t.columns.push_back(column.schema);
        t.bounds.emplace_back();
        if (column.schema.type != ColumnType::text) t.bounds.back() = sql::Interval{column.min, column.max};
        if (column.schema.name == units[i]) t.unit = c;
        places.push_back(c);
      }
      if (t.unit)
        t.rows_per_unit = std::max<std::uint64_t>(1, engine::bounded_rows(t, table, places, kKey)->most_rows_of_unit);
      catalogs_.push_back(backend::clear::catalog_of(table));
      pointers_.push_back(&table);
      const Status loaded = engine::load_table(database_, layout_, i, table, kKey);
      EXPECT_TRUE(loaded) << loaded.error().message;
    }
  }

  const std::vector<table::Table>& tables() const { return tables_; }

  /// False when the statement's bounds would be too wide: nothing was compared.
  bool compare(const std::string& text) {
    SCOPED_TRACE(text);
    const auto plan = sql::plan_query(text, catalogs_);
    if (!plan) {
      ADD_FAILURE() << plan.error().message;
      return false;
    }
    const auto facts = engine::analyse(
        *plan, layout_,
        [&](const sql::Relation& rows, const std::vector<std::size_t>& columns) -> Result<std::uint64_t> {
          PRISM_TRY(const duck::Statement statement, engine::key_multiplicity_statement(rows, layout_, columns));
          PRISM_TRY(const duck::Rows answer, database_.query(statement));
          return static_cast<std::uint64_t>(answer.columns[0].numbers[0]);
        });
    if (!facts) {
      ADD_FAILURE() << facts.error().message;
      return false;
    }
    for (const sql::Primitive& p : plan->primitives)
      if (p.kind == sql::Primitive::Kind::count_distinct &&
          plan->catalog.columns[p.columns[0]].type == ColumnType::text)
        return false;  // only units and numbers are counted
    const Request request = request_for(*plan, *facts);
    const auto query = engine::AggregateQuery::make(*plan, layout_, *facts, request.whole);
    if (!query) {
      EXPECT_EQ(query.error().detail, "rule=dp/range position=-1") << query.error().message;
      return false;
    }
    SCOPED_TRACE(query->statements()[0].text);
    const auto numbers = query->run(database_);
    if (!numbers) {
      ADD_FAILURE() << numbers.error().message;
      return false;
    }
    std::vector<sql::GroupValues> groups;
    for (const engine::GroupNumbers& group : *numbers)
      groups.push_back({group.keys, primitives_of(*plan, request, group)});
    const auto got = sql::finish(*plan, groups);
    const auto want = backend::clear::answer(*plan, pointers_);
    if (!got || !want) {
      ADD_FAILURE() << (got ? want.error().message : got.error().message);
      return false;
    }
    EXPECT_EQ(table::to_csv(*got), table::to_csv(*want));
    EXPECT_EQ(got->columns, want->columns);
    return true;
  }

 private:
  /// What to read for each primitive: an aggregate, or a histogram.
  struct Request {
    engine::AggregateRequest whole;
    std::vector<std::optional<std::size_t>> histograms;  ///< as the plan's primitives
  };
  Request request_for(const sql::Plan& plan, const engine::RelationFacts& facts) const {
    Request out;
    const auto bounds = [&](std::size_t column, sql::Interval otherwise) {
      return facts.columns[column].bounds.value_or(otherwise);
    };
    for (const sql::Primitive& p : plan.primitives) {
      Aggregate aggregate;
      std::optional<std::size_t> histogram;
      switch (p.kind) {
        case sql::Primitive::Kind::count:
          if (!p.columns.empty()) aggregate = {.kind = Aggregate::Kind::values, .columns = p.columns};
          break;
        case sql::Primitive::Kind::sum:
          if (p.columns.size() == 1) {
            aggregate = {
                .kind = Aggregate::Kind::bernstein, .columns = p.columns, .bounds = {bounds(p.columns[0], kAll)}};
          } else if (p.columns[0] == p.columns[1]) {
            const std::size_t c = p.columns[0];
            aggregate = {
                .kind = Aggregate::Kind::bernstein, .columns = {c}, .bounds = {bounds(c, kModerate)}, .degree = 2};
          } else {
            aggregate = {.kind = Aggregate::Kind::product,
                         .columns = p.columns,
                         .bounds = {bounds(p.columns[0], kModerate), bounds(p.columns[1], kModerate)}};
          }
          break;
        case sql::Primitive::Kind::count_distinct:
          if (facts.columns[p.columns[0]].is_unit) {
            aggregate = {.kind = Aggregate::Kind::units};
            break;
          }
          [[fallthrough]];
        case sql::Primitive::Kind::minimum:
        case sql::Primitive::Kind::maximum:
        case sql::Primitive::Kind::quantile:
          histogram = out.whole.histograms.size();
          out.whole.histograms.push_back({p.columns[0], bounds(p.columns[0], kAll), 1});
          break;
      }
      out.whole.aggregates.push_back(aggregate);
      out.histograms.push_back(histogram);
    }
    return out;
  }

  static std::vector<Int128> primitives_of(const sql::Plan& plan, const Request& request,
                                           const engine::GroupNumbers& group) {
    std::vector<Int128> out;
    for (std::size_t i = 0; i < plan.primitives.size(); ++i) {
      const sql::Primitive& p = plan.primitives[i];
      const Aggregate& a = request.whole.aggregates[i];
      const std::vector<Int128>& n = group.numbers[i];
      const auto histogram = request.histograms[i];
      const std::vector<engine::LeafCount> leaves =
          histogram ? group.leaves[*histogram] : std::vector<engine::LeafCount>();
      Int128 count = 0;
      for (const engine::LeafCount& leaf : leaves) count += leaf.count;
      const auto at = [&](Int128 place) {  // the value at a place, counted from 1
        for (const engine::LeafCount& leaf : leaves)
          if ((place -= leaf.count) <= 0)
            return request.whole.histograms[*histogram].bounds.low + static_cast<Int128>(leaf.leaf);
        return Int128{0};
      };
      if (p.kind == sql::Primitive::Kind::count) {
        out.push_back(n[0]);
      } else if (p.kind == sql::Primitive::Kind::count_distinct) {
        out.push_back(a.kind == Aggregate::Kind::units ? n[0] : static_cast<Int128>(leaves.size()));
      } else if (p.kind == sql::Primitive::Kind::minimum) {
        out.push_back(at(1));
      } else if (p.kind == sql::Primitive::Kind::maximum) {
        out.push_back(at(count));
      } else if (p.kind == sql::Primitive::Kind::quantile) {
        out.push_back(at(std::max<Int128>(1, (count * p.fraction_nano + 999'999'999) / 1'000'000'000)));
      } else if (a.kind == Aggregate::Kind::product) {
        out.push_back(n[0]);
      } else {
        // From Bernstein sums to powers: the parts add up to W^d per value, which gives the count; one value for W = 0.
        const Int128 low = a.bounds[0].low, width = a.bounds[0].high - low;
        if (a.degree == 1) {
          out.push_back(width == 0 ? low * counted(plan, group, p) : n[0] + (n[0] + n[1]) / width * low);
        } else if (width == 0) {
          out.push_back(low * low * counted(plan, group, p));
        } else {
          const Int128 values = (n[0] + n[1] + n[2]) / width / width, first = (2 * n[0] + n[1]) / (2 * width);
          out.push_back(n[0] + 2 * low * first + low * low * values);
        }
      }
    }
    return out;
  }
  /// How many values a sum has: the plan counts them, or all rows where the column has no NULLs.
  static Int128 counted(const sql::Plan& plan, const engine::GroupNumbers& group, const sql::Primitive& sum) {
    for (std::size_t i = 0; i < plan.primitives.size(); ++i)
      if (plan.primitives[i].kind == sql::Primitive::Kind::count &&
          std::set<std::size_t>(plan.primitives[i].columns.begin(), plan.primitives[i].columns.end()) ==
              std::set<std::size_t>(sum.columns.begin(), sum.columns.end()))
        return group.numbers[i][0];
    for (std::size_t i = 0; i < plan.primitives.size(); ++i)
      if (plan.primitives[i].kind == sql::Primitive::Kind::count && plan.primitives[i].columns.empty())
        return group.numbers[i][0];
    ADD_FAILURE() << "a sum without its count";
    return 0;
  }

  std::vector<table::Table> tables_;
  std::vector<const table::Table*> pointers_;
  std::vector<sql::Catalog> catalogs_;
  engine::Layout layout_;
  duck::Database database_;
};

table::Table csv(const std::string& name, const std::string& text) {
  auto table = table::read_csv_text(name, text);
  EXPECT_TRUE(table) << table.error().message;
  return *std::move(table);
}

Result<table::Table> file(const std::string& name, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "no file ", path);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return table::read_csv_text(name, bytes);
}

std::string shared_data(const std::string& name) {
  const char* const given = std::getenv("PRISM_SHARED");
  return (given != nullptr ? std::string(given) : std::string(PRISM_SOURCE_DIR) + "/../shared") + "/data/" + name;
}

TEST(StatementsTest, AwkwardTablesAnswerExactly) {
  // Limits of 64 bits, NULLs, an empty column, quotes, bytes beyond ASCII, dates before 1970.
  const std::string visits =
      "u,k,w,x,y,d,t\n"
      "1,0,\"a'b\",9223372036854775807,5,-1.50,1969-12-31\n"
      "1,1,\"\",-9223372036854775808,-7,2.25,2024-02-29\n"
      "2,0,ä,0,,0.00,\n"
      "2,,\"\"\"q\"\"\",9223372036854775807,1,,1900-01-01\n"
      "3,2,; DROP TABLE t0; --,,12,100.01,1969-12-31\n"
      "3,2,,17,12,-0.01,2024-03-01\n"
      ",1,ä,9223372036854775807,3,7.00,2024-03-01\n"
      "4,1,日本,-1,,,\n";
  const std::string people = "u,s,v\n1,x,3\n1,y,-4\n2,x,\n3,,9\n5,x,1\n";
  const std::string names = "k,w,z\n0,ä,10\n0,日本,20\n1,ä,30\n,x,40\n2,\"a'b\",\n";
  // The oracle has no privacy unit, so rows without one must go before both read the table.
  const std::string with_unit = visits.substr(0, visits.find(",1,ä,9223")) + visits.substr(visits.find("4,1,"));
  std::size_t compared = 0;
  for (const bool is_private : {false, true}) {
    Store store({csv("a", is_private ? with_unit : visits), csv("b", people), csv("p", names)},
                {is_private ? "u" : "", is_private ? "u" : "", ""});
    for (const char* const text : {
             "SELECT COUNT(*), COUNT(x), SUM(x), AVG(x), MIN(x), MAX(x), MEDIAN(x), COUNT(DISTINCT x) FROM a",
             "SELECT SUM(y*y), VAR_POP(y), STDDEV_SAMP(d), SUM(y*d), AVG(2*y + 1), SUM(d) FROM a",
             "SELECT k, COUNT(*), SUM(y), VARIANCE(d) FROM a GROUP BY k ORDER BY k",
             "SELECT w, k, COUNT(*), SUM(x) FROM a GROUP BY w, k HAVING COUNT(*) > 0 ORDER BY w DESC LIMIT 4",
             "SELECT t, COUNT(*), MIN(t), MAX(t) FROM a GROUP BY t",
             "SELECT COUNT(*) FROM a WHERE w LIKE 'a%' OR w >= 'ä'",
             "SELECT COUNT(*) FROM a WHERE NOT (w < 'ä') AND (x > 3 OR x IS NULL)",
             "SELECT COUNT(*) FROM a WHERE x = 9223372036854775807 OR x = -9223372036854775808",
             "SELECT COUNT(*), SUM(y) FROM a WHERE t BETWEEN '1950-01-01' AND '2024-02-29' OR d IN (7, -1.5, 0)",
             "SELECT COUNT(*), SUM(x), MIN(y), AVG(d) FROM a WHERE 1 = 0",
             "SELECT k, COUNT(*) FROM a WHERE 1 = 0 GROUP BY k",
             "SELECT QUANTILE(y, 0), QUANTILE(y, 0.3), QUANTILE(y, 1), MEDIAN(d), COUNT(DISTINCT d) FROM a",
             "SELECT COUNT(*), SUM(a.y), SUM(b.v), SUM(a.y*b.v) FROM a JOIN b ON a.u = b.u",
             "SELECT b.s, COUNT(*), MAX(a.x), COUNT(DISTINCT a.u) FROM a JOIN b ON a.u = b.u GROUP BY b.s",
             "SELECT a.k, b.k, COUNT(*) FROM a JOIN a AS b ON a.u = b.u WHERE a.y < 6 AND b.y > 0 GROUP BY a.k, b.k",
             "SELECT p.z, COUNT(*), SUM(a.y), MEDIAN(a.y) FROM a JOIN p ON a.w = p.w AND a.k = p.k GROUP BY p.z",
             "SELECT COUNT(*), SUM(p.z) FROM p JOIN a ON a.k = p.k JOIN b ON b.u = a.u",
             "SELECT COUNT(*), SUM(n), AVG(s), VAR_POP(n), MAX(m) FROM (SELECT u, COUNT(*) AS n, SUM(y) AS s, MIN(d) "
             "AS m FROM a GROUP BY u) AS g",
             "SELECT n, COUNT(*), SUM(s) FROM (SELECT u, k, COUNT(y) AS n, SUM(x) AS s FROM a GROUP BY u, k) AS g "
             "GROUP BY n",
             "SELECT SUM(g.n), SUM(b.v) FROM (SELECT u, COUNT(*) AS n FROM a WHERE x > 0 GROUP BY u) AS g JOIN b ON "
             "g.u = b.u",
             "SELECT COUNT(*), SUM(s) FROM (SELECT u, SUM(s) AS s FROM (SELECT u, k, SUM(y) AS s FROM a GROUP BY u, k) "
             "AS i GROUP BY u) AS o",
             "SELECT w, SUM(y) FROM (SELECT w, y FROM a WHERE k = 1 OR k IS NULL) AS g WHERE y > -3 GROUP BY w",
             "SELECT COUNT(DISTINCT u) FROM a WHERE y > 0",
             "SELECT COUNT(*), SUM(z) FROM p",
         })
      compared += store.compare(text) ? 1 : 0;
  }
  // Where the unit must be kept, "a.u = b.u" does; squares of x are never asked for, so nothing is too wide.
  EXPECT_EQ(compared, 48u);
}

/// The longest lists and deepest brackets that the dialect takes are not too much for the engine.
TEST(StatementsTest, LongAndDeepConditionsAnswerExactly) {
  std::string rows = "y,w\n";
  for (int i = 0; i < 3'000; ++i) rows += std::to_string(i) + ",w" + std::to_string(i) + "\n";
  Store store({csv("a", rows)}, {""});
  std::string numbers, words, deep = "y = 1";
  for (int i = 0; i < 1'000; ++i) {
    numbers += (i == 0 ? "" : ", ") + std::to_string(2 * i);
    words += (i == 0 ? "'w" : ", 'w") + std::to_string(2 * i) + "'";
  }
  for (int i = 0; i < 90; ++i)
    deep = "(" + deep +
           (i % 2 == 0 ? " OR w = 'w" + std::to_string(i) + "')" : " AND y < " + std::to_string(3'000 - i) + ")");
  for (const std::string& condition : {"y IN (" + numbers + ")", "y NOT IN (" + numbers + ")", "w IN (" + words + ")",
                                       "w NOT IN (" + words + ")", deep})
    EXPECT_TRUE(store.compare("SELECT COUNT(*), SUM(y) FROM a WHERE " + condition));
}

/// Questions with everything the dialect has, over joins and derived tables of a, b (private) and p (public).
class Questions {
 public:
  explicit Questions(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

  std::string table(bool with_unit, std::size_t rows, bool extreme = true) {
    static const std::vector<std::string> words = {"", "\"\"", "a", "\"a'b\"", "ä", "日本", "z z", "$1"};
    static const std::vector<std::string> extremes = {"9223372036854775807", "-9223372036854775808", "0", "", "-5"};
    static const std::vector<std::string> days = {"", "1969-12-31", "2024-02-29", "0001-01-01", "9999-12-31"};
    std::string out = "u,k,w,x,y,d,t\n";
    for (std::size_t i = 0; i < rows; ++i) {
      const auto maybe = [&](const std::string& value) { return below(7) == 0 ? std::string() : value; };
      const std::string unit = std::to_string(below(9));
      out += (with_unit ? unit : maybe(unit)) + "," + maybe(std::to_string(below(4))) + "," + one_of(words) + "," +
             (extreme ? one_of(extremes) : std::to_string(below(50))) + "," +
             maybe(std::to_string(static_cast<int>(below(2001)) - 1000)) + "," +
             maybe(std::to_string(static_cast<int>(below(90)) - 45) + "." + std::to_string(10 + below(90))) + "," +
             one_of(days) + "\n";
    }
    return out;
  }

  std::string next() {
    static const std::vector<std::string> froms = {
        "a",
        "a",
        "a",
        "a",
        "p AS a",
        "a JOIN b ON a.u = b.u",
        "a JOIN b ON a.u = b.u AND a.w = b.w",
        "a JOIN p ON a.k = p.k",
        "p JOIN a ON a.w = p.w AND a.t = p.t",
        "a JOIN a AS c ON a.u = c.u",
        "a JOIN p ON a.k = p.k JOIN b ON b.u = a.u",
        "(SELECT u, k, w, x, y, d, t FROM a WHERE y > -500) AS a",
        "(SELECT u, k, w, t, MAX(x) AS x, SUM(y) AS y, SUM(d) AS d FROM a GROUP BY u, k, w, t) AS a",
        "(SELECT a.u, a.k, a.w, p.x, b.y, p.d, b.t FROM a JOIN b ON a.u = b.u JOIN p ON p.k = b.k WHERE b.y > p.k OR "
        "p.d < 0) AS a",
        "(SELECT u, w, k, COUNT(*) AS y, MIN(t) AS t, SUM(d) AS d, MIN(x) AS x FROM a WHERE k <> 2 GROUP BY u, w, k) "
        "AS a JOIN b ON a.u = b.u",
    };
    std::string from = one_of(froms);
    if (const std::size_t at = from.find("b.y > p.k OR p.d < 0"); at != std::string::npos)
      from.replace(at, 20, "b.y > 0 OR p.d < 0");
    std::vector<std::string> outputs, groups;
    static const std::vector<std::string> keys = {"a.k", "a.w", "a.t", "a.u"};
    for (std::size_t i = below(5); i > 1; --i)
      if (const std::string key = one_of(keys); std::find(groups.begin(), groups.end(), key) == groups.end())
        groups.push_back(key);
    outputs = groups;
    for (std::size_t i = 1 + below(4); i > 0; --i) outputs.push_back(aggregate());
    std::string text = "SELECT ";
    for (std::size_t i = 0; i < outputs.size(); ++i) text += (i == 0 ? "" : ", ") + outputs[i];
    text += " FROM " + from;
    if (below(3) != 0) text += " WHERE " + condition(2);
    for (std::size_t i = 0; i < groups.size(); ++i) text += (i == 0 ? " GROUP BY " : ", ") + groups[i];
    if (!groups.empty() && below(4) == 0) text += " HAVING COUNT(*) > 1 OR " + aggregate() + " IS NULL";
    if (below(4) == 0)
      text += " ORDER BY " + std::to_string(1 + below(outputs.size())) + (below(2) == 0 ? " DESC" : "");
    if (below(6) == 0) text += " LIMIT 3";
    return text;
  }

 private:
  std::string aggregate() {
    static const std::vector<std::string> all = {"COUNT(*)",
                                                 "COUNT(a.x)",
                                                 "COUNT(a.w)",
                                                 "SUM(a.x)",
                                                 "AVG(a.x)",
                                                 "SUM(a.y)",
                                                 "AVG(a.d)",
                                                 "SUM(a.y * a.y)",
                                                 "SUM(a.y * a.d)",
                                                 "VAR_POP(a.y)",
                                                 "VAR_SAMP(a.d)",
                                                 "STDDEV_POP(a.d)",
                                                 "MIN(a.x)",
                                                 "MAX(a.y)",
                                                 "MIN(a.t)",
                                                 "MAX(a.d)",
                                                 "MEDIAN(a.y)",
                                                 "QUANTILE(a.d, 0.9)",
                                                 "QUANTILE(a.x, 0.25)",
                                                 "MEDIAN(a.t)",
                                                 "COUNT(DISTINCT a.u)",
                                                 "COUNT(DISTINCT a.y)",
                                                 "COUNT(DISTINCT a.k)",
                                                 "SUM(3 * a.y + 1)",
                                                 "SUM(a.y) - MIN(a.y) / 7"};
    return one_of(all);
  }
  std::string condition(int depth) {
    static const std::vector<std::string> tests = {"a.y > 0",
                                                   "a.y BETWEEN -300 AND 300",
                                                   "a.k IN (0, 3)",
                                                   "a.k IS NULL",
                                                   "a.k <> 1",
                                                   "a.d < 0.5",
                                                   "a.w = 'ä'",
                                                   "a.w LIKE 'a%'",
                                                   "a.w > 'a'",
                                                   "a.w IN ('', 'z z')",
                                                   "a.w IS NOT NULL",
                                                   "a.t >= '1970-01-01'",
                                                   "a.t IS NOT DISTINCT FROM NULL",
                                                   "a.x < 0",
                                                   "a.x >= 9223372036854775807",
                                                   "a.y NOT IN (1, 2, 3)",
                                                   "(a.d > 1) IS NOT TRUE"};
    if (depth == 0 || below(2) == 0) return (below(5) == 0 ? "NOT " : "") + ("(" + one_of(tests) + ")");
    return "(" + condition(depth - 1) + (below(2) == 0 ? " AND " : " OR ") + condition(depth - 1) + ")";
  }
  std::mt19937_64 random_;
};

TEST(StatementsTest, RandomQuestionsAnswerExactly) {
  const bool is_long = std::getenv("PRISM_LONG") != nullptr;
  const char* const given = std::getenv("PRISM_SEED");
  const std::uint64_t from = given != nullptr ? std::strtoull(given, nullptr, 10)
                             : is_long        ? std::random_device{}()
                                              : 1;
  SCOPED_TRACE("PRISM_SEED=" + std::to_string(from));
  Questions questions(from);
  std::size_t compared = 0, asked = 0;
  for (int world = 0; world < (is_long ? 50 : 3); ++world) {
    Store store({csv("a", questions.table(true, 40)), csv("b", questions.table(true, 25)),
                 csv("p", questions.table(false, 12))},
                {"u", "u", ""});
    for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i) {
      compared += store.compare(questions.next()) ? 1 : 0;
      ++asked;
    }
  }
  EXPECT_GT(100 * compared, 95 * asked) << compared << " of " << asked;
}

/// Joins and derived tables inside and beside each other, as another test asks them of another database. All tables are
/// public, so that whatever is joined keeps the unit.
TEST(StatementsTest, NestedRelationsAnswerExactly) {
  const bool is_long = std::getenv("PRISM_LONG") != nullptr;
  Questions questions(3);
  Store store({csv("a", questions.table(true, 30, false)), csv("b", questions.table(true, 20, false)),
               csv("p", questions.table(true, 12, false))},
              {"", "", ""});
  const Place unit{0, 0}, other{1, 0}, word{0, 2}, name{2, 2};
  const std::vector<std::pair<Place, Place>> links = {{unit, other}, {other, other}, {word, name}, {name, name}};
  std::size_t compared = 0;
  const std::size_t count = is_long ? 2'000 : 100;
  for (const bool rationals : {false, true}) {
    RelationGenerator generator({&store.tables()[0], &store.tables()[1], &store.tables()[2]}, links,
                                {.rationals = rationals}, 5);
    for (std::size_t i = 0; i < count && !testing::Test::HasFailure(); ++i)
      compared += store.compare(generator.next().sql) ? 1 : 0;
  }
  EXPECT_GT(compared, count) << "of " << 2 * count;
}

TEST(StatementsTest, PublicDataSetsAnswerExactly) {
  const auto visits = file("rwm5yr", shared_data("rwm5yr.csv")), stays = file("medpar", shared_data("medpar.csv")),
             loans = file("loans", shared_data("loans_full_schema.csv"));
  if (!visits || !stays || !loans) GTEST_SKIP() << "no data sets in " << shared_data("");
  Store store({*visits, *stays, *loans}, {"id", "rownames", "rownames"});
  for (const char* const text : {
           "SELECT COUNT(*), COUNT(DISTINCT id), SUM(docvis), AVG(hhninc), VAR_POP(docvis), MEDIAN(age) FROM rwm5yr",
           "SELECT year, female, COUNT(*), AVG(docvis), QUANTILE(hhninc, 0.9) FROM rwm5yr WHERE age BETWEEN 30 AND 50 "
           "GROUP BY year, female",
           "SELECT edlevel, AVG(total), MAX(n) FROM (SELECT id, edlevel, SUM(docvis) AS total, COUNT(*) AS n FROM "
           "rwm5yr GROUP BY id, edlevel) AS p GROUP BY edlevel",
           "SELECT a.year, COUNT(*), SUM(a.docvis * b.docvis) FROM rwm5yr AS a JOIN rwm5yr AS b ON a.id = b.id WHERE "
           "b.year = 1984 GROUP BY a.year",
           "SELECT provnum, type, COUNT(*), AVG(los) FROM medpar WHERE died = 1 GROUP BY provnum, type ORDER BY 4 DESC",
           "SELECT state, homeownership, grade, COUNT(*), AVG(loan_amount), STDDEV(interest_rate) FROM loans WHERE "
           "emp_title LIKE 'm%' OR emp_title IS NULL GROUP BY state, homeownership, grade",
       })
    EXPECT_TRUE(store.compare(text));
}

}  // namespace
}  // namespace prism::queries
