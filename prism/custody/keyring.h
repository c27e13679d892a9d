// prism/custody/keyring.h - the owner's key directory: one master seed, and what the owner remembers of each table.
//
//   DIR/keyring.prism            0600   the seed, in the clear or under a passphrase (scrypt, AES-256-GCM)
//   DIR/tables/ID.manifest       0600   one per table, always sealed with AES-256-GCM under a key derived from the seed
//
// Layout of keyring.prism, after the header (wire/artefact.h, kind master_key, version 1):
//   key id 16 | created i64, seconds since 1970 UTC | protection u8 |
//     protection 0: seed 32
//     protection 1: log2_n u8, r u8, p u8 | salt 16 | nonce 12 | sealed seed 48, header and all fields before it as AAD
//   checksum 32 over everything before it, which tells a damaged file from a wrong passphrase
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/clock.h"
#include "prism/base/random.h"
#include "prism/crypto/kdf.h"
#include "prism/custody/key_source.h"

namespace prism::custody {

/// Not normalised in any way: the same bytes open what they closed. Whoever holds one keeps it in a SecretVector.
using Passphrase = std::optional<ByteView>;

enum class Protection : std::uint8_t {
  none,       ///< the file's mode alone protects the seed
  passphrase  ///< scrypt and AES-256-GCM
};
std::string_view name_of(Protection protection);

/// What a key file says about itself to somebody without the passphrase.
struct KeyringDescription {
  std::uint16_t version;
  KeyId id;
  std::chrono::seconds created;  ///< since 1970, UTC
  Protection protection;
  crypto::ScryptCost cost;  ///< meaningless without a passphrase
};
/// Errors: malformed, mismatch for another kind of file, unsupported for another version or an absurd cost, integrity
/// for a wrong checksum.
Result<KeyringDescription> describe_keyring(ByteView bytes);

inline constexpr std::string_view kKeyringFile = "keyring.prism";
inline constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{256} << 20;
inline constexpr std::size_t kMaxPurposeBytes = 64;
inline constexpr std::size_t kMaxDerivationIdBytes = 256;

class Keyring final : public KeySource {
 public:
  /// Makes `dir`, which must not exist, complete or not at all. `cost` is what one guess of the passphrase costs.
  /// Errors: refused when something is there, invalid_argument for an empty passphrase, io.
  static Result<Keyring> create(const std::string& dir, Random& random, const Clock& clock,
                                const Passphrase& passphrase = std::nullopt, const crypto::ScryptCost& cost = {});

  /// Errors: not_found when this is no key directory, insecure when others may touch it, unauthorised for a missing or
  /// wrong passphrase, invalid_argument for a passphrase where none is needed, and those of describe_keyring.
  static Result<Keyring> open(const std::string& dir, const Passphrase& passphrase = std::nullopt);

  KeyId id() const override { return description_.id; }
  const KeyringDescription& description() const { return description_; }
  const std::string& directory() const { return dir_; }

  /// HKDF-SHA-384 (RFC 5869): key the seed, salt the key id, info "prism/v1/" purpose 0x00 id. Purposes are printable
  /// ASCII of 1 to kMaxPurposeBytes; ids have at most kMaxDerivationIdBytes. Errors: invalid_argument.
  Result<Seed> derive(std::string_view purpose, ByteView id) const;
  /// derive("table", table).
  Result<Seed> table_secret(const TableId& table) const override;

  /// Replaces what was stored, atomically. Errors: invalid_argument above kMaxManifestBytes, io.
  Status store_manifest(const TableId& table, ByteView manifest, Random& random) const;
  Result<Bytes> load_manifest(const TableId& table) const override;
  /// Errors: not_found.
  Status remove_manifest(const TableId& table) const;
  /// In the order of their ids. Other files beside them are ignored.
  Result<std::vector<TableId>> list_manifests() const;

  /// One table's secret and manifest, if there is one, as a file for somebody who shall open this table and no other
  /// (table_key.h). Errors: refused when the file exists.
  Status export_table_key(const TableId& table, const std::string& path, Random& random, const Clock& clock,
                          const Passphrase& passphrase = std::nullopt, const crypto::ScryptCost& cost = {}) const;

 private:
  friend class Backup;
  Keyring() = default;
  static Result<Keyring> decode(secret::SecretVector<std::uint8_t> file, const Passphrase& passphrase,
                                std::string_view what);
  Result<Bytes> load_sealed_manifest(const TableId& table) const;
  std::string manifest_path(const TableId& table) const;

  std::string dir_;
  KeyringDescription description_{};
  Seed seed_;
  secret::SecretVector<std::uint8_t> file_;  ///< keyring.prism as it stands, for backups under the same passphrase
};

}  // namespace prism::custody
