// prism/crypto/internal/ml_kem.h - ML-KEM (FIPS 203) as OpenSSL does it, and SHAKE256. Private to crypto.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "prism/crypto/internal/openssl.h"
#include "prism/crypto/kem.h"
#include "prism/secret/secret.h"

namespace prism::crypto::internal {

enum class MlKem : std::uint8_t { k768, k1024 };
inline constexpr std::size_t kMlKemSeedBytes = 64;     ///< d || z
inline constexpr std::size_t kMlKemMessageBytes = 32;  ///< m of encapsulation
struct MlKemSizes {
  std::size_t public_key, ciphertext, expanded;
};
constexpr MlKemSizes sizes_of(MlKem kind) {
  return kind == MlKem::k768 ? MlKemSizes{1184, 1088, 2400} : MlKemSizes{1568, 1568, 3168};  // FIPS 203, table 3
}

Result<Pkey> ml_kem_from_seed(MlKem kind, ByteView seed);
/// With the hash check of section 7.3. Errors: malformed.
Result<Pkey> ml_kem_from_expanded(MlKem kind, ByteView dk);
/// With the modulus check of section 7.2. Errors: malformed.
Result<Pkey> ml_kem_import(MlKem kind, ByteView public_key);
Result<Bytes> ml_kem_public_key(MlKem kind, EVP_PKEY* key);
/// The "priv" parameter: FIPS 203's dk, or FIPS 204's sk.
Result<secret::SecretVector<std::uint8_t>> expanded_key(EVP_PKEY* key, std::size_t size);

/// `message` is all the randomness there is: the same message, the same ciphertext.
Result<SharedSecret> ml_kem_encapsulate(EVP_PKEY* key, ByteView message, MutableByteView ciphertext);
Result<SharedSecret> ml_kem_decapsulate(EVP_PKEY* key, ByteView ciphertext);

Status shake256(ByteView in, MutableByteView out);

}  // namespace prism::crypto::internal
