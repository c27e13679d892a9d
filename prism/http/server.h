// prism/http/server.h - HTTP/1.1 over TLS 1.3 (RFC 9112): accepts connections, keeps the limits, calls one Handler.
//
// Connections run as coroutines on a few threads. Handlers run on worker threads and may block, except on routes that
// call themselves quick. Requests on one connection are answered one after the other, pipelined or not.
// Refused without a handler: heads that two programs could read differently (both Content-Length and Transfer-Encoding,
// either twice, no or two Hosts, folded lines), targets that are no path, methods over 16 letters, what is too long or
// too slow.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prism/base/clock.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/crypto/tls.h"
#include "prism/http/handler.h"
#include "prism/http/rate_limit.h"

namespace prism::http {

struct Limits {
  std::size_t max_header_bytes = 32 * 1024;
  std::size_t max_connections = 4096;
  std::size_t max_connections_per_peer = 256;  ///< an IPv6 peer is its /64
  std::size_t max_queued = 1024;               ///< requests that wait for a worker; then 503
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds header_timeout{10'000};  ///< from the first byte of a head to its last
  std::chrono::milliseconds idle_timeout{75'000};    ///< between requests
  std::chrono::milliseconds body_timeout{20'000};    ///< without one byte of an expected body
  /// A body must come at this rate on average, after body_timeout of grace: one byte in 19 seconds is no upload.
  std::uint64_t min_body_bytes_per_second = 4096;
  std::chrono::milliseconds write_timeout{30'000};  ///< without the peer taking one byte
};

/// What is known about a request once its response is out (or failed).
struct RequestRecord {
  std::string_view method;
  std::string_view route;
  std::string_view id;
  const Peer* peer;
  int status;  ///< 0 when the connection broke before a response
  std::uint64_t bytes_in;
  std::uint64_t bytes_out;
  std::chrono::nanoseconds duration;  ///< from the end of the head to the last byte out
};
/// What the server tells about itself. Called from several threads; must not block.
struct Observer {
  std::function<void(const RequestRecord&)> request;
  /// A connection that never became a request: `why` is a fixed word such as `tls-handshake`, `peer-limit`.
  std::function<void(std::string_view why, const Peer& peer)> refused;
  /// A handler threw; `what` is the exception's own text.
  std::function<void(std::string_view route, std::string_view id, std::string_view what)> failed;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< a numeric address, or a name that resolves to one
  std::uint16_t port = 0;          ///< 0: any free one
  /// Without it the server speaks plain HTTP, and only on a loopback address.
  std::optional<crypto::TlsContext> tls;
  std::size_t io_threads = 0;  ///< 0: one for each core, at most 4
  std::size_t workers = 0;     ///< 0: 64; a handler that blocks occupies one; half at most wait for long bodies
  Limits limits;
  RateLimitOptions rate;
  Observer observer;
};

struct ServerCounters {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t requests_active = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t bytes_copied = 0;  ///< of bodies, inside this process and outside TLS
};

class Server {
 public:
  /// Listening when it returns. `handler` outlives the server. Errors: network when the address cannot be had, refused
  /// for plain HTTP beyond loopback.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler& handler);
  /// drain(0 s) if nobody did.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  /// `127.0.0.1`, the address that is listened on.
  const std::string& address() const;
  /// For connections accepted from now on; the others keep theirs. Broken invariant on a plain server.
  void replace_tls(crypto::TlsContext tls);
  /// Stops accepting, lets requests in flight finish until `limit`, then cuts. Returns how many were cut. Once.
  std::size_t drain(std::chrono::milliseconds limit);
  ServerCounters counters() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace prism::http
