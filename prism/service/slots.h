// prism/service/slots.h - so much at once; others wait their turn, but not for long, and none keeps all turns.
#pragma once
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "prism/service/clients.h"
#include "prism/service/problem.h"

namespace prism::service {

/// Units - threads, or bytes of memory - of which everybody together has so many. Thread-safe. A counting_semaphore
/// has no weights and no shares, and GCC 12's spins.
class Slots {
 public:
  /// One account may hold and wait for `most_per_account` turns at a time.
  explicit Slots(std::uint64_t units, std::size_t most_per_account = SIZE_MAX)
      : units_(units), free_(units), most_per_account_(most_per_account) {}

  /// Gives back when it goes. Empty when it was moved from.
  class Held {
   public:
    Held() = default;
    Held(Held&& other) noexcept
        : slots_(std::exchange(other.slots_, nullptr)), account_(other.account_), units_(other.units_) {}
    Held& operator=(Held&& other) noexcept {
      std::swap(slots_, other.slots_);
      std::swap(account_, other.account_);
      std::swap(units_, other.units_);
      return *this;
    }
    ~Held() {
      if (slots_ != nullptr) slots_->give(account_, units_);
    }

   private:
    friend class Slots;
    Held(Slots& slots, const Digest& account, std::uint64_t units) : slots_(&slots), account_(account), units_(units) {}
    Slots* slots_ = nullptr;  ///< observed
    Digest account_{};
    std::uint64_t units_ = 0;
  };

  /// More units than there are count as all of them. Without `patience` it waits until stop(). Errors: capacity
  /// (with the code interrupted after stop()).
  Result<Held> take(const Digest& account, std::uint64_t units, std::optional<std::chrono::milliseconds> patience) {
    units = std::min(units, units_);
    std::unique_lock lock(mutex_);
    std::size_t& turns = turns_[account];
    if (turns >= most_per_account_)
      return refuse(Problem::capacity, "this client waits for ", turns, " such answers already; try again after them");
    ++turns;
    const auto ready = [&] { return stopped_ || free_ >= units; };
    if (patience) {
      (void)freed_.wait_for(lock, *patience, ready);
    } else {
      freed_.wait(lock, ready);
    }
    if (stopped_ || free_ < units) {
      leave_locked(account);
      Error error = refuse(Problem::capacity, stopped_ ? "the server stops" : "the server computes as much as it can",
                           "; try again later");
      if (stopped_) error.code = ErrorCode::interrupted;  // a job goes on at the next start
      return error;
    }
    free_ -= units;
    return Held(*this, account, units);
  }
  /// Nobody waits any longer, and nobody gets anything.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    freed_.notify_all();
  }

 private:
  void leave_locked(const Digest& account) {
    const auto found = turns_.find(account);
    if (--found->second == 0) turns_.erase(found);
  }
  void give(const Digest& account, std::uint64_t units) {
    {
      const std::lock_guard lock(mutex_);
      free_ += units;
      leave_locked(account);
    }
    freed_.notify_all();  // they wait for different amounts
  }

  const std::uint64_t units_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::uint64_t free_;
  const std::size_t most_per_account_;
  std::unordered_map<Digest, std::size_t, DigestHash> turns_;  ///< held or waited for
  bool stopped_ = false;
};

}  // namespace prism::service
