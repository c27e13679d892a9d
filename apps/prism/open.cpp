#include "prism/backend/he/open.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/host/file.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string answer, keys, passphrase_file, format = "table";
  std::optional<std::string> sql;
};

Status run(const Arguments& a) {
  PRISM_TRY(const Bytes file, host::read_file(a.answer, kMostAnswerBytes));
  PRISM_TRY(const auto parsed, backend::he::parse_answer(file));
  say("question: " + printable(parsed.head.sql, "          "));
  if (a.sql && *a.sql != parsed.head.sql)
    return fail(ErrorCode::integrity, "the answer is to another question than the one given with --sql");
  PRISM_TRY(const auto keys, open_keys(a.keys, a.passphrase_file));
  auto opened = open_with(file, *keys, a.keys);
  if (!opened) return point_at(std::move(opened).error(), parsed.head.sql);
  std::string text;
  if (a.format == "json") {
    PRISM_TRY(text, table::to_json(opened->table));
    if (!text.ends_with('\n')) text += '\n';
  } else {
    text = a.format == "csv" ? table::to_csv(opened->table) : table::to_text_table(opened->table);
  }
  PRISM_CHECKED(print(text));
  say("note: opened values prove nothing about correctness; keep them, and refusals, from anyone who can choose "
      "answers");
  return {};
}

}  // namespace

void add_open(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand("open", "Decrypt an answer with the owner's keys");
  command->footer(
      "Example:\n  prism open answer.prism --keys alice -o json\n\n"
      "The question is checked against what the keys remember of the table, not against the sealed file.\n"
      "What is opened says nothing about whether the answer was computed correctly.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("answer", a->answer, "The answer")->required();
  command->add_option("--keys", a->keys, "The key directory, or the key of this table alone")->required();
  command->add_option("-o,--format", a->format, "How to print it: table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  command->add_option("--passphrase-file", a->passphrase_file, "A file that holds the keys' passphrase");
  command->add_option("--sql", a->sql, "The question you asked; an answer to any other is refused");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
