// prism/fhe/internal/testing.h - what tests of this room share. Never linked into programs.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <random>

#include "prism/base/random.h"

namespace prism::fhe::testing {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_;
};

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s; %s\n", result.error().message.c_str(), result.error().detail.c_str());
    std::abort();
  }
  return *std::move(result);
}

}  // namespace prism::fhe::testing
