// prism/sealed/tree.h - the hash tree over a sealed table and where its parts lie.
#pragma once
#include <vector>

#include "prism/sealed/layout.h"

namespace prism::sealed {

inline constexpr std::uint16_t kSealedVersion = 1;
/// What stands after the wire header.
struct Prologue {
  std::uint64_t header_bytes = 0, block_bytes = 0, key_bytes = 0;
  Digest root{};
};
inline constexpr std::uint64_t kPrologueBytes = 3 * 8 + 32;

Digest leaf_digest(std::uint32_t cell, std::uint64_t block, ByteView bytes);
/// `leaves`: 32 bytes per (cell, block), cell after cell.
/// Evaluation keys are not under it: they are content-addressed by themselves, and may be added to later.
Digest tree_root(ByteView header, ByteView leaves, std::size_t cells, std::uint64_t blocks);

}  // namespace prism::sealed
