// prism/custody/backup.h - a whole key directory in one file.
//
// Layout after the header (kind key_backup, version 2):
//   created i64 | keyring.prism as in keyring.h, u64 length first | nonce 12 |
//   sealed contents, u64 length first | checksum 32
// The contents are one AES-256-GCM message under a key derived from the seed, with all before it as AAD, so that
// nothing can be changed, added, or left out. Inside, each with a u64 length first: the manifests of tables, and the
// contexts of encrypted vectors (fhe_keys.h). Either list is a u64 count, then id 16 and bytes (u64 length first) each,
// by ascending id. Version 1, which is still read, has only the first list, without its length.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "prism/custody/keyring.h"

namespace prism::custody {

inline constexpr std::uint64_t kMaxBackupBytes = std::uint64_t{2} << 30;

/// What a backup says about itself to somebody without the passphrase.
struct BackupDescription {
  std::uint16_t version;
  std::chrono::seconds created;
  KeyringDescription keyring;
  std::uint64_t sealed_manifest_bytes;
};
/// Errors as describe_keyring.
Result<BackupDescription> describe_backup(ByteView bytes);

class Backup {
 public:
  /// Writes `output`, mode 0600. Without a passphrase the seed stays protected as it is in the keyring, by the same
  /// passphrase if it has one; with one, by this one. Errors: refused when `output` exists, exhausted above
  /// kMaxBackupBytes, those of the manifests.
  static Status write(const Keyring& keyring, const std::string& output, Random& random, const Clock& clock,
                      const Passphrase& passphrase = std::nullopt, const crypto::ScryptCost& cost = {});

  /// Whether `bytes` would be restored with this passphrase, without writing anything: the number of its tables.
  /// Errors: those of describe_backup and Keyring::open, integrity for a file that was changed.
  static Result<std::size_t> verify(ByteView bytes, const Passphrase& passphrase = std::nullopt);

  /// Makes `dir`, which must not exist, complete or not at all; the passphrase is the backup's, and becomes the
  /// directory's. Errors: those of Keyring::create and verify.
  static Result<Keyring> restore(const std::string& backup, const std::string& dir, Random& random,
                                 const Passphrase& passphrase = std::nullopt);

 private:
  struct Opened {
    Keyring keyring;  ///< without a directory yet
    std::uint16_t version;
    Bytes contents;  ///< in the clear
  };
  static Result<Opened> open(ByteView bytes, const Passphrase& passphrase, std::string_view what);
};

}  // namespace prism::custody
