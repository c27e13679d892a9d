#include "apps/prism/demo_private.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "apps/prism/demo_table.h"
#include "apps/prism/terminal.h"
#include "prism/backend/clear/clear.h"
#include "prism/backend/dp/dp.h"
#include "prism/host/interrupt.h"
#include "prism/host/system.h"
#include "prism/policy/grant.h"
#include "prism/store/sqlite/ledger_file.h"
#include "prism/table/utf8.h"

namespace prism::app {
namespace {

namespace privately = backend::dp;

// Each spends 0.5 of 2; the last one finds nothing left.
constexpr std::array<const char*, 5> kQuestions = {
    "SELECT COUNT(*) AS patients, AVG(cost) AS mean FROM patients WHERE age >= 65",
    "SELECT sex, COUNT(*) AS patients, AVG(age) AS age FROM patients GROUP BY sex ORDER BY sex",
    "SELECT state, COUNT(*) AS patients FROM patients GROUP BY state ORDER BY state",
    "SELECT STDDEV(age) AS spread, SUM(visits) AS visits FROM patients WHERE diagnosis IN ('diabetes', 'hypertension')",
    "SELECT COUNT(*) AS patients FROM patients WHERE cost > 10000.00",
};

class TableSource final : public privately::DataSource {
 public:
  explicit TableSource(const table::Table& table) : table_(table) {}
  Result<table::Table> read(const policy::TableRule&) override { return table_; }

 private:
  const table::Table& table_;
};

class PlainSleeper final : public privately::Sleeper {
 public:
  void sleep_until(std::chrono::nanoseconds time) override {
    const auto left = time - host::SystemClock{}.monotonic();
    if (left > std::chrono::nanoseconds(0)) std::this_thread::sleep_for(left);
  }
};

Result<policy::Grant> demo_grant() {
  policy::Grant grant;
  PRISM_TRY(grant.tables, policy::schema_from_json(demo_schema()));
  grant.tables.front().name = "patients";
  grant.tables.front().path = "patients.csv";
  grant.tables.front().unit = "patient";
  grant.epsilon = dp::Epsilon::from_nano(2'000'000'000);
  grant.query_most = grant.epsilon;
  grant.bucket = std::chrono::milliseconds(50);
  PRISM_CHECKED(policy::check_grant(grant));
  return grant;
}

}  // namespace

std::string side_by_side(const std::vector<std::string>& texts) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::size_t> width;
  std::size_t height = 0;
  for (const std::string& text : texts) {
    auto& mine = lines.emplace_back();
    auto& widest = width.emplace_back(0);
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t end = std::min(text.find('\n', from), text.size());
      mine.push_back(text.substr(from, end - from));
      widest = std::max(widest, table::code_points(mine.back()));
      from = end + 1;
    }
    height = std::max(height, mine.size());
  }
  std::string out;
  for (std::size_t row = 0; row < height; ++row) {
    out += "    ";
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string line = row < lines[i].size() ? lines[i][row] : "";
      out += line;
      if (i + 1 < lines.size()) out += std::string(width[i] - table::code_points(line), ' ') + "   |   ";
    }
    out += "\n";
  }
  return out;
}

Status tell_private_story(const table::Table& table, const std::string& ledger, const std::string& marks,
                          const AskSealed& ask) {
  PRISM_TRY(const policy::Grant grant, demo_grant());
  host::SystemRandom random;
  const host::SystemClock clock;
  store::sqlite::LedgerOptions options;
  options.marks = marks;
  PRISM_TRY(auto book, store::sqlite::LedgerFile::create(ledger, grant, std::move(options), random, clock.wall()));
  PRISM_CHECKED(print(
      "\nExact answers tell about people, too: two that differ in one patient reveal that patient. Whoever may read "
      "the "
      "rows\ncan answer with noise instead, under a budget that is fixed once.\n"
      "  prism budget grant patients.csv --unit patient --schema patients.json --epsilon 2 --delta 1e-5\n\n"
      "The same questions, 0.5 each.   decrypted answer   |   with noise, and its 95 % interval   |   truth, from the "
      "CSV file\n"));
  TableSource source(table);
  PlainSleeper sleeper;
  privately::Engine engine(grant, source);
  for (const std::string sql : kQuestions) {
    PRISM_CHECKED(host::check_interrupted());
    privately::Options wanted;
    wanted.epsilon = dp::Epsilon::from_nano(500'000'000);
    auto prepared = privately::prepare(grant, sql, wanted, &source);
    if (!prepared) return point_at(std::move(prepared).error(), sql);
    const auto answer = privately::run(*prepared, engine, {book, random, clock, sleeper, host::interrupted});
    if (!answer) {
      if (answer.error().code != ErrorCode::quota) return answer.error();
      return print(fmt::format("\n  {}\n    refused: {}\n", sql, printable(answer.error().message, "    ")));
    }
    PRISM_TRY(const table::ResultTable exact, ask(sql));
    PRISM_TRY(const table::ResultTable truth, backend::clear::answer(prepared->plan(), table));
    PRISM_TRY(const policy::Ledger now, book.read());
    PRISM_CHECKED(
        print(fmt::format("\n  {}\n    {} of {} left\n{}", sql, now.balance().dataset.left.text(), grant.epsilon.text(),
                          side_by_side({table::to_text_table(exact), table::to_text_table(privately::readable(*answer)),
                                        table::to_text_table(truth)}))));
  }
  return fail(ErrorCode::integrity, "the budget of the demonstration was not used up: ", kQuestions.size(),
              " questions were answered");
}

}  // namespace prism::app
