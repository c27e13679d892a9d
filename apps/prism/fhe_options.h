// apps/prism/fhe_options.h - the parameters that `prism fhe` commands speak about: by what is to be computed, or prime
// by prime.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "prism/ckks/parameters.h"
#include "prism/exact/parameters.h"

namespace CLI {
class App;
}

namespace prism::app {

struct FheOptions {
  std::string scheme = "ckks";
  // by intent
  int depth = 1, precision_bits = 20, security = 128;
  double largest_magnitude = 1;
  std::uint64_t largest_sum = 0;
  unsigned plain_bits = 0;
  std::size_t additions = 1, values = 1;
  bool rotations = false;
  // prime by prime
  unsigned log_n = 0;
  std::vector<std::uint64_t> primes, special_primes;  ///< below 64: a number of bits
  std::vector<std::uint32_t> level_sizes;
  std::uint32_t digit_size = 1;
  unsigned scale_bits = 0;
  std::uint64_t plain_modulus = 0;
};

void add_fhe_options(CLI::App& command, FheOptions& options);

/// CKKS, or BGV and BFV.
using FheParameters = std::variant<std::shared_ptr<const ckks::Parameters>, std::shared_ptr<const exact::Parameters>>;
Result<FheParameters> fhe_parameters(const FheOptions& options);

inline const rlwe::Parameters& rlwe_of(const FheParameters& parameters) {
  return std::visit([](const auto& p) -> const rlwe::Parameters& { return p->rlwe(); }, parameters);
}

}  // namespace prism::app
