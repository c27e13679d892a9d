#include "prism/crypto/internal/pem.h"

#include <algorithm>

namespace prism::crypto::internal {
namespace {

using secret::RevealKey;
using secret::SecretVector;

constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
constexpr std::size_t kMaxLabelBytes = 64;
constexpr std::size_t kLineBytes = 64;  // RFC 7468, section 2

/// 6 bits as a character. A difference that is negative shifts to all ones, so each term counts from its bound on.
char character_of(int v) {
  int c = v + 'A';
  c += ((25 - v) >> 31) & ('a' - 'A' - 26);
  c -= ((51 - v) >> 31) & ('a' - '0' + 26);
  c -= ((61 - v) >> 31) & ('0' + 10 - '+');
  c += ((62 - v) >> 31) & ('/' - '+' - 1);
  return static_cast<char>(c);
}

/// All ones when low <= c <= high.
int within(int c, int low, int high) { return ((low - 1 - c) & (c - high - 1)) >> 31; }
/// 6 bits of a character, or -1.
int value_of(int c) {
  int v = -1;
  v += within(c, 'A', 'Z') & (c - 'A' + 1);
  v += within(c, 'a', 'z') & (c - 'a' + 26 + 1);
  v += within(c, '0', '9') & (c - '0' + 52 + 1);
  v += within(c, '+', '+') & (62 + 1);
  v += within(c, '/', '/') & (63 + 1);
  return v;
}

bool is_space(char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; }

Error no_base64() { return fail(ErrorCode::malformed, "a PEM block that is not base64"); }

/// The text between the two lines. Where line breaks and padding stand is public; the rest is not looked at.
Result<SecretVector<std::uint8_t>> decode(std::string_view text) {
  std::size_t padding = 0, characters = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    ++characters;
    if (c == '=')
      ++padding;
    else if (padding > 0)
      return no_base64();
  }
  if (characters % 4 != 0 || padding > 2 || characters == 0) return no_base64();
  SecretVector<std::uint8_t> out(characters / 4 * 3 - padding);
  const auto bytes = out.reveal(RevealKey{});
  std::size_t at = 0;
  std::uint32_t held = 0;
  unsigned bits = 0;
  int bad = 0;
  for (const char c : text) {
    if (is_space(c) || c == '=') continue;
    const int v = value_of(static_cast<unsigned char>(c));
    bad |= v;  // negative once any value is
    held = held << 6 | (static_cast<std::uint32_t>(v) & 63);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = static_cast<std::uint8_t>(held >> bits & 0xff);
  }
  const std::uint32_t left_over = held & ((std::uint32_t{1} << bits) - 1);  // padding bits, zero in the one encoding
  secret::wipe(&held, sizeof held);
  if (bad < 0 || left_over != 0) return no_base64();
  return out;
}

}  // namespace

Result<PemBlock> read_pem(ByteView file) {
  const std::string_view text = as_text(file);
  const std::size_t begin = text.find(kBegin);
  if (begin == std::string_view::npos)
    return fail(ErrorCode::malformed, "no PEM block: a key file has a line \"-----BEGIN ...\"");
  const std::size_t label_at = begin + kBegin.size();
  const std::size_t label_end =
      text.substr(0, std::min(text.size(), label_at + kMaxLabelBytes)).find(kDashes, label_at);
  if (label_end == std::string_view::npos) return fail(ErrorCode::malformed, "a PEM block without a label");
  PemBlock block;
  block.label = text.substr(label_at, label_end - label_at);
  const std::size_t body = label_end + kDashes.size();
  const std::string last = std::string(kEnd) + block.label + std::string(kDashes);
  const std::size_t end = text.find(last, body);
  if (end == std::string_view::npos) return fail(ErrorCode::malformed, "a PEM block that does not end");
  const std::string_view rest = text.substr(end + last.size());
  if (!std::all_of(rest.begin(), rest.end(), is_space))
    return fail(ErrorCode::malformed, "a key file holds one key, and here something follows it");
  PRISM_TRY(block.der, decode(text.substr(body, end - body)));
  return block;
}

SecretVector<std::uint8_t> write_pem(std::string_view label, ByteView der) {
  const std::string first = std::string(kBegin) + std::string(label) + "-----\n";
  const std::string last = std::string(kEnd) + std::string(label) + "-----\n";
  const std::size_t characters = (der.size() + 2) / 3 * 4;
  SecretVector<std::uint8_t> out(first.size() + characters + (characters + kLineBytes - 1) / kLineBytes + last.size());
  auto at = std::copy(first.begin(), first.end(), out.reveal(RevealKey{}).begin());
  std::size_t in_line = 0;
  for (std::size_t i = 0; i < der.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, der.size() - i);
    std::uint32_t group = static_cast<std::uint32_t>(der[i]) << 16;
    if (have > 1) group |= static_cast<std::uint32_t>(der[i + 1]) << 8;
    if (have > 2) group |= der[i + 2];
    for (std::size_t k = 0; k < 4; ++k) {
      const int six = static_cast<int>(group >> (18 - 6 * k) & 63);
      *at++ = static_cast<std::uint8_t>(k <= have ? character_of(six) : '=');
    }
    in_line += 4;
    if (in_line == kLineBytes || i + 3 >= der.size()) {
      *at++ = '\n';
      in_line = 0;
    }
  }
  std::copy(last.begin(), last.end(), at);
  return out;
}

}  // namespace prism::crypto::internal
