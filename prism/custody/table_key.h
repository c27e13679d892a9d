// prism/custody/table_key.h - the key of a single table, for somebody who shall open that table and no other.
//
// Layout after the header (kind secret_key, version 1):
//   form u8 = 0, a table's key | key id 16 | table id 16 | created i64 | protection and seed as in keyring.h |
//   has manifest u8 | the manifest file as in DIR/tables, u64 length first | checksum 32
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "prism/custody/keyring.h"

namespace prism::custody {

struct TableKeyDescription {
  std::uint16_t version;
  KeyId id;  ///< of the keyring it came from
  TableId table;
  std::chrono::seconds created;
  Protection protection;
  crypto::ScryptCost cost;
  bool has_manifest;
};
/// Errors as describe_keyring.
Result<TableKeyDescription> describe_table_key(ByteView bytes);

class TableKey final : public KeySource {
 public:
  /// Errors as Keyring::open.
  static Result<TableKey> open(const std::string& path, const Passphrase& passphrase = std::nullopt);
  /// The same from memory.
  static Result<TableKey> decode(ByteView bytes, const Passphrase& passphrase = std::nullopt);

  KeyId id() const override { return description_.id; }
  const TableKeyDescription& description() const { return description_; }
  Result<Seed> table_secret(const TableId& table) const override;
  Result<Bytes> load_manifest(const TableId& table) const override;

 private:
  friend class Keyring;
  TableKey() = default;
  Status needs(const TableId& table) const;

  TableKeyDescription description_{};
  Seed secret_;
  Bytes sealed_manifest_;
};

}  // namespace prism::custody
