#include "prism/wire/writer.h"

#include "prism/base/check.h"
#include "prism/wire/reader.h"

namespace prism::wire {

void Writer::little_endian(std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void Writer::raw(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

void Writer::bytes(ByteView bytes) {
  u64(bytes.size());
  raw(bytes);
}

void Writer::string(std::string_view text) {
  check(is_utf8(as_bytes(text)), "Writer::string takes UTF-8");
  bytes(as_bytes(text));
}

MutableByteView Writer::grow(std::size_t size) {
  bytes_.resize(bytes_.size() + size);
  return MutableByteView(bytes_).last(size);
}

}  // namespace prism::wire
