// tests/support/vectors.h - published test vectors: files that stand beside the repository, hexadecimal, and randomness
// that is known beforehand.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "prism/base/random.h"

namespace prism::testing_support {

inline Bytes unhex(std::string_view hex) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  Bytes out(hex.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(16 * digit(hex[2 * i]) + digit(hex[2 * i + 1]));
  return out;
}

/// shared/vectors/NAME beside this source tree or a folder above it; nothing where it is absent.
inline std::optional<std::string> read_vectors(const std::string& name) {
  std::error_code none;
  for (std::filesystem::path at = PRISM_SOURCE_DIR; at != at.root_path(); at = at.parent_path()) {
    const auto path = at / "shared" / "vectors" / name;
    if (!std::filesystem::exists(path, none)) continue;
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  return std::nullopt;
}

/// Gives exactly these bytes, and an error when more are wanted.
class KnownRandom final : public Random {
 public:
  explicit KnownRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  Status fill(MutableByteView out) override {
    if (out.size() > left()) return fail(ErrorCode::exhausted, "no randomness left");
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), out.size(), out.begin());
    at_ += out.size();
    return {};
  }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

/// Randomness for laws that hold for all of it; the same bytes in each run. A 64-bit generator is no key material.
class RepeatableRandom final : public Random {
 public:
  explicit RepeatableRandom(std::uint64_t seed) : state_(seed) {}
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(next() >> 56);
    return {};
  }
  std::uint64_t next() {  // splitmix64
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }

 private:
  std::uint64_t state_;
};

}  // namespace prism::testing_support
