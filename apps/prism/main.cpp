// The program `prism`: reads the command line, runs one command, and says how it ended.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <new>

#include "apps/prism/commands.h"
#include "apps/prism/exit_status.h"
#include "apps/prism/terminal.h"
#include "prism/host/interrupt.h"
#include "prism/kernels/kernels.h"

namespace prism::app {
namespace {

/// Polynomials are half a megabyte and come and go; fresh pages from the system for each would cost more than the
/// arithmetic.
void keep_memory() {
#if defined(__GLIBC__)
  if (::mallopt(M_MMAP_THRESHOLD, 1 << 30) == 0)
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that old versions take
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

Status choose_kernels() {
  const char* const wanted = std::getenv("PRISM_KERNELS");
  if (wanted == nullptr || *wanted == '\0' || std::string_view(wanted) == "best" || kernels::choose(wanted)) return {};
  std::string names = "best";
  for (const kernels::Kernels* k : kernels::all())
    if (k->runs_here()) names += ", " + std::string(k->name);
  return fail(ErrorCode::insecure, "PRISM_KERNELS is \"", printable(wanted), "\"; it takes one of ", names);
}

ExitStatus run(int argc, char** argv) {
  CLI::App app{
      "Answers SQL about data that those who ask may not see: from an encrypted table, whose owner alone opens the\n"
      "answers, or from a CSV file with noise that hides each person, under a budget."};
  app.name("prism");
  app.set_version_flag("--version", "prism " PRISM_VERSION);
  app.require_subcommand(0, 1);
  // A flag is given or not: "--x=false" would count as given where flags are counted, and switch x on.
  app.option_defaults()->disable_flag_override();
  app.footer(
      "Example:\n"
      "  prism keys new --dir alice\n"
      "  prism seal patients.csv --keys alice --output patients.sealed\n"
      "  prism query patients.sealed \"SELECT AVG(age) FROM patients\" --output answer.prism\n"
      "  prism open answer.prism --keys alice\n"
      "\n"
      "  prism budget schema patients.csv > patients.json\n"
      "  prism budget grant patients.csv --unit patient --schema patients.json --epsilon 3 --delta 1e-5\n"
      "  prism query patients.csv --epsilon 0.5 \"SELECT AVG(age) FROM patients\"\n"
      "\nprism COMMAND --help says more. `prism demo` shows the whole story.\n"
      "Environment: PRISM_THREADS (how many), PRISM_KERNELS (portable, avx2, avx512ifma, best).\n"
      "Exit status: 0 fine, 1 error, 2 usage, 3 configuration, 4 wrong or missing key, 5 network, 6 verification "
      "failed,\n"
      "7 budget or quota, 130 interrupted.");
  Action action;
  add_demo(app, action);
  add_keys(app, action);
  add_keygen(app, action);
  add_seal(app, action);
  add_inspect(app, action);
  add_explain(app, action);
  add_query(app, action);
  add_open(app, action);
  add_budget(app, action);
  add_dictionary(app, action);
  add_fhe(app, action);
  add_fhe_encrypt(app, action);
  add_fhe_decrypt(app, action);
  add_channel(app, action);
  add_serve(app, action);
  add_doctor(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error);
      return ExitStatus::ok;
    }
    std::string command = "prism";
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      command += " " + at->get_name();
    }
    say("prism: " + printable(error.what()) + "\nTry '" + command + " --help'.");
    return ExitStatus::usage;
  }
  if (!action) {
    say(app.help());
    return ExitStatus::usage;
  }
  Status outcome = choose_kernels();
  if (outcome) outcome = action();
  if (outcome) return ExitStatus::ok;
  say_error(outcome.error());
  return exit_status_of(outcome.error().code);
}

}  // namespace
}  // namespace prism::app

int main(int argc, char** argv) {
  prism::app::keep_memory();
  prism::host::install_interrupt_handler();
  try {
    return static_cast<int>(prism::app::run(argc, argv));
  } catch (const std::bad_alloc&) {
    prism::app::say("prism: out of memory");
  } catch (const std::exception& error) {
    prism::app::say(std::string("prism: internal error: ") + error.what());
  }
  return static_cast<int>(prism::app::ExitStatus::error);
}
