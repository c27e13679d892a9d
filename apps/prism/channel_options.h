// apps/prism/channel_options.h - how `prism channel` commands reach a server: address, pin, identity or token, TLS.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "prism/client/connection.h"
#include "prism/crypto/signature.h"
#include "prism/host/system.h"

namespace CLI {
class App;
}

namespace prism::app {

struct ChannelOptions {
  std::string server;
  std::string identity, passphrase_file;
  std::string token_file;
  std::string pin, known_servers;
  std::string tls_ca, tls_certificate, tls_key;
  std::vector<std::string> tls_pins;
  bool allow_classical = false;
  std::optional<double> timeout_s;
};

/// --server and everything about knowing it.
void add_channel_options(CLI::App& command, ChannelOptions& options);

/// The file of known servers: what --known-servers names, or this user's.
Result<client::KnownServers> known_servers(const std::string& path);

/// A connection with what it borrows.
struct Channel {
  host::SystemClock clock;
  host::SystemRandom random;
  std::optional<crypto::SigningKey> identity;
  std::optional<client::Connection> connection;  ///< after the others, so that it goes first
};
/// Opens a session, or the token form. A server that is met for the first time is asked about on a terminal.
Result<std::unique_ptr<Channel>> open_channel(const ChannelOptions& options);

/// "session 9f3c..: MLKEM768-X25519/ML-DSA-65 inside TLSv1.3 X25519MLKEM768; server SHA256:... (pinned)": for people.
std::string describe_channel(const client::Connection& connection);

}  // namespace prism::app
