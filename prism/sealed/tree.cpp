#include "prism/sealed/tree.h"

#include "prism/hash/sha256.h"

namespace prism::sealed {

Digest leaf_digest(std::uint32_t cell, std::uint64_t block, ByteView bytes) {
  return hash::tagged_sha256("prism/sealed/leaf/v1").update_u64(cell).update_u64(block).update(bytes).finish();
}

Digest tree_root(ByteView header, ByteView leaves, std::size_t cells, std::uint64_t blocks) {
  hash::Sha256 root = hash::tagged_sha256("prism/sealed/root/v1");
  root.update(hash::sha256(header)).update_u64(cells).update_u64(blocks);
  const std::size_t per_cell = static_cast<std::size_t>(blocks) * 32;
  for (std::size_t c = 0; c < cells; ++c) root.update(hash::sha256(leaves.subspan(c * per_cell, per_cell)));
  return root.finish();
}

}  // namespace prism::sealed
