#include "prism/wire/reader.h"

namespace prism::wire {

Status Reader::need(std::uint64_t size) const {
  if (size <= remaining()) return {};
  return fail(ErrorCode::malformed, what_, " ends early: ", size, " bytes wanted at byte ", position_, ", ",
              remaining(), " left");
}

std::uint64_t Reader::little_endian(std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{bytes_[position_ + i]} << (8 * i);
  position_ += size;
  return value;
}

Result<std::uint8_t> Reader::u8() {
  PRISM_CHECKED(need(1));
  return static_cast<std::uint8_t>(little_endian(1));
}

Result<std::uint16_t> Reader::u16() {
  PRISM_CHECKED(need(2));
  return static_cast<std::uint16_t>(little_endian(2));
}

Result<std::uint32_t> Reader::u32() {
  PRISM_CHECKED(need(4));
  return static_cast<std::uint32_t>(little_endian(4));
}

Result<std::uint64_t> Reader::u64() {
  PRISM_CHECKED(need(8));
  return little_endian(8);
}

Result<std::int64_t> Reader::i64() {
  PRISM_CHECKED(need(8));
  return static_cast<std::int64_t>(little_endian(8));
}

Result<bool> Reader::boolean() {
  PRISM_TRY(const std::uint8_t value, choice(2));
  return value == 1;
}

Result<std::uint8_t> Reader::choice(std::uint8_t count) {
  PRISM_CHECKED(need(1));
  if (bytes_[position_] >= count)
    return fail(ErrorCode::malformed, what_, " has an unknown choice at byte ", position_, "; ", int{count},
                " are known");
  return static_cast<std::uint8_t>(little_endian(1));
}

Result<ByteView> Reader::view(std::uint64_t size) {
  PRISM_CHECKED(need(size));
  const ByteView found = bytes_.subspan(position_, static_cast<std::size_t>(size));
  position_ += found.size();
  return found;
}

Result<std::uint64_t> Reader::length(std::uint64_t max) {
  const std::size_t start = position_;
  PRISM_TRY(const std::uint64_t size, u64());
  if (size > max) {
    position_ = start;
    return fail(ErrorCode::malformed, what_, " has a length of ", size, " at byte ", start, "; at most ", max,
                " is allowed there");
  }
  if (auto fits = need(size); !fits) {
    position_ = start;
    return std::move(fits).error();
  }
  return size;
}

Result<ByteView> Reader::bytes_view(std::uint64_t max) {
  PRISM_TRY(const std::uint64_t size, length(max));
  return view(size);
}

Result<Bytes> Reader::bytes(std::uint64_t max) {
  PRISM_TRY(const ByteView found, bytes_view(max));
  return Bytes(found.begin(), found.end());
}

Result<std::string> Reader::string(std::uint64_t max) {
  const std::size_t start = position_;
  PRISM_TRY(const ByteView found, bytes_view(max));
  if (!is_utf8(found)) {
    position_ = start;
    return fail(ErrorCode::malformed, what_, " has text that is not UTF-8 at byte ", start);
  }
  return std::string(as_text(found));
}

Result<std::size_t> Reader::count(std::uint64_t max, std::uint64_t min_bytes_each) {
  check(min_bytes_each >= 1, "an element that takes no bytes has no bound on its count");
  const std::size_t start = position_;
  PRISM_TRY(const std::uint64_t n, u64());
  if (n > max || n > remaining() / min_bytes_each) {
    const std::uint64_t room = remaining() / min_bytes_each;
    position_ = start;
    return fail(ErrorCode::malformed, what_, " has a count of ", n, " at byte ", start, "; at most ", max,
                " is allowed there, and ", room, " fit into what is left");
  }
  return static_cast<std::size_t>(n);
}

Status Reader::finish() const {
  if (remaining() == 0) return {};
  return fail(ErrorCode::malformed, what_, " has ", remaining(), " bytes too many, from byte ", position_, " on");
}

bool is_utf8(ByteView bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const std::uint8_t first = bytes[i];
    std::size_t more = 0;
    // Bounds of the second byte; they exclude overlong forms (E0, F0), surrogates (ED) and values past U+10FFFF (F4).
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
    if (first < 0x80) {
      ++i;
      continue;
    }
    if (first >= 0xC2 && first <= 0xDF) {
      more = 1;
    } else if (first >= 0xE0 && first <= 0xEF) {
      more = 2;
      if (first == 0xE0) low = 0xA0;
      if (first == 0xED) high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
      more = 3;
      if (first == 0xF0) low = 0x90;
      if (first == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    if (more >= bytes.size() - i) return false;
    if (bytes[i + 1] < low || bytes[i + 1] > high) return false;
    for (std::size_t j = 2; j <= more; ++j)
      if ((bytes[i + j] & 0xC0) != 0x80) return false;
    i += more + 1;
  }
  return true;
}

}  // namespace prism::wire
