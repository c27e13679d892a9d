// apps/prism/budget_files.h - where a CSV file's grant and budget lie, and how the program reads both.
#pragma once
#include <memory>
#include <string>

#include "prism/backend/dp/dp.h"
#include "prism/base/result.h"
#include "prism/policy/grant.h"
#include "prism/policy/ledger.h"
#include "prism/store/sqlite/ledger_file.h"
#include "prism/table/table.h"

namespace prism::app {

/// DATA.csv.budget, beside the data.
std::string ledger_path(const std::string& csv);
/// Where high-water marks lie: $XDG_STATE_HOME/prism/marks, or ~/.local/state/prism/marks. Another place than the
/// data's, so that a backup of one is not a backup of the other. configuration when neither variable is set.
Result<std::string> marks_folder();

/// The ledger of a CSV file. not_found says which command grants a budget.
Result<store::sqlite::LedgerFile> open_ledger(const std::string& csv);

/// Column names of a CSV file. Looks at the first record only.
Result<std::vector<std::string>> read_header(const std::string& csv);
/// mismatch unless the file has every column of the rule. Names only: they are public, values are not looked at.
Status check_header(const std::string& csv, const policy::TableRule& rule);
/// The whole file with the types of the rule. `misfits_are_null`: a field that does not fit its type is NULL, and all
/// of a line that is no record, so that no row decides whether a query can be answered; else an error that names its
/// place, for the owner.
Result<table::Table> read_ruled_csv(const std::string& csv, const policy::TableRule& rule, bool misfits_are_null);
/// The path of a table of the grant; `csv` is where the dataset, its first table, lies today.
std::string path_of(const policy::Grant& grant, const policy::TableRule& rule, const std::string& csv);

/// The tables of a grant as CSV files, read when they are asked for.
class CsvSource final : public backend::dp::DataSource {
 public:
  CsvSource(policy::Grant grant, std::string csv) : grant_(std::move(grant)), csv_(std::move(csv)) {}
  Result<table::Table> read(const policy::TableRule& rule) override;

 private:
  policy::Grant grant_;
  std::string csv_;
};

}  // namespace prism::app
