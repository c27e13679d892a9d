// prism/wire/reader.h - reads little-endian values out of bytes that may come from anybody.
//
// A Reader does not own its bytes: what view() and bytes_view() return lives as long as they do. After an error the
// position is unchanged, and nothing was allocated in the refused length's name. Errors have code malformed and say
// what was being read, where, and which bound was broken; never what the bytes were.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::wire {

class Reader {
 public:
  /// `what` names the thing in error messages: "an answer", "the manifest".
  explicit Reader(ByteView bytes, std::string_view what = "the data") : bytes_(bytes), what_(what) {}

  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u32();
  Result<std::uint64_t> u64();
  /// Two's complement, 8 bytes.
  Result<std::int64_t> i64();
  /// One byte that must be 0 or 1, so that equal values have equal bytes.
  Result<bool> boolean();
  /// One byte below `count`; for enumerations 0, 1, ..., count - 1.
  Result<std::uint8_t> choice(std::uint8_t count);

  /// Exactly `size` bytes, in place.
  Result<ByteView> view(std::uint64_t size);
  /// A 64-bit length of at most `max`, then that many bytes: in place, copied, or as UTF-8 text.
  Result<ByteView> bytes_view(std::uint64_t max);
  Result<Bytes> bytes(std::uint64_t max);
  Result<std::string> string(std::uint64_t max);

  template <std::size_t size>
  Result<std::array<std::uint8_t, size>> array() {
    PRISM_TRY(const ByteView found, view(size));
    std::array<std::uint8_t, size> out;
    for (std::size_t i = 0; i < size; ++i) out[i] = found[i];
    return out;
  }
  Result<Digest> digest() { return array<32>(); }

  /// A 64-bit element count: at most `max`, and no more than fit into the remaining bytes when each element takes at
  /// least `min_bytes_each` >= 1. A vector may be reserved for it: it cannot be much larger than the input itself.
  Result<std::size_t> count(std::uint64_t max, std::uint64_t min_bytes_each);

  /// Refuses bytes that nobody read.
  Status finish() const;

  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  std::string_view what() const { return what_; }

 private:
  Status need(std::uint64_t size) const;
  Result<std::uint64_t> length(std::uint64_t max);
  std::uint64_t little_endian(std::size_t size);

  ByteView bytes_;
  std::string what_;
  std::size_t position_ = 0;
};

/// Whether `bytes` is well-formed UTF-8 (RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF).
bool is_utf8(ByteView bytes);

}  // namespace prism::wire
