#include "prism/sealed/encode_rows.h"

#include <algorithm>

namespace prism::sealed {

std::int64_t limb_of(Int128 value, const Limbs& limbs, std::uint32_t index) {
  const Int128 base = Int128{1} << limbs.limb_bits, half = base / 2;
  for (std::uint32_t j = 0;; ++j) {
    if (j + 1 == static_cast<std::uint32_t>(limbs.count)) return j == index ? static_cast<std::int64_t>(value) : 0;
    const Int128 digit = ((value + half) & (base - 1)) - half;  // in [-half, half)
    if (j == index) return static_cast<std::int64_t>(digit);
    value = (value - digit) / base;
  }
}

Result<std::vector<std::size_t>> match_columns(const table::Table& table, const Header& header) {
  std::vector<std::size_t> source;
  for (const Column& c : header.columns) {
    PRISM_TRY(const std::size_t i, table::find_column(table, c.schema.name));
    if (!(table.columns[i].schema == c.schema))
      return fail(ErrorCode::mismatch, "column ", c.schema.name, " is not what the table was proposed with");
    source.push_back(i);
  }
  return source;
}

void encode_rows(std::span<std::int64_t> slots, const table::Table& table, const Header& header,
                 std::span<const std::size_t> source, const Cell& cell, std::uint64_t first) {
  std::fill(slots.begin(), slots.end(), 0);
  const std::size_t rows = static_cast<std::size_t>(
      std::min<std::uint64_t>(slots.size(), table.rows - std::min<std::uint64_t>(table.rows, first)));
  const auto fill = [&](auto&& value_of) {
    for (std::size_t i = 0; i < rows; ++i) slots[i] = value_of(static_cast<std::size_t>(first) + i);
  };
  using Kind = Cell::Kind;
  if (cell.kind == Kind::exists) {
    fill([](std::size_t) -> std::int64_t { return 1; });
    return;
  }
  if (cell.kind == Kind::product_valid || cell.kind == Kind::product_limb) {
    const Product& p = header.products[cell.column];
    const table::Column &a = table.columns[source[p.a]], &b = table.columns[source[p.b]];
    fill([&](std::size_t r) -> std::int64_t {
      if ((a.valid[r] & b.valid[r]) == 0) return 0;
      return cell.kind == Kind::product_valid
                 ? 1
                 : limb_of(static_cast<Int128>(a.values[r]) * b.values[r], p.limbs, cell.index);
    });
    return;
  }
  const Column& column = header.columns[cell.column];
  const table::Column& from = table.columns[source[cell.column]];
  const auto code = [&](std::size_t r) {
    return static_cast<std::uint64_t>(from.values[r]) - static_cast<std::uint64_t>(column.code->low);
  };
  switch (cell.kind) {
    case Kind::valid:
      fill([&](std::size_t r) -> std::int64_t { return from.valid[r]; });
      return;
    case Kind::limb:
      fill([&](std::size_t r) { return from.valid[r] != 0 ? limb_of(from.values[r], *column.value, cell.index) : 0; });
      return;
    case Kind::square_limb:
      fill([&](std::size_t r) {
        return from.valid[r] != 0
                   ? limb_of(static_cast<Int128>(from.values[r]) * from.values[r], *column.square, cell.index)
                   : 0;
      });
      return;
    case Kind::one_hot:
      fill([&](std::size_t r) -> std::int64_t { return from.valid[r] != 0 && code(r) == cell.index ? 1 : 0; });
      return;
    case Kind::thermometer: {
      std::uint64_t below = 1;  // product of the radices of less significant digits
      const auto& bases = column.code->bases;
      for (std::size_t i = cell.index + 1; i < bases.size(); ++i) below *= bases[i];
      fill([&](std::size_t r) -> std::int64_t {
        return from.valid[r] != 0 && code(r) / below % bases[cell.index] >= cell.threshold ? 1 : 0;
      });
      return;
    }
    case Kind::exists:
    case Kind::product_valid:
    case Kind::product_limb:
      break;
  }
  check(false, "unknown Cell::Kind");
}

}  // namespace prism::sealed
