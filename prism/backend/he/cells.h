// prism/backend/he/cells.h - finds a table's cells by what they mean.
#pragma once
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "prism/program/builder.h"
#include "prism/sealed/layout.h"

namespace prism::backend::he {

/// The cells of one table as program inputs.
class Cells {
 public:
  Cells(const sealed::Header& header, program::Builder& builder);

  bool has(sealed::Cell::Kind kind, std::uint32_t column, std::uint32_t index = 0, std::uint32_t threshold = 0) const;
  program::Node node(sealed::Cell::Kind kind, std::uint32_t column, std::uint32_t index = 0,
                     std::uint32_t threshold = 0);
  /// Sum of one-hot cells [first, last] of a column.
  program::Node one_hot_sum(std::uint32_t column, std::uint64_t first, std::uint64_t last);
  /// 1 for rows where the column is not NULL; absent when that is every row.
  std::optional<program::Node> validity(std::uint32_t column);
  /// 1 for real rows; absent when every public row is real (then the row mask says it).
  std::optional<program::Node> existence();
  /// `node` subtracted from "is a row".
  program::Node complement(program::Node node);
  const sealed::Header& header() const { return header_; }
  program::Builder& builder() { return builder_; }

 private:
  using Key = std::array<std::uint32_t, 4>;
  const sealed::Header& header_;
  program::Builder& builder_;
  std::map<Key, std::pair<std::uint32_t, int>> by_meaning_;
};

}  // namespace prism::backend::he
