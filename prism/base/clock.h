// prism/base/clock.h - time as an argument, so that logic can be tested without waiting.
#pragma once
#include <chrono>

namespace prism {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Monotonic; only differences mean anything.
  virtual std::chrono::nanoseconds monotonic() const = 0;
  /// Wall time, UTC, since 1970-01-01.
  virtual std::chrono::seconds wall() const = 0;
};

}  // namespace prism
