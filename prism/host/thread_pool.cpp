#include "prism/host/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "prism/base/check.h"

namespace prism::host {
namespace {

/// Which pool's piece this thread is inside of, and as which worker; for nested calls.
thread_local const void* current_pool = nullptr;
thread_local std::size_t current_worker = 0;

}  // namespace

std::size_t available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
    return static_cast<std::size_t>(CPU_COUNT(&set));
  const unsigned cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : cores;
}

struct ThreadPool::State {
  std::mutex turn;  ///< held for a whole for_each: one job at a time

  std::mutex mutex;  ///< guards what follows, down to `pieces`
  std::condition_variable start;
  std::condition_variable done;
  std::uint64_t job = 0;
  std::size_t busy = 0;
  bool stopping = false;
  const std::function<void(std::size_t, std::size_t)>* body = nullptr;
  std::size_t pieces = 0;

  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;

  void work(std::size_t worker) {
    current_pool = this;
    current_worker = worker;
    for (;;) {
      const std::size_t piece = next.fetch_add(1, std::memory_order_relaxed);
      if (piece >= pieces) break;
      try {
        (*body)(piece, worker);
      } catch (...) {
        check(false, "an exception left a piece of parallel work");
      }
    }
    current_pool = nullptr;
  }

  void live(std::size_t worker) {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex);
    for (;;) {
      start.wait(lock, [&] { return stopping || job != seen; });
      if (stopping) return;
      seen = job;
      lock.unlock();
      work(worker);
      lock.lock();
      if (--busy == 0) done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(std::size_t workers) : state_(std::make_unique<State>()) {
  if (workers == 0) workers = available_cores();
  state_->threads.reserve(workers - 1);
  for (std::size_t worker = 1; worker < workers; ++worker) {
    try {
      state_->threads.emplace_back([state = state_.get(), worker] { state->live(worker); });
    } catch (const std::system_error&) {
      break;  // a process limit; fewer workers give the same results
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->start.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

std::size_t ThreadPool::workers() const { return state_->threads.size() + 1; }

void ThreadPool::for_each(std::size_t pieces, const std::function<void(std::size_t, std::size_t)>& body) {
  if (pieces == 0) return;
  State& s = *state_;
  if (current_pool == &s) {
    const std::size_t worker = current_worker;
    for (std::size_t piece = 0; piece < pieces; ++piece) body(piece, worker);
    return;
  }
  const std::lock_guard turn(s.turn);
  // Inside another pool's piece, that pool's place is ours to restore.
  const void* const outer_pool = current_pool;
  const std::size_t outer_worker = current_worker;
  {
    const std::lock_guard lock(s.mutex);
    s.body = &body;
    s.pieces = pieces;
    s.next.store(0, std::memory_order_relaxed);
    s.busy = s.threads.size();
    ++s.job;
  }
  s.start.notify_all();
  s.work(0);
  {
    std::unique_lock lock(s.mutex);
    s.done.wait(lock, [&] { return s.busy == 0; });
    s.body = nullptr;
  }
  current_pool = outer_pool;
  current_worker = outer_worker;
}

}  // namespace prism::host
