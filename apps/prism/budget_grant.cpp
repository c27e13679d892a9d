#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <unordered_map>

#include "apps/prism/budget_files.h"
#include "apps/prism/budget_text.h"
#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/custody/fhe_keys.h"
#include "prism/host/file.h"
#include "prism/host/system.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string csv, schema, unit, epsilon, delta = "1e-5", accounting = "basic", query_epsilon;
  std::vector<std::string> analysts, rooms;
  std::optional<std::uint64_t> rows_per_unit, groups_per_unit, bucket_ms, time_limit_s, most_groups, memory_mb;
  bool drop_rows = false;
};

/// The same error, said of a flag.
Error of_flag(std::string_view flag, const Error& error) {
  return fail(ErrorCode::invalid_argument, flag, ": ", error.message);
}

Result<dp::Epsilon> epsilon_of(std::string_view flag, std::string_view text) {
  auto epsilon = dp::Epsilon::parse(text);
  if (!epsilon) return of_flag(flag, epsilon.error());
  return epsilon;
}

Result<std::vector<policy::SubLimit>> limits_of(std::string_view flag, const std::vector<std::string>& all) {
  std::vector<policy::SubLimit> limits;
  for (const std::string& text : all) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0)
      return fail(ErrorCode::invalid_argument, flag, " ", printable(text), " should be NAME=EPSILON, such as anna=1");
    PRISM_TRY(const dp::Epsilon epsilon, epsilon_of(flag, std::string_view(text).substr(equals + 1)));
    limits.push_back({text.substr(0, equals), epsilon});
  }
  return limits;
}

/// The checks of a grant point into its JSON. Who typed flags and a schema wants to read of those.
Error said_of(const Arguments& a, const Error& error) {
  constexpr std::pair<std::string_view, std::string_view> kFlags[] = {{"/epsilon", "--epsilon"},
                                                                      {"/delta", "--delta"},
                                                                      {"/query_epsilon", "--query-epsilon"},
                                                                      {"/accounting", "--accounting"},
                                                                      {"/analysts", "--analyst"},
                                                                      {"/rooms", "--room"},
                                                                      {"/groups_per_unit", "--groups-per-unit"},
                                                                      {"/limits/bucket_ms", "--bucket-ms"},
                                                                      {"/limits/time_limit_ms", "--time-limit"},
                                                                      {"/limits/groups", "--most-groups"},
                                                                      {"/limits/memory_bytes", "--memory"}};
  const std::string& text = error.message;
  const std::size_t colon = text.find(": ");
  if (colon == std::string::npos) return error;
  const std::string pointer = text.substr(0, colon), rest = text.substr(colon + 2);
  if (a.rows_per_unit && pointer == "/tables/0/rows_per_unit")
    return fail(ErrorCode::invalid_argument, "--rows-per-unit: ", rest);
  for (const auto& [place, flag] : kFlags)
    if (pointer.starts_with(place)) return fail(ErrorCode::invalid_argument, flag, ": ", rest);
  // In the schema the dataset's own table is the whole, and the others come after it.
  constexpr std::string_view kTables = "/tables/";
  if (!pointer.starts_with(kTables)) return fail(ErrorCode::invalid_argument, a.schema, ": ", text);
  const std::size_t end = std::min(pointer.find('/', kTables.size()), pointer.size());
  std::size_t table = 0;
  std::from_chars(pointer.data() + kTables.size(), pointer.data() + end, table);
  const std::string before = table == 0 ? "" : fmt::format("/tables/{}", table - 1);
  return fail(ErrorCode::invalid_argument, a.schema, ": ", before, pointer.substr(end), ": ", rest);
}

/// CLI11 reads -1 as 18446744073709551615.
CLI::Validator whole_number() {
  const auto check = [](const std::string& text) -> std::string {
    const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return !text.empty() && text.size() <= 12 && digits ? "" : text + " is not a whole number of at most 12 digits";
  };
  return {check, ""};
}

Result<policy::Grant> grant_of(const Arguments& a) {
  PRISM_TRY(const Bytes file, host::read_file(a.schema, policy::kMostGrantBytes));
  auto tables = policy::schema_from_json(as_text(file));
  if (!tables) return of_flag(a.schema, tables.error());  // a mistake in what was typed, like any other
  policy::Grant grant;
  grant.tables = *std::move(tables);
  policy::TableRule& data = grant.tables.front();
  if (data.name.empty()) data.name = stem_of(a.csv);
  data.path = a.csv.substr(a.csv.rfind('/') + 1);
  if (!a.unit.empty()) {
    if (data.unit && !table::equal_ignoring_case(*data.unit, a.unit))
      return fail(ErrorCode::invalid_argument, "--unit says ", printable(a.unit), ", and ", a.schema, " says ",
                  printable(*data.unit), "; leave one out");
    data.unit = a.unit;
  }
  if (!data.unit)
    return fail(ErrorCode::invalid_argument,
                "--unit is needed: the column that says whose row it is, such as a patient's number");
  std::vector<std::string_view> names;
  for (const auto& column : data.columns) names.push_back(column.schema.name);
  const auto unit = table::find_name(names, *data.unit);
  if (!unit)
    return fail(ErrorCode::invalid_argument, "the unit column ", printable(*data.unit), " is not in ", a.schema, ": ",
                unit.error().message);
  data.unit = names[*unit];
  if (a.rows_per_unit) data.rows_per_unit = *a.rows_per_unit;
  grant.groups_per_unit = a.groups_per_unit;
  PRISM_TRY(grant.epsilon, epsilon_of("--epsilon", a.epsilon));
  auto delta = dp::Delta::parse(a.delta);
  if (!delta) return of_flag("--delta", delta.error());
  grant.delta = *delta;
  if (!a.query_epsilon.empty()) {
    const std::size_t colon = a.query_epsilon.find(':');
    if (colon == std::string::npos)
      return fail(ErrorCode::invalid_argument, "--query-epsilon ", printable(a.query_epsilon),
                  " should be LEAST:MOST, such as 0.1:1");
    PRISM_TRY(grant.query_least, epsilon_of("--query-epsilon", std::string_view(a.query_epsilon).substr(0, colon)));
    PRISM_TRY(grant.query_most, epsilon_of("--query-epsilon", std::string_view(a.query_epsilon).substr(colon + 1)));
  } else {
    // A small budget is still worth its queries.
    grant.query_least = std::min(grant.query_least, grant.epsilon);
    grant.query_most = std::min(grant.query_most, grant.epsilon);
  }
  grant.accounting = a.accounting == "zcdp" ? dp::Method::zcdp : dp::Method::basic;
  PRISM_TRY(grant.analysts, limits_of("--analyst", a.analysts));
  PRISM_TRY(grant.rooms, limits_of("--room", a.rooms));
  if (a.bucket_ms) grant.bucket = std::chrono::milliseconds(*a.bucket_ms);
  if (a.time_limit_s) grant.time_limit = std::chrono::seconds(*a.time_limit_s);
  if (a.most_groups) grant.most_groups = *a.most_groups;
  if (a.memory_mb) grant.memory_bytes = *a.memory_mb << 20U;
  if (const Status sound = policy::check_grant(grant); !sound) return said_of(a, sound.error());
  return grant;
}

/// Whether some unit has more rows than count.
bool has_more_rows(const table::Table& table, std::size_t unit, std::uint64_t most) {
  const table::Column& column = table.columns[unit];
  std::unordered_map<std::int64_t, std::uint64_t> rows;
  for (std::size_t row = 0; row < table.rows; ++row) {
    if (column.valid[row] != 0 && ++rows[column.values[row]] > most) return true;
  }
  return false;
}

/// The owner looks at its own file here, before anything is granted: messages may say what is in it.
Status check_table(const Arguments& a, const std::string& csv, const policy::TableRule& rule, std::uint64_t most_rows) {
  PRISM_CHECKED(check_header(csv, rule));
  PRISM_TRY(const table::Table table, read_ruled_csv(csv, rule, false));
  if (table.rows > most_rows)
    return fail(ErrorCode::exhausted, csv, " has ", table.rows, " rows; at most ", most_rows, " are answered about");
  for (const auto& column : rule.columns) {
    PRISM_TRY(const std::size_t at, table::find_column(table, column.schema.name));
    const table::Column& found = table.columns[at];
    const std::string name = printable(column.schema.name);
    if (found.nulls > 0 && !column.schema.nullable)
      return fail(ErrorCode::mismatch, csv, ": column ", name,
                  " has fields without a value; say \"nullable\": true in its schema");
    if (found.rounding.rounded > 0)
      say(fmt::format("note: values of {} are rounded to {} decimals, by {} at most", name, column.schema.scale,
                      found.rounding.largest_error));
  }
  if (!rule.unit) return {};
  PRISM_TRY(const std::size_t unit, table::find_column(table, *rule.unit));
  if (!a.drop_rows && has_more_rows(table, unit, rule.rows_per_unit))
    return fail(
        ErrorCode::refused, csv, ": some ", printable(*rule.unit), " has more than ", rule.rows_per_unit,
        rule.rows_per_unit == 1 ? " row" : " rows",
        ", and rows past --rows-per-unit never count. Choose it from what a row stands for (one row a year, for five "
        "years: 5), not from the file: it becomes public, and noise grows with it. To have further rows left "
        "out of every answer, add --drop-rows");
  return {};
}

Status run(const Arguments& a) {
  const std::string path = ledger_path(a.csv);
  if (host::exists(path))
    return fail(ErrorCode::refused, path,
                " is there already: a grant is made once and cannot be changed. See it with: ", "prism budget show ",
                a.csv);
  PRISM_TRY(const policy::Grant grant, grant_of(a));
  for (const auto& rule : grant.tables)
    PRISM_CHECKED(check_table(a, path_of(grant, rule, a.csv), rule, grant.most_rows));
  store::sqlite::LedgerOptions options;
  PRISM_TRY(options.marks, marks_folder());
  PRISM_CHECKED(custody::make_parents(options.marks));
  host::SystemRandom random;
  PRISM_TRY(const auto ledger,
            store::sqlite::LedgerFile::create(path, grant, std::move(options), random, host::SystemClock{}.wall()));
  PRISM_CHECKED(
      print(grant_text(grant) + fmt::format("  {:<14} {}\n  {:<14} {}\n", "ledger", path, "mark", ledger.mark_path())));
  say("note: local files hold an honest operator to this, nobody else: whoever can write them can grant anew, and "
      "whoever can read the CSV file needs no query");
  return {};
}

}  // namespace

void add_budget_grant(CLI::App& budget, Action& action) {
  CLI::App* const command =
      budget.add_subcommand("grant", "Fix privacy unit, schema, bounds and budget of a CSV file, once and for all");
  command->footer(
      "Example:\n  prism budget grant patients.csv --unit patient --schema patients.json --epsilon 3 --delta 1e-5\n\n"
      "The schema is a JSON file; prism budget schema writes one to fill in:\n"
      "  {\"version\": 1, \"columns\": [\n"
      "    {\"name\": \"patient\", \"type\": \"integer\"},\n"
      "    {\"name\": \"age\", \"type\": \"integer\", \"low\": 0, \"high\": 110},\n"
      "    {\"name\": \"cost\", \"type\": \"decimal\", \"scale\": 2, \"nullable\": true, \"low\": 0, \"high\": "
      "20000},\n"
      "    {\"name\": \"sex\", \"type\": \"text\", \"values\": [\"female\", \"male\"]}]}\n"
      "Further tables, for joins, come after the columns; their paths start at the folder of the CSV file, and without "
      "\"unit\" they are public:\n"
      "  \"tables\": [{\"name\": \"visits\", \"path\": \"visits.csv\", \"unit\": \"patient\", "
      "\"rows_per_unit\": 3, \"columns\": [...]}]\n"
      "What is granted cannot be changed, and is public: choose it from what everybody knows, not from the file.\n"
      "docs/guide/dp.md says how.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("csv", a->csv, "The CSV file")->required();
  command->add_option("--unit", a->unit, "The column that says whose row it is: what one of them adds is hidden");
  command->add_option("--schema", a->schema, "A JSON file with columns, types, bounds and public values")->required();
  command->add_option("--epsilon", a->epsilon, "The budget for all questions together")->required();
  command->add_option("--delta", a->delta, "The probability that may be left over, for all questions (default 1e-5)");
  command->add_option("--rows-per-unit", a->rows_per_unit, "Rows of one unit that count, at most (default 1)")
      ->check(whole_number());
  command->add_flag("--drop-rows", a->drop_rows, "Go on though some unit has more rows; the others are left out");
  command
      ->add_option("--groups-per-unit", a->groups_per_unit,
                   "Groups of an answer in which one unit counts, at most (default: as many as its rows)")
      ->check(whole_number());
  command->add_option("--query-epsilon", a->query_epsilon, "What one question may spend, LEAST:MOST (default 0.1:3)");
  command->add_option("--analyst", a->analysts, "A limit for one analyst, NAME=EPSILON; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--room", a->rooms, "A limit for one data room, NAME=EPSILON; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--accounting", a->accounting, "How questions add up: basic (default) or zcdp")
      ->check(CLI::IsMember({"basic", "zcdp"}));
  command->add_option("--bucket-ms", a->bucket_ms, "Answers leave at multiples of this many milliseconds (default 500)")
      ->check(whole_number());
  command->add_option("--time-limit", a->time_limit_s, "Seconds that one question may take (default 60)")
      ->check(whole_number());
  command->add_option("--most-groups", a->most_groups, "Groups of one answer, at most (default 10000)")
      ->check(whole_number());
  command->add_option("--memory", a->memory_mb, "Megabytes that one question may take (default 4096)")
      ->check(whole_number());
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
