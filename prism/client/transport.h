// prism/client/transport.h - one request and its answer, however they are protected on the way.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/client/meeting.h"
#include "prism/client/problem.h"

namespace prism::client {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kCbor = "application/cbor";
inline constexpr std::string_view kOctets = "application/octet-stream";

/// What is asked (docs/rest.md). Views must live until the answer is there.
struct Call {
  std::string_view method = "GET";
  std::string target;               ///< path and query below /api/v1: "/plan"
  std::string_view content_type{};  ///< of the body; empty without one
  ByteView body{};
  Digest context{}, program{};  ///< bound, and sent as headers, when they are not zeros
  std::string_view idempotency_key{};
  std::uint64_t most_bytes = 1 << 20;  ///< of the answer's body
};

/// An answer of any status. `vouched`: it came through the session, or, with a token, from whoever ends TLS. What is
/// not vouched for is a refusal, and a hint at most: anybody on the way can have written it.
struct Reply {
  int status = 0;
  std::string content_type;
  Bytes body;
  bool vouched = false;
  std::optional<Problem> problem{};  ///< of a status that is not 2xx
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Makes what is missing (a connection, a session), then asks once. Errors: network; unauthorised when the server is
  /// another one or does not let us in; integrity for an answer that is not the server's.
  virtual Result<Reply> exchange(const Call& call) = 0;
  /// The same for server-sent events of JSON: `sink` gets each event's data; returning false ends the stream.
  virtual Result<Reply> events(const Call& call, const std::function<Result<bool>(std::string_view json)>& sink) = 0;
  /// Forgets the session, so that the next exchange makes a new one.
  virtual void reset() = 0;
  /// Forgets the network connection.
  virtual void disconnect() = 0;
  /// The server that was met; empty before the first exchange.
  virtual const std::optional<Meeting>& meeting() const = 0;
  /// Whether requests travel in records of a session, so that receipts say so.
  virtual bool in_session() const = 0;
  /// "host:8000".
  virtual const std::string& server() const = 0;
};

}  // namespace prism::client
