// prism/channel/suite.h - the three suites of the channel: a number names every algorithm at once, nothing combines
// freely.
//
//   1  MLKEM768-X25519 (X-Wing)  ML-DSA-65  HKDF-SHA-384  AES-256-GCM    the default
//   2  MLKEM1024-P384            ML-DSA-87  HKDF-SHA-384  AES-256-GCM
//   3  ML-KEM-1024               ML-DSA-87  HKDF-SHA-384  AES-256-GCM    only where policy asks for it: no classical
//   part
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "prism/base/result.h"
#include "prism/crypto/kem.h"
#include "prism/crypto/signature.h"

namespace prism::channel {

/// The number on the wire. Numbers are for ever.
enum class SuiteId : std::uint8_t { mlkem768_x25519 = 1, mlkem1024_p384 = 2, mlkem1024 = 3 };

struct Suite {
  SuiteId id;
  std::string_view name;  ///< "MLKEM768-X25519/ML-DSA-65"
  crypto::Kem kem;
  crypto::SignatureAlgorithm signature;  ///< of both sides' identities
  bool gated;                            ///< never offered or accepted unless a policy names it
  /// Exact lengths in bytes. A test compares them with what crypto says.
  std::size_t kem_public_key_bytes;
  std::size_t kem_ciphertext_bytes;
  std::size_t public_key_bytes;
  std::size_t signature_bytes;
};

/// What `id` means; `id` must be one of the enumerators.
const Suite& suite(SuiteId id);
/// All of them, by number.
std::span<const SuiteId> all_suites();
/// The suite of that number on the wire. Errors: unsupported.
Result<SuiteId> suite_numbered(std::uint64_t number);
/// Whether an identity with a key of this algorithm can take part in the suite.
bool fits(SuiteId id, crypto::SignatureAlgorithm algorithm);

}  // namespace prism::channel
