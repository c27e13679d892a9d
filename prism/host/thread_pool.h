// prism/host/thread_pool.h - Parallel over threads that live as long as the pool.
#pragma once
#include <cstddef>
#include <memory>

#include "prism/base/parallel.h"

namespace prism::host {

/// The number of processors this process may run on; at least 1.
std::size_t available_cores();

/// The caller works too, as worker 0, so a pool of one starts no thread. Pieces are handed out in order, one at a time:
/// make a piece worth some microseconds. A for_each from inside a piece runs on the worker it comes from; calls from
/// several threads take turns. An exception that leaves a piece is a broken invariant: pieces report through their
/// results.
class ThreadPool final : public Parallel {
 public:
  /// Starts workers - 1 threads; 0 stands for available_cores(). When the system gives fewer threads, the pool is
  /// smaller.
  explicit ThreadPool(std::size_t workers = 0);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t workers() const override;
  void for_each(std::size_t pieces, const std::function<void(std::size_t piece, std::size_t worker)>& body) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace prism::host
