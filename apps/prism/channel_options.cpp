#include "apps/prism/channel_options.h"

#include <CLI/CLI.hpp>

#include "apps/prism/client_identity.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/crypto/key_file.h"
#include "prism/host/file.h"

namespace prism::app {
namespace {

constexpr std::uint64_t kMostPemBytes = std::uint64_t{1} << 20;

Result<bool> ask_about(std::string_view server, const Digest& fingerprint) {
  say(printable(server) + " is new here. Its identity has the fingerprint\n  " + crypto::fingerprint_text(fingerprint) +
      "\nIts operator can tell whether that is right: `prism serve` prints it when it starts.");
  return confirm("Is it the right server, to be remembered?");
}

Result<client::Trust> trust_of(const ChannelOptions& o) {
  client::Trust trust;
  if (!o.pin.empty()) {
    PRISM_TRY(trust.pin, crypto::fingerprint_from(o.pin));
    return trust;
  }
  PRISM_TRY(trust.known, known_servers(o.known_servers));
  if (can_ask()) trust.ask = ask_about;
  return trust;
}

Result<crypto::TlsClientOptions> tls_of(const ChannelOptions& o) {
  crypto::TlsClientOptions tls;
  tls.allow_classical = o.allow_classical;
  for (const std::string& pin : o.tls_pins) {
    PRISM_TRY(const Digest digest, crypto::fingerprint_from(pin));
    tls.pins.push_back(digest);
  }
  if (!o.tls_ca.empty()) {
    PRISM_TRY(const Bytes pem, host::read_file(o.tls_ca, kMostPemBytes));
    tls.ca_pem = std::string(as_text(pem));
  }
  if (!o.tls_certificate.empty()) {
    PRISM_TRY(const Bytes chain, host::read_file(o.tls_certificate, kMostPemBytes));
    PRISM_CHECKED(host::check_private(o.tls_key));
    PRISM_TRY(const auto key, host::read_secret_file(o.tls_key, kMostPemBytes));
    PRISM_TRY(tls.certificate, crypto::CertifiedKey::from_pem(chain, key));
  }
  return tls;
}

Result<std::string> token_from(const std::string& path) {
  PRISM_CHECKED(host::check_private(path));
  PRISM_TRY(const auto secret, host::read_passphrase(path));
  const auto bytes = secret.reveal(secret::RevealKey{});
  return std::string(bytes.begin(), bytes.end());
}

std::string_view because(channel::PinAnswer answer) {
  switch (answer) {
    case channel::PinAnswer::accept:
      return "pinned";
    case channel::PinAnswer::rotated:
      return "cross-signed by the pinned one";
    default:
      return "new, remembered now";
  }
}

}  // namespace

void add_channel_options(CLI::App& command, ChannelOptions& o) {
  command.add_option("--server", o.server, "The server: https://host:8000, or http://127.0.0.1:8000 on this machine")
      ->required();
  CLI::Option* const identity = command.add_option(
      "--identity", o.identity, "The ML-DSA key that this client signs with: the secret file of prism keygen");
  command.add_option("--identity-passphrase-file", o.passphrase_file,
                     "A file that holds the identity's passphrase; without it a prompt asks when one is needed");
  command
      .add_option("--token-file", o.token_file,
                  "Instead of an identity: a file that holds an API token. No session then; TLS alone protects it")
      ->excludes(identity);
  command.add_option("--pin", o.pin,
                     "The server's identity fingerprint; without it, the file of known servers decides, and a new "
                     "server is asked about on a terminal");
  command.add_option("--known-servers", o.known_servers,
                     "That file (default: known_servers in $XDG_CONFIG_HOME/prism or ~/.config/prism)");
  command.add_option("--tls-ca", o.tls_ca, "A PEM file of CAs: TLS must show a certificate of one of these");
  command.add_option("--tls-pin", o.tls_pins, "TLS must show this public key; may be repeated")
      ->allow_extra_args(false);
  CLI::Option* const key = command.add_option("--tls-key", o.tls_key, "The client's key for TLS, PEM, mode 0600");
  command.add_option("--tls-certificate", o.tls_certificate, "The client's certificate, where the server wants one")
      ->needs(key);
  command.add_flag("--allow-classical", o.allow_classical,
                   "Let TLS agree on X25519 alone, for servers behind old proxies; the session inside stays hybrid");
  command
      .add_option("--timeout", o.timeout_s,
                  "Seconds that an unreachable server is tried again (default: 30; half a second at first)")
      ->check(CLI::Range(0.0, 86400.0));
}

Result<client::KnownServers> known_servers(const std::string& path) {
  if (!path.empty()) return client::KnownServers(path);
  return client::KnownServers::of_this_user();
}

Result<std::unique_ptr<Channel>> open_channel(const ChannelOptions& o) {
  if (o.identity.empty() == o.token_file.empty())
    return fail(
        ErrorCode::invalid_argument,
        "who asks? Give --identity with the secret file of prism keygen --algorithm ML-DSA-65, or --token-file");
  auto channel = std::make_unique<Channel>();
  std::string token;
  std::vector<channel::RotationLink> rotations;
  if (!o.token_file.empty()) {
    PRISM_TRY(token, token_from(o.token_file));
  } else {
    PRISM_TRY(auto identity, load_client_identity(o.identity, o.passphrase_file));
    channel->identity = std::move(identity.key);
    rotations = std::move(identity.rotations);
  }
  client::ConnectionOptions options;
  PRISM_TRY(options.server, client::ServerUrl::parse(o.server));
  PRISM_TRY(options.trust, trust_of(o));
  PRISM_TRY(options.tls, tls_of(o));
  if (o.timeout_s)
    options.patience.first = options.patience.unreachable =
        std::chrono::milliseconds(static_cast<std::int64_t>(*o.timeout_s * 1000));
  if (!o.token_file.empty()) {
    PRISM_TRY(channel->connection, client::Connection::open_with_token(std::move(options), std::move(token),
                                                                       channel->clock, channel->random));
    return channel;
  }
  options.policy.rotations = std::move(rotations);
  PRISM_TRY(channel->connection,
            client::Connection::open(std::move(options), *channel->identity, channel->clock, channel->random));
  return channel;
}

std::string describe_channel(const client::Connection& connection) {
  const client::Meeting& met = connection.meeting();
  std::string text = "server " + printable(connection.server()) + ", identity " +
                     crypto::fingerprint_text(met.bundle.fingerprint()) + " (" + std::string(because(met.trusted_by)) +
                     ")";
  const auto& session = connection.session();
  if (!session) return text + "; no session: an API token over TLS";
  text += "; suite " + std::string(channel::suite(session->suite).name);
  if (session->tls) text += " inside " + printable(session->tls->version) + " " + printable(session->tls->group);
  return text;
}

}  // namespace prism::app
