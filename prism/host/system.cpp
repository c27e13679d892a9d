#include "prism/host/system.h"

#include <sys/random.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace prism::host {

Status SystemRandom::fill(MutableByteView out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(ErrorCode::io, "the system's random generator failed: ", std::strerror(errno));
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

std::chrono::nanoseconds SystemClock::monotonic() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

std::chrono::seconds SystemClock::wall() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
}

std::chrono::nanoseconds thread_cpu_time() {
  timespec time{};
  if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

}  // namespace prism::host
