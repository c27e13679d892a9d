#include "prism/crypto/internal/ml_kem.h"

namespace prism::crypto::internal {
namespace {

using secret::RevealKey;

const char* openssl_name(MlKem kind) { return kind == MlKem::k768 ? "ML-KEM-768" : "ML-KEM-1024"; }

}  // namespace

Result<Pkey> ml_kem_from_seed(MlKem kind, ByteView seed) {
  Pkey key = pkey_from_seed(openssl_name(kind), seed);
  if (!key) return no_openssl(openssl_name(kind));
  return key;
}

Result<Pkey> ml_kem_from_expanded(MlKem kind, ByteView dk) {
  Pkey key(EVP_PKEY_new_raw_private_key_ex(nullptr, openssl_name(kind), nullptr, dk.data(), dk.size()));
  if (key) return key;
  forget_errors();
  return fail(ErrorCode::malformed, "these ", dk.size(), " bytes are no secret key of ", openssl_name(kind));
}

Result<Pkey> ml_kem_import(MlKem kind, ByteView public_key) {
  Pkey key(EVP_PKEY_new_raw_public_key_ex(nullptr, openssl_name(kind), nullptr, public_key.data(), public_key.size()));
  if (key) return key;
  forget_errors();
  return fail(ErrorCode::malformed, "these ", public_key.size(), " bytes are no public key of ", openssl_name(kind),
              ": a coefficient is 3329 or more");
}

Result<Bytes> ml_kem_public_key(MlKem kind, EVP_PKEY* key) {
  Bytes out(sizes_of(kind).public_key);
  std::size_t written = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out.data(), out.size(), &written) != 1 ||
      written != out.size())
    return no_openssl(openssl_name(kind));
  return out;
}

Result<secret::SecretVector<std::uint8_t>> expanded_key(EVP_PKEY* key, std::size_t size) {
  secret::SecretVector<std::uint8_t> out(size);
  std::size_t written = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PRIV_KEY, out.reveal(RevealKey{}).data(), size, &written) !=
          1 ||
      written != size)
    return no_openssl("reading a secret key");
  return out;
}

Result<SharedSecret> ml_kem_encapsulate(EVP_PKEY* key, ByteView message, MutableByteView ciphertext) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  const OSSL_PARAM params[] = {octets(OSSL_KEM_PARAM_IKME, message), OSSL_PARAM_construct_end()};
  SharedSecret out;
  std::size_t ciphertext_size = ciphertext.size(), secret_size = out.reveal(RevealKey{}).size();
  if (!context || EVP_PKEY_encapsulate_init(context.get(), params) != 1 ||
      EVP_PKEY_encapsulate(context.get(), ciphertext.data(), &ciphertext_size, out.reveal(RevealKey{}).data(),
                           &secret_size) != 1 ||
      ciphertext_size != ciphertext.size() || secret_size != out.reveal(RevealKey{}).size())
    return no_openssl("ML-KEM encapsulation");
  return out;
}

Result<SharedSecret> ml_kem_decapsulate(EVP_PKEY* key, ByteView ciphertext) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  SharedSecret out;
  std::size_t secret_size = out.reveal(RevealKey{}).size();
  if (!context || EVP_PKEY_decapsulate_init(context.get(), nullptr) != 1 ||
      EVP_PKEY_decapsulate(context.get(), out.reveal(RevealKey{}).data(), &secret_size, ciphertext.data(),
                           ciphertext.size()) != 1 ||
      secret_size != out.reveal(RevealKey{}).size())
    return no_openssl("ML-KEM decapsulation");
  return out;
}

Status shake256(ByteView in, MutableByteView out) {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHAKE256", nullptr);  // looked up once, never freed
  const DigestContext context(EVP_MD_CTX_new());
  if (md == nullptr || !context || EVP_DigestInit_ex2(context.get(), md, nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), pointer(in), in.size()) != 1 ||
      EVP_DigestFinalXOF(context.get(), out.data(), out.size()) != 1)
    return no_openssl("SHAKE256");
  return {};
}

}  // namespace prism::crypto::internal
