#include "prism/backend/he/query.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/host/atomic_file.h"
#include "prism/host/interrupt.h"
#include "prism/host/thread_pool.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string table, sql, output;
  std::vector<std::string> dictionaries;
  std::optional<std::size_t> threads;
};

Status run(const Arguments& a) {
  PRISM_TRY(const std::size_t workers, workers_from(a.threads));
  PRISM_CHECKED(not_the_same(a.table, a.output));
  PRISM_TRY(const auto table, sealed::SealedTable::open(a.table));
  PRISM_TRY(const auto dictionaries, read_dictionaries(a.dictionaries, table.header()));
  auto question = backend::he::compile(table, a.sql, dictionaries);
  if (!question) return point_at(std::move(question).error(), a.sql);
  // Before minutes of work, not after them.
  PRISM_TRY(auto file, host::AtomicFile::create(a.output, host::AtomicFile::Access::owner_only));
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
  say("wrote " + a.output + " (" + bytes_text(answer.size()) + "); the owner reads it with: prism open " + a.output +
      " --keys DIR");
  return {};
}

}  // namespace

void add_query(CLI::App& app, Action& action) {
  CLI::App* const command =
      app.add_subcommand("query", "Compute the encrypted answer to a question; no key is needed or used");
  command->footer(
      "Example:\n  prism query patients.sealed \"SELECT AVG(age) FROM patients WHERE sex = 'female'\" --output "
      "answer.prism");
  const auto a = std::make_shared<Arguments>();
  command->add_option("table", a->table, "The sealed table")->required();
  command->add_option("sql", a->sql, "The question, in SQL")->required();
  command->add_option("--output,--out", a->output, "The answer's file")->required();
  command->add_option("--dictionary", a->dictionaries, "A column's exported dictionary; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--threads", a->threads, "How many threads compute (default: PRISM_THREADS, or every core)");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
