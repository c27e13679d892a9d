#include <cstdint>

#include "prism/backend/dp/internal/relation_sql.h"
#include "prism/table/utf8.h"

namespace prism::backend::dp {
namespace {

constexpr std::uint32_t kLast = 0x10FFFF, kSurrogates = 0xD800, kAfterSurrogates = 0xE000;

std::string encoded(std::uint32_t point) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(static_cast<std::uint8_t>(bits)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xC0 | (point >> 6)), byte(0x80 | (point & 0x3F))};
  if (point < 0x10000)
    return {byte(0xE0 | (point >> 12)), byte(0x80 | ((point >> 6) & 0x3F)), byte(0x80 | (point & 0x3F))};
  return {byte(0xF0 | (point >> 18)), byte(0x80 | ((point >> 12) & 0x3F)), byte(0x80 | ((point >> 6) & 0x3F)),
          byte(0x80 | (point & 0x3F))};
}

/// Of one valid character.
std::uint32_t decoded(std::string_view character) {
  const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<std::uint8_t>(character[i])}; };
  if (character.size() == 1) return byte(0);
  std::uint32_t point = byte(0) & (0xFFU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) point = (point << 6) | (byte(i) & 0x3F);
  return point;
}

/// Where the last whole character before the first invalid one ends.
std::size_t valid_prefix(const std::string& text) {
  table::Utf8Validator validator;
  std::size_t whole = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (validator.feed(std::string_view(text).substr(i, 1))) break;
    if (validator.complete()) whole = i + 1;
  }
  return whole;
}

}  // namespace

std::optional<std::string> valid_text_from(const std::string& bound) {
  std::string prefix = bound.substr(0, valid_prefix(bound));
  if (prefix.size() == bound.size()) return bound;
  // UTF-8 orders characters as their numbers: the first character whose bytes are not below the rest.
  const std::string rest = bound.substr(prefix.size());
  std::uint32_t low = 0, high = kLast + 1;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    // Surrogates have no encoding of their own; their pattern keeps the order.
    if (encoded(middle) < rest)
      low = middle + 1;
    else
      high = middle;
  }
  if (low >= kSurrogates && low < kAfterSurrogates) low = kAfterSurrogates;
  if (low <= kLast) return prefix + encoded(low);
  // Nothing with this prefix: the next text of the same length or shorter.
  while (!prefix.empty()) {
    std::size_t start = prefix.size() - 1;
    while ((static_cast<std::uint8_t>(prefix[start]) & 0xC0) == 0x80) --start;
    std::uint32_t point = decoded(std::string_view(prefix).substr(start)) + 1;
    prefix.resize(start);
    if (point == kSurrogates) point = kAfterSurrogates;
    if (point <= kLast) return prefix + encoded(point);
  }
  return std::nullopt;
}

}  // namespace prism::backend::dp
