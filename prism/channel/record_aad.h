// prism/channel/record_aad.h - a record's additional data in memory of its own, because sealing a small record should
// not wait for an allocator.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/channel/record.h"

namespace prism::channel {

inline constexpr std::string_view kRecordLabel = "prism/v1/record";
/// Label, header, five frames and what an answer adds.
inline constexpr std::size_t kMaxAadBytes = kRecordLabel.size() + kRecordFixedBytes + kMaxContentTypeBytes + 5 * 4 +
                                            kMaxMethodBytes + kMaxPathBytes + 2 * 32 + kMaxIdempotencyKeyBytes + 14;

class RecordAad {
 public:
  /// Valid until the next call. The binding must have passed check_binding.
  ByteView view(ByteView header, const Binding& binding);

 private:
  std::array<std::uint8_t, kMaxAadBytes> bytes_;
};

/// encode_record_header() to the front of `out`; the bytes written.
std::size_t write_record_header(const RecordHeader& header, MutableByteView out);

}  // namespace prism::channel
