// prism/custody/internal/test_support.h - what the tests of this room share; included by tests only.
#pragma once
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "prism/base/clock.h"
#include "prism/base/random.h"
#include "prism/custody/keyring.h"
#include "prism/hash/sha256.h"

namespace prism::custody::testing_support {

/// Bytes 0, 1, 2, ..., so that files and keys can be written down in tests.
class CountingRandom final : public Random {
 public:
  explicit CountingRandom(std::uint8_t start = 0) : next_(start) {}
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = next_++;
    return {};
  }

 private:
  std::uint8_t next_;
};

/// Says no from its n-th call on.
class FailingRandom final : public Random {
 public:
  explicit FailingRandom(int good) : good_(good) {}
  Status fill(MutableByteView out) override {
    if (good_-- <= 0) return fail(ErrorCode::io, "no randomness in this test");
    std::fill(out.begin(), out.end(), std::uint8_t{7});
    return {};
  }

 private:
  int good_;
};

class FixedClock final : public Clock {
 public:
  std::chrono::nanoseconds monotonic() const override { return std::chrono::nanoseconds(0); }
  std::chrono::seconds wall() const override { return std::chrono::seconds(1'700'000'000); }
};

/// A directory of its own for each test, removed at the end.
class CustodyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "prism_custody_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  std::string path(const std::string& name) const { return root_ + "/" + name; }
  /// Everything below the test's directory, hidden names included.
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_))
      names.push_back(std::filesystem::relative(entry.path(), root_).string());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string root_;
  CountingRandom random_;
  FixedClock clock_;
  /// Milliseconds instead of a fraction of a second; the default is for people.
  crypto::ScryptCost cheap_{4, 1, 1};
};

inline Bytes slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return Bytes(text.begin(), text.end());
}
/// Keeps the file's mode.
inline void spit(const std::string& path, ByteView bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}
inline unsigned mode_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777u : 0;
}
inline Bytes flipped(Bytes bytes, std::size_t bit) {
  bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
  return bytes;
}
/// What an attacker does who knows the format: makes the checksum right again.
inline Bytes with_fresh_checksum(Bytes bytes) {
  const Digest digest = hash::sha256(ByteView(bytes).first(bytes.size() - 32));
  std::copy(digest.begin(), digest.end(), bytes.end() - 32);
  return bytes;
}
inline std::string hex_of(const Result<Seed>& seed) {
  return seed ? to_hex(seed->reveal(secret::RevealKey{})) : "error: " + seed.error().message;
}
inline TableId table(std::uint8_t number) {
  TableId id;
  id.bytes.fill(number);
  return id;
}

}  // namespace prism::custody::testing_support
