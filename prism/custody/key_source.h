// prism/custody/key_source.h - where the secret of one table comes from.
//
// Keyring derives it from a master seed; TableKey holds that one secret and has no master seed. Whoever seals and opens
// tables asks this interface, so that a hardware module or several key holders can stand behind it later.
#pragma once
#include <array>
#include <cstdint>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/custody/ids.h"
#include "prism/secret/secret.h"

namespace prism::custody {

/// 256 secret bits from which all secret randomness of one table is expanded (its HE secret key first of all).
using Seed = secret::Secret<std::array<std::uint8_t, 32>>;

class KeySource {
 public:
  virtual ~KeySource() = default;
  virtual KeyId id() const = 0;
  /// Always the same for the same table, unrelated between tables. Errors: mismatch when this source has no key for it.
  virtual Result<Seed> table_secret(const TableId& table) const = 0;
  /// What the owner remembers about the table: the bytes given to Keyring::store_manifest, unchanged.
  /// Errors: not_found, integrity when the stored bytes were changed or swapped.
  virtual Result<Bytes> load_manifest(const TableId& table) const = 0;
};

}  // namespace prism::custody
