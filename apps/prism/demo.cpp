#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <memory>

#include "apps/prism/commands.h"
#include "apps/prism/demo_private.h"
#include "apps/prism/demo_table.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/backend/clear/clear.h"
#include "prism/backend/he/query.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/interrupt.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/sql/sql.h"
#include "prism/table/utf8.h"

namespace prism::app {
namespace {

constexpr std::array<const char*, 5> kQuestions = {
    "SELECT COUNT(*), AVG(age), SUM(cost) FROM patients",
    "SELECT COUNT(*) AS patients, AVG(cost) FROM patients WHERE age >= 65 AND state IN ('Bayern', 'Berlin')",
    "SELECT diagnosis, COUNT(*) AS patients, AVG(cost) AS mean_cost FROM patients GROUP BY diagnosis ORDER BY "
    "mean_cost DESC",
    "SELECT sex, COUNT(*), STDDEV_SAMP(age), AVG(visits) FROM patients WHERE NOT (age BETWEEN 18 AND 64) GROUP BY sex "
    "ORDER BY sex",
    "SELECT COUNT(*) AS patients, SUM(visits) AS visits FROM patients WHERE cost > 2500.00 OR visits IS NULL",
};

/// A directory that goes away, whatever happens.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> make() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "prism-demo-XXXXXX").string();
    if (error || ::mkdtemp(path.data()) == nullptr)
      return fail(ErrorCode::io, "cannot make a temporary directory (TMPDIR says where)");
    return TemporaryDirectory(std::move(path));
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

class Stopwatch {
 public:
  /// Since the last call.
  std::string lap() {
    const auto now = clock_.monotonic();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds_text(seconds);
  }

 private:
  host::SystemClock clock_;
  std::chrono::nanoseconds last_ = clock_.monotonic();
};

Status run(std::optional<std::size_t> threads) {
  PRISM_TRY(const std::size_t workers, workers_from(threads));
  PRISM_TRY(const TemporaryDirectory dir, TemporaryDirectory::make());
  host::ThreadPool pool(workers);
  host::SystemRandom random;
  Stopwatch watch;

  PRISM_TRY(const auto keyring, custody::Keyring::create(dir / "alice", random, host::SystemClock{}));
  PRISM_CHECKED(print("The owner, Alice\n  prism keys new --dir alice                                             " +
                      watch.lap() + "\n"));

  PRISM_TRY(const table::Table table, table::read_csv_text("patients", demo_csv()));
  sealed::SealOptions options;
  options.publish = {"state", "diagnosis", "sex"};
  PRISM_TRY(const sealed::Proposal proposal, sealed::propose(table, options));
  const std::string sealed_path = dir / "patients.sealed";
  PRISM_TRY(const auto manifest, seal_table(table, proposal.header, keyring, sealed_path, pool, {}));
  PRISM_CHECKED(
      print(fmt::format("  prism seal patients.csv --keys alice --output patients.sealed ...      {}\n"
                        "    {} rows, {} columns: {} as CSV, {} sealed\n\n",
                        watch.lap(), count_text(table.rows), proposal.header.columns.size(),
                        bytes_text(demo_csv().size()), bytes_text(proposal.file_bytes))));

  PRISM_CHECKED(
      print("Somebody with patients.sealed and no key asks; Alice opens.   decrypted answer   |   truth, from the CSV "
            "file\n"));
  bool right = true;
  for (std::size_t i = 0; i < kQuestions.size(); ++i) {
    const std::string sql = kQuestions[i], path = dir / ("answer" + std::to_string(i + 1) + ".prism");
    watch.lap();
    PRISM_TRY(const auto sealed_table, sealed::SealedTable::open(sealed_path));
    auto question = backend::he::compile(sealed_table, sql, {});
    if (!question) return point_at(std::move(question).error(), sql);
    program::RunOptions run_options;
    run_options.progress = [](std::uint64_t, std::uint64_t) { return !host::interrupted(); };
    PRISM_TRY(const Bytes answer, backend::he::answer_query(sealed_table, *question, pool, run_options));
    PRISM_CHECKED(host::write_file(path, answer, host::AtomicFile::Access::owner_only));
    const std::string queried = watch.lap();
    PRISM_TRY(const Bytes file, host::read_file(path, kMostAnswerBytes));
    PRISM_TRY(const auto opened, open_with(file, keyring, "alice"));
    const std::string open = watch.lap();
    PRISM_TRY(const sql::Plan plan, sql::plan_query(sql, backend::he::catalog_of(manifest.header)));
    PRISM_TRY(const table::ResultTable truth, backend::clear::answer(plan, table));
    const bool same = opened.table == truth;
    right = right && same;
    PRISM_CHECKED(
        print(fmt::format("\n  {}\n    computed in {} ({} products deep), {} answer, opened in {}{}\n{}", sql, queried,
                          question->analysis.depth, bytes_text(answer.size()), open, same ? "" : "   WRONG",
                          side_by_side({table::to_text_table(opened.table), table::to_text_table(truth)}))));
  }
  if (!right) return fail(ErrorCode::integrity, "an answer differs from the truth");
  PRISM_CHECKED(print("\nall answers equal the truth\n"));

  const AskSealed ask = [&](const std::string& sql) -> Result<table::ResultTable> {
    PRISM_TRY(const auto sealed_table, sealed::SealedTable::open(sealed_path));
    PRISM_TRY(const auto question, backend::he::compile(sealed_table, sql, {}));
    program::RunOptions run_options;
    run_options.progress = [](std::uint64_t, std::uint64_t) { return !host::interrupted(); };
    PRISM_TRY(const Bytes answer, backend::he::answer_query(sealed_table, question, pool, run_options));
    PRISM_TRY(const auto opened, open_with(answer, keyring, "alice"));
    return opened.table;
  };
  return tell_private_story(table, dir / "patients.csv.budget", dir / "marks", ask);
}

}  // namespace

void add_demo(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand(
      "demo", "Show the whole story on a table of 1,000 invented patients, encrypted and with noise");
  command->footer(
      "Example:\n  prism demo\n\nEverything happens in a temporary directory, which is removed at the end.");
  const auto threads = std::make_shared<std::optional<std::size_t>>();
  command->add_option("--threads", *threads, "How many threads compute (default: PRISM_THREADS, or every core)");
  command->callback([threads, &action] { action = [threads] { return run(*threads); }; });
}

}  // namespace prism::app
