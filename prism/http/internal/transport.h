// prism/http/internal/transport.h - one connection as bytes: TCP, with or without TLS, with a limit on every wait.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/crypto/tls.h"

namespace prism::http::internal {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using TcpStream = boost::beast::basic_stream<tcp, Executor>;
template <class T>
using Task = asio::awaitable<T, Executor>;
using TimePoint = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

/// What an operation came to; `bytes` of 0 without an error is the end of the stream.
struct Io {
  error_code error{};
  std::size_t bytes = 0;
};

/// For one thread at a time: the one that runs its executor.
class Transport {
 public:
  virtual ~Transport() = default;
  /// TLS's; nothing to do for plain TCP.
  virtual Task<Io> handshake(Milliseconds limit) = 0;
  virtual Task<Io> read_some(MutableByteView out, TimePoint deadline) = 0;
  /// All of it. The limit is on the time without progress.
  virtual Task<Io> write(ByteView bytes, Milliseconds limit) = 0;
  /// Says goodbye as the protocol wants; then close().
  virtual Task<void> shutdown(Milliseconds limit) = 0;
  /// Waiting operations end with an error. Any number of times.
  virtual void close() = 0;
  /// SSL*, or null.
  virtual void* ssl() = 0;
};

std::unique_ptr<Transport> plain_transport(TcpStream stream);
/// Null without memory.
std::unique_ptr<Transport> tls_transport(TcpStream stream, const crypto::TlsContext& context, bool server);

/// Whether `error` means that a limit on time ran out.
bool timed_out(const error_code& error);
/// OpenSSL's code when `error` is TLS's, else 0.
unsigned long tls_code(const error_code& error);
/// Whether a TLS stream ended without its closing message: bytes may be missing.
bool truncated(const error_code& error);

}  // namespace prism::http::internal
