// prism/table/internal/inference.h - what type a column has, from one look at each of its values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "prism/base/result.h"
#include "prism/table/csv_reader.h"
#include "prism/table/decimal.h"
#include "prism/table/read_csv.h"
#include "prism/table/schema.h"

namespace prism::table {

/// NA, N/A, NULL, null, NaN: how files write "no value" among numbers and dates.
bool is_null_token(std::string_view text);

/// Gathers evidence about one column in constant memory; the rules are those of read_csv.h.
class TypeInference {
 public:
  explicit TypeInference(ColumnOverride wanted) : wanted_(wanted) {}
  void see(const CsvField& field);

  struct Decision {
    ColumnType type;
    int scale;
    std::string note;
  };
  Decision decide() const;

 private:
  ColumnOverride wanted_;
  std::uint64_t texts_ = 0;  // values that are neither number nor date
  std::uint64_t whole_numbers_ = 0;
  std::uint64_t other_numbers_ = 0;  // with point or exponent
  std::uint64_t identifiers_ = 0;    // numbers with padding
  std::uint64_t dates_ = 0;
  int fraction_digits_ = 0;        // the most that any number needs
  int fitting_scale_ = kMaxScale;  // the largest at which every number fits 64 bits
};

}  // namespace prism::table
