// Generated questions over several tables, answered twice: our text through our grammar, binder, plan and oracle; the
// same question in the engine's spelling through DuckDB, which saw none of these. PRISM_LONG=1 asks twenty times as
// many new ones; PRISM_SEED repeats a run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "prism/backend/clear/clear.h"
#include "prism/duck/database.h"
#include "prism/sql/sql.h"
#include "prism/table/date.h"
#include "prism/table/read_csv.h"
#include "tests/queries/relation_generator.h"

namespace prism::queries {
namespace {

bool is_long() { return std::getenv("PRISM_LONG") != nullptr; }

std::uint64_t seed() {
  const char* const given = std::getenv("PRISM_SEED");
  if (given != nullptr) return std::strtoull(given, nullptr, 10);
  return is_long() ? std::random_device{}() : 1;
}

/// Patients, their visits and the wards they went to: NULLs in every column that may have them, visits of nobody,
/// wards nobody visits, patients without visits, words that differ in case alone.
class Clinic {
 public:
  explicit Clinic(std::uint64_t from) : random_(from) {
    std::string patients = "id,age,state,weight,born\n", visits = "patient,day,ward,cost,age\n",
                wards = "ward,floor,rate,opened\n";
    for (int id = 1; id <= 40; ++id)
      patients += std::to_string(id) + "," + maybe(std::to_string(below(90))) + "," +
                  maybe(pick({"NJ", "CA", "ca", "TX", "Ünter"})) + "," + maybe(decimal(2)) + "," + maybe(day()) + "\n";
    for (int i = 0; i < 70; ++i)
      visits += maybe(std::to_string(1 + below(45))) + "," + day() + "," + maybe(pick({"A", "B", "C", "a", "Z"})) +
                "," + maybe(decimal(2)) + "," + maybe(std::to_string(below(90))) + "\n";
    for (const char* ward : {"A", "B", "C", "a", "Q"})
      wards += std::string(ward) + "," + std::to_string(below(4)) + "," + maybe(decimal(1)) + "," + day() + "\n";
    for (const auto& [name, text] : {std::pair{"patients", patients}, {"Visits", visits}, {"wards", wards}}) {
      auto table = table::read_csv_text(name, text);
      EXPECT_TRUE(table) << table.error().message;
      tables_.push_back(*std::move(table));
    }
  }

  std::vector<const table::Table*> tables() const { return {&tables_[0], &tables_[1], &tables_[2]}; }

  /// Columns that few rows share.
  static std::vector<std::pair<Place, Place>> links() {
    const Place id{0, 0}, patient{1, 0}, ward{1, 2}, own{2, 0};
    return {{id, patient}, {patient, patient}, {id, id}, {ward, own}, {own, own}};
  }

  Result<duck::Database> engine() const {
    PRISM_TRY(duck::Database database, duck::Database::open({}));
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      std::vector<duck::Kind> kinds;
      std::vector<duck::Source> sources;
      for (const table::Column& column : tables_[t].columns) {
        sources.push_back({sources.size()});
        kinds.push_back(duck::kind_of(column.schema.type));
      }
      const std::string name = "t" + std::to_string(t);
      PRISM_CHECKED(database.create(name, kinds));
      PRISM_CHECKED(database.append(name, tables_[t], sources));
    }
    return database;
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  std::string pick(const std::vector<std::string>& from) { return from[below(from.size())]; }
  std::string maybe(std::string text) { return below(6) == 0 ? "" : std::move(text); }
  std::string day() { return table::format_date(static_cast<std::int64_t>(below(20000)) - 3000); }
  std::string decimal(int places) {
    std::string digits = std::to_string(1000 + below(9000));
    digits.insert(digits.size() - static_cast<std::size_t>(places), ".");
    return (below(4) == 0 ? "-" : "") + digits;
  }

  std::mt19937_64 random_;
  std::vector<table::Table> tables_;
};

/// A cell as the engine keeps it: numbers and days as scaled whole numbers, so without their point.
std::string stored(const table::Cell& cell, table::ColumnType type) {
  if (const auto* text = std::get_if<std::string>(&cell))
    return type == table::ColumnType::date ? std::to_string(*table::parse_date(*text)) : "'" + *text;
  const auto* number = std::get_if<table::Number>(&cell);
  if (number == nullptr) return "NULL";
  std::string digits = number->text;
  digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
  const bool negative = digits[0] == '-';
  digits.erase(0, std::min(digits.find_first_not_of("-0"), digits.size() - 1));
  return negative ? "-" + digits : digits;
}

using Lines = std::vector<std::string>;

Lines lines(const table::ResultTable& result) {
  Lines out;
  for (const auto& row : result.rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += stored(row[i], result.columns[i].type) + "|";
    out.push_back(line);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Lines lines(const duck::Rows& rows) {
  Lines out(rows.count);
  for (const duck::RowsColumn& column : rows.columns)
    for (std::size_t i = 0; i < rows.count; ++i)
      out[i] += (column.valid[i] == 0 ? "NULL"
                 : column.text        ? "'" + column.texts[i]
                                      : to_string(column.numbers[i])) +
                "|";
  std::sort(out.begin(), out.end());
  return out;
}

TEST(RelationsTest, JoinsAndDerivedTablesAnswerAsAnotherDatabaseDoes) {
  const std::uint64_t from = seed();
  SCOPED_TRACE("PRISM_SEED=" + std::to_string(from));
  const Clinic clinic(from);
  auto engine = clinic.engine();
  ASSERT_TRUE(engine) << engine.error().message;
  RelationGenerator generator(clinic.tables(), Clinic::links(), {}, from);
  const std::vector<const table::Table*> tables = clinic.tables();
  std::map<std::string, std::size_t> kinds;
  std::size_t not_empty = 0;
  const std::size_t count = is_long() ? 20'000 : 1'000;
  for (std::size_t i = 0; i < count; ++i) {
    const RelationQuery query = generator.next();
    SCOPED_TRACE("question " + std::to_string(i) + ": " + query.sql + "\n" + query.engine);
    const auto ours = backend::clear::answer(query.sql, tables);
    ASSERT_TRUE(ours) << ours.error().message;
    const auto theirs = engine->query({query.engine, {}});
    ASSERT_TRUE(theirs) << theirs.error().message;
    ASSERT_EQ(lines(*ours), lines(*theirs));
    ++kinds[query.kind];
    not_empty += ours->rows.empty() ? 0 : 1;
  }
  for (const auto& [kind, n] : kinds) std::printf("  %-20s %5zu questions\n", kind.c_str(), n);
  EXPECT_GT(kinds["join"] + kinds["join group"], count / 20);
  EXPECT_GT(kinds["derived join"] + kinds["derived join group"], count / 20);
  EXPECT_GT(not_empty, count / 2);
}

/// The rest of the dialect over the same rows: planned, answered, and planned again from other bytes to the same.
TEST(RelationsTest, RationalsOverRelationsArePlannedAndAnswered) {
  const std::uint64_t from = seed();
  SCOPED_TRACE("PRISM_SEED=" + std::to_string(from));
  const Clinic clinic(from);
  RelationGenerator generator(clinic.tables(), Clinic::links(), {.rationals = true}, from);
  const std::vector<const table::Table*> tables = clinic.tables();
  std::vector<sql::Catalog> catalogs;
  for (const table::Table* table : tables) catalogs.push_back(backend::clear::catalog_of(*table));
  for (std::size_t i = 0; i < (is_long() ? 5'000U : 300U); ++i) {
    const RelationQuery query = generator.next();
    SCOPED_TRACE("question " + std::to_string(i) + ": " + query.sql);
    const auto plan = sql::plan_query(query.sql, catalogs);
    ASSERT_TRUE(plan) << plan.error().message;
    const auto answer = backend::clear::answer(*plan, tables);
    ASSERT_TRUE(answer) << answer.error().message;
    // Names of aliases are no part of the question.
    std::string renamed = query.sql;
    for (std::size_t at = 0; (at = renamed.find(" a1", at)) != std::string::npos;) {
      const bool whole = at + 3 == renamed.size() || renamed[at + 3] < '0' || renamed[at + 3] > '9';
      renamed.replace(at, 3, whole ? " zz9" : " a1");
      at += 3;
    }
    for (const char before : {'(', ' '})
      for (std::size_t at = 0; (at = renamed.find(std::string(1, before) + "a1.", at)) != std::string::npos;)
        renamed.replace(at + 1, 3, "zz9.");
    const auto other = sql::plan_query(renamed, catalogs);
    ASSERT_TRUE(other) << renamed << "\n" << other.error().message;
    EXPECT_EQ(sql::encode(*other), sql::encode(*plan)) << renamed;
  }
}

}  // namespace
}  // namespace prism::queries
