// prism/crypto/internal/openssl.h - OpenSSL's objects with owners, and its errors as ours. Private to crypto.
#pragma once
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <memory>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::crypto::internal {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;

/// OpenSSL takes mutable pointers for inputs that it only reads, and refuses null ones for empty inputs.
inline OSSL_PARAM octets(const char* name, ByteView bytes) {
  static const std::uint8_t kNothing = 0;
  const std::uint8_t* data = bytes.empty() ? &kNothing : bytes.data();
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(data), bytes.size());
}
inline const std::uint8_t* pointer(ByteView bytes) {
  static const std::uint8_t kNothing = 0;
  return bytes.empty() ? &kNothing : bytes.data();
}

/// What is left when inputs were checked before: no memory, or a library without the algorithm. Clears OpenSSL's queue
/// of errors, which would otherwise grow and surprise the TLS code of the same thread.
Error no_openssl(std::string_view what);
void forget_errors();

/// A key pair from its seed: ML-KEM's d || z, ML-DSA's xi. Null when it cannot be.
Pkey pkey_from_seed(const char* algorithm, ByteView seed);

}  // namespace prism::crypto::internal
