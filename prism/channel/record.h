// prism/channel/record.h - one protected HTTP body: its header, what its tag binds, and how it is told from others.
//
//   offset  0  u8        version, 1
//           1  u8        form: 1 single (one AES-256-GCM message), 2 stream (Cobblestone-256, stream.h)
//           2  u8        direction: 0 from client to server, 1 from server to client
//           3  u8        length n of the content type, 0 to 127
//           4  16 bytes  session id
//          20  u32       epoch
//          24  u64       sequence
//          32  n bytes   content type of the body inside, printable ASCII
//        32+n            ciphertext
//
// Numbers are in network byte order, as in CBOR and HkdfLabel, which the same protocol uses. A record is
// self-contained: as an HTTP body its media type is application/prism-record; where there is no body, it stands in the
// header field Prism-Record as base64url without padding (RFC 4648, section 5).
#pragma once
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::channel {

/// Random, chosen by the server; names the session to both sides and gives nobody any right.
using SessionId = std::array<std::uint8_t, 16>;

inline constexpr std::string_view kRecordMediaType = "application/prism-record";
inline constexpr std::string_view kRecordField = "Prism-Record";

inline constexpr std::uint8_t kRecordVersion = 1;
inline constexpr std::size_t kRecordFixedBytes = 32;
inline constexpr std::size_t kMaxContentTypeBytes = 127;
/// The largest body in one AEAD message; larger ones are streams.
inline constexpr std::size_t kMaxSingleBytes = std::size_t{64} << 10;
/// Records of one epoch and direction: sequences 0 to 2^20 - 1. With 64 KiB each, GCM stays below 2^32 blocks per key.
inline constexpr std::uint64_t kRecordsPerEpoch = std::uint64_t{1} << 20;

enum class RecordForm : std::uint8_t { single = 1, stream = 2 };
enum class Direction : std::uint8_t { to_server = 0, to_client = 1 };

/// Which keys protect a record: the high 16 bits count fresh key exchanges in the session, the low 16 bits the
/// symmetric updates since the last one. Later epochs are larger numbers.
struct Epoch {
  std::uint16_t generation = 0, update = 0;
  constexpr std::uint32_t number() const { return std::uint32_t{generation} << 16 | update; }
  static constexpr Epoch of(std::uint32_t number) {
    return {static_cast<std::uint16_t>(number >> 16), static_cast<std::uint16_t>(number)};
  }
  auto operator<=>(const Epoch&) const = default;
};

/// Names one record among those of its session and direction; no two records share it.
struct RecordId {
  Epoch epoch;
  std::uint64_t sequence = 0;
  bool operator==(const RecordId&) const = default;
};

struct RecordHeader {
  RecordForm form = RecordForm::single;
  Direction direction = Direction::to_server;
  SessionId session{};
  RecordId id;
  std::string content_type;

  std::size_t bytes() const { return kRecordFixedBytes + content_type.size(); }
};

/// What a response answers. Bound, so that an answer cannot be moved to another request or be given another status.
struct Answer {
  RecordId request;
  std::uint16_t status = 200;  ///< the HTTP status code on the outside
};

/// The request that a record belongs to, as both sides see it on the HTTP message around the record. Responses bind the
/// same values as their request, and `answer`. Views must live during the call only.
struct Binding {
  std::string_view method;        ///< "POST"; of the request, also for responses
  std::string_view path;          ///< the request target as in the request line: path and query, escapes untouched
  std::string_view content_type;  ///< of the body inside. When opening, empty accepts any; else it must be this one
  Digest context{};               ///< of the key context, header field Prism-Context in hexadecimal; zeros without one
  Digest program{};               ///< of the computation, header field Prism-Program; zeros without one
  std::string_view idempotency_key{};  ///< header field Idempotency-Key, without quotes; empty without one
  std::optional<Answer> answer{};      ///< set for responses only
};
inline constexpr std::size_t kMaxMethodBytes = 16, kMaxPathBytes = 2048, kMaxIdempotencyKeyBytes = 255;

/// Reads the header where a record begins; looks at nothing behind it. Errors: malformed (cut short, unknown form or
/// direction, a content type that is not printable ASCII, a sequence of kRecordsPerEpoch or more), unsupported
/// (version).
Result<RecordHeader> read_record_header(ByteView record);
/// How many bytes of `record` the header takes, from its first kRecordFixedBytes bytes. Errors as above.
Result<std::size_t> record_header_bytes(ByteView first);
/// The name of a record that this program sealed or opened; check() that it is one.
RecordId record_id(ByteView record);

/// Errors: invalid_argument when a field of the binding is longer than its bound, the content type is not printable
/// ASCII, or the answer does not go with the direction.
Status check_binding(const Binding& binding, Direction direction);
Bytes encode_record_header(const RecordHeader& header);
/// What the tag covers besides the body: "prism/v1/record", the header, then method, path, context, program and
/// idempotency key, each behind its 32-bit length; for responses then status (u16), epoch (u32) and sequence (u64) of
/// the request. `header` is the encoded one.
Bytes record_aad(ByteView header, const Binding& binding);

/// The form for the header field: base64url without padding. Errors: malformed; longer than `max` bytes decoded.
std::string to_base64url(ByteView bytes);
Result<Bytes> from_base64url(std::string_view text, std::size_t max);

}  // namespace prism::channel
