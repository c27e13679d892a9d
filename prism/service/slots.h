// prism/service/slots.h - so many at once, others wait their turn.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace prism::service {

/// Bounds how many requests compute at the same time on the threads of their callers. A counting_semaphore would do,
/// but for GCC 12's, which spins.
class Slots {
 public:
  explicit Slots(std::size_t count) : free_(count) {}
  class Held {
   public:
    explicit Held(Slots& slots) : slots_(slots) {
      std::unique_lock lock(slots_.mutex_);
      slots_.freed_.wait(lock, [&] { return slots_.free_ > 0; });
      --slots_.free_;
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
      {
        const std::lock_guard lock(slots_.mutex_);
        ++slots_.free_;
      }
      slots_.freed_.notify_one();
    }

   private:
    Slots& slots_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::size_t free_;
};

}  // namespace prism::service
