#include "prism/table/utf8.h"

#include <gtest/gtest.h>

namespace prism::table {
namespace {

/// RFC 3629 written the slow way: decode, then look at the number.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const int length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (length == 0 || i + static_cast<std::size_t>(length) > text.size()) return false;
    std::uint32_t point = length == 1 ? first : first & (0xFFU >> (length + 1));
    for (int k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3FU);
    }
    static constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    i += static_cast<std::size_t>(length);
  }
  return true;
}

bool validate_in_pieces(std::string_view text, std::size_t piece) {
  Utf8Validator validator;
  for (std::size_t i = 0; i < text.size(); i += piece)
    if (validator.feed(text.substr(i, piece))) return false;
  return validator.complete();
}

TEST(Utf8Test, AgreesWithTheDefinitionOnEveryShortString) {
  // Bytes at and beside each boundary of the grammar.
  const std::string bytes =
      "\x41\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF";
  for (const char a : bytes)
    for (const char b : bytes)
      for (const char c : bytes)
        for (const char d : bytes) {
          const std::string text = {a, b, c, d};
          for (std::size_t length = 1; length <= 4; ++length) {
            const std::string part = text.substr(0, length);
            ASSERT_EQ(validate_in_pieces(part, 4), is_utf8(part)) << testing::PrintToString(part);
            ASSERT_EQ(validate_in_pieces(part, 1), is_utf8(part)) << testing::PrintToString(part);
          }
        }
}

TEST(Utf8Test, ReportsTheFirstBadByte) {
  Utf8Validator validator;
  EXPECT_EQ(validator.feed("0123456789abcdef\xC3\xA9 0123456789\xFF..."), 29U);
  Utf8Validator open;
  EXPECT_FALSE(open.feed("a\xE2\x82"));
  EXPECT_FALSE(open.complete());
  EXPECT_EQ(open.feed("x"), 0U);
}

TEST(Utf8Test, CountsCodePoints) { EXPECT_EQ(code_points("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x9D"), 4U); }

}  // namespace
}  // namespace prism::table
