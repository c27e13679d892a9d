// prism/wire/cbor.h - CBOR (RFC 8949) in its deterministic form, section 4.2.1: one value, one encoding.
//
// Allowed: integers, byte strings, text (UTF-8), arrays, maps with integer or string keys, tags, false, true and null.
// Refused: lengths and integers that are longer than needed, indefinite lengths, floats, other simple values, map keys
// that are unsorted or double, more than kMaxCborDepth containers inside one another, bytes after the end. Both sides
// work in one pass over a small fixed stack: no recursion, and no memory in the name of a length that the bytes do not
// hold.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::wire {

inline constexpr std::size_t kMaxCborDepth = 8;

enum class CborKind : std::uint8_t { unsigned_integer, negative_integer, bytes, text, array, map, tag, boolean, null };

/// Where a reader or writer stands inside arrays and maps.
struct CborFrame {
  std::uint64_t items_left = 0;  ///< keys and values both count
  bool is_map = false;
  bool has_key = false;  ///< there is a previous key, at:
  std::size_t key_begin = 0;
  std::size_t key_end = 0;
};

/// Appends one item after the other. Misuse (keys out of order, too many or too few items) is a broken invariant:
/// check().
class CborWriter {
 public:
  void unsigned_integer(std::uint64_t value);
  void integer(std::int64_t value);
  void bytes(ByteView value);
  void text(std::string_view value);
  /// Exactly `items` items follow.
  void array(std::size_t items);
  /// Exactly `pairs` keys, each with its value behind it, follow: keys by the order of their encodings (small unsigned
  /// integers by value).
  void map(std::size_t pairs);
  /// The next item is tagged.
  void tag(std::uint64_t number);
  void boolean(bool value);
  void null();

  /// One pair of a map.
  void field(std::uint64_t key, std::uint64_t value) { unsigned_integer(key), unsigned_integer(value); }
  void field(std::uint64_t key, ByteView value) { unsigned_integer(key), bytes(value); }
  void field(std::uint64_t key, std::string_view value) { unsigned_integer(key), text(value); }

  /// The one complete item.
  Bytes take() &&;

 private:
  void head(std::uint8_t major, std::uint64_t argument);
  void begin_item(bool may_be_key);
  void end_item();
  void open(std::uint64_t items, bool is_map);

  Bytes bytes_;
  std::array<CborFrame, kMaxCborDepth> stack_{};
  std::size_t depth_ = 0;
  std::size_t item_begin_ = 0;
  bool tagged_ = false;
  bool complete_ = false;
};

/// Reads what anybody sent. Views point into the bytes, which must live longer. After an error nothing more can be
/// read. Errors: malformed, naming `what`, the position and the rule; never content.
class CborReader {
 public:
  explicit CborReader(ByteView bytes, std::string_view what = "the message") : bytes_(bytes), what_(what) {}

  /// What comes next. Errors: malformed at the end, or for what is never allowed.
  Result<CborKind> kind() const;

  Result<std::uint64_t> unsigned_integer(std::uint64_t max = UINT64_MAX);
  Result<std::int64_t> integer();
  /// At least `min`, at most `max` bytes.
  Result<ByteView> bytes(std::size_t min, std::size_t max);
  /// Exactly `size` bytes.
  template <std::size_t size>
  Result<std::array<std::uint8_t, size>> bytes_of() {
    PRISM_TRY(const ByteView found, bytes(size, size));
    std::array<std::uint8_t, size> out;
    for (std::size_t i = 0; i < size; ++i) out[i] = found[i];
    return out;
  }
  /// At least `min`, at most `max` bytes of UTF-8.
  Result<std::string_view> text(std::size_t min, std::size_t max);
  /// The number of items that follow, or of pairs; at most `max`, and no more than the remaining bytes can hold.
  Result<std::size_t> array(std::size_t min, std::size_t max);
  Result<std::size_t> map(std::size_t min, std::size_t max);
  Status tag(std::uint64_t wanted);
  Result<bool> boolean();
  Status null();

  /// The next key of the map is this number.
  Status key(std::uint64_t wanted);
  /// Whether the map's next key is this number; it is consumed if so.
  Result<bool> optional_key(std::uint64_t wanted);

  /// Goes past one item of any kind, checking all of it; its encoding.
  Result<ByteView> skip();

  /// One item was read, completely, and nothing follows.
  Status finish();

  std::size_t position() const { return position_; }

 private:
  struct Head {
    std::uint8_t major;
    std::uint64_t argument;
    std::size_t size;
  };
  template <class... Parts>
  Error refuse(const Parts&... parts);
  Result<Head> peek() const;
  Result<std::uint64_t> take(std::uint8_t major, std::string_view wanted);
  Status begin_item(bool may_be_key);
  Status end_item();
  Result<ByteView> string(std::uint8_t major, std::size_t min, std::size_t max);
  Result<std::size_t> open(std::uint8_t major, std::size_t min, std::size_t max);

  ByteView bytes_;
  std::string what_;
  std::size_t position_ = 0;
  std::array<CborFrame, kMaxCborDepth> stack_{};
  std::size_t depth_ = 0;
  std::size_t item_begin_ = 0;
  bool tagged_ = false;
  bool complete_ = false;
  bool failed_ = false;
};

}  // namespace prism::wire
