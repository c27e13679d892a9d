// prism/http/internal/workers.h - the threads that handlers block on, behind a queue of bounded length.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace prism::http::internal {

class Workers {
 public:
  Workers(std::size_t threads, std::size_t max_queued);
  /// Waits for what runs and what is queued.
  ~Workers();
  /// False when the queue is full. `work` must not throw.
  bool submit(std::function<void()> work);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  const std::size_t max_queued_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace prism::http::internal
