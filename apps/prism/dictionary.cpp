#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/host/atomic_file.h"
#include "prism/sealed/reader.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string table, keys, column, output, passphrase_file;
};

Status run(const Arguments& a) {
  PRISM_CHECKED(not_the_same(a.table, a.output));
  PRISM_TRY(const auto table, sealed::SealedTable::open(a.table));
  PRISM_TRY(const auto keys, open_keys(a.keys, a.passphrase_file));
  PRISM_TRY(const sealed::Manifest manifest, load_manifest(*keys, table.header().id, a.keys));
  std::vector<std::string_view> names;
  for (const auto& column : manifest.header.columns) names.push_back(column.schema.name);
  PRISM_TRY(const std::size_t c, table::find_name(names, a.column));
  const sealed::Column& column = manifest.header.columns[c];
  if (column.schema.type != table::ColumnType::text || !column.code)
    return fail(ErrorCode::invalid_argument, "column ", column.schema.name, " is ", table::type_text(column.schema),
                " and has no dictionary; only text columns have one");
  sealed::DictionaryExport dictionary;
  dictionary.table = manifest.header.id;
  dictionary.column = column.schema.name;
  dictionary.words = manifest.dictionaries[c];
  PRISM_CHECKED(
      host::write_file(a.output, sealed::encode_dictionary(dictionary), host::AtomicFile::Access::owner_only));
  say("wrote " + a.output + ": " + count_text(dictionary.words.size()) + " values of " + printable(column.schema.name) +
      " in the clear; give it only to those who may see them");
  return {};
}

}  // namespace

void add_dictionary(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand(
      "dictionary", "Export the different values of a text column, so that somebody else can ask about them");
  command->footer(
      "Example:\n  prism dictionary patients.sealed --keys alice --column state --output state.dict\n"
      "  prism query patients.sealed \"SELECT COUNT(*) FROM patients WHERE state = 'Berlin'\" --dictionary state.dict "
      "--output answer.prism");
  const auto a = std::make_shared<Arguments>();
  command->add_option("table", a->table, "The sealed table")->required();
  command->add_option("--keys", a->keys, "The key directory")->required();
  command->add_option("--column", a->column, "The text column")->required();
  command->add_option("--output,--out", a->output, "The dictionary's file")->required();
  command->add_option("--passphrase-file", a->passphrase_file, "A file that holds the keys' passphrase");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
