#include "prism/crypto/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "prism/crypto/internal/certified_key.h"

namespace prism::crypto {
namespace {

/// What decides about the other side's certificate; lives as long as the SSL_CTX, which connections keep alive.
struct PeerRule {
  std::vector<Digest> fingerprints;
  bool has_authorities = false;  ///< the context's own store decides about what is not pinned
  bool any = false;
  bool both = false;  ///< a pin alone does not suffice: the authorities must agree
};

void free_rule(void*, void* rule, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<PeerRule*>(rule); }

int rule_index() {
  static const int index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, nullptr, nullptr, free_rule);
  return index;
}

/// Replaces OpenSSL's own check of a chain. The proof that the peer has the key (CertificateVerify) is not here: TLS
/// always asks for it.
int verify_peer(X509_STORE_CTX* chain, void*) {
  const auto* const ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* const rule = static_cast<const PeerRule*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), rule_index()));
  if (rule->any) return 1;
  if (!rule->fingerprints.empty()) {
    const auto info = internal::describe(X509_STORE_CTX_get0_cert(chain));
    const bool pinned = info && std::find(rule->fingerprints.begin(), rule->fingerprints.end(),
                                          info->fingerprints.spki) != rule->fingerprints.end();
    if (pinned && !rule->both) return 1;
    if (!pinned && (rule->both || !rule->has_authorities)) {
      X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
      return 0;
    }
  }
  return X509_verify_cert(chain);
}

Error failed(const char* what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  Error error =
      fail(ErrorCode::unsupported, "TLS: ", what, reason == nullptr ? "" : ": ", reason == nullptr ? "" : reason);
  ERR_clear_error();
  return error;
}

struct FreeSslContext {
  void operator()(SSL_CTX* x) const { SSL_CTX_free(x); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, FreeSslContext>;

/// What both sides share. The signature algorithms that come first are ours; the others are for certificates that
/// somebody else's authority made.
Result<ContextPointer> common_context(const SSL_METHOD* method, bool allow_classical) {
  ERR_clear_error();
  ContextPointer context(SSL_CTX_new(method));
  if (!context) return failed("no context");
  SSL_CTX* const c = context.get();
  SSL_CTX_set_options(
      c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(c, internal::no_passphrase);
  // After the slash stands what is taken only when nothing before it is shared, even at the price of a second flight.
  const char* const groups =
      allow_classical ? "X25519MLKEM768:SecP384r1MLKEM1024/X25519" : "X25519MLKEM768:SecP384r1MLKEM1024";
  if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 || SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_num_tickets(c, 0) != 1 || SSL_CTX_set1_groups_list(c, groups) != 1 ||
      SSL_CTX_set_ciphersuites(c, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set1_sigalgs_list(c,
                                "mldsa65:mldsa87:ecdsa_secp384r1_sha384:ecdsa_secp256r1_sha256:ed25519:"
                                "rsa_pss_rsae_sha384:rsa_pss_rsae_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha256") != 1)
    return failed("this OpenSSL cannot do what Prism needs of TLS 1.3");
  return context;
}

Status use_certificate(SSL_CTX* context, const CertifiedKey& certified) {
  const auto& state = certified.state();
  STACK_OF(X509)* const rest = sk_X509_new_null();
  for (std::size_t i = 1; i < state.chain.size(); ++i) sk_X509_push(rest, state.chain[i].get());
  const int used = SSL_CTX_use_cert_and_key(context, state.chain.front().get(), state.key.get(), rest, 1);
  sk_X509_free(rest);  // the context has its own references
  if (used != 1) return failed("a certificate cannot be used");
  return {};
}

Status trust(SSL_CTX* context, const std::string& ca_pem) {
  PRISM_TRY(const auto authorities, internal::parse_certificates(as_bytes(ca_pem)));
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  // A certificate that is named here is trusted itself, whether or not it is a root.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const auto& one : authorities)
    if (X509_STORE_add_cert(store, one.get()) != 1) return failed("a CA certificate cannot be used");
  return {};
}

Status set_rule(SSL_CTX* context, PeerRule rule) {
  auto kept = std::make_unique<PeerRule>(std::move(rule));
  if (SSL_CTX_set_ex_data(context, rule_index(), kept.get()) != 1) return failed("no memory");
  kept.release();
  SSL_CTX_set_cert_verify_callback(context, verify_peer, nullptr);
  return {};
}

TlsContext share(ContextPointer context) {
  return TlsContext(std::shared_ptr<void>(context.release(), [](void* c) { SSL_CTX_free(static_cast<SSL_CTX*>(c)); }));
}

}  // namespace

void* TlsContext::new_connection() const { return SSL_new(static_cast<SSL_CTX*>(native_.get())); }

Result<TlsContext> make_server_tls(const TlsServerOptions& options) {
  if (options.certificates.empty()) return fail(ErrorCode::invalid_argument, "a TLS server needs a certificate");
  PRISM_TRY(ContextPointer context, common_context(TLS_server_method(), options.allow_classical));
  std::vector<CertificateKey> kinds;
  for (const CertifiedKey& one : options.certificates) {
    // OpenSSL keeps one certificate for each family of keys and would drop the first without a word.
    CertificateKey kind = one.info().key;
    if (kind == CertificateKey::ecdsa_p384) kind = CertificateKey::ecdsa_p256;
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end())
      return fail(ErrorCode::invalid_argument, "two certificates with ", name_of(one.info().key),
                  " keys or the like; give one for each family of keys");
    kinds.push_back(kind);
    PRISM_CHECKED(use_certificate(context.get(), one));
  }
  if (options.clients) {
    const TlsClientRule& clients = *options.clients;
    if (clients.ca_pem.empty() && clients.fingerprints.empty())
      return fail(ErrorCode::invalid_argument,
                  "clients shall have certificates, but neither a CA nor a fingerprint says which");
    if (!clients.ca_pem.empty()) PRISM_CHECKED(trust(context.get(), clients.ca_pem));
    PRISM_CHECKED(set_rule(context.get(), {clients.fingerprints, !clients.ca_pem.empty(), false, false}));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | (clients.required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
  }
  return share(std::move(context));
}

Result<TlsContext> make_client_tls(const TlsClientOptions& options) {
  if (options.any_server && (!options.pins.empty() || !options.ca_pem.empty()))
    return fail(ErrorCode::invalid_argument, "either any certificate is trusted, or those of a pin or a CA");
  PRISM_TRY(ContextPointer context, common_context(TLS_client_method(), options.allow_classical));
  if (options.certificate) PRISM_CHECKED(use_certificate(context.get(), *options.certificate));
  const bool both = !options.pins.empty() && !options.ca_pem.empty();
  const bool by_authority = (options.pins.empty() || both) && !options.any_server;
  if (by_authority && !options.ca_pem.empty()) PRISM_CHECKED(trust(context.get(), options.ca_pem));
  if (by_authority && options.ca_pem.empty() && SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return failed("the system's trusted certificates cannot be read");
  PRISM_CHECKED(set_rule(context.get(), {options.pins, by_authority, options.any_server, both}));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return share(std::move(context));
}

Result<TlsPeer> describe_tls(void* native) {
  auto* const ssl = static_cast<SSL*>(native);
  TlsPeer peer;
  peer.version = SSL_get_version(ssl);
  if (const char* const group = SSL_get0_group_name(ssl)) peer.group = group;
  if (const char* const cipher = SSL_get_cipher_name(ssl)) peer.cipher = cipher;
  if (X509* const certificate = SSL_get0_peer_certificate(ssl)) {
    PRISM_TRY(const CertificateInfo info, internal::describe(certificate));
    peer.certificate = info.fingerprints;
    peer.certificate_key = info.key;
  }
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  if (SSL_export_keying_material(ssl, peer.channel_binding.data(), peer.channel_binding.size(), kLabel.data(),
                                 kLabel.size(), nullptr, 0, 1) != 1)
    return failed("no channel binding");
  return peer;
}

Result<Bytes> export_keying_material(void* native, std::string_view label, ByteView context, std::size_t length) {
  // HKDF-Expand with the smallest hash TLS 1.3 has, SHA-256.
  constexpr std::size_t kMaxExport = std::size_t{255} * 32;
  if (length == 0 || length > kMaxExport || label.size() > 240)
    return fail(ErrorCode::invalid_argument, "TLS exports 1 to 8160 bytes under a label of at most 240");
  Bytes out(length);
  if (SSL_export_keying_material(static_cast<SSL*>(native), out.data(), out.size(), label.data(), label.size(),
                                 context.data(), context.size(), 1) != 1)
    return failed("no keying material before the handshake is complete");
  return out;
}

Status set_tls_host(void* native, const std::string& host) {
  auto* const ssl = static_cast<SSL*>(native);
  // An address is no SNI (RFC 6066, section 3), and is compared with the certificate's addresses.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) return {};
  ERR_clear_error();
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (SSL_set1_host(ssl, host.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_argument, "\"", host, "\" is no host name");
  }
  return {};
}

Error tls_failure(void* native, unsigned long code) {
  auto* const ssl = static_cast<SSL*>(native);
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  if (ssl != nullptr && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const long found = SSL_get_verify_result(ssl);
    return fail(
        ErrorCode::unauthorised, "TLS: the other side's certificate is not one that is trusted here (",
        found == X509_V_ERR_CERT_REJECTED ? "its key is not the pinned one" : X509_verify_cert_error_string(found),
        ")");
  }
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return fail(ErrorCode::unauthorised, "TLS: a certificate was asked for, and none or another one was given");
    default:
      break;
  }
  const char* const text = ERR_reason_error_string(code);
  return fail(ErrorCode::network, "TLS: ", text == nullptr ? "the connection ended" : text);
}

}  // namespace prism::crypto
