// prism/http/internal/test_server.h - what the tests of this room share: a server on loopback, a seeded Random, and a
// raw socket that sends what no client would.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <random>
#include <string>

#include "prism/host/system.h"
#include "prism/http/client.h"
#include "prism/http/handler.h"
#include "prism/http/server.h"

namespace prism::http {

/// The same bytes for the same seed; for tests only.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_;
};

inline crypto::CertifiedKey certificate(crypto::CertificateKey kind, std::uint64_t seed = 1) {
  SeededRandom random(seed);
  const host::SystemClock clock;
  return crypto::CertifiedKey::make_self_signed(kind, {"localhost", "127.0.0.1", "::1"}, clock.wall(),
                                                std::chrono::hours(24), random)
      .value();
}

/// A handler made of two functions.
class FunctionHandler final : public Handler {
 public:
  std::function<Route(const Request&)> rules = [](const Request&) { return Route{"test", 1 << 20, false, true, 0}; };
  std::function<Response(Request&)> answer = [](Request&) { return Response::text(200, "fine"); };
  Route route(const Request& request) const override { return rules(request); }
  Response handle(Request& request) override { return answer(request); }
};

/// A TCP connection that sends and receives bytes as they are.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~RawConnection() { ::close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t put = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  /// Everything until the server ends the connection, or `text` has come `times` times, or ten seconds have passed.
  std::string read_until(std::string_view text = {}, int times = 1) {
    std::string all;
    for (;;) {
      if (!text.empty()) {
        int found = 0;
        for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + text.size())) ++found;
        if (found >= times) return all;
      }
      pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, 10'000) <= 0) return all + "[timeout]";
      char buffer[4096];
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_;
};

inline ServerOptions plain_options() {
  ServerOptions options;
  options.io_threads = 2;
  options.workers = 8;
  return options;
}

inline Client plain_client(const Server& server) {
  Origin origin{false, "127.0.0.1", server.port()};
  ClientOptions options;
  options.io_timeout = std::chrono::seconds(20);
  return Client::create(origin, options).value();
}

}  // namespace prism::http
