// Hundreds of generated questions per table: sealed, asked, answered on ciphertexts, opened, and held against the same
// plan on plaintext rows. PRISM_LONG=1 asks five times as many new ones; PRISM_SEED repeats a run.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>

#include "prism/backend/clear/clear.h"
#include "prism/host/thread_pool.h"
#include "prism/sql/sql.h"
#include "tests/queries/query_generator.h"
#include "tests/queries/sealed_case.h"
#include "tests/support/test_directory.h"

namespace prism::queries {
namespace {

using sealed::Role;

std::string in_project(const std::string& path) { return std::string(PRISM_SOURCE_DIR) + "/" + path; }

/// Public data sets that lie beside the project on some machines.
std::string shared_data(const std::string& name) {
  const char* const given = std::getenv("PRISM_SHARED");
  return (given != nullptr ? std::string(given) : in_project("../shared")) + "/data/" + name;
}

bool is_long() { return std::getenv("PRISM_LONG") != nullptr; }

/// The short run repeats itself; the long one looks for something new every time.
std::uint64_t seed() {
  const char* const given = std::getenv("PRISM_SEED");
  if (given != nullptr) return std::strtoull(given, nullptr, 10);
  return is_long() ? std::random_device{}() : 1;
}

std::size_t questions(std::size_t usual) { return is_long() ? 5 * usual : usual; }

struct Times {
  std::size_t count = 0;
  double sum = 0, most = 0;
};

std::string rule_of(const Error& error) {
  const auto from = error.detail.find("rule="), to = error.detail.find(' ');
  return from == 0 ? error.detail.substr(5, to - 5) : "";
}

/// What may be refused although the roles allow it, by the rules that the refusals name.
bool documented(const std::string& rule) { return rule == "he/depth" || rule == "he/groups" || rule == "he/product"; }

/// The rows that a condition holds for by its own meaning are the rows that the plan counts.
void check_condition(const SealedCase& s, const Query& query) {
  const auto plan =
      sql::plan_query("SELECT COUNT(*) FROM " + quoted_name(s.table->name) + " WHERE " + to_sql(*query.where, *s.table),
                      backend::he::catalog_of(s.manifest.header));
  ASSERT_TRUE(plan) << plan.error().message;
  const auto counted = backend::clear::answer(*plan, *s.table);
  ASSERT_TRUE(counted) << counted.error().message;
  std::size_t rows = 0;
  for (std::size_t row = 0; row < s.table->rows; ++row)
    if (truth(*query.where, *s.table, row) == true) ++rows;
  ASSERT_EQ(counted->rows[0][0], table::Cell(table::Number{std::to_string(rows)}));
}

/// Returns the rule of a documented refusal, else nothing.
std::string ask_both(const SealedCase& s, const Query& query, Parallel& parallel) {
  if (query.where) check_condition(s, query);
  const auto question = backend::he::compile(s.sealed, query.sql, s.dictionaries);
  if (!question) {
    const std::string rule = rule_of(question.error());
    EXPECT_TRUE(documented(rule)) << "refused: " << question.error().message;
    return rule;
  }
  const auto file = backend::he::answer_query(s.sealed, *question, parallel);
  if (!file) {
    ADD_FAILURE() << "not answered: " << file.error().message;
    return "";
  }
  const auto opened = backend::he::open_answer(*file, s.manifest, s.key);
  if (!opened) {
    ADD_FAILURE() << "not opened: " << opened.error().message;
    return "";
  }
  const auto want = backend::clear::answer(question->plan, *s.table);
  if (!want) {
    ADD_FAILURE() << "the oracle failed: " << want.error().message;
    return "";
  }
  if (*want != opened->table) {
    EXPECT_EQ(table::to_csv(opened->table), table::to_csv(*want)) << sql::describe(question->plan);
    EXPECT_EQ(opened->table.columns, want->columns);
  }
  return "";
}

void ask_many(table::Table table, const sealed::SealOptions& options, std::size_t usual, Shape shape,
              double most_refused = 0.02) {
  const support::TestDirectory directory;
  host::ThreadPool pool;
  const std::uint64_t from = seed();
  SCOPED_TRACE("PRISM_SEED=" + std::to_string(from));
  const auto start = std::chrono::steady_clock::now();
  const auto seconds_since = [](auto then) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
  };
  const auto sealed = seal_case(std::move(table), options, directory / "table.sealed", pool);
  ASSERT_TRUE(sealed) << sealed.error().message;
  const sealed::Header& header = sealed->manifest.header;
  std::printf("  %s: %zu rows in %llu blocks of %zu, filter level %d, %.0f MB, sealed in %.1f s, PRISM_SEED=%llu\n",
              header.name.c_str(), sealed->table->rows, static_cast<unsigned long long>(header.blocks()),
              static_cast<std::size_t>(header.parameters->slots()), header.filter_level,
              static_cast<double>(sealed->sealed.file_bytes()) / 1e6, seconds_since(start),
              static_cast<unsigned long long>(from));
  QueryGenerator generator(header, *sealed->table, std::move(shape), from);
  const std::size_t count = questions(usual);
  std::map<std::string, Times> times;
  std::map<std::string, std::vector<std::string>> refused;
  std::size_t refusals = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Query query = generator.next();
    SCOPED_TRACE("question " + std::to_string(i) + ": " + query.sql);
    const auto began = std::chrono::steady_clock::now();
    const std::string rule = ask_both(*sealed, query, pool);
    if (!rule.empty()) {
      refused[rule].push_back(query.sql);
      ++refusals;
      continue;
    }
    Times& t = times[query.kind];
    const double took = seconds_since(began);
    ++t.count;
    t.sum += took;
    t.most = std::max(t.most, took);
  }
  for (const auto& [kind, t] : times)
    std::printf("  %-12s %4zu questions, %.3f s on average, %.3f s at most\n", kind.c_str(), t.count,
                t.sum / static_cast<double>(t.count), t.most);
  std::printf("  refused: %zu of %zu\n", refusals, count);
  for (const auto& [rule, queries] : refused)
    for (std::size_t i = 0; i < std::min<std::size_t>(queries.size(), 10); ++i)
      std::printf("    %s: %s\n", rule.c_str(), queries[i].c_str());
  EXPECT_LE(static_cast<double>(refusals), most_refused * static_cast<double>(count));
}

void add_roles(sealed::SealOptions& options, std::initializer_list<const char*> columns,
               std::initializer_list<Role> roles) {
  for (const char* const column : columns)
    for (const Role role : roles) options.roles.emplace_back(column, role);
}

sealed::SealOptions awkward_options() {
  sealed::SealOptions o;
  add_roles(o, {"score", "tiny", "wide"}, {Role::measure, Role::filter});
  add_roles(o, {"flag", "Odd \"Name\"", "five"}, {Role::measure, Role::filter, Role::group});
  add_roles(o, {"city", "lone", "nothing"}, {Role::filter, Role::group});
  add_roles(o, {"word", "day"}, {Role::filter});
  o.publish = {"city", "lone"};
  o.products = {{"score", "wide"}, {"tiny", "flag"}};
  return o;
}

table::Table awkward() {
  auto table = read_table(in_project("tests/queries/awkward.csv"));
  EXPECT_TRUE(table) << table.error().message;
  return *std::move(table);
}

TEST(QueriesTest, AwkwardRowsAnswerAsInTheClear) { ask_many(awkward(), awkward_options(), 200, {}); }

TEST(QueriesTest, PaddedRowsAnswerAsInTheClear) {
  sealed::SealOptions options = awkward_options();
  options.pad_rows_to = 1000;
  options.style = sealed::SealOptions::Style::fast;
  ask_many(awkward(), options, 200, {});
}

TEST(QueriesTest, MeasuresWithoutSquaresAnswerAsInTheClear) {
  sealed::SealOptions options = awkward_options();
  options.squares = false;
  options.products.clear();
  ask_many(awkward(), options, 100, {});
}

/// With fewer levels than conditions would like, the lowering looks for shallower forms of them before it refuses.
TEST(QueriesTest, ShallowTablesAnswerAsInTheClearOrRefuse) {
  sealed::SealOptions options;
  add_roles(options, {"score"}, {Role::measure, Role::filter});
  add_roles(options, {"tiny", "word", "day", "flag", "Odd \"Name\""}, {Role::filter});
  options.style = sealed::SealOptions::Style::fast;
  options.nesting = 1;
  options.pad_rows_to = 200;
  ask_many(awkward(), options, 200, {.leaves = {2, 3, 3, 4, 4, 5, 6}}, 0.5);
}

TEST(QueriesTest, HospitalStaysAnswerAsInTheClear) {
  auto table = read_table(shared_data("medpar.csv"));
  if (!table) GTEST_SKIP() << table.error().message;
  sealed::SealOptions options;
  options.style = sealed::SealOptions::Style::fast;
  add_roles(options, {"los"}, {Role::measure, Role::filter});
  add_roles(options, {"rownames"}, {Role::filter});
  add_roles(options, {"died", "white", "type"}, {Role::measure, Role::filter, Role::group});
  add_roles(options, {"hmo", "age80"}, {Role::filter, Role::group});
  add_roles(options, {"provnum"}, {Role::filter, Role::group});
  options.products = {{"los", "died"}};
  ask_many(*std::move(table), options, 200, {.most_groups = 24});
}

TEST(QueriesTest, LoansAnswerAsInTheClear) {
  auto table = read_table(shared_data("loans_full_schema.csv"));
  if (!table) GTEST_SKIP() << table.error().message;
  sealed::SealOptions options;
  add_roles(options, {"loan_amount", "debt_to_income", "interest_rate"}, {Role::measure, Role::filter});
  add_roles(options, {"installment"}, {Role::measure});
  add_roles(options, {"annual_income", "emp_title", "months_since_last_delinq"}, {Role::filter});
  add_roles(options, {"term"}, {Role::filter});
  add_roles(options, {"emp_length"}, {Role::measure, Role::filter, Role::group});
  add_roles(options, {"homeownership", "grade"}, {Role::filter, Role::group});
  add_roles(options, {"state"}, {Role::filter, Role::group});
  options.publish = {"homeownership", "grade", "state"};
  options.products = {{"loan_amount", "interest_rate"}};
  ask_many(*std::move(table), options, 200, {.most_groups = 24});
}

TEST(QueriesTest, DoctorVisitsInSeveralBlocksAnswerAsInTheClear) {
  auto table = read_table(shared_data("rwm5yr.csv"));
  if (!table) GTEST_SKIP() << table.error().message;
  sealed::SealOptions options;
  add_roles(options, {"docvis", "hhninc"}, {Role::measure, Role::filter});
  add_roles(options, {"id", "age", "educ"}, {Role::filter});
  add_roles(options, {"hospvis"}, {Role::measure});
  add_roles(options, {"year", "edlevel"}, {Role::filter, Role::group});
  add_roles(options, {"female", "kids"}, {Role::measure, Role::filter, Role::group});
  options.products = {{"docvis", "hhninc"}};
  ask_many(*std::move(table), options, 200, {.most_groups = 16});
}

}  // namespace
}  // namespace prism::queries
