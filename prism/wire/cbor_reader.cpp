#include <algorithm>

#include "prism/wire/cbor.h"
#include "prism/wire/reader.h"

namespace prism::wire {
namespace {

constexpr std::uint8_t kUnsigned = 0, kNegative = 1, kBytes = 2, kText = 3, kArray = 4, kMap = 5, kTag = 6, kSimple = 7;
constexpr std::uint64_t kFalse = 20, kTrue = 21, kNull = 22;

std::string_view name_of(std::uint8_t major) {
  constexpr std::array<std::string_view, 8> names{
      "an unsigned integer", "a negative integer", "a byte string", "text", "an array", "a map", "a tag",
      "a simple value"};
  return names[major];
}

}  // namespace

template <class... Parts>
Error CborReader::refuse(const Parts&... parts) {
  failed_ = true;
  return fail(ErrorCode::malformed, what_, " at byte ", position_, ": ", parts...);
}

Result<CborReader::Head> CborReader::peek() const {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::malformed, what_, " at byte ", position_, ": ", why);
  };
  if (failed_) return bad("an error came before");
  if (complete_) return bad("an item was read, and there is only one");
  if (position_ == bytes_.size()) return bad("the bytes end where an item should be");
  const std::uint8_t first = bytes_[position_];
  const auto major = static_cast<std::uint8_t>(first >> 5);
  const std::uint8_t additional = first & 31;
  if (additional < 24) {
    if (major == kSimple && (additional < kFalse || additional > kNull)) return bad("a simple value that is not used");
    return Head{major, additional, 1};
  }
  if (additional > 27) return bad("an indefinite or reserved length");
  if (major == kSimple) return bad("floats and other simple values are not used");
  const std::size_t size = std::size_t{1} << (additional - 24);
  if (bytes_.size() - position_ - 1 < size) return bad("the bytes end inside a number");
  std::uint64_t argument = 0;
  for (std::size_t i = 1; i <= size; ++i) argument = argument << 8 | bytes_[position_ + i];
  // The longer form only for what the next shorter one cannot hold (RFC 8949, section 4.2.1).
  const std::uint64_t least = size == 1 ? 24 : std::uint64_t{1} << (4 * size);
  if (argument < least) return bad("a number is longer than needed");
  return Head{major, argument, 1 + size};
}

Result<CborKind> CborReader::kind() const {
  PRISM_TRY(const Head head, peek());
  switch (head.major) {
    case kUnsigned:
      return CborKind::unsigned_integer;
    case kNegative:
      return CborKind::negative_integer;
    case kBytes:
      return CborKind::bytes;
    case kText:
      return CborKind::text;
    case kArray:
      return CborKind::array;
    case kMap:
      return CborKind::map;
    case kTag:
      return CborKind::tag;
    default:
      return head.argument == kNull ? CborKind::null : CborKind::boolean;
  }
}

Status CborReader::begin_item(bool may_be_key) {
  if (tagged_) return {};  // began with the tag
  item_begin_ = position_;
  if (depth_ == 0 || may_be_key) return {};
  const CborFrame& frame = stack_[depth_ - 1];
  if (frame.is_map && frame.items_left % 2 == 0) return refuse("only integers and strings are keys");
  return {};
}

Status CborReader::end_item() {
  tagged_ = false;
  while (depth_ > 0) {
    CborFrame& frame = stack_[depth_ - 1];
    if (frame.is_map && frame.items_left % 2 == 0) {
      const ByteView key = bytes_.subspan(item_begin_, position_ - item_begin_);
      if (frame.has_key) {
        const ByteView before = bytes_.subspan(frame.key_begin, frame.key_end - frame.key_begin);
        if (!std::lexicographical_compare(before.begin(), before.end(), key.begin(), key.end()))
          return refuse("map keys are not in order, or double");
      }
      frame.has_key = true;
      frame.key_begin = item_begin_;
      frame.key_end = position_;
    }
    if (--frame.items_left > 0) return {};
    --depth_;  // the container was itself an item of the one around it
  }
  complete_ = true;
  return {};
}

Result<std::uint64_t> CborReader::take(std::uint8_t major, std::string_view wanted) {
  const auto head = peek();
  if (!head) {
    failed_ = true;
    return head.error();
  }
  if (head->major != major) return refuse(wanted, " wanted, found ", name_of(head->major));
  PRISM_CHECKED(begin_item(major <= kText));
  position_ += head->size;
  return head->argument;
}

Result<std::uint64_t> CborReader::unsigned_integer(std::uint64_t max) {
  PRISM_TRY(const std::uint64_t value, take(kUnsigned, "an unsigned integer"));
  if (value > max) return refuse("a number of at most ", max, " wanted");
  PRISM_CHECKED(end_item());
  return value;
}

Result<std::int64_t> CborReader::integer() {
  PRISM_TRY(const CborKind next, kind());
  const bool negative = next == CborKind::negative_integer;
  PRISM_TRY(const std::uint64_t value, take(negative ? kNegative : kUnsigned, "an integer"));
  if (value > static_cast<std::uint64_t>(INT64_MAX)) return refuse("an integer that has 64 bits wanted");
  PRISM_CHECKED(end_item());
  const auto magnitude = static_cast<std::int64_t>(value);
  return negative ? -1 - magnitude : magnitude;
}

Result<ByteView> CborReader::string(std::uint8_t major, std::size_t min, std::size_t max) {
  PRISM_TRY(const std::uint64_t size, take(major, name_of(major)));
  if (size < min || size > max)
    return refuse(name_of(major), " of ", min, " to ", max, " bytes wanted, found one of ", size);
  if (size > bytes_.size() - position_) return refuse("the bytes end inside ", name_of(major));
  const ByteView found = bytes_.subspan(position_, static_cast<std::size_t>(size));
  if (major == kText && !is_utf8(found)) return refuse("text that is not UTF-8");
  position_ += found.size();
  PRISM_CHECKED(end_item());
  return found;
}

Result<ByteView> CborReader::bytes(std::size_t min, std::size_t max) { return string(kBytes, min, max); }

Result<std::string_view> CborReader::text(std::size_t min, std::size_t max) {
  PRISM_TRY(const ByteView found, string(kText, min, max));
  return as_text(found);
}

Result<std::size_t> CborReader::open(std::uint8_t major, std::size_t min, std::size_t max) {
  PRISM_TRY(const std::uint64_t count, take(major, name_of(major)));
  const bool is_map = major == kMap;
  const std::string_view unit = is_map ? " pairs" : " items";
  if (count < min || count > max)
    return refuse(name_of(major), " of ", min, " to ", max, unit, " wanted, found ", count);
  // Every item takes a byte at least.
  if (count > (bytes_.size() - position_) / (is_map ? 2 : 1))
    return refuse(count, unit, " cannot be in the bytes left");
  if (count == 0) {
    PRISM_CHECKED(end_item());
    return std::size_t{0};
  }
  if (depth_ == kMaxCborDepth) return refuse("more than ", kMaxCborDepth, " containers inside one another");
  tagged_ = false;
  stack_[depth_++] = {.items_left = is_map ? 2 * count : count, .is_map = is_map};
  return static_cast<std::size_t>(count);
}

Result<std::size_t> CborReader::array(std::size_t min, std::size_t max) { return open(kArray, min, max); }
Result<std::size_t> CborReader::map(std::size_t min, std::size_t max) { return open(kMap, min, max); }

Status CborReader::tag(std::uint64_t wanted) {
  PRISM_TRY(const std::uint64_t number, take(kTag, "a tag"));
  if (number != wanted) return refuse("tag ", wanted, " wanted, found tag ", number);
  tagged_ = true;
  return {};
}

Result<bool> CborReader::boolean() {
  PRISM_TRY(const std::uint64_t value, take(kSimple, "true or false"));
  if (value == kNull) return refuse("true or false wanted, found null");
  PRISM_CHECKED(end_item());
  return value == kTrue;
}

Status CborReader::null() {
  PRISM_TRY(const std::uint64_t value, take(kSimple, "null"));
  if (value != kNull) return refuse("null wanted, found true or false");
  return end_item();
}

Status CborReader::key(std::uint64_t wanted) {
  PRISM_TRY(const bool found, optional_key(wanted));
  if (!found) return refuse("key ", wanted, " wanted");
  return {};
}

Result<bool> CborReader::optional_key(std::uint64_t wanted) {
  if (depth_ == 0 || tagged_) return false;
  const CborFrame& frame = stack_[depth_ - 1];
  if (!frame.is_map || frame.items_left % 2 != 0) return false;
  PRISM_TRY(const Head head, peek());
  if (head.major != kUnsigned || head.argument != wanted) return false;
  PRISM_CHECKED(unsigned_integer());
  return true;
}

Result<ByteView> CborReader::skip() {
  const std::size_t begin = position_;
  const std::size_t outside = depth_;
  do {
    const auto next = kind();
    if (!next) {
      failed_ = true;
      return next.error();
    }
    switch (*next) {
      case CborKind::unsigned_integer:
        PRISM_CHECKED(unsigned_integer());
        break;
      case CborKind::negative_integer: {
        PRISM_TRY([[maybe_unused]] const auto value, take(kNegative, "an integer"));
        PRISM_CHECKED(end_item());
        break;
      }
      case CborKind::bytes:
        PRISM_CHECKED(bytes(0, SIZE_MAX));
        break;
      case CborKind::text:
        PRISM_CHECKED(text(0, SIZE_MAX));
        break;
      case CborKind::array:
        PRISM_CHECKED(array(0, SIZE_MAX));
        break;
      case CborKind::map:
        PRISM_CHECKED(map(0, SIZE_MAX));
        break;
      case CborKind::tag: {
        PRISM_TRY([[maybe_unused]] const auto number, take(kTag, "a tag"));
        tagged_ = true;
        break;
      }
      case CborKind::boolean:
        PRISM_CHECKED(boolean());
        break;
      case CborKind::null:
        PRISM_CHECKED(null());
        break;
    }
  } while (tagged_ || depth_ > outside);
  return bytes_.subspan(begin, position_ - begin);
}

Status CborReader::finish() {
  if (failed_) return refuse("an error came before");
  if (!complete_) return refuse("the item is not complete, or was not read to its end");
  if (position_ != bytes_.size()) return refuse(bytes_.size() - position_, " bytes follow the end");
  return {};
}

}  // namespace prism::wire
