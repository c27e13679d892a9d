// prism/fhe/internal/testing.h - what tests of this room share. Never linked into programs.
#pragma once
#include <gtest/gtest.h>

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
    ADD_FAILURE() << result.error().message << "; " << result.error().detail;
    std::abort();
  }
  return *std::move(result);
}

/// A value where an error was wanted is no code of an error.
template <class T>
ErrorCode code_of(const Result<T>& result) {
  if (!result) return result.error().code;
  ADD_FAILURE() << "a value where an error was expected";
  return ErrorCode::io;
}

}  // namespace prism::fhe::testing
