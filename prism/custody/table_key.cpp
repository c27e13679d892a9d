#include "prism/custody/table_key.h"

#include <utility>

#include "prism/custody/internal/manifest_box.h"
#include "prism/custody/internal/seed_box.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"

namespace prism::custody {
namespace {

using secret::RevealKey;

constexpr std::uint16_t kTableKeyVersion = 1;
constexpr std::uint64_t kMaxSealedManifestBytes = kMaxManifestBytes + internal::kManifestOverheadBytes;
/// All but the manifest: header, ids, seed, checksum.
constexpr std::uint64_t kFixedBytes = 512;

struct TableKeyFile {
  TableKeyDescription description;
  internal::SeedBox box;
  ByteView before_box;       ///< these two point into the bytes parsed
  ByteView sealed_manifest;  ///< empty when there is none
};

Result<TableKeyFile> parse(ByteView bytes, std::string_view what) {
  PRISM_TRY(const ByteView body, internal::body_of(bytes, wire::Kind::secret_key, kTableKeyVersion, what));
  wire::Reader reader(body, what);
  TableKeyFile file{{kTableKeyVersion, {}, {}, {}, Protection::none, {}, false}, {}, {}, {}};
  PRISM_TRY(const std::uint8_t form, reader.choice(1));
  static_cast<void>(form);
  PRISM_TRY(file.description.id.bytes, reader.array<16>());
  PRISM_TRY(file.description.table.bytes, reader.array<16>());
  PRISM_TRY(const std::int64_t created, reader.i64());
  file.description.created = std::chrono::seconds(created);
  file.before_box = body.first(reader.position());
  PRISM_TRY(file.box, internal::read_seed_box(reader));
  file.description.protection = file.box.protection;
  file.description.cost = file.box.cost;
  PRISM_TRY(file.description.has_manifest, reader.boolean());
  if (file.description.has_manifest) {
    PRISM_TRY(file.sealed_manifest, reader.bytes_view(kMaxSealedManifestBytes));
  }
  PRISM_CHECKED(reader.finish());
  return file;
}

}  // namespace

Result<TableKeyDescription> describe_table_key(ByteView bytes) {
  PRISM_TRY(const TableKeyFile file, parse(bytes, "the table key"));
  return file.description;
}

Status Keyring::export_table_key(const TableId& table, const std::string& path, Random& random, const Clock& clock,
                                 const Passphrase& passphrase, const crypto::ScryptCost& cost) const {
  if (host::exists(path)) return fail(ErrorCode::refused, path, " exists already; keys are never overwritten");
  PRISM_TRY(const Seed secret, table_secret(table));
  Bytes manifest;
  const bool has_manifest = host::exists(manifest_path(table));
  if (has_manifest) {
    PRISM_TRY(manifest, load_sealed_manifest(table));
    // Whoever receives the key should not be the first to notice that the manifest is damaged.
    PRISM_CHECKED(load_manifest(table));
  }
  Bytes space;
  space.reserve(kFixedBytes + manifest.size());  // growth would leave copies of the secret behind
  wire::Writer writer(std::move(space));
  writer.choice(0);
  writer.raw(id().view());
  writer.raw(table.view());
  writer.i64(clock.wall().count());
  const Status sealed =
      internal::write_seed(writer, wire::Kind::secret_key, kTableKeyVersion, secret, passphrase, cost, random);
  writer.boolean(has_manifest);
  if (has_manifest) writer.bytes(manifest);
  Bytes body = std::move(writer).take();
  const internal::WipeAtEnd wipe(body);
  PRISM_CHECKED(sealed);
  const internal::SecretBytes file = internal::finish_file(wire::Kind::secret_key, kTableKeyVersion, body);
  return host::write_file(path, file.reveal(RevealKey{}), host::AtomicFile::Access::owner_only,
                          host::AtomicFile::IfExists::refuse);
}

Result<TableKey> TableKey::open(const std::string& path, const Passphrase& passphrase) {
  if (!host::exists(path)) return fail(ErrorCode::not_found, "there is no table key ", path);
  PRISM_CHECKED(host::check_private(path));
  // The size first: memory for the largest file would be a quarter of a gigabyte.
  PRISM_TRY(const std::uint64_t size, host::file_size(path));
  if (size > kFixedBytes + kMaxSealedManifestBytes)
    return fail(ErrorCode::malformed, path, " has ", size, " bytes, which no table key has");
  PRISM_TRY(const internal::SecretBytes bytes, host::read_secret_file(path, size));
  return decode(bytes.reveal(RevealKey{}), passphrase);
}

Result<TableKey> TableKey::decode(ByteView bytes, const Passphrase& passphrase) {
  constexpr std::string_view kWhat = "the table key";
  PRISM_TRY(const TableKeyFile file, parse(bytes, kWhat));
  TableKey key;
  key.description_ = file.description;
  PRISM_TRY(key.secret_, internal::open_seed_box(file.box, wire::Kind::secret_key, kTableKeyVersion, file.before_box,
                                                 passphrase, kWhat));
  key.sealed_manifest_.assign(file.sealed_manifest.begin(), file.sealed_manifest.end());
  return key;
}

Status TableKey::needs(const TableId& table) const {
  if (table == description_.table) return {};
  return fail(ErrorCode::mismatch, "this is the key of table ", description_.table.hex(), ", not of table ",
              table.hex());
}

Result<Seed> TableKey::table_secret(const TableId& table) const {
  PRISM_CHECKED(needs(table));
  return Seed(secret_.reveal(RevealKey{}));
}

Result<Bytes> TableKey::load_manifest(const TableId& table) const {
  PRISM_CHECKED(needs(table));
  if (!description_.has_manifest)
    return fail(ErrorCode::not_found, "the key of table ", table.hex(),
                " was exported before the table had a manifest");
  return internal::open_manifest(secret_, id(), table, sealed_manifest_, "the table key's manifest");
}

}  // namespace prism::custody
