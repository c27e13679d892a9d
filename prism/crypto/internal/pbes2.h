// prism/crypto/internal/pbes2.h - a PKCS#8 key under a passphrase (RFC 5958, section 3; RFC 8018, section 6.2;
// RFC 7914, section 7). Private to crypto.
#pragma once
#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/crypto/key_file.h"
#include "prism/secret/secret.h"

namespace prism::crypto::internal {

struct PassphraseCost {
  KeyFileInfo::Protection protection;
  ScryptCost scrypt{};
  std::uint64_t iterations = 0;
};
/// What opening would cost; nothing is spent. Errors: malformed; unsupported for other schemes and absurd costs.
Result<PassphraseCost> describe_protection(ByteView der);
/// The PKCS#8 inside. Errors: those above; unauthorised, whatever else is wrong.
Result<secret::SecretVector<std::uint8_t>> open_protected(ByteView der, ByteView passphrase);
/// AES-256-CBC under a key by scrypt. Errors: unsupported, invalid_argument.
Result<Bytes> protect(ByteView pkcs8, ByteView passphrase, const ScryptCost& cost, Random& random);

}  // namespace prism::crypto::internal
