#include "prism/backend/he/cells.h"

namespace prism::backend::he {

using program::Node;
using sealed::Cell;

Cells::Cells(const sealed::Header& header, program::Builder& builder) : header_(header), builder_(builder) {
  const std::vector<Cell> cells = sealed::cells_of(header);
  for (std::uint32_t i = 0; i < cells.size(); ++i) {
    const Cell& c = cells[i];
    by_meaning_[{static_cast<std::uint32_t>(c.kind), c.column, c.index, c.threshold}] = {i, c.level.value};
  }
}

bool Cells::has(Cell::Kind kind, std::uint32_t column, std::uint32_t index, std::uint32_t threshold) const {
  return by_meaning_.contains({static_cast<std::uint32_t>(kind), column, index, threshold});
}

Node Cells::node(Cell::Kind kind, std::uint32_t column, std::uint32_t index, std::uint32_t threshold) {
  const auto found = by_meaning_.find({static_cast<std::uint32_t>(kind), column, index, threshold});
  check(found != by_meaning_.end(), "the plan was lowered to a cell this table does not have");
  return builder_.input(found->second.first, found->second.second);
}

Node Cells::one_hot_sum(std::uint32_t column, std::uint64_t first, std::uint64_t last) {
  std::vector<Node> cells;
  for (std::uint64_t i = first; i <= last; ++i)
    cells.push_back(node(Cell::Kind::one_hot, column, static_cast<std::uint32_t>(i)));
  return builder_.sum(std::move(cells));
}

std::optional<Node> Cells::validity(std::uint32_t column) {
  const sealed::Column& c = header_.columns[column];
  if (!c.schema.nullable) return existence();
  if (has(Cell::Kind::valid, column)) return node(Cell::Kind::valid, column);
  check(c.code.has_value() && c.code->kind == sealed::Code::Kind::one_hot,
        "a nullable column has validity or a one-hot code");
  return one_hot_sum(column, 0, c.code->size - 1);
}

std::optional<Node> Cells::existence() {
  if (!header_.rows_padded) return std::nullopt;
  return node(Cell::Kind::exists, 0);
}

Node Cells::complement(Node value) {
  if (const auto rows = existence()) return builder_.subtract(*rows, value);
  return builder_.add_rows(builder_.scale(value, -1), 1);
}

}  // namespace prism::backend::he
