#include "prism/host/interrupt.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstring>

namespace prism::host {
namespace {

/// Fixed memory, because a signal handler may neither allocate nor lock.
struct Slot {
  enum : int { kFree, kBeingWritten, kActive };
  std::atomic<int> state{kFree};
  std::array<char, PATH_MAX> path;
};
constinit std::array<Slot, 32> slots{};
constinit std::atomic<int> signals_seen{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int) {
  if (signals_seen.fetch_add(1) == 0) return;
  for (Slot& slot : slots)
    if (slot.state.load() == Slot::kActive) ::unlink(slot.path.data());
  ::_exit(130);
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: a blocked read returns, and its caller sees interrupted()
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

bool interrupted() { return signals_seen.load(std::memory_order_relaxed) > 0; }

Status check_interrupted() {
  if (interrupted()) return fail(ErrorCode::interrupted, "interrupted");
  return {};
}

void clear_interrupted() { signals_seen.store(0); }

namespace internal {

int remember_temporary(const char* path) {
  const std::size_t size = std::strlen(path) + 1;
  if (size > PATH_MAX) return -1;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    int expected = Slot::kFree;
    if (!slots[i].state.compare_exchange_strong(expected, Slot::kBeingWritten)) continue;
    std::memcpy(slots[i].path.data(), path, size);
    slots[i].state.store(Slot::kActive);
    return static_cast<int>(i);
  }
  return -1;
}

void forget_temporary(int ticket) {
  if (ticket >= 0) slots[static_cast<std::size_t>(ticket)].state.store(Slot::kFree);
}

}  // namespace internal
}  // namespace prism::host
