// prism/crypto/internal/pem.h - PEM (RFC 7468): DER in base64 between two lines of dashes. Private to crypto.
//
// Base64 is done without tables or branches on the content, because the content may be a secret.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/secret/secret.h"

namespace prism::crypto::internal {

struct PemBlock {
  std::string label;
  secret::SecretVector<std::uint8_t> der;
};
/// The one block of a file. Text before it and white space after it are skipped. Errors: malformed.
Result<PemBlock> read_pem(ByteView file);
secret::SecretVector<std::uint8_t> write_pem(std::string_view label, ByteView der);

}  // namespace prism::crypto::internal
