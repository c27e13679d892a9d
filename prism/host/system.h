// prism/host/system.h - the operating system's randomness, clock and memory counters.
#pragma once
#include <cstdint>

#include "prism/base/clock.h"
#include "prism/base/random.h"

namespace prism::host {

/// getrandom(2): the kernel's generator, which waits until it has been seeded once after boot.
class SystemRandom final : public Random {
 public:
  Status fill(MutableByteView out) override;
};

class SystemClock final : public Clock {
 public:
  std::chrono::nanoseconds monotonic() const override;
  std::chrono::seconds wall() const override;
};

/// Processor time that the calling thread has used so far.
std::chrono::nanoseconds thread_cpu_time();
/// The most memory this process has had resident so far, mapped files included.
std::uint64_t peak_memory_bytes();

}  // namespace prism::host
