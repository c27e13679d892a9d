// prism/crypto/internal/certified_key.h - OpenSSL's objects behind CertifiedKey, for tls.cpp.
#pragma once
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <vector>

#include "prism/crypto/certificate.h"

namespace prism::crypto {

struct FreeX509 {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(BIO* x) const { BIO_free_all(x); }
};
using X509Pointer = std::unique_ptr<X509, FreeX509>;
using KeyPointer = std::unique_ptr<EVP_PKEY, FreeX509>;
using BioPointer = std::unique_ptr<BIO, FreeX509>;

struct CertifiedKey::State {
  std::vector<X509Pointer> chain;  ///< leaf first, at least one
  KeyPointer key;
  CertificateInfo info;
};

namespace internal {
/// All certificates of a PEM text, in order; malformed when there is none or rubbish between them.
Result<std::vector<X509Pointer>> parse_certificates(ByteView pem);
Result<CertificateInfo> describe(X509* certificate);
CertificateKey kind_of(EVP_PKEY* key);
/// A pem_password_cb that never asks: a server must not hang on a prompt.
int no_passphrase(char* buffer, int size, int writing, void* data);
}  // namespace internal

}  // namespace prism::crypto
