#include "apps/prism/budget_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/custody/fhe_keys.h"
#include "prism/host/file.h"
#include "prism/table/csv_reader.h"

namespace prism::app {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The command that would grant a budget for this file, made from its column names.
std::string grant_example(const std::string& csv) {
  std::string unit = "COLUMN";
  if (const auto names = read_header(csv)) {
    unit = printable(names->front());
    // People keep calling it that.
    for (const std::string& name : *names)
      if (table::equal_ignoring_case(name, "id") || name.ends_with("_id")) unit = printable(name);
  }
  const std::string schema = stem_of(csv) + ".json";
  return "prism budget schema " + csv + " > " + schema + "   (then fill in bounds)\n  prism budget grant " + csv +
         " --unit " + unit + " --schema " + schema + " --epsilon 3 --delta 1e-5";
}

}  // namespace

std::string ledger_path(const std::string& csv) { return csv + ".budget"; }

Result<std::string> marks_folder() {
  // XDG Base Directory Specification: relative paths are to be ignored.
  if (const std::string state = variable("XDG_STATE_HOME"); state.starts_with('/')) return state + "/prism/marks";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.local/state/prism/marks";
  return fail(ErrorCode::configuration,
              "neither XDG_STATE_HOME nor HOME is set, so there is no place for a ledger's high-water mark");
}

Result<store::sqlite::LedgerFile> open_ledger(const std::string& csv) {
  const std::string path = ledger_path(csv);
  if (!host::exists(path)) {
    if (!host::exists(csv)) return fail(ErrorCode::not_found, "cannot read ", csv, ": there is no such file");
    return fail(ErrorCode::not_found, "no budget was granted for ", csv, "; its owner fixes one, once:\n  ",
                grant_example(csv));
  }
  store::sqlite::LedgerOptions options;
  PRISM_TRY(options.marks, marks_folder());
  PRISM_CHECKED(custody::make_parents(options.marks));
  return store::sqlite::LedgerFile::open(path, std::move(options));
}

Result<std::vector<std::string>> read_header(const std::string& csv) {
  struct stat info{};
  if (::stat(csv.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return fail(ErrorCode::invalid_argument, csv, " is not a regular file; put the table into one first");
  const int fd = ::open(csv.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot read ", csv, ": ",
                std::strerror(errno));
  const auto close = std::shared_ptr<void>(nullptr, [fd](void*) { ::close(fd); });
  // Byte by byte: what stands behind the first line is data, and nothing may depend on it before it is paid for.
  const auto source = [fd, &csv](std::span<char> into) -> Result<std::size_t> {
    for (;;) {
      const ssize_t got = ::read(fd, into.data(), std::min<std::size_t>(into.size(), 1));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return fail(ErrorCode::io, "cannot read ", csv, ": ", std::strerror(errno));
    }
  };
  const auto reader = table::CsvReader::open(source);
  if (!reader) return Error{reader.error().code, csv + ": " + reader.error().message, {}};
  return reader->header();
}

Status check_header(const std::string& csv, const policy::TableRule& rule) {
  PRISM_TRY(const auto header, read_header(csv));
  const std::vector<std::string_view> names(header.begin(), header.end());
  for (const auto& column : rule.columns) {
    if (table::find_name(names, column.schema.name)) continue;
    std::string there;
    for (const auto name : names) there += (there.empty() ? "" : ", ") + printable(name);
    return fail(ErrorCode::mismatch, csv, " has no column ", printable(column.schema.name),
                ", which is part of the schema; it has: ", there);
  }
  return {};
}

Result<table::Table> read_ruled_csv(const std::string& csv, const policy::TableRule& rule, bool misfits_are_null) {
  table::CsvOptions options;
  options.misfits_are_null = misfits_are_null;
  for (const auto& column : rule.columns) {
    table::ColumnOverride& as = options.overrides[column.schema.name];
    as.type = column.schema.type;
    if (column.schema.type == table::ColumnType::decimal) as.scale = column.schema.scale;
  }
  PRISM_TRY(table::Table table, read_csv_file(csv, options));
  table.name = rule.name;
  return table;
}

std::string path_of(const policy::Grant& grant, const policy::TableRule& rule, const std::string& csv) {
  if (!grant.tables.empty() && rule.name == grant.tables.front().name) return csv;
  if (rule.path.starts_with('/')) return rule.path;
  return (std::filesystem::path(csv).parent_path() / rule.path).string();
}

Result<table::Table> CsvSource::read(const policy::TableRule& rule) {
  // What is wrong with a public table may be said, and should.
  return read_ruled_csv(path_of(grant_, rule, csv_), rule, rule.unit.has_value());
}

}  // namespace prism::app
