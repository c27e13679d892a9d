// tests/dp_answers/dataset.h - a table of the shared data under a generous grant, and the truth about it.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "prism/backend/dp/dp.h"
#include "prism/policy/grant.h"
#include "prism/table/table.h"

namespace prism::tests {

/// The shared data, if it is here.
std::optional<std::filesystem::path> shared_data();

/// One CSV file as examples/schemas describes it.
class Dataset final : public backend::dp::DataSource {
 public:
  static Result<Dataset> load(const std::filesystem::path& csv, std::string_view schema);

  const policy::Grant& grant() const { return grant_; }
  /// The rows with values moved into their bounds: what answers are about.
  const table::Table& clamped() const { return clamped_; }
  Result<table::Table> read(const policy::TableRule& rule) override;

 private:
  policy::Grant grant_;
  table::Table table_, clamped_;
};

/// -1, 0 or 1 as a < b, a = b or a > b, for decimal numbers of any length ("-12.50").
int compare_decimals(std::string_view a, std::string_view b);

}  // namespace prism::tests
