#include "prism/custody/backup.h"

#include <utility>
#include <vector>

#include "prism/custody/internal/keyring_file.h"
#include "prism/custody/internal/manifest_box.h"
#include "prism/custody/internal/new_directory.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"

namespace prism::custody {
namespace {

using host::AtomicFile;
using secret::RevealKey;

constexpr std::uint16_t kBackupVersion = 1;
/// All but the manifests: header, keyring, nonce, tag, checksum.
constexpr std::uint64_t kFixedBytes = internal::kMaxKeyringBytes + 512;

struct BackupFile {
  BackupDescription description;
  ByteView keyring;  ///< these point into the bytes parsed
  ByteView before_manifests;
  crypto::Nonce nonce;
  ByteView manifests;
};

Result<BackupFile> parse(ByteView bytes, std::string_view what) {
  PRISM_TRY(const ByteView body, internal::body_of(bytes, wire::Kind::key_backup, kBackupVersion, what));
  wire::Reader reader(body, what);
  PRISM_TRY(const std::int64_t created, reader.i64());
  PRISM_TRY(const ByteView keyring, reader.bytes_view(internal::kMaxKeyringBytes));
  PRISM_TRY(const crypto::Nonce nonce, reader.array<crypto::kNonceBytes>());
  const ByteView before = body.first(reader.position());
  PRISM_TRY(const ByteView manifests, reader.bytes_view(kMaxBackupBytes));
  PRISM_CHECKED(reader.finish());
  PRISM_TRY(const internal::KeyringFile inside, internal::parse_keyring(keyring, "the backup's key"));
  return BackupFile{{kBackupVersion, std::chrono::seconds(created), inside.description, manifests.size()},
                    keyring,
                    before,
                    nonce,
                    manifests};
}

/// The count, then id and bytes of each.
Result<Bytes> collect_manifests(const Keyring& keyring) {
  PRISM_TRY(const std::vector<TableId> tables, keyring.list_manifests());
  if (tables.size() > internal::kMaxTables)
    return fail(ErrorCode::exhausted, "a backup holds at most ", internal::kMaxTables, " tables");
  wire::Writer writer;
  writer.count(tables.size());
  for (const TableId& table : tables) {
    PRISM_TRY(const Bytes manifest, keyring.load_manifest(table));
    if (writer.size() + manifest.size() + kFixedBytes > kMaxBackupBytes - 1024)
      return fail(ErrorCode::exhausted, "the manifests hold more than the ", kMaxBackupBytes, " bytes of a backup");
    writer.raw(table.view());
    writer.bytes(manifest);
  }
  return std::move(writer).take();
}

}  // namespace

Result<BackupDescription> describe_backup(ByteView bytes) {
  PRISM_TRY(const BackupFile file, parse(bytes, "the backup"));
  return file.description;
}

Status Backup::write(const Keyring& keyring, const std::string& output, Random& random, const Clock& clock,
                     const Passphrase& passphrase, const crypto::ScryptCost& cost) {
  if (host::exists(output)) return fail(ErrorCode::refused, output, " exists already; backups are never overwritten");
  internal::SecretBytes own = internal::to_secret(keyring.file_.reveal(RevealKey{}));
  if (passphrase) {
    PRISM_TRY(own, internal::encode_keyring(keyring.id(), keyring.description().created, keyring.seed_, passphrase,
                                            cost, random));
  }
  PRISM_TRY(const Bytes manifests, collect_manifests(keyring));
  crypto::Nonce nonce{};
  PRISM_CHECKED(random.fill(nonce));
  Bytes space;
  space.reserve(kFixedBytes + manifests.size());  // growth would leave copies of the seed behind
  wire::Writer writer(std::move(space));
  writer.i64(clock.wall().count());
  writer.bytes(own.reveal(RevealKey{}));
  writer.raw(nonce);
  PRISM_TRY(const Seed key, keyring.derive("backup", {}));
  Bytes aad = internal::associated(wire::Kind::key_backup, kBackupVersion, writer.view());
  const internal::WipeAtEnd wipe_aad(aad);
  const auto sealed = crypto::aead_seal(key, nonce, aad, manifests);
  if (sealed) writer.bytes(*sealed);
  Bytes body = std::move(writer).take();
  const internal::WipeAtEnd wipe_body(body);
  if (!sealed) return sealed.error();
  const internal::SecretBytes file = internal::finish_file(wire::Kind::key_backup, kBackupVersion, body);
  return host::write_file(output, file.reveal(RevealKey{}), AtomicFile::Access::owner_only,
                          AtomicFile::IfExists::refuse);
}

Result<Backup::Opened> Backup::open(ByteView bytes, const Passphrase& passphrase, std::string_view what) {
  PRISM_TRY(const BackupFile file, parse(bytes, what));
  PRISM_TRY(Keyring keyring, Keyring::decode(internal::to_secret(file.keyring), passphrase, what));
  PRISM_TRY(const Seed key, keyring.derive("backup", {}));
  Bytes aad = internal::associated(wire::Kind::key_backup, kBackupVersion, file.before_manifests);
  const internal::WipeAtEnd wipe_aad(aad);
  auto manifests = crypto::aead_open(key, file.nonce, aad, file.manifests);
  if (!manifests && manifests.error().code == ErrorCode::unauthorised)
    return fail(ErrorCode::integrity, what, " was changed after it was written");
  if (!manifests) return std::move(manifests).error();
  return Opened{std::move(keyring), std::move(*manifests)};
}

Result<std::size_t> Backup::verify(ByteView bytes, const Passphrase& passphrase) {
  PRISM_TRY(const Opened opened, open(bytes, passphrase, "the backup"));
  PRISM_TRY(const auto tables, internal::read_manifest_list(opened.manifests, "the backup"));
  return tables.size();
}

Result<Keyring> Backup::restore(const std::string& backup, const std::string& dir, Random& random,
                                const Passphrase& passphrase) {
  PRISM_CHECKED(internal::check_free(dir));  // before anything is spent on the passphrase
  PRISM_TRY(const std::uint64_t size, host::file_size(backup));
  if (size > kMaxBackupBytes) return fail(ErrorCode::malformed, backup, " has ", size, " bytes, which no backup has");
  PRISM_TRY(const internal::SecretBytes bytes, host::read_secret_file(backup, size));
  PRISM_TRY(Opened opened, open(bytes.reveal(RevealKey{}), passphrase, backup));
  PRISM_TRY(const auto tables, internal::read_manifest_list(opened.manifests, backup));

  Keyring& keyring = opened.keyring;
  PRISM_TRY(internal::NewDirectory made, internal::NewDirectory::create(dir, random));
  PRISM_CHECKED(host::write_file(made.temporary() + "/" + std::string(kKeyringFile), keyring.file_.reveal(RevealKey{}),
                                 AtomicFile::Access::owner_only, AtomicFile::IfExists::refuse));
  PRISM_CHECKED(host::create_private_directory(made.temporary() + "/tables"));
  keyring.dir_ = made.temporary();
  for (const auto& [table, manifest] : tables) PRISM_CHECKED(keyring.store_manifest(table, manifest, random));
  PRISM_CHECKED(made.commit());
  keyring.dir_ = internal::trim_path(dir);
  return std::move(opened.keyring);
}

}  // namespace prism::custody
