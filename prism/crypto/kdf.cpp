#include "prism/crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>

namespace prism::crypto {
namespace {

using secret::RevealKey;

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

/// OpenSSL takes mutable pointers for inputs that it only reads, and refuses null ones for empty inputs.
OSSL_PARAM octets(const char* name, ByteView bytes) {
  static const std::uint8_t kNothing = 0;
  const std::uint8_t* data = bytes.empty() ? &kNothing : bytes.data();
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(data), bytes.size());
}

Status hkdf_into(ByteView ikm, ByteView salt, ByteView info, MutableByteView out) {
  if (out.empty() || out.size() > kMaxHkdfBytes)
    return fail(ErrorCode::invalid_argument, "HKDF-SHA-384 gives 1 to ", kMaxHkdfBytes, " bytes, not ", out.size());
  if (info.size() > kMaxHkdfInfoBytes)
    return fail(ErrorCode::invalid_argument, "an HKDF info of ", info.size(), " bytes is longer than ",
                kMaxHkdfInfoBytes);
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  char digest[] = "SHA2-384";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               octets(OSSL_KDF_PARAM_KEY, ikm), octets(OSSL_KDF_PARAM_SALT, salt),
                               octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  if (!context || EVP_KDF_derive(context.get(), out.data(), out.size(), params) != 1)
    return fail(ErrorCode::exhausted, "HKDF-SHA-384 could not run: no memory, or no provider");
  return {};
}

}  // namespace

Result<secret::SecretVector<std::uint8_t>> hkdf_sha384(ByteView ikm, ByteView salt, ByteView info, std::size_t length) {
  // Before memory is spent on it.
  if (length > kMaxHkdfBytes)
    return fail(ErrorCode::invalid_argument, "HKDF-SHA-384 gives 1 to ", kMaxHkdfBytes, " bytes, not ", length);
  secret::SecretVector<std::uint8_t> out(length);
  PRISM_CHECKED(hkdf_into(ikm, salt, info, out.reveal(RevealKey{})));
  return out;
}

Result<Key256> hkdf_sha384_key(ByteView ikm, ByteView salt, ByteView info) {
  Key256 out;
  PRISM_CHECKED(hkdf_into(ikm, salt, info, out.reveal(RevealKey{})));
  return out;
}

std::uint64_t scrypt_bytes(const ScryptCost& cost) {
  // RFC 7914, section 6: B has p blocks of 128 r bytes, V has N of them; two more are scratch (X and T).
  const std::uint64_t block = std::uint64_t{128} * cost.r;
  return block * cost.p + block * ((std::uint64_t{1} << std::min<unsigned>(cost.log2_n, 40)) + 2);
}

Status check_cost(const ScryptCost& cost) {
  if (cost.log2_n < 1 || cost.log2_n > 20 || cost.r < 1 || cost.r > 16 || cost.p < 1 || cost.p > 4)
    return fail(ErrorCode::unsupported, "scrypt cost N=2^", static_cast<int>(cost.log2_n),
                " r=", static_cast<int>(cost.r), " p=", static_cast<int>(cost.p),
                " is outside N=2^1..2^20, r=1..16, p=1..4");
  if (scrypt_bytes(cost) > kMaxScryptBytes)
    return fail(ErrorCode::unsupported, "scrypt at this cost takes ", scrypt_bytes(cost),
                " bytes of memory, more than ", kMaxScryptBytes);
  return {};
}

Result<Key256> scrypt(ByteView passphrase, ByteView salt, const ScryptCost& cost) {
  PRISM_CHECKED(check_cost(cost));
  if (passphrase.empty()) return fail(ErrorCode::invalid_argument, "the passphrase is empty");
  Key256 out;
  auto& bytes = out.reveal(RevealKey{});
  if (EVP_PBE_scrypt(reinterpret_cast<const char*>(passphrase.data()), passphrase.size(), salt.data(), salt.size(),
                     std::uint64_t{1} << cost.log2_n, cost.r, cost.p, kMaxScryptBytes, bytes.data(), bytes.size()) != 1)
    return fail(ErrorCode::exhausted, "scrypt could not take ", scrypt_bytes(cost), " bytes of memory");
  return out;
}

}  // namespace prism::crypto
