// prism/http/message.h - a request as a handler sees it, and the response it gives back. No sockets in here, so a
// handler is tested by filling a Request and reading the Response.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::http {

/// Equality of field names and of tokens that HTTP compares without regard to ASCII case (RFC 9110, section 5.1).
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// The fields of a received message, in the order they came. Views: they live as long as the message.
class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };
  void add(std::string_view name, std::string_view value) { fields_.push_back({name, value}); }
  void clear() { fields_.clear(); }
  /// The first field of that name. Ask count() where a second one would be an attack.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  std::span<const Field> fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

/// Who is at the other end of the connection.
struct Peer {
  std::string address;  ///< numeric: `127.0.0.1`, `2001:db8::7`
  std::uint16_t port = 0;
  bool loopback = false;
  bool tls = false;
  std::string group;                      ///< the TLS key exchange, `X25519MLKEM768`
  std::optional<Digest> certificate;      ///< SHA-256 of the SPKI of the client's certificate, once it was accepted
  std::optional<Digest> channel_binding;  ///< `tls-exporter` of this connection (RFC 9266)
};

/// Where a request's body comes from, piece by piece.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// What Content-Length says; nothing for a chunked body.
  virtual std::optional<std::uint64_t> length() const = 0;
  /// At least one byte of it into `out`, or 0 at the end; may block. Errors: network when the peer is gone or too slow,
  /// quota past the route's limit, malformed for broken chunks. After an error the connection ends with the response.
  virtual Result<std::size_t> read(MutableByteView out) = 0;
};

/// A body that is there already: of small requests, and in tests.
class MemoryBody final : public BodyReader {
 public:
  explicit MemoryBody(ByteView bytes) : rest_(bytes), length_(bytes.size()) {}
  std::optional<std::uint64_t> length() const override { return length_; }
  Result<std::size_t> read(MutableByteView out) override;

 private:
  ByteView rest_;
  std::uint64_t length_;
};

/// What a handler says about a request before its body is read; see handler.h.
struct Route {
  /// `/api/v1/jobs/{id}`: what logs and metrics call it, so the set must be small. Static storage.
  std::string_view name = "other";
  /// More than this is answered by 413, before `100 Continue` where the length is announced.
  std::uint64_t max_body_bytes = 0;
  /// handle() takes microseconds and never blocks: it runs on the connection's own thread, after the whole body is in
  /// memory. At most kMaxQuickBodyBytes of body; a route that allows more is not quick.
  bool quick = false;
  /// Whether it counts against the request rate of the peer. Health checks do not.
  bool limited = true;
  /// For the handler's own use: handle() finds it in request.route.
  std::uintptr_t tag = 0;
};
inline constexpr std::uint64_t kMaxQuickBodyBytes = 64 * 1024;

/// Views are valid until handle() returns.
struct Request {
  std::string_view method;  ///< `GET`, upper case as sent
  std::string_view target;  ///< path and query as sent
  std::string_view path;    ///< as sent, not percent-decoded; starts with '/'
  std::string_view query;   ///< what follows '?', not decoded; empty without
  Headers headers;
  const Peer* peer = nullptr;  ///< never null in handle()
  std::string_view id;         ///< 32 hexadecimal digits: the trace id of `traceparent` when one was sent, else fresh
  Route route;
  /// What the route's placeholders matched, in their order (Router).
  std::vector<std::string_view> parameters;
  BodyReader* body = nullptr;  ///< never null in handle()

  /// Type and subtype of Content-Type without its parameters, as sent; empty without.
  std::string_view media_type() const;
  /// The decoded value of the first query parameter of that name; malformed for broken escapes.
  Result<std::optional<std::string>> query_value(std::string_view name) const;
  /// The whole body; quota when it is longer than `max_bytes`.
  Result<Bytes> read_body(std::uint64_t max_bytes) const;
};

/// Where a streamed response goes.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Blocks until the connection took it, so a slow reader slows the producer. network when the peer is gone.
  virtual Status write(ByteView bytes) = 0;
  /// True once the server wants to stop: end the stream soon, in a way the client understands.
  virtual bool stopping() const = 0;
};

/// Bytes that somebody else owns too: sent without a copy.
struct SharedBytes {
  std::shared_ptr<const void> owner;  ///< the store's handle and this response; dropped when the last byte is out
  ByteView bytes;
};
/// A body made while it is sent. `produce` runs on a worker thread, once; after an error the connection is cut, so the
/// client sees a truncated body and never a complete one.
struct StreamedBody {
  std::function<Status(BodyWriter&)> produce;
  std::optional<std::uint64_t> length;  ///< exactly so many bytes; without it the body is chunked
};
using Body = std::variant<std::monostate, Bytes, std::string, SharedBytes, StreamedBody>;

struct Response {
  int status = 200;
  /// Content-Length, Transfer-Encoding, Connection and Date are the server's own; what is given here is left out.
  std::vector<std::pair<std::string, std::string>> headers;
  Body body;
  /// The connection ends after this response.
  bool close = false;

  Response& header(std::string name, std::string value) & {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Response&& header(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
  /// The first header of that name, for tests and wrappers.
  std::optional<std::string_view> find(std::string_view name) const;

  static Response empty(int status);
  static Response text(int status, std::string text);
  static Response json(int status, std::string json);
  static Response bytes(int status, std::string media_type, Bytes bytes);
  static Response shared(int status, std::string media_type, SharedBytes bytes);
  static Response stream(int status, std::string media_type, StreamedBody body);
};

/// `Not Found` for 404; empty for a number that has no name.
std::string_view reason_of(int status);

}  // namespace prism::http
