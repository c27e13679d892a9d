// prism/crypto/tls.h - TLS 1.3 as Prism speaks it: contexts for servers and clients, and what a connection agreed on.
//
// TLS 1.3 only (RFC 8446, RFC 9846). Key exchange X25519MLKEM768 or SecP384r1MLKEM1024 (RFC 10024); a classical group
// only where the caller says so. No session tickets and no early data, so every connection has its own forward secrecy.
// OpenSSL draws TLS's own randomness from its generator, which the operating system seeds.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/crypto/certificate.h"

namespace prism::crypto {

/// An SSL_CTX that nobody changes any more. Copies share it; connections keep it alive.
class TlsContext {
 public:
  /// SSL_CTX*, for the library that runs the connections.
  void* native() const { return native_.get(); }
  /// A new SSL* of it, owned by the caller; null without memory.
  void* new_connection() const;

  explicit TlsContext(std::shared_ptr<void> native) : native_(std::move(native)) {}

 private:
  std::shared_ptr<void> native_;  ///< owners: the copies of this object
};

/// Which clients may connect at all.
struct TlsClientRule {
  std::string ca_pem;                ///< certificates under one of these, or
  std::vector<Digest> fingerprints;  ///< whose SPKI is one of these
  bool required = true;              ///< false: a client without a certificate is let in, too
};

struct TlsServerOptions {
  /// At least one; the client's signature algorithms choose. The first that fits wins.
  std::vector<CertifiedKey> certificates;
  std::optional<TlsClientRule> clients;
  bool allow_classical = false;  ///< X25519 too, for clients that know no hybrid group
};
Result<TlsContext> make_server_tls(const TlsServerOptions& options);

struct TlsClientOptions {
  /// With pins, the server's SPKI must be one of these, and without ca_pem neither names nor dates count. With ca_pem,
  /// the certificate must chain to one of those; without either, to one the system trusts; and its names must have the
  /// host's (set_tls_host). With both, both must hold.
  std::vector<Digest> pins;
  std::string ca_pem;
  std::optional<CertifiedKey> certificate;  ///< shown when the server asks
  bool allow_classical = false;             ///< X25519 too, for servers that know no hybrid group
  /// Any certificate will do, of any name: for callers that know the server by something inside the connection (a
  /// channel handshake with a pinned identity) and send nothing of their own before that. Together with pins or ca_pem:
  /// invalid_argument.
  bool any_server = false;
};
Result<TlsContext> make_client_tls(const TlsClientOptions& options);

/// What a connection agreed on.
struct TlsPeer {
  std::string version;  ///< `TLSv1.3`
  std::string group;    ///< `X25519MLKEM768`
  std::string cipher;   ///< `TLS_AES_256_GCM_SHA384`
  std::optional<Fingerprints> certificate;
  CertificateKey certificate_key = CertificateKey::other;
  Digest channel_binding{};  ///< `tls-exporter` (RFC 9266)
};
/// `ssl` is an SSL* after its handshake.
Result<TlsPeer> describe_tls(void* ssl);
/// RFC 8446, section 7.5.
Result<Bytes> export_keying_material(void* ssl, std::string_view label, ByteView context, std::size_t length);
/// Before a client's handshake: the name to ask for and, unless pins decide, to check. A numeric address is checked as
/// one and not sent.
Status set_tls_host(void* ssl, const std::string& host);
/// OpenSSL's `code` in words: unauthorised when one side did not accept the other's certificate, else network. With
/// `ssl`, says what the check of the peer's certificate found.
Error tls_failure(void* ssl, unsigned long code);

}  // namespace prism::crypto
