// prism/channel/stream.h - bodies of any length in authenticated pieces: Cobblestone-256 (C2SP chunked encryption)
// under a key of their own.
//
// A stream is a record header (form 2), a salt of 24 and a key commitment of 32 bytes, then chunks of 16 KiB with a tag
// of 16 bytes each; the last chunk is shorter. The record's additional data is Cobblestone's context, so the commitment
// already proves session, direction, epoch, sequence and binding before a chunk is looked at. Changed, missing,
// reordered or added chunks are refused. Sealer and opener are independent of the SessionKeys they came from: use them
// on any one thread without a lock; they also outlive an epoch's end.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/channel/record.h"

namespace prism::channel {

inline constexpr std::size_t kChunkBytes = std::size_t{16} << 10;
inline constexpr std::size_t kSealedChunkBytes = kChunkBytes + 16;
/// Salt and commitment, which follow the record header.
inline constexpr std::size_t kStreamPrefixBytes = 56;

/// Bytes of the whole record for a body of `plain` bytes behind a header of `header` bytes, and back. The second
/// refuses lengths that no body has (malformed).
std::uint64_t sealed_stream_bytes(std::size_t header, std::uint64_t plain);
Result<std::uint64_t> plain_stream_bytes(std::size_t header, std::uint64_t sealed);

/// Send head(), then what update() and finish() write.
class StreamSealer {
 public:
  StreamSealer(StreamSealer&&) noexcept;
  StreamSealer& operator=(StreamSealer&&) noexcept;
  ~StreamSealer();

  RecordId id() const;
  const Bytes& head() const;
  /// The room that update(plain) may need: whole chunks that become full, with their tags.
  static constexpr std::size_t update_bound(std::size_t plain) {
    return (plain + kChunkBytes) / kChunkBytes * kSealedChunkBytes;
  }
  /// Exactly what the next update() with that many bytes writes: at most update_bound().
  std::size_t update_bytes(std::size_t plain) const;
  /// Takes any number of bytes, keeps less than a chunk back, and returns how many sealed bytes it wrote to `out`,
  /// which must have update_bytes(plain.size()) bytes and must not overlap `plain`. Full chunks go from `plain` to
  /// `out` without a stop in between. Errors: exhausted past Cobblestone's 2^38 chunks.
  Result<std::size_t> update(ByteView plain, MutableByteView out);
  /// Writes the last chunk, which may be empty; `out` needs kSealedChunkBytes. Once, and nothing afterwards.
  Result<std::size_t> finish(MutableByteView out);

 private:
  friend class SessionKeys;
  struct State;
  explicit StreamSealer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Plaintext of chunks that verified, of a stream whose end has not been seen: nobody may act on it as if it were the
/// whole. It may be written to a place that is thrown away when finish() fails.
struct Provisional {
  std::size_t bytes = 0;  ///< written to the front of `out`
};
/// The end verified: everything this opener wrote is what was sealed, complete and in order.
struct Complete {
  std::size_t bytes = 0;         ///< the rest, written to the front of `out`
  std::uint64_t body_bytes = 0;  ///< of the whole body
};

class StreamOpener {
 public:
  StreamOpener(StreamOpener&&) noexcept;
  StreamOpener& operator=(StreamOpener&&) noexcept;
  ~StreamOpener();

  const RecordHeader& header() const;
  /// The room that update(sealed) may need.
  static constexpr std::size_t update_bound(std::size_t sealed) {
    return (sealed + kSealedChunkBytes) / kSealedChunkBytes * kChunkBytes;
  }
  /// Exactly what the next update() with that many bytes writes: at most update_bound().
  std::size_t update_bytes(std::size_t sealed) const;
  /// Takes bytes after the head in pieces of any size; writes the plaintext of each chunk that is complete and
  /// verifies. Errors: integrity. After an error every call fails, and the part of `out` that this call could write is
  /// zeros.
  Result<Provisional> update(ByteView sealed, MutableByteView out);
  /// No more bytes: the last chunk must verify as the last. `out` needs kChunkBytes. Errors: integrity.
  Result<Complete> finish(MutableByteView out);

 private:
  friend class SessionKeys;
  struct State;
  explicit StreamOpener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace prism::channel
