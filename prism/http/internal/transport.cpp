#include "prism/http/internal/transport.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <type_traits>

namespace prism::http::internal {
namespace {

constexpr asio::use_awaitable_t<Executor> kAwait{};
/// What a peer may still send after our goodbye.
constexpr std::size_t kMaxDiscardBytes = 256 * 1024;

template <class Stream>
class StreamTransport final : public Transport {
  static constexpr bool kTls = !std::is_same_v<Stream, TcpStream>;

 public:
  template <class... Arguments>
  explicit StreamTransport(bool server, Arguments&&... arguments)
      : server_(server), stream_(std::forward<Arguments>(arguments)...) {}

  Task<Io> handshake(Milliseconds limit) override {
    Io io;
    if constexpr (kTls) {
      lowest().expires_after(limit);
      co_await stream_.async_handshake(server_ ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
                                       asio::redirect_error(kAwait, io.error));
    }
    co_return io;
  }

  Task<Io> read_some(MutableByteView out, TimePoint deadline) override {
    Io io;
    lowest().expires_at(deadline);
    io.bytes = co_await stream_.async_read_some(asio::mutable_buffer(out.data(), out.size()),
                                                asio::redirect_error(kAwait, io.error));
    if (io.error == asio::error::eof) io = {};
    co_return io;
  }

  Task<Io> write(ByteView bytes, Milliseconds limit) override {
    Io io;
    while (io.bytes < bytes.size()) {
      lowest().expires_after(limit);
      const ByteView rest = bytes.subspan(io.bytes);
      io.bytes += co_await stream_.async_write_some(asio::const_buffer(rest.data(), rest.size()),
                                                    asio::redirect_error(kAwait, io.error));
      if (io.error) break;
    }
    co_return io;
  }

  Task<void> shutdown(Milliseconds limit) override {
    error_code ec;
    lowest().expires_after(limit);
    if constexpr (kTls) {
      co_await stream_.async_shutdown(asio::redirect_error(kAwait, ec));
      if (!ec) co_return close();  // the peer said goodbye, too
    }
    // Closing with bytes unread would reset the connection, and the peer might lose our answer with it.
    lowest().socket().shutdown(tcp::socket::shutdown_send, ec);
    std::array<std::uint8_t, 4096> rest;
    for (std::size_t total = 0; !ec && total < kMaxDiscardBytes;)
      total += co_await lowest().async_read_some(asio::mutable_buffer(rest.data(), rest.size()),
                                                 asio::redirect_error(kAwait, ec));
    close();
  }

  void close() override {
    error_code ignored;
    lowest().socket().close(ignored);
  }

  void* ssl() override {
    if constexpr (kTls)
      return stream_.native_handle();
    else
      return nullptr;
  }

 private:
  TcpStream& lowest() {
    if constexpr (kTls)
      return stream_.next_layer();
    else
      return stream_;
  }

  bool server_;
  Stream stream_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(TcpStream stream) {
  return std::make_unique<StreamTransport<TcpStream>>(false, std::move(stream));
}

std::unique_ptr<Transport> tls_transport(TcpStream stream, const crypto::TlsContext& context, bool server) {
  auto* const ssl = static_cast<SSL*>(context.new_connection());
  if (ssl == nullptr) return nullptr;
  return std::make_unique<StreamTransport<asio::ssl::stream<TcpStream>>>(server, std::move(stream), ssl);
}

bool timed_out(const error_code& error) { return error == boost::beast::error::timeout; }

unsigned long tls_code(const error_code& error) {
  return error.category() == asio::error::get_ssl_category() ? static_cast<unsigned long>(error.value()) : 0;
}

bool truncated(const error_code& error) { return error == asio::ssl::error::stream_truncated; }

}  // namespace prism::http::internal
