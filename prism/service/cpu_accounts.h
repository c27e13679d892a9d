// prism/service/cpu_accounts.h - processor time by account and window: who has used up theirs waits.
#pragma once
#include <chrono>
#include <mutex>
#include <unordered_map>

#include "prism/service/clients.h"

namespace prism::service {

/// Fixed windows of monotonic time. Thread-safe. Memory is bounded by sweep(), which forgets past windows.
class CpuAccounts {
 public:
  explicit CpuAccounts(const Limits& limits) : most_(limits.cpu_seconds_per_window), window_(limits.window) {}
  /// quota_exceeded when this window's seconds are used up.
  Status check(const Digest& account, std::chrono::nanoseconds now) const;
  void charge(const Digest& account, std::chrono::nanoseconds now, std::chrono::nanoseconds used);
  Allowance allowance(const Digest& account, std::chrono::nanoseconds now) const;
  void sweep(std::chrono::nanoseconds now);

 private:
  struct Window {
    std::int64_t number = 0;
    double used = 0;
  };
  std::int64_t number_at(std::chrono::nanoseconds now) const { return now / window_; }
  double used_locked(const Digest& account, std::chrono::nanoseconds now) const;

  const double most_;
  const std::chrono::nanoseconds window_;
  mutable std::mutex mutex_;
  std::unordered_map<Digest, Window, DigestHash> accounts_;
};

}  // namespace prism::service
