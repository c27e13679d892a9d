// prism/http/client.h - a blocking HTTP/1.1 client for one server: keep-alive, TLS 1.3, bodies streamed both ways.
//
// Knows no proxies, cookies, redirects or content codings. Not for several threads; make one for each.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "prism/base/result.h"
#include "prism/crypto/tls.h"
#include "prism/http/sse.h"

namespace prism::http {

/// `https://host:8000`: scheme, host and port of a server, and nothing else.
struct Origin {
  bool tls = true;
  std::string host;  ///< a name or a numeric address, an IPv6 one without its brackets
  std::uint16_t port = 0;
  /// Errors: invalid_argument for another scheme, a user, a path, a query; refused for http:// beyond loopback.
  static Result<Origin> parse(std::string_view url);
  /// `https://host:8000`.
  std::string text() const;
};

struct ClientOptions {
  /// For https: whom to believe. See crypto/tls.h.
  std::optional<crypto::TlsContext> tls;
  std::chrono::milliseconds connect_timeout{10'000};  ///< resolving, connecting and the TLS handshake together
  std::chrono::milliseconds io_timeout{60'000};       ///< without one byte either way
  std::size_t max_header_bytes = 64 * 1024;
  std::string user_agent = "prism";
  /// Asked a few times a second while an exchange is under way; true ends it with `interrupted`. Not asked while a host
  /// name is resolved and connected to.
  std::function<bool()> stop{};
};

/// A body that is made while it is sent: fills `out` and returns how many bytes, 0 at the end.
struct UploadBody {
  std::function<Result<std::size_t>(MutableByteView out)> read;
  std::optional<std::uint64_t> length;  ///< without it the body is chunked
};

struct ClientRequest {
  std::string_view method = "GET";
  std::string target = "/";
  /// Host, Content-Length and Transfer-Encoding are the client's own.
  std::vector<std::pair<std::string, std::string>> headers{};
  /// A view is sent as it lies and must live until send() returns.
  std::variant<std::monostate, ByteView, UploadBody> body{};
  /// For the whole exchange; without it only io_timeout counts.
  std::optional<std::chrono::milliseconds> deadline{};
  /// Send again, once, on a new connection, when a kept connection turns out closed before any byte of a response.
  /// For requests that may be made twice. An UploadBody is never sent again.
  bool idempotent = false;
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  Bytes body;  ///< empty when it went to a sink
  std::optional<std::string_view> find(std::string_view name) const;
};

class Client {
 public:
  /// Nothing is connected yet.
  static Result<Client> create(Origin origin, ClientOptions options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Any response that arrives whole is a value, whatever its status. Errors: network when there is none or it stops
  /// short, unauthorised when the server is not who it should be, malformed when it is no HTTP or the body is longer
  /// than `max_body_bytes`.
  Result<ClientResponse> send(const ClientRequest& request, std::uint64_t max_body_bytes = 16 << 20);
  /// The body of a 2xx response goes to `sink` as it arrives; any other status keeps its body, at most 64 KiB.
  using Sink = std::function<Status(ByteView)>;
  Result<ClientResponse> download(const ClientRequest& request, std::uint64_t max_body_bytes, const Sink& sink);
  /// Reads server-sent events until the stream ends or the sink returns an error, which is then returned.
  Result<ClientResponse> events(const ClientRequest& request, const EventParser::Sink& sink);

  const Origin& origin() const;
  /// Of the connection in use: what was agreed, and the server's fingerprints. Empty before the first request.
  std::optional<crypto::TlsPeer> peer() const;
  /// Whether there is a connection that the next request would use; the server may have closed it meanwhile.
  bool connected() const;
  /// The next request makes a new connection.
  void close();

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace prism::http
