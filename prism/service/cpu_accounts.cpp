#include "prism/service/cpu_accounts.h"

#include <algorithm>

namespace prism::service {

using std::chrono::nanoseconds;
using std::chrono::seconds;

double CpuAccounts::used_locked(const Digest& account, nanoseconds now) const {
  const auto found = accounts_.find(account);
  return found != accounts_.end() && found->second.number == number_at(now) ? found->second.used : 0;
}

Status CpuAccounts::check(const Digest& account, nanoseconds now) const {
  const Allowance left = allowance(account, now);
  if (left.cpu_seconds_left > 0) return {};
  return refuse(Problem::quota_exceeded, "this client has used the ", static_cast<std::int64_t>(most_),
                " CPU-seconds it may use in ", left.window.count(), " s; try again in ", left.resets_in.count(), " s");
}

void CpuAccounts::charge(const Digest& account, nanoseconds now, nanoseconds used) {
  const std::lock_guard lock(mutex_);
  Window& window = accounts_[account];
  if (window.number != number_at(now)) window = {number_at(now), 0};
  window.used += std::chrono::duration<double>(used).count();
}

Allowance CpuAccounts::allowance(const Digest& account, nanoseconds now) const {
  Allowance out;
  out.cpu_seconds_per_window = most_;
  out.window = std::chrono::duration_cast<seconds>(window_);
  out.resets_in = std::chrono::ceil<seconds>(window_ * (number_at(now) + 1) - now);
  const std::lock_guard lock(mutex_);
  out.cpu_seconds_left = std::max(0.0, most_ - used_locked(account, now));
  return out;
}

void CpuAccounts::sweep(nanoseconds now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(accounts_, [&](const auto& entry) { return entry.second.number != number_at(now); });
}

}  // namespace prism::service
