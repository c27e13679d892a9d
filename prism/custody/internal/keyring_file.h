// prism/custody/internal/keyring_file.h - keyring.prism as bytes; laid out in keyring.h.
#pragma once
#include <string_view>

#include "prism/custody/internal/seed_box.h"

namespace prism::custody::internal {

inline constexpr std::uint16_t kKeyringVersion = 1;
/// No version's file is longer.
inline constexpr std::uint64_t kMaxKeyringBytes = 4096;

Result<SecretBytes> encode_keyring(const KeyId& id, std::chrono::seconds created, const Seed& seed,
                                   const Passphrase& passphrase, const crypto::ScryptCost& cost, Random& random);

struct KeyringFile {
  KeyringDescription description;
  SeedBox box;
  ByteView before_box;  ///< into the bytes parsed
};
Result<KeyringFile> parse_keyring(ByteView bytes, std::string_view what);

}  // namespace prism::custody::internal
