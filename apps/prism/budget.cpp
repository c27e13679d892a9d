#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/budget_files.h"
#include "apps/prism/budget_text.h"
#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/custody/fhe_keys.h"
#include "prism/host/system.h"

namespace prism::app {
namespace {

Status show(const std::string& csv, const std::string& format) {
  PRISM_TRY(auto file, open_ledger(csv));
  PRISM_TRY(const policy::Ledger ledger, file.read());
  if (format == "json") return print(ledger_json(ledger, csv, file.mark_path()));
  if (format == "csv") return print(ledger_csv(ledger));
  return print(ledger_text(ledger, csv, file.mark_path()));
}

Status acknowledge(const std::string& csv, bool moved) {
  using store::sqlite::LedgerFile;
  store::sqlite::LedgerOptions options;
  PRISM_TRY(options.marks, marks_folder());
  PRISM_CHECKED(custody::make_parents(options.marks));
  PRISM_TRY(const auto kind, LedgerFile::acknowledge(ledger_path(csv), std::move(options), host::SystemClock{}.wall(),
                                                     moved ? LedgerFile::Claim::moved : LedgerFile::Claim::nothing));
  if (kind == policy::Acknowledged::Kind::moved)
    say("acknowledged: the ledger has a new mark, and keeps what it has left on your word that nothing was spent since "
        "it was moved;\nthat stands in it for ever. Where it came from, it must not be used any more: two copies would "
        "spend the same budget twice");
  else if (kind == policy::Acknowledged::Kind::unmarked)
    say("acknowledged: the ledger's mark was missing, so nobody can tell whether charges are lost; all that was left "
        "of the budget\ncounts as spent");
  else
    say("acknowledged: the ledger is older than its mark, so charges are lost, and nobody knows how many; all that was "
        "left "
        "of the\nbudget counts as spent");
  return {};
}

/// The schema as the file suggests it: names and types. Bounds are the owner's to know.
Status schema(const std::string& csv) {
  PRISM_TRY(const table::Table table, read_csv_file(csv, {}));
  policy::TableRule rule;
  for (const auto& column : table.columns) {
    rule.columns.push_back({});
    rule.columns.back().schema = column.schema;
    if (!column.note.empty()) say("note: " + printable(column.schema.name) + ": " + printable(column.note));
  }
  PRISM_CHECKED(print(policy::schema_to_json({&rule, 1})));
  say("add \"low\" and \"high\" to columns that are summed or averaged, \"values\" (text) or \"public\": true (numbers "
      "with bounds)\nto columns that answers are grouped by; take out columns that nobody should ask about");
  return {};
}

}  // namespace

void add_budget(CLI::App& app, Action& action) {
  CLI::App* const budget =
      app.add_subcommand("budget", "Fix how much may be learned from a CSV file, and see what is left of it");
  budget->require_subcommand(1);
  budget->footer(
      "Example:\n  prism budget schema patients.csv > patients.json\n"
      "  prism budget grant patients.csv --unit patient --schema patients.json --epsilon 3 --delta 1e-5\n"
      "  prism budget show patients.csv\n\nThe budget of DATA.csv lies in DATA.csv.budget, its high-water mark in "
      "$XDG_STATE_HOME/prism/marks\n(default: ~/.local/state/prism/marks).");
  const auto csv = std::make_shared<std::string>();
  const auto format = std::make_shared<std::string>("table");
  add_budget_grant(*budget, action);

  CLI::App* const shown = budget->add_subcommand("show", "Show what was granted, spent and is left");
  shown->footer("Example:\n  prism budget show patients.csv -o json");
  shown->add_option("csv", *csv, "The CSV file")->required();
  shown->add_option("-o,--format", *format, "How to print it: table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  shown->callback([csv, format, &action] { action = [csv, format] { return show(*csv, *format); }; });

  CLI::App* const made = budget->add_subcommand("schema", "Print a schema to fill in: the file's columns and types");
  made->footer("Example:\n  prism budget schema patients.csv > patients.json");
  made->add_option("csv", *csv, "The CSV file")->required();
  made->callback([csv, &action] { action = [csv] { return schema(*csv); }; });

  CLI::App* const acknowledged =
      budget->add_subcommand("acknowledge", "Go on with a ledger that was moved here, or restored from a backup");
  acknowledged->footer(
      "Example:\n  prism budget acknowledge patients.csv\n\nA ledger behind its mark was restored and lost charges; "
      "one "
      "without its mark may have. All that is left of it counts\nas spent then: bring the newest ledger back instead, "
      "or "
      "the mark along, if there is one. --moved keeps what is left, where the\nmark is missing; your word for it "
      "stands "
      "in the ledger for ever.");
  acknowledged->add_option("csv", *csv, "The CSV file")->required();
  const auto moved = std::make_shared<bool>(false);
  acknowledged->add_flag("--moved", *moved,
                         "The ledger came from another machine or user, is the newest there is, and nothing was spent "
                         "since");
  acknowledged->callback([csv, moved, &action] { action = [csv, moved] { return acknowledge(*csv, *moved); }; });
}

}  // namespace prism::app
