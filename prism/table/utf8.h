// prism/table/utf8.h - UTF-8 checked while it streams by (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace prism::table {

class Utf8Validator {
 public:
  /// The place in `chunk` of the first byte that cannot stand there, or nothing. A character may span chunks.
  std::optional<std::size_t> feed(std::string_view chunk);
  /// False in the middle of a character: the text ends too early.
  bool complete() const { return missing_ == 0; }

 private:
  int missing_ = 0;          // continuation bytes still wanted
  std::uint8_t low_ = 0x80;  // the next one's range: narrower right after some first bytes
  std::uint8_t high_ = 0xBF;
};

/// The number of code points; what a terminal shows as columns for most scripts.
std::size_t code_points(std::string_view valid_utf8);

}  // namespace prism::table
