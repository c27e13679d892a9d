#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/custody/backup.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/sealed/reader.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string dir, output, file, table;
  std::string passphrase_file, output_passphrase_file;
};

constexpr const char* kPassphraseHelp = "A file that holds the passphrase; without it a prompt asks when one is needed";

Status make(const Arguments& a) {
  PRISM_TRY(const auto passphrase, PassphraseSource::find(a.passphrase_file, false, ""));
  host::SystemRandom random;
  const host::SystemClock clock;
  PRISM_TRY(const auto keyring, custody::Keyring::create(a.dir, random, clock, passphrase.view()));
  say("made the key directory " + a.dir + " (key " + keyring.id().hex() + ")");
  say(passphrase.view()
          ? "its seed is protected by the passphrase; without either, nothing sealed with it can be opened"
          : "its seed is protected by the file's mode alone (--passphrase-file adds a passphrase)");
  say("keep a copy elsewhere: prism keys backup --dir " + a.dir + " --output " + a.dir + ".backup");
  return {};
}

Status backup(const Arguments& a) {
  PRISM_TRY(const auto keyring, open_keyring(a.dir, a.passphrase_file));
  PRISM_TRY(const auto passphrase, PassphraseSource::find(a.output_passphrase_file, false, ""));
  host::SystemRandom random;
  PRISM_CHECKED(custody::Backup::write(keyring, a.output, random, host::SystemClock{}, passphrase.view()));
  PRISM_TRY(const auto tables, keyring.list_manifests());
  say("wrote " + a.output + ": the seed and what is remembered of " + count_text(tables.size()) +
      (tables.size() == 1 ? " table" : " tables"));
  return {};
}

Status restore(const Arguments& a) {
  PRISM_TRY(const Bytes bytes, host::read_file(a.file, custody::kMaxBackupBytes));
  PRISM_TRY(const auto description, custody::describe_backup(bytes));
  const bool needed = description.keyring.protection == custody::Protection::passphrase;
  PRISM_TRY(const auto passphrase, PassphraseSource::find(a.passphrase_file, needed, "passphrase of " + a.file));
  host::SystemRandom random;
  PRISM_TRY(const auto keyring, custody::Backup::restore(a.file, a.dir, random, passphrase.view()));
  PRISM_TRY(const auto tables, keyring.list_manifests());
  say("restored " + a.dir + " (key " + keyring.id().hex() + ") with " + count_text(tables.size()) +
      (tables.size() == 1 ? " table" : " tables"));
  return {};
}

Status export_table(const Arguments& a) {
  PRISM_TRY(const auto table, sealed::SealedTable::open(a.table));
  PRISM_TRY(const auto keyring, open_keyring(a.dir, a.passphrase_file));
  PRISM_TRY(const auto manifest, load_manifest(keyring, table.header().id, a.dir));
  PRISM_TRY(const auto passphrase, PassphraseSource::find(a.output_passphrase_file, false, ""));
  host::SystemRandom random;
  custody::TableId id;
  id.bytes = manifest.header.id;
  PRISM_CHECKED(keyring.export_table_key(id, a.output, random, host::SystemClock{}, passphrase.view()));
  say("wrote " + a.output + ": whoever has it opens answers about " + printable(manifest.header.name) +
      ", and about no other table");
  return {};
}

}  // namespace

void add_keys(CLI::App& app, Action& action) {
  CLI::App* const keys = app.add_subcommand("keys", "Make, back up, restore and inspect keys");
  keys->require_subcommand(1);
  keys->footer("Example:\n  prism keys new --dir alice");
  const auto a = std::make_shared<Arguments>();
  const auto add = [&](const char* name, const char* what, const char* example, Status (*run)(const Arguments&)) {
    CLI::App* const command = keys->add_subcommand(name, what);
    command->footer(std::string("Example:\n  ") + example);
    command->callback([a, run, &action] { action = [a, run] { return run(*a); }; });
    return command;
  };

  CLI::App* const made = add("new", "Make a key directory: one random seed from which each table's key is derived",
                             "prism keys new --dir alice", make);
  made->add_option("--dir", a->dir, "The directory to make; it must not exist")->required();
  made->add_option("--passphrase-file", a->passphrase_file, "A file that holds a passphrase to protect the seed with");

  CLI::App* const saved = add("backup", "Write a key directory, with all it remembers of tables, into one file",
                              "prism keys backup --dir alice --output alice.backup", backup);
  saved->add_option("--dir", a->dir, "The key directory")->required();
  saved->add_option("--output,--out", a->output, "The file to write; it must not exist")->required();
  saved->add_option("--passphrase-file", a->passphrase_file, kPassphraseHelp);
  saved->add_option(
      "--backup-passphrase-file", a->output_passphrase_file,
      "A file that holds another passphrase for the backup; without it the directory's own, if it has one");

  CLI::App* const restored =
      add("restore", "Make a key directory from a backup", "prism keys restore alice.backup --dir alice", restore);
  restored->add_option("backup", a->file, "The backup")->required();
  restored->add_option("--dir", a->dir, "The directory to make; it must not exist")->required();
  restored->add_option("--passphrase-file", a->passphrase_file, kPassphraseHelp);

  CLI::App* const exported =
      add("export-table", "Write the key of one table, for somebody who shall open that table and no other",
          "prism keys export-table patients.sealed --keys alice --output patients.key", export_table);
  exported->add_option("table", a->table, "The sealed table")->required();
  exported->add_option("--keys,--dir", a->dir, "The key directory")->required();
  exported->add_option("--output,--out", a->output, "The file to write; it must not exist")->required();
  exported->add_option("--passphrase-file", a->passphrase_file, kPassphraseHelp);
  exported->add_option("--output-passphrase-file", a->output_passphrase_file,
                       "A file that holds a passphrase to protect the exported key with");
  add_keys_inspect(*keys, action);
}

}  // namespace prism::app
