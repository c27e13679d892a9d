#include "prism/hash/siphash.h"

namespace prism::hash {

std::uint64_t siphash(const SipHash::Key& key, std::string_view bytes) {
  SipHash hash(key);
  const auto word = [&](std::size_t from, std::size_t count) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < count; ++i) out |= std::uint64_t{static_cast<std::uint8_t>(bytes[from + i])} << (8 * i);
    return out;
  };
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) hash.update(word(at, 8));
  return hash.finish_with(word(at, bytes.size() - at), bytes.size());
}

}  // namespace prism::hash
