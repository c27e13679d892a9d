#include "prism/custody/keyring.h"

#include <utility>

#include "prism/custody/internal/keyring_file.h"
#include "prism/custody/internal/manifest_box.h"
#include "prism/custody/internal/new_directory.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"

namespace prism::custody {
namespace {

using host::AtomicFile;
using secret::RevealKey;

constexpr std::string_view kTables = "tables";
constexpr std::string_view kManifestEnding = ".manifest";

std::string join(const std::string& dir, std::string_view name) { return dir + "/" + std::string(name); }

}  // namespace

std::string_view name_of(Protection protection) {
  return protection == Protection::none ? "none" : "scrypt + AES-256-GCM";
}

Result<KeyringDescription> describe_keyring(ByteView bytes) {
  PRISM_TRY(const internal::KeyringFile file, internal::parse_keyring(bytes, "the key"));
  return file.description;
}

Result<Keyring> Keyring::create(const std::string& dir, Random& random, const Clock& clock,
                                const Passphrase& passphrase, const crypto::ScryptCost& cost) {
  PRISM_TRY(internal::NewDirectory made, internal::NewDirectory::create(dir, random));
  Keyring keyring;
  PRISM_TRY(const KeyId id, KeyId::random(random));
  PRISM_CHECKED(random.fill(keyring.seed_.reveal(RevealKey{})));
  const std::chrono::seconds created = clock.wall();
  PRISM_TRY(keyring.file_, internal::encode_keyring(id, created, keyring.seed_, passphrase, cost, random));
  PRISM_CHECKED(host::write_file(join(made.temporary(), kKeyringFile), keyring.file_.reveal(RevealKey{}),
                                 AtomicFile::Access::owner_only, AtomicFile::IfExists::refuse));
  PRISM_CHECKED(host::create_private_directory(join(made.temporary(), kTables)));
  PRISM_CHECKED(made.commit());
  keyring.dir_ = internal::trim_path(dir);
  PRISM_TRY(keyring.description_, describe_keyring(keyring.file_.reveal(RevealKey{})));
  return keyring;
}

Result<Keyring> Keyring::open(const std::string& dir, const Passphrase& passphrase) {
  const std::string trimmed = internal::trim_path(dir);
  if (!host::exists(trimmed))
    return fail(ErrorCode::not_found, "there is no key directory ", trimmed, "; prism keys new --dir ", trimmed,
                " makes one");
  const std::string path = join(trimmed, kKeyringFile);
  if (!host::exists(path))
    return fail(ErrorCode::not_found, trimmed, " is not a key directory: there is no ", kKeyringFile, " in it");
  PRISM_CHECKED(host::check_private(trimmed));
  PRISM_CHECKED(host::check_private(path));
  PRISM_TRY(internal::SecretBytes file, host::read_secret_file(path, internal::kMaxKeyringBytes));
  PRISM_TRY(Keyring keyring, decode(std::move(file), passphrase, path));
  keyring.dir_ = trimmed;
  return keyring;
}

Result<Keyring> Keyring::decode(secret::SecretVector<std::uint8_t> file, const Passphrase& passphrase,
                                std::string_view what) {
  Keyring keyring;
  keyring.file_ = std::move(file);
  PRISM_TRY(const internal::KeyringFile parsed, internal::parse_keyring(keyring.file_.reveal(RevealKey{}), what));
  PRISM_TRY(keyring.seed_, internal::open_seed_box(parsed.box, wire::Kind::master_key, internal::kKeyringVersion,
                                                   parsed.before_box, passphrase, what));
  keyring.description_ = parsed.description;
  return keyring;
}

Result<Seed> Keyring::derive(std::string_view purpose, ByteView id) const {
  return internal::derive(seed_, description_.id.view(), purpose, id);
}

Result<Seed> Keyring::table_secret(const TableId& table) const { return derive("table", table.view()); }

std::string Keyring::manifest_path(const TableId& table) const {
  return join(join(dir_, kTables), table.hex() + std::string(kManifestEnding));
}

Status Keyring::store_manifest(const TableId& table, ByteView manifest, Random& random) const {
  PRISM_TRY(const Seed secret, table_secret(table));
  PRISM_TRY(const Bytes sealed, internal::seal_manifest(secret, id(), table, manifest, random));
  PRISM_CHECKED(host::create_private_directory(join(dir_, kTables)));
  return host::write_file(manifest_path(table), sealed, AtomicFile::Access::owner_only);
}

Result<Bytes> Keyring::load_sealed_manifest(const TableId& table) const {
  const std::string path = manifest_path(table);
  if (!host::exists(path))
    return fail(ErrorCode::not_found, "the key directory ", dir_, " knows no table ", table.hex(),
                "; it was sealed with other keys, or its manifest was removed");
  return host::read_file(path, kMaxManifestBytes + internal::kManifestOverheadBytes);
}

Result<Bytes> Keyring::load_manifest(const TableId& table) const {
  PRISM_TRY(const Bytes sealed, load_sealed_manifest(table));
  PRISM_TRY(const Seed secret, table_secret(table));
  return internal::open_manifest(secret, id(), table, sealed, manifest_path(table));
}

Status Keyring::remove_manifest(const TableId& table) const { return host::remove_file(manifest_path(table)); }

Result<std::vector<TableId>> Keyring::list_manifests() const {
  const std::string path = join(dir_, kTables);
  std::vector<TableId> tables;
  if (!host::exists(path)) return tables;
  PRISM_TRY(const std::vector<std::string> names, host::list_directory(path));
  for (const std::string_view name : names) {
    if (!name.ends_with(kManifestEnding)) continue;
    const auto id = table_id_from_hex(name.substr(0, name.size() - kManifestEnding.size()));
    if (id) tables.push_back(*id);
  }
  return tables;
}

}  // namespace prism::custody
