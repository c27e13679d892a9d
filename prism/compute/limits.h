// prism/compute/limits.h - what one computation may take of the machine that runs it: asked before memory is spent.
#pragma once
#include <cstdint>

namespace prism::compute {

struct Limits {
  unsigned largest_ring_log2 = 16;
  std::size_t most_primes = 64;
  std::uint64_t context_bytes = std::uint64_t{2} << 30;  ///< of an encoded context
  std::uint64_t input_bytes = std::uint64_t{256} << 20;  ///< of all encoded inputs of one computation
  std::uint64_t answer_bytes = std::uint64_t{256} << 20;
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;  ///< of vectors alive at once
  double cpu_seconds = 600;
};

}  // namespace prism::compute
