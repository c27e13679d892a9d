// prism/sealed/tree.h - the hash tree over a sealed table and where its parts lie.
#pragma once
#include <vector>

#include "prism/sealed/layout.h"

namespace prism::sealed {

inline constexpr std::uint16_t kSealedVersion = 1;
/// After the wire header: three lengths and the root.
inline constexpr std::uint64_t kPrologueBytes = 3 * 8 + 32;

Digest leaf_digest(std::uint32_t cell, std::uint64_t block, ByteView bytes);
/// `leaves`: 32 bytes per (cell, block), cell after cell.
Digest tree_root(ByteView header, ByteView keys, ByteView leaves, std::size_t cells, std::uint64_t blocks);

}  // namespace prism::sealed
