#include "prism/crypto/memory_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>

#include "prism/crypto/internal/openssl.h"

namespace prism::crypto {
namespace {

using internal::Free;
using internal::no_openssl;
using internal::Pkey;
using Certified = std::unique_ptr<X509, Free<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Free<SSL_free>>;

/// More than either end says before it waits.
constexpr std::size_t kPipeBytes = 64 * 1024;

struct Self {
  Pkey key;
  Certified certificate;
};

Result<Self> make_self(MemoryTls::Certificate kind) {
  const bool ecdsa = kind == MemoryTls::Certificate::ecdsa_p256;
  Self self{Pkey(ecdsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")
                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "ML-DSA-65")),
            Certified(X509_new())};
  X509* const cert = self.certificate.get();
  if (!self.key || cert == nullptr || X509_set_version(cert, X509_VERSION_3) != 1 ||
      ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) != 1 ||
      X509_gmtime_adj(X509_getm_notBefore(cert), -60) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(cert), 86400) == nullptr || X509_set_pubkey(cert, self.key.get()) != 1 ||
      X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("memory"), -1, -1, 0) != 1 ||
      X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
      X509_sign(cert, self.key.get(), ecdsa ? EVP_sha256() : nullptr) == 0)
    return no_openssl("a certificate for TLS in memory");
  return self;
}

Result<Context> make_context(const SSL_METHOD* method, const Self* self, const Self* trusted) {
  Context context(SSL_CTX_new(method));
  SSL_CTX* const c = context.get();
  if (c == nullptr || SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set1_groups_list(c, "X25519MLKEM768") != 1 ||
      SSL_CTX_set_ciphersuites(c, "TLS_AES_256_GCM_SHA384") != 1 || SSL_CTX_set_num_tickets(c, 0) != 1)
    return no_openssl("TLS in memory");
  if (self != nullptr &&
      (SSL_CTX_use_certificate(c, self->certificate.get()) != 1 || SSL_CTX_use_PrivateKey(c, self->key.get()) != 1))
    return no_openssl("TLS in memory");
  if (trusted != nullptr) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(c), trusted->certificate.get()) != 1)
      return no_openssl("TLS in memory");
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

Result<bool> go_on(SSL* ssl) {
  const int done = SSL_do_handshake(ssl);
  if (done == 1) return true;
  if (SSL_get_error(ssl, done) == SSL_ERROR_WANT_READ) return false;
  internal::forget_errors();
  return fail(ErrorCode::network, "a TLS handshake in memory failed");
}

}  // namespace

struct MemoryTls::Ends {
  Context client_context, server_context;
  Connection client, server;
};

MemoryTls::MemoryTls(std::unique_ptr<Ends> ends) : ends_(std::move(ends)) {}
MemoryTls::MemoryTls(MemoryTls&&) noexcept = default;
MemoryTls::~MemoryTls() = default;

Result<MemoryTls> MemoryTls::create(Certificate certificate, bool mutual) {
  PRISM_TRY(const Self server, make_self(certificate));
  PRISM_TRY(const Self client, make_self(certificate));
  auto ends = std::make_unique<Ends>();
  PRISM_TRY(ends->client_context, make_context(TLS_client_method(), mutual ? &client : nullptr, &server));
  PRISM_TRY(ends->server_context, make_context(TLS_server_method(), &server, mutual ? &client : nullptr));
  return MemoryTls(std::move(ends));
}

Status MemoryTls::begin() {
  ends_->client.reset(SSL_new(ends_->client_context.get()));
  ends_->server.reset(SSL_new(ends_->server_context.get()));
  BIO *client_end = nullptr, *server_end = nullptr;
  if (!ends_->client || !ends_->server || BIO_new_bio_pair(&client_end, kPipeBytes, &server_end, kPipeBytes) != 1)
    return no_openssl("TLS in memory");
  SSL_set_bio(ends_->client.get(), client_end, client_end);
  SSL_set_bio(ends_->server.get(), server_end, server_end);
  SSL_set_connect_state(ends_->client.get());
  SSL_set_accept_state(ends_->server.get());
  return {};
}

Result<bool> MemoryTls::client() { return go_on(ends_->client.get()); }
Result<bool> MemoryTls::server() { return go_on(ends_->server.get()); }

}  // namespace prism::crypto
