#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/host/file.h"
#include "prism/host/interrupt.h"
#include "prism/host/thread_pool.h"
#include "prism/table/date.h"
#include "prism/table/decimal.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string csv, keys, output, passphrase_file, encoding = "compact";
  std::vector<std::string> roles, publish, products, scales, types, bounds;
  bool no_squares = false, yes = false, dry_run = false;
  std::optional<int> nesting;
  std::optional<std::uint64_t> pad_rows;
  std::optional<std::size_t> threads;
  int security = 128;
};

/// "column=value"; column names may hold an equals sign, values may not.
Result<std::pair<std::string, std::string>> split(const std::string& text, std::string_view flag,
                                                  std::string_view form) {
  const std::size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size())
    return fail(ErrorCode::invalid_argument, flag, " ", printable(text), ": wanted ", form);
  return std::pair{text.substr(0, at), text.substr(at + 1)};
}

Result<table::CsvOptions> csv_options(const Arguments& a) {
  table::CsvOptions options;
  for (const std::string& text : a.types) {
    PRISM_TRY(const auto parts, split(text, "--type", "COLUMN=integer, decimal, date or text"));
    PRISM_TRY(options.overrides[parts.first].type, table::column_type_from(parts.second));
  }
  for (const std::string& text : a.scales) {
    PRISM_TRY(const auto parts, split(text, "--scale", "COLUMN=DIGITS"));
    const auto number = table::parse_decimal(parts.second);
    if (!number || number->scale != 0 || number->unscaled < 0 || number->unscaled > table::kMaxScale)
      return fail(ErrorCode::invalid_argument, "--scale ", printable(text), ": wanted COLUMN=DIGITS with 0 to ",
                  table::kMaxScale, " digits after the point");
    options.overrides[parts.first].scale = static_cast<int>(number->unscaled);
  }
  return options;
}

Result<std::int64_t> bound(const table::Column& column, const std::string& text) {
  const std::string where = "--bounds of column " + column.schema.name + ": ";
  if (column.schema.type == table::ColumnType::date) {
    const auto days = table::parse_date(text);
    if (!days)
      return fail(ErrorCode::invalid_argument, where, "\"", printable(text), "\" is no date; wanted YYYY-MM-DD");
    return std::int64_t{*days};
  }
  const auto number = table::scan_decimal(text);
  const auto scaled = number ? table::to_scale(*number, column.schema.scale) : std::nullopt;
  if (!scaled) return fail(ErrorCode::invalid_argument, where, "\"", printable(text), "\" is no number that fits");
  if (!scaled->error_tail.empty())
    return fail(ErrorCode::invalid_argument, where, "\"", printable(text),
                "\" has more decimals than the column, which has ", column.schema.scale);
  return scaled->value;
}

Result<sealed::SealOptions> seal_options(const Arguments& a, const table::Table& table) {
  sealed::SealOptions options;
  for (const std::string& text : a.roles) {
    PRISM_TRY(const auto parts, split(text, "--role", "COLUMN=measure, filter or group"));
    for (std::size_t from = 0; from <= parts.second.size();) {
      const std::size_t comma = std::min(parts.second.find(',', from), parts.second.size());
      PRISM_TRY(const auto role, sealed::role_from(parts.second.substr(from, comma - from)));
      options.roles.emplace_back(parts.first, role);
      from = comma + 1;
    }
  }
  options.publish = a.publish;
  for (const std::string& text : a.products) {
    std::optional<std::pair<std::string, std::string>> found;
    for (std::size_t at = text.find('*'); at != std::string::npos && !found; at = text.find('*', at + 1)) {
      const auto left = text.substr(0, at), right = text.substr(at + 1);
      // A name may hold a star itself: take the first place where both sides are columns.
      if (table::find_column(table, left) && table::find_column(table, right)) found = {left, right};
    }
    if (!found) {
      const std::size_t at = text.find('*');
      if (at == std::string::npos || at == 0 || at + 1 == text.size())
        return fail(ErrorCode::invalid_argument, "--product ", printable(text), ": wanted COLUMN*COLUMN");
      found = {text.substr(0, at), text.substr(at + 1)};
    }
    options.products.push_back(*found);
  }
  for (const std::string& text : a.bounds) {
    PRISM_TRY(const auto parts, split(text, "--bounds", "COLUMN=LOW:HIGH"));
    const std::size_t colon = parts.second.find(':');
    if (colon == std::string::npos)
      return fail(ErrorCode::invalid_argument, "--bounds ", printable(text), ": wanted COLUMN=LOW:HIGH");
    PRISM_TRY(const std::size_t c, table::find_column(table, parts.first));
    const table::Column& column = table.columns[c];
    if (column.schema.type == table::ColumnType::text)
      return fail(ErrorCode::invalid_argument, "--bounds ", printable(text), ": column ", column.schema.name,
                  " is text and has no bounds");
    PRISM_TRY(const std::int64_t low, bound(column, parts.second.substr(0, colon)));
    PRISM_TRY(const std::int64_t high, bound(column, parts.second.substr(colon + 1)));
    options.bounds[column.schema.name] = {low, high};
  }
  options.squares = !a.no_squares;
  options.style = a.encoding == "fast" ? sealed::SealOptions::Style::fast : sealed::SealOptions::Style::compact;
  options.nesting = a.nesting.value_or(-1);
  options.security = static_cast<rlwe::Security>(a.security);
  options.pad_rows_to = a.pad_rows;
  return options;
}

void show(const sealed::Proposal& proposal, const std::string& output) {
  const auto list = [](std::string_view title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    say("\n" + std::string(title));
    for (const std::string& line : lines) say("  " + printable(line, "  "));
  };
  list("will be sealed:", proposal.columns);
  list("will be left out:", proposal.left_out);
  list("becomes public (whoever has the file can read it):", proposal.becomes_public);
  const auto& parameters = *proposal.header.parameters;
  say("\nfile: " + output + ", " + bytes_text(proposal.file_bytes) + "; security " +
      std::to_string(static_cast<int>(parameters.rlwe().security())) + " bits, ring degree " +
      count_text(parameters.degree()));
  if (host::exists(output)) say("it replaces the " + output + " that is there");
}

Status run(const Arguments& a) {
  PRISM_TRY(const std::size_t workers, workers_from(a.threads));
  PRISM_CHECKED(not_the_same(a.csv, a.output));
  if (!a.yes && !a.dry_run && !can_ask())
    return fail(ErrorCode::invalid_argument,
                "nobody can be asked here; give --yes to seal, or --dry-run to see what would happen");
  PRISM_TRY(const auto csv, csv_options(a));
  // Before the work, so that a wrong passphrase costs no minutes. A dry run needs no keys.
  std::optional<custody::Keyring> keyring;
  if (!a.dry_run) {
    PRISM_TRY(keyring, open_keyring(a.keys, a.passphrase_file));
  }
  PRISM_TRY(const table::Table table, read_csv_file(a.csv, csv));
  if (table.rows == 0) return fail(ErrorCode::invalid_argument, a.csv, " has no rows to seal");
  std::string read = table::describe(table);
  while (read.ends_with('\n')) read.pop_back();
  say(printable(read));
  PRISM_TRY(const auto options, seal_options(a, table));
  PRISM_TRY(const sealed::Proposal proposal, sealed::propose(table, options));
  show(proposal, a.output);
  if (a.dry_run) return {};
  if (!a.yes) {
    PRISM_TRY(const bool go, confirm("\nseal it?"));
    if (!go) return fail(ErrorCode::refused, "nothing was sealed");
  }
  host::ThreadPool pool(workers);
  sealed::Manifest manifest;
  {
    Progress progress("sealing");
    PRISM_TRY(manifest, seal_table(table, proposal.header, *keyring, a.output, pool,
                                   [&](std::uint64_t done, std::uint64_t all) { return progress(done, all); }));
  }
  say("\nwrote " + a.output + "; root " + to_hex(manifest.root));
  say("ask it: prism query " + a.output + " 'SELECT COUNT(*) FROM " + printable(sql_name(table.name)) +
      "' --output answer.prism");
  return {};
}

}  // namespace

void add_seal(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand("seal", "Encrypt a CSV file into a table that can be asked");
  command->footer(
      "Example:\n"
      "  prism seal patients.csv --keys alice --output patients.sealed\n"
      "  prism seal patients.csv --keys alice --output patients.sealed --role age=filter,measure --role state=group "
      "--publish state --yes\n\n"
      "Roles: measure (SUM, AVG, VAR, STDDEV), filter (WHERE), group (GROUP BY; up to 256 values). Without any --role, "
      "roles are proposed.\n"
      "Everything that becomes public is shown first.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("csv", a->csv, "The CSV file")->required();
  command->add_option("--keys", a->keys, "The key directory")->required();
  command->add_option("--output,--out", a->output, "The sealed table's file")->required();
  const auto many = [&](const char* flag, std::vector<std::string>& into, const char* what, const char* form) {
    command->add_option(flag, into, what)->allow_extra_args(false)->type_name(form);
  };
  many("--role", a->roles, "Seal a column for a role, and only columns so named; may be repeated",
       "COLUMN=ROLE[,ROLE]");
  many("--publish", a->publish, "Make a text column's different values public", "COLUMN");
  many("--product", a->products, "Seal the product of two measures, so that SUM(a*b) can be asked", "COLUMN*COLUMN");
  many("--scale", a->scales, "Decimals to keep of a column", "COLUMN=DIGITS");
  many("--type", a->types, "Read a column as integer, decimal, date or text", "COLUMN=TYPE");
  many("--bounds", a->bounds, "Publish these bounds of a column instead of the data's own, rounded outwards",
       "COLUMN=LOW:HIGH");
  command->add_flag("--no-squares", a->no_squares, "Leave squares out: smaller, but no VAR and STDDEV");
  command->add_option("--encoding", a->encoding, "compact (small file) or fast (fewer products per query)")
      ->check(CLI::IsMember({"compact", "fast"}));
  command
      ->add_option("--nesting", a->nesting,
                   "How many more conditions deep WHERE may nest (default: by the number of filters)")
      ->check(CLI::Range(0, 8));
  command->add_option("--pad-rows", a->pad_rows, "Hide the row count: pad to this many rows")
      ->check(CLI::PositiveNumber);
  command->add_option("--security", a->security, "Bits of security: 128, 192 or 256")
      ->check(CLI::IsMember({128, 192, 256}));
  command->add_option("--passphrase-file", a->passphrase_file, "A file that holds the keys' passphrase");
  command->add_option("--threads", a->threads, "How many threads encrypt (default: PRISM_THREADS, or every core)");
  command->add_flag("--yes", a->yes, "Do not ask");
  command->add_flag("--dry-run", a->dry_run, "Show what would be sealed and published, and stop");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
