// prism/client/session.h - the session form of requests: a handshake with a server that is known by its pin, then
// records.
//
// TLS around it, if any, need not be trusted: nothing leaves before the pinned identity has signed the handshake, and
// everything after it is protected inside. A proxy that ends TLS sees sizes and paths, no content.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "prism/base/clock.h"
#include "prism/base/random.h"
#include "prism/channel/handshake.h"
#include "prism/channel/session_keys.h"
#include "prism/client/meeting.h"
#include "prism/client/transport.h"
#include "prism/crypto/signature.h"
#include "prism/http/client.h"

namespace prism::client {

/// What is known after a handshake.
struct SessionFacts {
  channel::SessionId id{};
  channel::SuiteId suite{};
  std::chrono::seconds expires_at{};
  std::optional<crypto::TlsPeer> tls{};  ///< of the connection that brought it
};

class SessionTransport final : public Transport {
 public:
  /// `identity`, `clock` and `random` must outlive it. Nothing happens before the first exchange.
  SessionTransport(http::Client http, std::string server, Trust trust, channel::ClientPolicy policy,
                   const crypto::SigningKey& identity, const Clock& clock, Random& random);
  ~SessionTransport() override;

  /// Makes a session unless there is one that lives.
  Status open();
  Result<Reply> exchange(const Call& call) override;
  Result<Reply> events(const Call& call, const std::function<Result<bool>(std::string_view json)>& sink) override;
  void reset() override;
  void disconnect() override;
  bool in_session() const override { return true; }
  const std::string& server() const override { return server_; }
  /// Of the last handshake. Empty before.
  const std::optional<SessionFacts>& facts() const { return facts_; }
  const std::optional<Meeting>& meeting() const override { return meeting_; }
  /// Wipes the keys, and tells the server that the session is over if there is a connection, for 2 seconds at most. A
  /// server that does not hear it forgets the session later.
  void close();

 private:
  struct Sent;
  Result<Bytes> post(const std::string& path, ByteView message, std::size_t most_bytes, bool* retry = nullptr);
  Status handshake();
  Status renew_keys();
  Result<Sent> seal(const Call& call);
  Result<Reply> send(const Call& call, std::optional<std::chrono::milliseconds> deadline = {});
  Result<Reply> read(const Call& call, const Sent& sent, const http::ClientResponse& response);

  http::Client http_;
  std::string server_;
  Trust trust_;
  channel::ClientPolicy policy_;
  const crypto::SigningKey& identity_;
  const Clock& clock_;
  Random& random_;
  std::unique_ptr<channel::SessionKeys> keys_;
  std::optional<Meeting> meeting_;
  std::optional<SessionFacts> facts_;
};

}  // namespace prism::client
