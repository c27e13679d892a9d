#include <algorithm>
#include <utility>

#include "prism/base/check.h"
#include "prism/wire/cbor.h"
#include "prism/wire/reader.h"

namespace prism::wire {

void CborWriter::head(std::uint8_t major, std::uint64_t argument) {
  std::uint8_t additional = 0;
  std::size_t size = 0;
  if (argument < 24) {
    additional = static_cast<std::uint8_t>(argument);
  } else {
    while (size < 3 && argument >> (8u << size) != 0) ++size;  // 1, 2, 4 or 8 bytes: 2^size
    additional = static_cast<std::uint8_t>(24 + size);
    size = std::size_t{1} << size;
  }
  bytes_.push_back(static_cast<std::uint8_t>(major << 5 | additional));
  for (std::size_t i = size; i-- > 0;) bytes_.push_back(static_cast<std::uint8_t>(argument >> (8 * i)));
}

void CborWriter::begin_item(bool may_be_key) {
  check(!complete_, "a CborWriter holds one item");
  if (tagged_) return;  // began with the tag
  item_begin_ = bytes_.size();
  if (depth_ == 0 || may_be_key) return;
  const CborFrame& frame = stack_[depth_ - 1];
  check(!frame.is_map || frame.items_left % 2 != 0, "only integers and strings are keys of a CBOR map");
}

void CborWriter::end_item() {
  tagged_ = false;
  while (depth_ > 0) {
    CborFrame& frame = stack_[depth_ - 1];
    if (frame.is_map && frame.items_left % 2 == 0) {
      const ByteView key = ByteView(bytes_).subspan(item_begin_);
      if (frame.has_key) {
        const ByteView before = ByteView(bytes_).subspan(frame.key_begin, frame.key_end - frame.key_begin);
        check(std::lexicographical_compare(before.begin(), before.end(), key.begin(), key.end()),
              "the keys of a CBOR map are written in order, each once");
      }
      frame.has_key = true;
      frame.key_begin = item_begin_;
      frame.key_end = bytes_.size();
    }
    if (--frame.items_left > 0) return;
    --depth_;
  }
  complete_ = true;
}

void CborWriter::open(std::uint64_t items, bool is_map) {
  if (items == 0) return end_item();
  check(depth_ < kMaxCborDepth, "too many containers inside one another");
  tagged_ = false;
  stack_[depth_++] = {.items_left = items, .is_map = is_map};
}

void CborWriter::unsigned_integer(std::uint64_t value) {
  begin_item(true);
  head(0, value);
  end_item();
}

void CborWriter::integer(std::int64_t value) {
  begin_item(true);
  if (value < 0)
    head(1, ~static_cast<std::uint64_t>(value));  // -1 - value
  else
    head(0, static_cast<std::uint64_t>(value));
  end_item();
}

void CborWriter::bytes(ByteView value) {
  begin_item(true);
  head(2, value.size());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  end_item();
}

void CborWriter::text(std::string_view value) {
  check(is_utf8(as_bytes(value)), "CBOR text is UTF-8");
  begin_item(true);
  head(3, value.size());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  end_item();
}

void CborWriter::array(std::size_t items) {
  begin_item(false);
  head(4, items);
  open(items, false);
}

void CborWriter::map(std::size_t pairs) {
  begin_item(false);
  head(5, pairs);
  open(std::uint64_t{pairs} * 2, true);
}

void CborWriter::tag(std::uint64_t number) {
  begin_item(false);
  head(6, number);
  tagged_ = true;
}

void CborWriter::boolean(bool value) {
  begin_item(false);
  head(7, value ? 21 : 20);
  end_item();
}

void CborWriter::null() {
  begin_item(false);
  head(7, 22);
  end_item();
}

Bytes CborWriter::take() && {
  check(complete_, "the CBOR item is not complete");
  return std::move(bytes_);
}

}  // namespace prism::wire
