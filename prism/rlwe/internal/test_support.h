// prism/rlwe/internal/test_support.h - what the tests of this room share. Nothing outside tests includes it.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "prism/hash/chacha20.h"
#include "prism/rlwe/keys.h"

namespace prism::rlwe::test {

/// The same bytes every time: a ChaCha20 stream under a small number.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint8_t seed) : stream_(key(seed), hash::ChaCha20Nonce{}) {}
  Status fill(MutableByteView out) override {
    stream_.read(out);
    return {};
  }

 private:
  static hash::ChaCha20Key key(std::uint8_t seed) {
    hash::ChaCha20Key bytes{};
    bytes[0] = seed;
    return bytes;
  }
  hash::ChaCha20Stream stream_;
};

/// An insecure small ring: ciphertext primes of mixed sizes, special primes of 50 bits.
inline ParameterSpec small_spec(unsigned log_n, std::size_t primes, std::size_t special, std::uint32_t digit_size) {
  ParameterSpec spec;
  spec.log_n = log_n;
  spec.security = Security::none_for_tests;
  spec.digit_size = digit_size;
  const auto large = choose_primes(50, primes + special).value();
  const auto middle = choose_primes(42, primes).value();
  for (std::size_t i = 0; i < primes; ++i) spec.primes.push_back(i % 3 == 1 ? middle[i] : large[i]);
  spec.special_primes.assign(large.begin() + static_cast<std::ptrdiff_t>(primes), large.end());
  return spec;
}

inline std::shared_ptr<const Parameters> make_parameters(const ParameterSpec& spec) {
  return Parameters::make(spec).value();
}

}  // namespace prism::rlwe::test
