// prism/service/names.h - digests and ids as text, strictly.
#pragma once
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "prism/base/bytes.h"

namespace prism::service {

/// Lower-case hexadecimal of exactly `size` bytes; nothing else has that name.
template <std::size_t size>
std::optional<std::array<std::uint8_t, size>> from_hex(std::string_view text) {
  if (text.size() != 2 * size) return std::nullopt;
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  std::array<std::uint8_t, size> out{};
  for (std::size_t i = 0; i < size; ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return out;
}
inline std::optional<Digest> digest_from_hex(std::string_view text) { return from_hex<32>(text); }

/// A decimal number without sign, spaces or leading zeros.
inline std::optional<std::uint64_t> number_from(std::string_view text) {
  if (text.empty() || text.size() > 20 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace prism::service
