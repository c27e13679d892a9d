#include "prism/custody/backup.h"

#include <utility>
#include <vector>

#include "prism/custody/fhe_keys.h"
#include "prism/custody/internal/keyring_file.h"
#include "prism/custody/internal/manifest_box.h"
#include "prism/custody/internal/new_directory.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"

namespace prism::custody {
namespace {

using host::AtomicFile;
using secret::RevealKey;

constexpr std::uint16_t kBackupVersion = 2;
constexpr std::uint16_t kWithoutContexts = 1;
/// All but the contents: header, keyring, nonce, tag, checksum.
constexpr std::uint64_t kFixedBytes = internal::kMaxKeyringBytes + 512;

struct BackupFile {
  BackupDescription description;
  ByteView keyring;  ///< these point into the bytes parsed
  ByteView before_manifests;
  crypto::Nonce nonce;
  ByteView manifests;
};

Result<BackupFile> parse(ByteView bytes, std::string_view what) {
  const auto header = wire::peek_header(bytes);
  const std::uint16_t version = header && header->version == kWithoutContexts ? kWithoutContexts : kBackupVersion;
  PRISM_TRY(const ByteView body, internal::body_of(bytes, wire::Kind::key_backup, version, what));
  wire::Reader reader(body, what);
  PRISM_TRY(const std::int64_t created, reader.i64());
  PRISM_TRY(const ByteView keyring, reader.bytes_view(internal::kMaxKeyringBytes));
  PRISM_TRY(const crypto::Nonce nonce, reader.array<crypto::kNonceBytes>());
  const ByteView before = body.first(reader.position());
  PRISM_TRY(const ByteView manifests, reader.bytes_view(kMaxBackupBytes));
  PRISM_CHECKED(reader.finish());
  PRISM_TRY(const internal::KeyringFile inside, internal::parse_keyring(keyring, "the backup's key"));
  return BackupFile{{version, std::chrono::seconds(created), inside.description, manifests.size()},
                    keyring,
                    before,
                    nonce,
                    manifests};
}

/// One list: the count, then id and bytes of each. `others`: bytes of what else the backup will hold.
class ListWriter {
 public:
  explicit ListWriter(std::size_t count, std::uint64_t others) : others_(others) { writer_.count(count); }
  Status add(ByteView id, ByteView bytes) {
    if (others_ + writer_.size() + bytes.size() + kFixedBytes > kMaxBackupBytes - 1024)
      return fail(ErrorCode::exhausted, "the key directory holds more than the ", kMaxBackupBytes,
                  " bytes of a backup");
    writer_.raw(id);
    writer_.bytes(bytes);
    return {};
  }
  Bytes take() && { return std::move(writer_).take(); }

 private:
  std::uint64_t others_;
  wire::Writer writer_;
};

Result<Bytes> collect_contents(const Keyring& keyring) {
  PRISM_TRY(const std::vector<TableId> tables, keyring.list_manifests());
  PRISM_TRY(const std::vector<FheContextFile> contexts, FheKeys(keyring).files());
  if (tables.size() > internal::kMaxTables || contexts.size() > internal::kMaxTables)
    return fail(ErrorCode::exhausted, "a backup holds at most ", internal::kMaxTables, " tables and as many contexts");
  ListWriter manifests(tables.size(), 0);
  for (const TableId& table : tables) {
    PRISM_TRY(const Bytes manifest, keyring.load_manifest(table));
    PRISM_CHECKED(manifests.add(table.view(), manifest));
  }
  wire::Writer contents;
  contents.bytes(std::move(manifests).take());
  ListWriter others(contexts.size(), contents.size());
  for (const FheContextFile& context : contexts) PRISM_CHECKED(others.add(context.id, context.bytes));
  contents.bytes(std::move(others).take());
  return std::move(contents).take();
}

struct Contents {
  std::vector<internal::ListedManifest> tables, contexts;  ///< into the bytes read; ids of contexts as those of tables
};
Result<Contents> read_contents(std::uint16_t version, ByteView bytes, std::string_view what) {
  Contents out;
  if (version == kWithoutContexts) {
    PRISM_TRY(out.tables, internal::read_manifest_list(bytes, what));
    return out;
  }
  wire::Reader reader(bytes, what);
  PRISM_TRY(const ByteView tables, reader.bytes_view(kMaxBackupBytes));
  PRISM_TRY(const ByteView contexts, reader.bytes_view(kMaxBackupBytes));
  PRISM_CHECKED(reader.finish());
  PRISM_TRY(out.tables, internal::read_manifest_list(tables, what));
  PRISM_TRY(out.contexts, internal::read_manifest_list(contexts, what));
  return out;
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
  PRISM_TRY(const Bytes manifests, collect_contents(keyring));
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
  Bytes aad = internal::associated(wire::Kind::key_backup, file.description.version, file.before_manifests);
  const internal::WipeAtEnd wipe_aad(aad);
  auto manifests = crypto::aead_open(key, file.nonce, aad, file.manifests);
  if (!manifests && manifests.error().code == ErrorCode::unauthorised)
    return fail(ErrorCode::integrity, what, " was changed after it was written");
  if (!manifests) return std::move(manifests).error();
  return Opened{std::move(keyring), file.description.version, std::move(*manifests)};
}

Result<std::size_t> Backup::verify(ByteView bytes, const Passphrase& passphrase) {
  PRISM_TRY(const Opened opened, open(bytes, passphrase, "the backup"));
  PRISM_TRY(const Contents contents, read_contents(opened.version, opened.contents, "the backup"));
  return contents.tables.size();
}

Result<Keyring> Backup::restore(const std::string& backup, const std::string& dir, Random& random,
                                const Passphrase& passphrase) {
  PRISM_CHECKED(internal::check_free(dir));  // before anything is spent on the passphrase
  PRISM_TRY(const std::uint64_t size, host::file_size(backup));
  if (size > kMaxBackupBytes) return fail(ErrorCode::malformed, backup, " has ", size, " bytes, which no backup has");
  PRISM_TRY(const internal::SecretBytes bytes, host::read_secret_file(backup, size));
  PRISM_TRY(Opened opened, open(bytes.reveal(RevealKey{}), passphrase, backup));
  PRISM_TRY(const Contents contents, read_contents(opened.version, opened.contents, backup));

  Keyring& keyring = opened.keyring;
  PRISM_TRY(internal::NewDirectory made, internal::NewDirectory::create(dir, random));
  PRISM_CHECKED(host::write_file(made.temporary() + "/" + std::string(kKeyringFile), keyring.file_.reveal(RevealKey{}),
                                 AtomicFile::Access::owner_only, AtomicFile::IfExists::refuse));
  PRISM_CHECKED(host::create_private_directory(made.temporary() + "/tables"));
  keyring.dir_ = made.temporary();
  for (const auto& [table, manifest] : contents.tables) PRISM_CHECKED(keyring.store_manifest(table, manifest, random));
  for (const auto& [id, context] : contents.contexts) PRISM_CHECKED(FheKeys(keyring).restore_file(id.bytes, context));
  PRISM_CHECKED(made.commit());
  keyring.dir_ = internal::trim_path(dir);
  return std::move(opened.keyring);
}

}  // namespace prism::custody
