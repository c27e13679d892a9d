// prism/custody/internal/manifest_box.h - one sealed manifest, as a file in DIR/tables and inside a table's key.
//
// Layout after the header (kind manifest, version 1): key id 16 | table id 16 | nonce 12 | sealed bytes, to the end.
#pragma once
#include <string_view>
#include <vector>

#include "prism/custody/key_source.h"

namespace prism::custody::internal {

/// Header, ids, nonce and tag.
inline constexpr std::size_t kManifestOverheadBytes = 18 + 16 + 16 + 12 + 16;

/// Sealed under a key derived from the table's secret, so that whoever holds that secret can read it.
Result<Bytes> seal_manifest(const Seed& table_secret, const KeyId& key, const TableId& table, ByteView manifest,
                            Random& random);
/// Errors: mismatch when it belongs to another key or table, integrity when it was changed; `what` names the file.
Result<Bytes> open_manifest(const Seed& table_secret, const KeyId& key, const TableId& table, ByteView sealed,
                            std::string_view what);

/// One table of a backup: its manifest in the clear, as a view into the bytes read.
struct ListedManifest {
  TableId table;
  ByteView manifest;
};
inline constexpr std::uint64_t kMaxTables = std::uint64_t{1} << 20;
/// A u64 count, then table id 16 and manifest (u64 length first) each, by ascending id. Errors: malformed.
Result<std::vector<ListedManifest>> read_manifest_list(ByteView bytes, std::string_view what);

}  // namespace prism::custody::internal
