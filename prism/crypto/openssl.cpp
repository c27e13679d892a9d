#include "prism/crypto/internal/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

namespace prism::crypto::internal {

void forget_errors() { ERR_clear_error(); }

Error no_openssl(std::string_view what) {
  forget_errors();
  return fail(ErrorCode::exhausted, what, " could not run: no memory, or an OpenSSL without it (3.5 has it)");
}

Pkey pkey_from_seed(const char* algorithm, ByteView seed) {
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  const OSSL_PARAM params[] = {octets(OSSL_PKEY_PARAM_ML_KEM_SEED, seed), OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 || EVP_PKEY_CTX_set_params(context.get(), params) != 1 ||
      EVP_PKEY_generate(context.get(), &key) != 1)
    return nullptr;
  return Pkey(key);
}

}  // namespace prism::crypto::internal
