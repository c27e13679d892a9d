// tests/support/service.h - what the tests of service and server/rest share: a clock that is set by hand, bodies from
// memory, a client. For tests only.
#pragma once
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "prism/base/clock.h"
#include "prism/host/system.h"
#include "prism/service/compute_service.h"
#include "tests/support/test_directory.h"

namespace prism::service::test {

class ManualClock final : public Clock {
 public:
  std::chrono::nanoseconds monotonic() const override { return monotonic_ + std::chrono::seconds(wall_.load()); }
  std::chrono::seconds wall() const override { return std::chrono::seconds(wall_.load()); }
  void advance(std::chrono::seconds by) { wall_ += by.count(); }

 private:
  std::atomic<std::int64_t> wall_{1'800'000'000};
  std::chrono::nanoseconds monotonic_{0};
};

/// Yields bytes in pieces of at most `piece`, then ends - or breaks off, as connections do.
class MemorySource final : public Source {
 public:
  explicit MemorySource(ByteView bytes, std::size_t piece = SIZE_MAX, bool breaks = false)
      : rest_(bytes), piece_(piece), breaks_(breaks) {}
  Result<std::size_t> read(MutableByteView out) override {
    if (rest_.empty() && breaks_) return fail(ErrorCode::network, "the connection broke");
    const std::size_t size = std::min({out.size(), rest_.size(), piece_});
    std::copy_n(rest_.begin(), size, out.begin());
    rest_ = rest_.subspan(size);
    return size;
  }

 private:
  ByteView rest_;
  std::size_t piece_;
  bool breaks_;
};

/// While it lives, no file of this process grows beyond so many bytes: a disk that is full, on demand.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit now{bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &now), 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0); }

 private:
  rlimit before_{};
};

/// The seed of a test's randomness: printed, and settable to repeat a failure.
inline std::uint64_t test_seed() {
  const char* given = std::getenv("PRISM_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  std::printf("seed %llu (repeat with PRISM_TEST_SEED)\n", static_cast<unsigned long long>(seed));
  return seed;
}

inline Bytes random_bytes(std::mt19937_64& random, std::size_t size) {
  Bytes out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

inline Digest digest_of(std::uint8_t fill) {
  Digest out{};
  out.fill(fill);
  return out;
}

}  // namespace prism::service::test
