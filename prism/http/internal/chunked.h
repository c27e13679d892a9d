// prism/http/internal/chunked.h - cuts the chunked transfer coding (RFC 9112, section 7.1) back into a body.
#pragma once
#include <cstdint>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::http::internal {

/// Strict: CRLF line ends, hexadecimal sizes below 2^60, extensions and trailers skipped up to a bound.
class ChunkDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };
  /// Decodes as much of `in` into `out` as goes; stops after the last chunk's end. malformed for anything else.
  Result<Step> decode(ByteView in, MutableByteView out);
  bool done() const { return state_ == State::done; }
  /// All bytes of chunks so far.
  std::uint64_t total() const { return total_; }

 private:
  enum class State {
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_line,
    last_lf,
    done
  };
  Status control(std::uint8_t byte);

  State state_ = State::size_first;
  std::uint64_t left_ = 0;  ///< of the chunk that is being read
  std::uint64_t total_ = 0;
  std::size_t overhead_ = 0;   ///< bytes of this chunk's extension, or of all trailers
  bool after_return_ = false;  ///< the last byte of a trailer line was CR
};

}  // namespace prism::http::internal
