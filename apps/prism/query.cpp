#include "prism/backend/he/query.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/backend_choice.h"
#include "apps/prism/commands.h"
#include "apps/prism/output_guard.h"
#include "apps/prism/private_question.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/host/atomic_file.h"
#include "prism/host/interrupt.h"
#include "prism/host/thread_pool.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string backend, format;
  PrivateQuestion question;
  std::vector<std::string> dictionaries;
  std::optional<std::size_t> threads;
  bool dry_run = false;
};

Status run_encrypted(const Arguments& a) {
  const std::string &path = a.question.csv, &sql = a.question.sql, &output = a.question.output;
  PRISM_CHECKED(refuse_private_options(a.question));
  if (a.dry_run) return fail(ErrorCode::invalid_argument, "for sealed tables, prism explain is the dry run");
  if (!a.format.empty())
    return fail(
        ErrorCode::invalid_argument,
        "-o is for answers that are printed; the answer from a sealed table is encrypted (prism open takes -o)");
  if (output.empty()) return fail(ErrorCode::invalid_argument, "--output is needed: the file for the encrypted answer");
  PRISM_TRY(const std::size_t workers, workers_from(a.threads));
  std::vector<std::string> inputs = a.dictionaries;
  inputs.push_back(path);
  PRISM_CHECKED(check_output(output, inputs));
  PRISM_TRY(const auto table, sealed::SealedTable::open(path));
  PRISM_TRY(const auto dictionaries, read_dictionaries(a.dictionaries, table.header()));
  auto question = backend::he::compile(table, sql, dictionaries);
  if (!question) return point_at(std::move(question).error(), sql);
  // Before minutes of work, not after them.
  PRISM_TRY(auto file, host::AtomicFile::create(output, host::AtomicFile::Access::owner_only));
  host::ThreadPool pool(workers);
  Bytes answer;
  {
    Progress progress("computing");
    program::RunOptions options;
    options.stop = [] { return host::interrupted(); };
    options.progress = [&](std::uint64_t done, std::uint64_t all) { return progress(done, all); };
    PRISM_TRY(answer, backend::he::answer_query(table, *question, pool, options));
  }
  PRISM_CHECKED(host::check_interrupted());
  PRISM_CHECKED(file.append(answer));
  PRISM_CHECKED(file.commit());
  say("wrote " + output + " (" + bytes_text(answer.size()) + "); the owner reads it with: prism open " + output +
      " --keys DIR");
  return {};
}

Status run(const Arguments& a) {
  PRISM_TRY(const BackendChoice backend, choose_backend(a.question.csv, a.backend));
  if (backend == BackendChoice::he) return run_encrypted(a);
  if (!a.dictionaries.empty()) return fail(ErrorCode::invalid_argument, "--dictionary is for sealed tables");
  PrivateQuestion question = a.question;
  if (!a.format.empty()) question.format = a.format;
  PRISM_TRY(question.threads, workers_from(a.threads));
  return a.dry_run ? explain_private(question) : answer_private(question);
}

}  // namespace

void add_query(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand(
      "query",
      "Answer a question: encrypted from a sealed table, without any key; with noise from a CSV file under a grant");
  command->footer(
      "Example:\n  prism query patients.sealed \"SELECT AVG(age) FROM patients WHERE sex = 'female'\" --output "
      "answer.prism\n"
      "  prism query patients.csv --epsilon 0.5 \"SELECT AVG(age) FROM patients WHERE sex = 'female'\"\n\n"
      "A CSV file needs a grant first (prism budget grant --help). Its answer is charged before the file is read: what "
      "fails\nor is interrupted after that stays charged. -o, --epsilon, --delta, --analyst, --room and --dry-run are "
      "for CSV files,\n--dictionary for sealed tables.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("table", a->question.csv, "The sealed table or CSV file")->required();
  command->add_option("sql", a->question.sql, "The question, in SQL")->required();
  add_backend_option(*command, a->backend);
  command->add_option("--output,--out", a->question.output,
                      "The answer's file; needed for a sealed table, else the answer is printed");
  add_private_options(*command, a->question);
  command->add_option("-o,--format", a->format, "How to print it: table, json or csv (default: table)")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  command->add_flag("--dry-run", a->dry_run, "Say what it would cost and how exact it would be; spend nothing");
  command->add_option("--dictionary", a->dictionaries, "A column's exported dictionary; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--threads", a->threads, "How many threads compute (default: PRISM_THREADS, or every core)");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
