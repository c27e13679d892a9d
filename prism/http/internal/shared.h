// prism/http/internal/shared.h - what all connections of one server share.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "prism/host/system.h"
#include "prism/http/internal/workers.h"
#include "prism/http/server.h"

namespace prism::http::internal {

struct Shared {
  Shared(ServerOptions o, Handler& h)
      : options(std::move(o)),
        handler(h),
        rate(options.rate),
        tls(options.tls),
        workers(std::make_unique<Workers>(options.workers, options.limits.max_queued)),
        max_streams(static_cast<std::ptrdiff_t>(options.workers - options.workers / 4)),
        max_long_bodies(std::max<std::size_t>(options.workers / 2, 1)),
        max_long_bodies_per_peer(std::max<std::size_t>(options.workers / 4, 2)) {}

  const ServerOptions options;
  Handler& handler;
  RateLimiter rate;
  host::SystemRandom random;

  std::mutex tls_mutex;
  std::optional<crypto::TlsContext> tls;

  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> total{0};
  std::atomic<std::uint64_t> active{0};  ///< requests between head and last byte
  std::atomic<std::uint64_t> handshakes{0};
  std::atomic<std::uint64_t> bytes_copied{0};
  std::atomic<std::ptrdiff_t> streams{0};

  std::mutex peers_mutex;
  std::unordered_map<std::string, std::size_t> connections_of;  ///< by limit key

  /// Reset while the I/O threads still run, since what it runs may wait for them.
  std::unique_ptr<Workers> workers;
  /// So many workers may be busy with streams; the others stay for requests that end.
  const std::ptrdiff_t max_streams;

  /// Workers that wait for the rest of a body, which comes as slowly as its sender likes: at most half of all, and
  /// of one peer fewer, so that neither one nor a few hold them all.
  const std::size_t max_long_bodies;
  const std::size_t max_long_bodies_per_peer;
  std::mutex bodies_mutex;
  std::size_t long_bodies = 0;
  std::unordered_map<std::string, std::size_t> long_bodies_of;  ///< by limit key
};

/// What limits count a peer by: its address, of IPv6 the first 64 bits, which one subscriber has to itself.
std::string limit_key(const Peer& peer);

}  // namespace prism::http::internal
