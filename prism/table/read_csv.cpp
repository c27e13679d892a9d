#include "prism/table/read_csv.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "prism/table/date.h"
#include "prism/table/decimal.h"
#include "prism/table/internal/inference.h"

namespace prism::table {
namespace {

/// Turns the fields of one column into numbers.
class ColumnBuilder {
 public:
  ColumnBuilder(std::string name, TypeInference::Decision decision, bool overridden, bool rounds, std::size_t rows)
      : overridden_(overridden), rounds_(rounds) {
    column_.schema = {std::move(name), decision.type, decision.scale, false};
    column_.note = std::move(decision.note);
    column_.values.reserve(rows);
    column_.valid.reserve(rows);
  }

  Status add(const CsvField& field, const CsvRow& row, bool misfits_are_null) {
    const bool text = column_.schema.type == ColumnType::text;
    if (text ? field.missing : field.text.empty() || is_null_token(field.text)) {
      add_null();
      return {};
    }
    Status status = add_value(field, row);
    if (status || !overridden_ || !misfits_are_null) return status;
    add_null();
    return {};
  }

  Column finish() && {
    column_.rounding.largest_error = error_text(largest_tail_, column_.schema.scale);
    sort_dictionary();
    summarise(column_);
    return std::move(column_);
  }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  void add_null() {
    column_.values.push_back(0);
    column_.valid.push_back(0);
  }

  /// Adds nothing when the field does not fit.
  Status add_value(const CsvField& field, const CsvRow& row) {
    std::int64_t value = 0;
    if (column_.schema.type == ColumnType::text) {
      value = index_of(field.text);
    } else if (column_.schema.type == ColumnType::date) {
      const auto days = parse_date(field.text);
      if (!days) return misfit(row, "not a date (YYYY-MM-DD)");
      value = *days;
    } else {
      const auto number = scan_decimal(field.text);
      if (!number) return misfit(row, "not a number");
      if (column_.schema.type == ColumnType::integer && !rounds_ && number->fraction_digits() != 0)
        return misfit(row, "not a whole number (scale 0 rounds)");
      const auto scaled = to_scale(*number, column_.schema.scale);
      if (!scaled) return misfit(row, "a number beyond 64 bits at this scale");
      value = scaled->value;
      if (!scaled->error_tail.empty()) {
        ++column_.rounding.rounded;
        // The tails of one scale compare as the errors do, digit by digit.
        if (scaled->error_tail > largest_tail_) largest_tail_ = scaled->error_tail;
      }
    }
    column_.values.push_back(value);
    column_.valid.push_back(1);
    return {};
  }

  std::int64_t index_of(std::string_view text) {
    const auto found = indexes_.find(text);
    if (found != indexes_.end()) return found->second;
    const auto index = static_cast<std::int64_t>(indexes_.size());
    indexes_.emplace(std::string(text), index);
    return index;
  }

  /// Indexes were given in order of appearance; now they follow the order of bytes, which leaks no row order and lets
  /// comparisons of text be comparisons of indexes.
  void sort_dictionary() {
    std::vector<std::pair<std::string, std::int64_t>> entries;
    entries.reserve(indexes_.size());
    while (!indexes_.empty()) {
      auto node = indexes_.extract(indexes_.begin());
      entries.emplace_back(std::move(node.key()), node.mapped());
    }
    // std::string compares char_traits<char>, that is, as unsigned bytes.
    std::sort(entries.begin(), entries.end());
    std::vector<std::int64_t> sorted_index(entries.size());
    column_.dictionary.reserve(entries.size());
    for (auto& [text, index] : entries) {
      sorted_index[static_cast<std::size_t>(index)] = static_cast<std::int64_t>(column_.dictionary.size());
      column_.dictionary.push_back(std::move(text));
    }
    if (column_.schema.type != ColumnType::text) return;
    for (std::size_t i = 0; i < column_.values.size(); ++i)
      if (column_.valid[i] != 0) column_.values[i] = sorted_index[static_cast<std::size_t>(column_.values[i])];
  }

  Error misfit(const CsvRow& row, std::string_view what) const {
    if (!overridden_)
      return fail(ErrorCode::mismatch, "row ", row.number, " (line ", row.line, "), column `", column_.schema.name,
                  "`: ", what, "; the file changed while it was read");
    return fail(ErrorCode::invalid_argument, "row ", row.number, " (line ", row.line, "), column `",
                column_.schema.name, "`: ", what, "; the column was asked to be ", type_text(column_.schema));
  }

  Column column_;
  bool overridden_;
  bool rounds_;  // an integer column by scale 0: fractions are rounded, not refused
  std::unordered_map<std::string, std::int64_t, TextHash, std::equal_to<>> indexes_;
  std::string largest_tail_;
};

Status check_override(std::string_view name, const ColumnOverride& wanted) {
  if (!wanted.scale) return {};
  if (*wanted.scale < 0 || *wanted.scale > kMaxScale)
    return fail(ErrorCode::invalid_argument, "scale ", *wanted.scale, " for column `", name, "`; wanted 0 to ",
                kMaxScale);
  const ColumnType implied = *wanted.scale == 0 ? ColumnType::integer : ColumnType::decimal;
  const bool agrees = !wanted.type || *wanted.type == implied || (*wanted.type == ColumnType::decimal);
  if (!agrees)
    return fail(ErrorCode::invalid_argument, "column `", name, "` cannot be ", name_of(*wanted.type), " with scale ",
                *wanted.scale);
  return {};
}

Result<std::vector<ColumnOverride>> overrides_by_column(const std::vector<std::string>& header,
                                                        const CsvOptions& options) {
  std::vector<ColumnOverride> wanted(header.size());
  std::vector<bool> named(header.size());
  const std::vector<std::string_view> names(header.begin(), header.end());
  for (const auto& [name, column_override] : options.overrides) {
    PRISM_TRY(const std::size_t column, find_name(names, name));
    if (named[column]) return fail(ErrorCode::invalid_argument, "two overrides for column `", header[column], "`");
    named[column] = true;
    PRISM_CHECKED(check_override(header[column], column_override));
    wanted[column] = column_override;
  }
  return wanted;
}

Result<CsvReader> open_reader(const OpenSource& open, const CsvOptions& options) {
  PRISM_TRY(ByteSource source, open());
  return CsvReader::open(std::move(source), options.limits,
                         options.misfits_are_null ? Misfits::missing : Misfits::refused);
}

}  // namespace

Result<Table> read_csv(std::string name, const OpenSource& open, const CsvOptions& options) {
  PRISM_TRY(CsvReader first, open_reader(open, options));
  PRISM_TRY(const std::vector<ColumnOverride> wanted, overrides_by_column(first.header(), options));
  std::vector<TypeInference> inferences(wanted.begin(), wanted.end());
  std::size_t rows = 0;
  for (;; ++rows) {
    PRISM_TRY(const CsvRow* const row, first.next());
    if (row == nullptr) break;
    for (std::size_t i = 0; i < inferences.size(); ++i) inferences[i].see(row->fields[i]);
  }

  PRISM_TRY(CsvReader second, open_reader(open, options));
  const Error changed = fail(ErrorCode::mismatch, "the file changed while it was read; nothing was kept");
  if (second.header() != first.header()) return changed;
  std::vector<ColumnBuilder> builders;
  builders.reserve(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    builders.emplace_back(first.header()[i], inferences[i].decide(), wanted[i].type || wanted[i].scale,
                          wanted[i].scale.has_value(), rows);
  for (std::size_t read = 0;; ++read) {
    PRISM_TRY(const CsvRow* const row, second.next());
    if ((row == nullptr) != (read == rows)) return changed;
    if (row == nullptr) break;
    for (std::size_t i = 0; i < builders.size(); ++i)
      PRISM_CHECKED(builders[i].add(row->fields[i], *row, options.misfits_are_null));
  }

  Table table;
  table.name = std::move(name);
  table.rows = rows;
  table.columns.reserve(builders.size());
  for (ColumnBuilder& builder : builders) table.columns.push_back(std::move(builder).finish());
  return table;
}

Result<Table> read_csv_text(std::string name, std::string_view bytes, const CsvOptions& options) {
  return read_csv(std::move(name), [bytes]() -> Result<ByteSource> { return memory_source(bytes); }, options);
}

}  // namespace prism::table
