#include "prism/crypto/kdf.h"

#include <openssl/kdf.h>

#include <algorithm>
#include <memory>

#include "prism/crypto/hash.h"
#include "prism/crypto/internal/openssl.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;

/// `prk_or_ikm` is what the mode wants; a null salt goes with expanding alone.
Status derive(int mode, const char* digest, ByteView prk_or_ikm, const ByteView* salt, ByteView info,
              MutableByteView out) {
  static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr);  // looked up once, never freed
  const std::unique_ptr<EVP_KDF_CTX, internal::Free<EVP_KDF_CTX_free>> context(kdf != nullptr ? EVP_KDF_CTX_new(kdf)
                                                                                              : nullptr);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest), 0),
      internal::octets(OSSL_KDF_PARAM_KEY, prk_or_ikm),
      internal::octets(OSSL_KDF_PARAM_INFO, info),
      salt != nullptr ? internal::octets(OSSL_KDF_PARAM_SALT, *salt) : OSSL_PARAM_construct_end(),
      OSSL_PARAM_construct_end()};
  if (!context || EVP_KDF_derive(context.get(), out.data(), out.size(), params) != 1)
    return internal::no_openssl("HKDF");
  return {};
}

Status check_sizes(std::size_t out, std::size_t most, std::size_t info, std::size_t most_info) {
  if (out == 0 || out > most) return fail(ErrorCode::invalid_argument, "HKDF gives 1 to ", most, " bytes, not ", out);
  if (info > most_info)
    return fail(ErrorCode::invalid_argument, "an HKDF info of ", info, " bytes is longer than ", most_info);
  return {};
}

Status hkdf_into(ByteView ikm, ByteView salt, ByteView info, MutableByteView out) {
  PRISM_CHECKED(check_sizes(out.size(), kMaxHkdfBytes, info.size(), kMaxHkdfInfoBytes));
  return derive(EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, "SHA2-384", ikm, &salt, info, out);
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

Prk384 hkdf_extract_sha384(ByteView salt, ByteView ikm) {
  // Section 2.2 is HMAC itself; an empty key and 48 zero bytes are the same to HMAC.
  Prk384 out;
  hmac_sha384_into(salt, ikm, out.reveal(RevealKey{}));
  return out;
}

Status hkdf_expand_sha384(const Prk384& prk, ByteView info, MutableByteView out) {
  PRISM_CHECKED(check_sizes(out.size(), kMaxHkdfBytes, info.size(), kMaxExpandInfoBytes));
  return derive(EVP_KDF_HKDF_MODE_EXPAND_ONLY, "SHA2-384", prk.reveal(RevealKey{}), nullptr, info, out);
}

Status hkdf_expand_sha512(ByteView prk, ByteView info, MutableByteView out) {
  PRISM_CHECKED(check_sizes(out.size(), std::size_t{255} * 64, info.size(), kMaxExpandInfoBytes));
  return derive(EVP_KDF_HKDF_MODE_EXPAND_ONLY, "SHA2-512", prk, nullptr, info, out);
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
                     std::uint64_t{1} << cost.log2_n, cost.r, cost.p, kMaxScryptBytes, bytes.data(),
                     bytes.size()) != 1) {
    internal::forget_errors();
    return fail(ErrorCode::exhausted, "scrypt could not take ", scrypt_bytes(cost), " bytes of memory");
  }
  return out;
}

}  // namespace prism::crypto
