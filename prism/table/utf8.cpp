#include "prism/table/utf8.h"

#include <cstring>

namespace prism::table {

std::optional<std::size_t> Utf8Validator::feed(std::string_view chunk) {
  std::size_t at = 0;
  while (at < chunk.size()) {
    if (missing_ == 0) {
      // Most text is ASCII: eight bytes at a time.
      std::uint64_t word = 0;
      while (chunk.size() - at >= sizeof word) {
        std::memcpy(&word, chunk.data() + at, sizeof word);
        if ((word & 0x8080808080808080U) != 0) break;
        at += sizeof word;
      }
      if (at == chunk.size()) break;
    }
    const auto byte = static_cast<std::uint8_t>(chunk[at]);
    if (missing_ > 0) {
      if (byte < low_ || byte > high_) return at;
      --missing_;
      low_ = 0x80;
      high_ = 0xBF;
    } else if (byte >= 0x80) {
      // RFC 3629 section 4; 0xC0, 0xC1 and everything past 0xF4 begin nothing.
      if (byte < 0xC2 || byte > 0xF4) return at;
      missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
      if (byte == 0xE0) low_ = 0xA0;
      if (byte == 0xED) high_ = 0x9F;
      if (byte == 0xF0) low_ = 0x90;
      if (byte == 0xF4) high_ = 0x8F;
    }
    ++at;
  }
  return std::nullopt;
}

std::size_t code_points(std::string_view valid_utf8) {
  std::size_t count = 0;
  for (const char c : valid_utf8) count += (static_cast<std::uint8_t>(c) & 0xC0) != 0x80;
  return count;
}

}  // namespace prism::table
