#include <array>
#include <cstdio>
#include <thread>

#include "prism/http/internal/test_server.h"

namespace prism::http {
namespace {

using crypto::CertificateKey;

class TlsServer : public ::testing::Test {
 protected:
  void start(const crypto::TlsServerOptions& tls) {
    auto context = crypto::make_server_tls(tls);
    ASSERT_TRUE(context) << context.error().message;
    ServerOptions options = plain_options();
    options.tls = *context;
    handler.answer = [](Request& request) {
      const Peer& peer = *request.peer;
      return Response::text(200, peer.group + " " + (peer.certificate ? to_hex(*peer.certificate) : "nobody") + " " +
                                     to_hex(peer.channel_binding.value()));
    };
    auto started = Server::start(std::move(options), handler);
    ASSERT_TRUE(started) << started.error().message;
    server = *std::move(started);
  }
  Result<ClientResponse> ask(const crypto::TlsClientOptions& tls, const std::string& host = "127.0.0.1") {
    ClientOptions options;
    PRISM_TRY(options.tls, crypto::make_client_tls(tls));
    PRISM_TRY(Client client, Client::create(Origin{true, host, server->port()}, options));
    auto response = client.send({});
    if (response) last_peer = client.peer();
    return response;
  }
  FunctionHandler handler;
  std::unique_ptr<Server> server;
  std::optional<crypto::TlsPeer> last_peer;
  crypto::CertifiedKey lattice = certificate(CertificateKey::ml_dsa_65, 1);
  crypto::CertifiedKey curve = certificate(CertificateKey::ecdsa_p256, 2);
};

crypto::TlsClientOptions pinned(const crypto::CertifiedKey& key) {
  crypto::TlsClientOptions options;
  options.pins = {key.info().fingerprints.spki};
  return options;
}

TEST_F(TlsServer, SpeaksTls13WithAHybridGroupAndItsLatticeCertificate) {
  start({{lattice, curve}, std::nullopt, false});
  const auto response = ask(pinned(lattice));
  ASSERT_TRUE(response) << response.error().message;
  ASSERT_TRUE(last_peer);
  EXPECT_EQ(last_peer->version, "TLSv1.3");
  EXPECT_EQ(last_peer->group, "X25519MLKEM768");
  EXPECT_EQ(last_peer->cipher, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(last_peer->certificate, lattice.info().fingerprints);
  EXPECT_EQ(last_peer->certificate_key, CertificateKey::ml_dsa_65);
  // Both ends name the connection alike (RFC 9266).
  EXPECT_EQ(as_text(response->body), "X25519MLKEM768 nobody " + to_hex(last_peer->channel_binding));
}

TEST_F(TlsServer, PinsCaFilesAndNamesDecideWhoTheServerIs) {
  start({{lattice}, std::nullopt, false});
  EXPECT_TRUE(ask(pinned(lattice)));
  EXPECT_EQ(ask(pinned(curve)).error().code, ErrorCode::unauthorised);
  crypto::TlsClientOptions both = pinned(curve);
  both.pins.push_back(lattice.info().fingerprints.spki);
  EXPECT_TRUE(ask(both));
  crypto::TlsClientOptions authority;
  authority.ca_pem = lattice.chain_pem();
  EXPECT_TRUE(ask(authority));
  EXPECT_TRUE(ask(authority, "localhost"));
  authority.ca_pem = curve.chain_pem();
  EXPECT_EQ(ask(authority).error().code, ErrorCode::unauthorised);
  for (const auto& [pin, ca, good] :
       {std::tuple{&lattice, &lattice, true}, {&lattice, &curve, false}, {&curve, &lattice, false}}) {
    crypto::TlsClientOptions two = pinned(*pin);
    two.ca_pem = ca->chain_pem();
    EXPECT_EQ(ask(two).has_value(), good) << "a pin and a CA must both hold";
  }
  EXPECT_EQ(ask({}).error().code, ErrorCode::unauthorised);  // the system trusts no such certificate
  crypto::TlsClientOptions anybody;
  anybody.any_server = true;
  EXPECT_TRUE(ask(anybody));
  anybody.ca_pem = lattice.chain_pem();
  EXPECT_EQ(crypto::make_client_tls(anybody).error().code, ErrorCode::invalid_argument);
}

TEST_F(TlsServer, ACertificateForAnotherNameOrTimeIsRefused) {
  SeededRandom random(9);
  const auto now = host::SystemClock().wall();
  const auto other = crypto::CertifiedKey::make_self_signed(CertificateKey::ecdsa_p384, {"example.org"}, now,
                                                            std::chrono::hours(1), random)
                         .value();
  const auto old = crypto::CertifiedKey::make_self_signed(CertificateKey::ecdsa_p384, {"localhost"},
                                                          now - std::chrono::hours(48), std::chrono::hours(1), random)
                       .value();
  for (const auto& key : {other, old}) {
    start({{key}, std::nullopt, false});
    crypto::TlsClientOptions authority;
    authority.ca_pem = key.chain_pem();
    EXPECT_EQ(ask(authority, "localhost").error().code, ErrorCode::unauthorised);
    EXPECT_TRUE(ask(pinned(key), "localhost"));
  }
}

TEST_F(TlsServer, ClientsAreLetInByFingerprintOrAuthority) {
  const auto known = certificate(CertificateKey::ml_dsa_65, 11);
  const auto signed_by_itself = certificate(CertificateKey::ecdsa_p256, 12);
  const auto stranger = certificate(CertificateKey::ml_dsa_65, 13);
  crypto::TlsServerOptions tls{{lattice}, crypto::TlsClientRule{}, false};
  tls.clients->fingerprints = {known.info().fingerprints.spki};
  tls.clients->ca_pem = signed_by_itself.chain_pem();
  start(tls);
  for (const auto& key : {known, signed_by_itself}) {
    crypto::TlsClientOptions options = pinned(lattice);
    options.certificate = key;
    const auto response = ask(options);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_NE(as_text(response->body).find(to_hex(key.info().fingerprints.spki)), std::string_view::npos);
  }
  crypto::TlsClientOptions options = pinned(lattice);
  EXPECT_EQ(ask(options).error().code, ErrorCode::unauthorised);
  options.certificate = stranger;
  EXPECT_FALSE(ask(options));
  EXPECT_EQ(server->counters().handshakes, 2U);
  tls.clients->required = false;
  start(tls);
  options.certificate.reset();
  EXPECT_TRUE(ask(options));
  options.certificate = stranger;
  EXPECT_FALSE(ask(options));
}

TEST_F(TlsServer, NewCertificatesCountFromTheNextConnection) {
  start({{lattice}, std::nullopt, false});
  ClientOptions options;
  options.tls = crypto::make_client_tls(pinned(lattice)).value();
  Client kept = Client::create(Origin{true, "127.0.0.1", server->port()}, options).value();
  ASSERT_TRUE(kept.send({}));
  server->replace_tls(crypto::make_server_tls({{curve}, std::nullopt, false}).value());
  EXPECT_TRUE(kept.send({}));
  EXPECT_TRUE(ask(pinned(curve)));
  EXPECT_EQ(ask(pinned(lattice)).error().code, ErrorCode::unauthorised);
}

TEST_F(TlsServer, ManyThreadsUploadAndDownloadAtOnce) {
  start({{curve}, std::nullopt, false});
  handler.rules = [](const Request& request) { return Route{"test", 1 << 20, request.method == "GET", true, 0}; };
  handler.answer = [](Request& request) {
    return Response::bytes(200, "application/octet-stream", request.read_body(1 << 20).value());
  };
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      ClientOptions options;
      options.tls = crypto::make_client_tls(pinned(curve)).value();
      Client client = Client::create(Origin{true, "127.0.0.1", server->port()}, options).value();
      for (int i = 0; i < 6; ++i) {
        Bytes body(static_cast<std::size_t>(1 + t * 40'000 + i * 7'000));
        (void)SeededRandom(static_cast<std::uint64_t>(t * 100 + i)).fill(body);
        ClientRequest request;
        request.method = "POST";
        request.body = ByteView(body);
        const auto response = client.send(request);
        if (response && response->body == body) ++right;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 48);
}

TEST_F(TlsServer, ARefusalReachesAClientThatIsStillSending) {
  start({{curve}, std::nullopt, false});
  handler.rules = [](const Request&) { return Route{"test", 1000, false, true, 0}; };
  const Bytes body(32 << 20, 'x');
  for (int round = 0; round < 3; ++round) {
    ClientOptions options;
    options.tls = crypto::make_client_tls(pinned(curve)).value();
    Client client = Client::create(Origin{true, "127.0.0.1", server->port()}, options).value();
    ClientRequest request;
    request.method = "PUT";
    request.body = ByteView(body);
    const auto response = client.send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 413);
  }
}

/// What a command prints, both channels.
std::string output_of(const std::string& command) {
  std::string all;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return all;
  std::array<char, 4096> buffer;
  for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) all.append(buffer.data(), got);
  ::pclose(pipe);
  return all;
}

/// OpenSSL's own client as the stranger: what it can agree on with us, and what not.
class OpensslClient : public TlsServer {
 protected:
  void SetUp() override {
    if (output_of(std::string(PRISM_OPENSSL) + " version").find("OpenSSL 3.") == std::string::npos &&
        output_of(std::string(PRISM_OPENSSL) + " version").find("OpenSSL 4.") == std::string::npos)
      GTEST_SKIP() << "no openssl command of 3.5 or later at " << PRISM_OPENSSL;
  }
  std::string connect(const std::string& options) {
    return output_of("printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' | " +
                     std::string(PRISM_OPENSSL) +
                     " s_client -ign_eof -connect 127.0.0.1:" + std::to_string(server->port()) + " " + options);
  }
};

TEST_F(OpensslClient, EachHybridGroupIsTakenAndNoOther) {
  start({{lattice, curve}, std::nullopt, false});
  for (const char* const group : {"X25519MLKEM768", "SecP384r1MLKEM1024"}) {
    const std::string text = connect(std::string("-groups ") + group);
    EXPECT_NE(text.find(group), std::string::npos) << text;
    EXPECT_NE(text.find("New, TLSv1.3"), std::string::npos) << text;
  }
  for (const char* const group : {"X25519", "P-256", "P-384", "SecP256r1MLKEM768"})
    EXPECT_EQ(connect(std::string("-groups ") + group).find("New, TLSv1.3"), std::string::npos) << group;
  EXPECT_EQ(connect("-tls1_2").find("New, TLSv1"), std::string::npos);
  start({{lattice, curve}, std::nullopt, true});
  EXPECT_NE(connect("-groups X25519").find("New, TLSv1.3"), std::string::npos);
  EXPECT_EQ(connect("-groups P-256").find("New, TLSv1.3"), std::string::npos);
  EXPECT_NE(connect("-groups X25519:X25519MLKEM768").find("X25519MLKEM768"), std::string::npos);
}

TEST_F(OpensslClient, TheClientsSignaturesChooseTheCertificate) {
  start({{lattice, curve}, std::nullopt, false});
  EXPECT_NE(connect("-sigalgs mldsa65").find("mldsa65"), std::string::npos);
  const std::string browser = connect("-sigalgs ecdsa_secp256r1_sha256");
  EXPECT_NE(browser.find("ecdsa_secp256r1_sha256"), std::string::npos) << browser;
  const std::string both = connect("-sigalgs ecdsa_secp256r1_sha256:mldsa65");
  EXPECT_NE(both.find("mldsa65"), std::string::npos) << both;
  EXPECT_EQ(connect("-sigalgs rsa_pss_rsae_sha256").find("New, TLSv1.3"), std::string::npos);
}

TEST_F(OpensslClient, NoSessionIsResumed) {
  start({{curve}, std::nullopt, false});
  const std::string text = connect("");
  EXPECT_NE(text.find("HTTP/1.1 200 OK"), std::string::npos) << text;
  EXPECT_EQ(text.find("Post-Handshake New Session Ticket"), std::string::npos);
}

}  // namespace
}  // namespace prism::http
