#include "prism/channel/record.h"

#include <algorithm>

#include "prism/base/check.h"
#include "prism/channel/record_aad.h"

namespace prism::channel {
namespace {

/// Writes one thing behind the other; the caller knows that there is room.
class Appender {
 public:
  explicit Appender(MutableByteView out) : out_(out) {}
  void number(std::uint64_t value, std::size_t size) {
    check(out_.size() - size_ >= size, "record: no room for a number");
    while (size-- > 0) out_[size_++] = static_cast<std::uint8_t>(value >> (8 * size));
  }
  void bytes(ByteView bytes) {
    check(out_.size() - size_ >= bytes.size(), "record: no room for bytes; check_binding comes first");
    std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += bytes.size();
  }
  void frame(ByteView framed) {
    number(framed.size(), 4);
    bytes(framed);
  }
  std::size_t size() const { return size_; }

 private:
  MutableByteView out_;
  std::size_t size_ = 0;
};

std::uint64_t get(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

/// Text of a header field: neither a line break nor anything a terminal would obey.
bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

Result<std::size_t> record_header_bytes(ByteView first) {
  if (first.size() < kRecordFixedBytes)
    return fail(ErrorCode::malformed, "a record of ", first.size(), " bytes is shorter than its header of ",
                kRecordFixedBytes);
  if (first[0] != kRecordVersion)
    return fail(ErrorCode::unsupported, "a record of version ", unsigned{first[0]}, "; this program reads version ",
                unsigned{kRecordVersion});
  if (first[3] > kMaxContentTypeBytes)
    return fail(ErrorCode::malformed, "a record with a content type of ", unsigned{first[3]}, " bytes; at most ",
                kMaxContentTypeBytes);
  return kRecordFixedBytes + first[3];
}

Result<RecordHeader> read_record_header(ByteView record) {
  PRISM_TRY(const std::size_t size, record_header_bytes(record));
  if (record.size() < size) return fail(ErrorCode::malformed, "a record that ends inside its header");
  RecordHeader header;
  if (record[1] != 1 && record[1] != 2)
    return fail(ErrorCode::malformed, "a record of form ", unsigned{record[1]}, "; 1 and 2 are known");
  if (record[2] > 1) return fail(ErrorCode::malformed, "a record of direction ", unsigned{record[2]});
  header.form = static_cast<RecordForm>(record[1]);
  header.direction = static_cast<Direction>(record[2]);
  std::copy_n(record.begin() + 4, header.session.size(), header.session.begin());
  header.id.epoch = Epoch::of(static_cast<std::uint32_t>(get(record.subspan(20, 4))));
  header.id.sequence = get(record.subspan(24, 8));
  if (header.id.sequence >= kRecordsPerEpoch)
    return fail(ErrorCode::malformed, "a record with sequence ", header.id.sequence, "; an epoch ends before ",
                kRecordsPerEpoch);
  header.content_type = as_text(record.subspan(kRecordFixedBytes, size - kRecordFixedBytes));
  if (!is_printable(header.content_type))
    return fail(ErrorCode::malformed, "a record whose content type is not printable ASCII");
  return header;
}

RecordId record_id(ByteView record) { return read_record_header(record).value().id; }

Status check_binding(const Binding& binding, Direction direction) {
  const auto bounded = [](std::string_view what, std::string_view text, std::size_t max) -> Status {
    if (text.size() > max)
      return fail(ErrorCode::invalid_argument, "a ", what, " of ", text.size(), " bytes; at most ", max);
    return {};
  };
  PRISM_CHECKED(bounded("method", binding.method, kMaxMethodBytes));
  PRISM_CHECKED(bounded("path", binding.path, kMaxPathBytes));
  PRISM_CHECKED(bounded("content type", binding.content_type, kMaxContentTypeBytes));
  PRISM_CHECKED(bounded("idempotency key", binding.idempotency_key, kMaxIdempotencyKeyBytes));
  if (!is_printable(binding.content_type))
    return fail(ErrorCode::invalid_argument, "a content type that is not printable ASCII");
  if (binding.answer.has_value() != (direction == Direction::to_client))
    return fail(ErrorCode::invalid_argument, "a binding names the request it answers exactly when it is a response's");
  return {};
}

std::size_t write_record_header(const RecordHeader& header, MutableByteView out) {
  check(header.content_type.size() <= kMaxContentTypeBytes && out.size() >= header.bytes(),
        "record: the header does not fit");
  Appender to(out);
  to.number(kRecordVersion, 1);
  to.number(static_cast<std::uint8_t>(header.form), 1);
  to.number(static_cast<std::uint8_t>(header.direction), 1);
  to.number(header.content_type.size(), 1);
  to.bytes(header.session);
  to.number(header.id.epoch.number(), 4);
  to.number(header.id.sequence, 8);
  to.bytes(as_bytes(header.content_type));
  return to.size();
}

Bytes encode_record_header(const RecordHeader& header) {
  Bytes out(header.bytes());
  write_record_header(header, out);
  return out;
}

ByteView RecordAad::view(ByteView header, const Binding& binding) {
  Appender to(bytes_);
  to.bytes(as_bytes(kRecordLabel));
  to.bytes(header);
  to.frame(as_bytes(binding.method));
  to.frame(as_bytes(binding.path));
  to.frame(binding.context);
  to.frame(binding.program);
  to.frame(as_bytes(binding.idempotency_key));
  if (binding.answer) {
    to.number(binding.answer->status, 2);
    to.number(binding.answer->request.epoch.number(), 4);
    to.number(binding.answer->request.sequence, 8);
  }
  return ByteView(bytes_).first(to.size());
}

Bytes record_aad(ByteView header, const Binding& binding) {
  RecordAad aad;
  const ByteView bytes = aad.view(header, binding);
  return {bytes.begin(), bytes.end()};
}

std::string to_base64url(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t size = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 3; ++i) word = word << 8 | (i < size ? bytes[at + i] : 0u);
    for (std::size_t i = 0; i <= size; ++i) out += kAlphabet[word >> (18 - 6 * i) & 63];
  }
  return out;
}

Result<Bytes> from_base64url(std::string_view text, std::size_t max) {
  if (text.size() / 4 > max / 3 || text.size() * 3 / 4 > max)
    return fail(ErrorCode::malformed, "base64url text of ", text.size(), " characters; at most ", max,
                " bytes are taken");
  if (text.size() % 4 == 1) return fail(ErrorCode::malformed, "base64url text that ends inside a byte");
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t word = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return fail(ErrorCode::malformed, "a character that base64url does not have");
    word = (word << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::uint8_t>(word >> bits));
  }
  // One encoding per value: left-over bits are zeros.
  if ((word & ((1u << bits) - 1)) != 0) return fail(ErrorCode::malformed, "base64url text with bits behind its end");
  return out;
}

}  // namespace prism::channel
