#include "prism/http/rate_limit.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

namespace prism::http {

using std::chrono::nanoseconds;

/// A bucket is kept as the time at which it will be full again: one number, refilled by the passing of time (the
/// "generic cell rate algorithm"). A bucket that is full is one nobody needs to remember.
struct RateLimiter::State {
  struct Bucket {
    std::string peer;
    nanoseconds full_at{};
  };
  RateLimitOptions options;
  nanoseconds cost{};      ///< of one request
  nanoseconds capacity{};  ///< of a whole bucket
  std::mutex mutex;
  std::list<Bucket> buckets;                                                  ///< least recently used first
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_peer;  ///< keys point into `buckets`
  nanoseconds overflow{};  ///< the bucket that newcomers share when the table is full of peers that are not
};

RateLimiter::RateLimiter(RateLimitOptions options) : state_(std::make_unique<State>()) {
  options.max_peers = std::max<std::size_t>(options.max_peers, 1);
  state_->options = options;
  state_->capacity = options.window;
  if (options.requests > 0) state_->cost = state_->capacity / options.requests;
}

RateLimiter::~RateLimiter() = default;

RateLimiter::Decision RateLimiter::take(std::string_view peer, nanoseconds now) {
  State& s = *state_;
  if (s.options.requests == 0 || s.cost.count() == 0) return {true, UINT32_MAX, std::chrono::seconds(0)};
  const std::lock_guard lock(s.mutex);
  nanoseconds* full_at = nullptr;
  const auto known = s.by_peer.find(peer);
  if (known != s.by_peer.end()) {
    s.buckets.splice(s.buckets.end(), s.buckets, known->second);
    full_at = &known->second->full_at;
  } else {
    if (s.buckets.size() >= s.options.max_peers && s.buckets.front().full_at <= now) {
      s.by_peer.erase(s.buckets.front().peer);
      s.buckets.pop_front();
    }
    if (s.buckets.size() < s.options.max_peers) {
      s.buckets.push_back({std::string(peer), now});
      s.by_peer.emplace(s.buckets.back().peer, std::prev(s.buckets.end()));
      full_at = &s.buckets.back().full_at;
    } else {
      full_at = &s.overflow;
    }
  }
  *full_at = std::max(*full_at, now);
  const nanoseconds room = s.capacity - (*full_at - now);
  const auto whole_seconds = [](nanoseconds t) { return std::chrono::ceil<std::chrono::seconds>(t); };
  if (room < s.cost) return {false, 0, std::max(whole_seconds(s.cost - room), std::chrono::seconds(1))};
  *full_at += s.cost;
  const auto left = static_cast<std::uint32_t>((room - s.cost) / s.cost);
  return {true, left, whole_seconds(left == 0 ? s.cost - (room - s.cost) : *full_at - now)};
}

std::string RateLimiter::policy_field() const {
  return "\"default\";q=" + std::to_string(state_->options.requests) +
         ";w=" + std::to_string(state_->options.window.count());
}

std::string RateLimiter::limit_field(const Decision& decision) {
  return "\"default\";r=" + std::to_string(decision.remaining) + ";t=" + std::to_string(decision.reset.count());
}

}  // namespace prism::http
