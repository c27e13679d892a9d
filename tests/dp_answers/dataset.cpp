#include "tests/dp_answers/dataset.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "prism/table/read_csv.h"

namespace prism::tests {
namespace {

Result<std::string> text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::not_found, "cannot read ", path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::optional<std::filesystem::path> shared_data() {
  const char* const given = std::getenv("PRISM_SHARED");
  const std::filesystem::path folder =
      given != nullptr ? given : std::filesystem::path(PRISM_SOURCE_DIR).parent_path() / "shared";
  if (!std::filesystem::exists(folder / "data")) return std::nullopt;
  return folder / "data";
}

Result<Dataset> Dataset::load(const std::filesystem::path& csv, std::string_view schema) {
  Dataset dataset;
  PRISM_TRY(const std::string json,
            text_of(std::filesystem::path(PRISM_SOURCE_DIR) / "examples/schemas" / (std::string(schema) + ".json")));
  PRISM_TRY(dataset.grant_.tables, policy::schema_from_json(json));
  policy::TableRule& rule = dataset.grant_.tables.front();
  rule.name = schema;
  rule.path = csv.filename().string();
  // One grant pays for all seeds: what is tested here is not the budget.
  dataset.grant_.epsilon = dp::Epsilon::from_nano(dp::Epsilon::kMostParsed);
  dataset.grant_.bucket = std::chrono::milliseconds(1);
  PRISM_CHECKED(policy::check_grant(dataset.grant_));

  table::CsvOptions options;
  for (const auto& column : rule.columns) {
    table::ColumnOverride& as = options.overrides[column.schema.name];
    as.type = column.schema.type;
    if (column.schema.type == table::ColumnType::decimal) as.scale = column.schema.scale;
  }
  PRISM_TRY(const std::string bytes, text_of(csv));
  PRISM_TRY(dataset.table_, table::read_csv_text(rule.name, bytes, options));
  dataset.clamped_ = dataset.table_;
  for (const auto& column : rule.columns) {
    PRISM_TRY(const std::size_t at, table::find_column(dataset.clamped_, column.schema.name));
    table::Column& clamped = dataset.clamped_.columns[at];
    if (!column.bounds) continue;
    for (std::size_t row = 0; row < dataset.clamped_.rows; ++row)
      if (clamped.valid[row] != 0)
        clamped.values[row] = std::clamp(clamped.values[row], column.bounds->low, column.bounds->high);
    table::summarise(clamped);
  }
  return dataset;
}

Result<table::Table> Dataset::read(const policy::TableRule& rule) {
  if (rule.name != grant_.tables.front().name) return fail(ErrorCode::not_found, "no table ", rule.name);
  return table_;
}

int compare_decimals(std::string_view a, std::string_view b) {
  struct Parts {
    bool negative = false;
    std::string whole, fraction;
  };
  const auto split = [](std::string_view text) {
    Parts parts;
    if (text.starts_with('-')) {
      parts.negative = true;
      text.remove_prefix(1);
    }
    const std::size_t point = std::min(text.find('.'), text.size());
    parts.whole = text.substr(0, point);
    if (point < text.size()) parts.fraction = text.substr(point + 1);
    parts.whole.erase(0, std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
    while (parts.fraction.ends_with('0')) parts.fraction.pop_back();
    if (parts.whole.empty() && parts.fraction.empty()) parts.negative = false;
    return parts;
  };
  const Parts x = split(a), y = split(b);
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  int order = x.whole.size() != y.whole.size() ? (x.whole.size() < y.whole.size() ? -1 : 1) : x.whole.compare(y.whole);
  if (order == 0) order = x.fraction.compare(y.fraction);
  order = order < 0 ? -1 : order > 0 ? 1 : 0;
  return x.negative ? -order : order;
}

}  // namespace prism::tests
