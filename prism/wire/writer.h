// prism/wire/writer.h - appends little-endian values to bytes; the mirror of Reader, call for call.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "prism/base/bytes.h"

namespace prism::wire {

class Writer {
 public:
  Writer() = default;
  /// Goes on after `start`.
  explicit Writer(Bytes start) : bytes_(std::move(start)) {}

  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u16(std::uint16_t value) { little_endian(value, 2); }
  void u32(std::uint32_t value) { little_endian(value, 4); }
  void u64(std::uint64_t value) { little_endian(value, 8); }
  void i64(std::int64_t value) { little_endian(static_cast<std::uint64_t>(value), 8); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  /// What Reader::choice reads.
  void choice(std::uint8_t value) { u8(value); }
  /// What Reader::count reads.
  void count(std::size_t n) { u64(n); }

  /// The bytes alone: what Reader::view, array and digest read.
  void raw(ByteView bytes);
  void digest(const Digest& digest) { raw(digest); }
  /// A 64-bit length, then the bytes: what Reader::bytes, bytes_view and string read. Text must be UTF-8 (checked).
  void bytes(ByteView bytes);
  void string(std::string_view text);

  /// Appends `size` zero bytes and returns them for filling in; valid until the next call.
  MutableByteView grow(std::size_t size);

  std::size_t size() const { return bytes_.size(); }
  ByteView view() const { return bytes_; }
  Bytes take() && { return std::move(bytes_); }

 private:
  void little_endian(std::uint64_t value, std::size_t size);

  Bytes bytes_;
};

}  // namespace prism::wire
