// prism/sealed/encode_rows.h - what stands in the slots of a cell before encryption.
#pragma once
#include <span>

#include "prism/base/int128.h"
#include "prism/sealed/layout.h"
#include "prism/table/table.h"

namespace prism::sealed {

/// `source[i]` is the table column of header column i.
/// Fills `slots` with the cell's values for rows [first, first + slots.size()); rows beyond the table are 0. |value| <
/// t/2 always.
void encode_rows(std::span<std::int64_t> slots, const table::Table& table, const Header& header,
                 std::span<const std::size_t> source, const Cell& cell, std::uint64_t first);

/// Digit `index` of the balanced base-2^bits expansion (see Limbs).
std::int64_t limb_of(Int128 value, const Limbs& limbs, std::uint32_t index);

/// The header's columns by name in the table; mismatch when one is missing or differs in type.
Result<std::vector<std::size_t>> match_columns(const table::Table& table, const Header& header);

}  // namespace prism::sealed
