#include "prism/secret/secret.h"

#include <cstring>

namespace prism::secret {

void wipe(void* memory, std::size_t bytes) {
  if (bytes == 0) return;  // memset of a null pointer is undefined even for nothing
  std::memset(memory, 0, bytes);
  __asm__ __volatile__("" : : "r"(memory) : "memory");  // tells the optimiser that somebody reads the zeros
}

bool equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) return false;  // lengths are public
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<std::uint64_t>(a[i] ^ b[i]);
  return mask_if(difference) == 0;
}

}  // namespace prism::secret
