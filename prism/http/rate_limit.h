// prism/http/rate_limit.h - how many requests a peer may make: one token bucket for each, in bounded memory.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace prism::http {

struct RateLimitOptions {
  /// So many requests in `window`, refilled evenly; 0 switches the limit off.
  std::uint32_t requests = 0;
  std::chrono::seconds window{10};
  /// Buckets kept. When all are taken, the one that was not used for longest makes room if it is full; else newcomers
  /// share one bucket.
  std::size_t max_peers = 65536;
};

/// For several threads.
class RateLimiter {
 public:
  struct Decision {
    bool allowed;
    std::uint32_t remaining;     ///< requests left now
    std::chrono::seconds reset;  ///< until the next one is there, when none is left; else until all are
  };
  explicit RateLimiter(RateLimitOptions options);
  ~RateLimiter();
  /// Takes one request of `peer`; `now` is monotonic.
  Decision take(std::string_view peer, std::chrono::nanoseconds now);
  /// `"default";q=100;w=10` and `"default";r=50;t=3` (draft-ietf-httpapi-ratelimit-headers-11).
  std::string policy_field() const;
  static std::string limit_field(const Decision& decision);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace prism::http
