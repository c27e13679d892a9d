#include "prism/http/internal/chunked.h"

#include <algorithm>

namespace prism::http::internal {
namespace {

/// Nobody needs these; more is an attempt to keep us reading.
constexpr std::size_t kMaxExtensionBytes = 256;
constexpr std::size_t kMaxTrailerBytes = 8 * 1024;
constexpr std::uint64_t kMaxChunkBytes = std::uint64_t{1} << 60;

int hex_value(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error broken() { return fail(ErrorCode::malformed, "the chunks of the body are broken (RFC 9112, section 7.1)"); }

}  // namespace

Status ChunkDecoder::control(std::uint8_t byte) {
  switch (state_) {
    case State::size_first:
    case State::size: {
      const int digit = hex_value(byte);
      if (digit >= 0) {
        if (left_ >= kMaxChunkBytes / 16) return broken();
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        state_ = State::size;
        return {};
      }
      if (state_ == State::size_first) return broken();
      if (byte == '\r') {
        state_ = State::size_lf;
      } else if (byte == ';' || byte == ' ' || byte == '\t') {
        state_ = State::extension;
        overhead_ = 0;
      } else {
        return broken();
      }
      return {};
    }
    case State::extension:
      if (byte == '\r') {
        state_ = State::size_lf;
        return {};
      }
      if (++overhead_ > kMaxExtensionBytes || (byte < 0x20 && byte != '\t') || byte == 0x7f) return broken();
      return {};
    case State::size_lf:
      if (byte != '\n') return broken();
      state_ = left_ > 0 ? State::data : State::trailer;
      overhead_ = 0;
      return {};
    case State::data_cr:
      if (byte != '\r') return broken();
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (byte != '\n') return broken();
      state_ = State::size_first;
      return {};
    case State::trailer:
      state_ = byte == '\r' ? State::last_lf : State::trailer_line;
      after_return_ = false;
      if (state_ == State::last_lf) return {};
      [[fallthrough]];
    case State::trailer_line:
      if (++overhead_ > kMaxTrailerBytes) return broken();
      if (after_return_ != (byte == '\n')) return broken();
      if (byte == '\n') state_ = State::trailer;
      after_return_ = byte == '\r';
      return {};
    case State::last_lf:
      if (byte != '\n') return broken();
      state_ = State::done;
      return {};
    case State::data:
    case State::done:
      break;
  }
  return broken();
}

Result<ChunkDecoder::Step> ChunkDecoder::decode(ByteView in, MutableByteView out) {
  Step step;
  while (step.consumed < in.size() && state_ != State::done) {
    if (state_ != State::data) {
      PRISM_CHECKED(control(in[step.consumed]));
      ++step.consumed;
      continue;
    }
    const std::size_t room = std::min(in.size() - step.consumed, out.size() - step.produced);
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(room, left_));
    if (piece == 0) break;
    std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(step.consumed), piece,
                out.begin() + static_cast<std::ptrdiff_t>(step.produced));
    step.consumed += piece;
    step.produced += piece;
    left_ -= piece;
    total_ += piece;
    if (left_ == 0) state_ = State::data_cr;
  }
  return step;
}

}  // namespace prism::http::internal
