#include "prism/custody/internal/manifest_box.h"

#include "prism/custody/internal/seed_box.h"

namespace prism::custody::internal {
namespace {

constexpr std::uint16_t kManifestVersion = 1;
constexpr std::size_t kFieldBytes = 16 + 16 + crypto::kNonceBytes;

/// Not the table's secret itself: that one seeds the HE key, and a key has one use.
Result<Seed> manifest_key(const Seed& table_secret, const TableId& table) {
  return derive(table_secret, table.view(), "manifest", {});
}

}  // namespace

Result<Bytes> seal_manifest(const Seed& table_secret, const KeyId& key, const TableId& table, ByteView manifest,
                            Random& random) {
  if (manifest.size() > kMaxManifestBytes)
    return fail(ErrorCode::invalid_argument, "a manifest of ", manifest.size(), " bytes is larger than ",
                kMaxManifestBytes);
  crypto::Nonce nonce{};
  PRISM_CHECKED(random.fill(nonce));
  wire::Writer body;
  body.raw(key.view());
  body.raw(table.view());
  body.raw(nonce);
  PRISM_TRY(const Seed seal_key, manifest_key(table_secret, table));
  PRISM_TRY(
      const Bytes sealed,
      crypto::aead_seal(seal_key, nonce, associated(wire::Kind::manifest, kManifestVersion, body.view()), manifest));
  body.raw(sealed);
  return wire::encode_artefact(wire::Kind::manifest, kManifestVersion, body.view());
}

Result<Bytes> open_manifest(const Seed& table_secret, const KeyId& key, const TableId& table, ByteView sealed,
                            std::string_view what) {
  wire::Reader reader(sealed, what);
  PRISM_TRY(const wire::Header header, wire::read_header(reader, wire::Kind::manifest, {kManifestVersion}));
  static_cast<void>(header);
  if (reader.remaining() < kFieldBytes + crypto::kTagBytes ||
      reader.remaining() > kFieldBytes + crypto::kTagBytes + kMaxManifestBytes)
    return fail(ErrorCode::malformed, what, " has ", reader.remaining(), " bytes, which no manifest has");
  const ByteView fields = sealed.subspan(reader.position(), kFieldBytes);
  KeyId found_key;
  TableId found_table;
  PRISM_TRY(found_key.bytes, reader.array<16>());
  PRISM_TRY(found_table.bytes, reader.array<16>());
  PRISM_TRY(const crypto::Nonce nonce, reader.array<crypto::kNonceBytes>());
  PRISM_TRY(const ByteView message, reader.view(reader.remaining()));
  if (found_key != key)
    return fail(ErrorCode::mismatch, what, " belongs to key ", found_key.hex(), ", not to key ", key.hex());
  if (found_table != table)
    return fail(ErrorCode::mismatch, what, " belongs to table ", found_table.hex(), ", not to table ", table.hex());
  PRISM_TRY(const Seed seal_key, manifest_key(table_secret, table));
  auto opened = crypto::aead_open(seal_key, nonce, associated(wire::Kind::manifest, kManifestVersion, fields), message);
  if (!opened && opened.error().code == ErrorCode::unauthorised)
    return fail(ErrorCode::integrity, what, " was changed after it was written, or by somebody without the key");
  return opened;
}

Result<std::vector<ListedManifest>> read_manifest_list(ByteView bytes, std::string_view what) {
  wire::Reader reader(bytes, what);
  PRISM_TRY(const std::size_t count, reader.count(kMaxTables, 16 + 8));
  std::vector<ListedManifest> list;
  list.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    ListedManifest next{};
    PRISM_TRY(next.table.bytes, reader.array<16>());
    PRISM_TRY(next.manifest, reader.bytes_view(kMaxManifestBytes));
    if (i > 0 && list.back().table >= next.table)
      return fail(ErrorCode::malformed, what, " names its tables out of order");
    list.push_back(next);
  }
  PRISM_CHECKED(reader.finish());
  return list;
}

}  // namespace prism::custody::internal
