#include "prism/channel/stream.h"

#include <utility>

#include "prism/base/check.h"
#include "prism/channel/stream_state.h"
#include "prism/secret/secret.h"

namespace prism::channel {

static_assert(kChunkBytes == crypto::kChunkBytes && kSealedChunkBytes == crypto::kSealedChunkBytes &&
              kStreamPrefixBytes == crypto::kChunkedHeadBytes);

namespace {

/// The room's own words: in crypto a wrong tag means a wrong key, here it means that somebody changed the stream.
Error stream_error(Error error) {
  if (error.code != ErrorCode::unauthorised) return error;
  return fail(ErrorCode::integrity, "a stream was changed, cut or reordered on its way");
}

}  // namespace

std::uint64_t sealed_stream_bytes(std::size_t header, std::uint64_t plain) {
  return header + crypto::chunked_sealed_bytes(plain);
}

Result<std::uint64_t> plain_stream_bytes(std::size_t header, std::uint64_t sealed) {
  const auto plain = sealed < header ? std::nullopt : crypto::chunked_plain_bytes(sealed - header);
  if (!plain) return fail(ErrorCode::malformed, "no body has a stream of ", sealed, " bytes: something is missing");
  return *plain;
}

StreamSealer::StreamSealer(std::unique_ptr<State> state) : state_(std::move(state)) {}
StreamSealer::StreamSealer(StreamSealer&&) noexcept = default;
StreamSealer& StreamSealer::operator=(StreamSealer&&) noexcept = default;
StreamSealer::~StreamSealer() = default;

RecordId StreamSealer::id() const { return state_->id; }
const Bytes& StreamSealer::head() const { return state_->head; }
std::size_t StreamSealer::update_bytes(std::size_t plain) const { return state_->chunks.update_bytes(plain); }
Result<std::size_t> StreamSealer::update(ByteView plain, MutableByteView out) {
  return state_->chunks.update(plain, out);
}
Result<std::size_t> StreamSealer::finish(MutableByteView out) { return state_->chunks.finish(out); }

StreamOpener::StreamOpener(std::unique_ptr<State> state) : state_(std::move(state)) {}
StreamOpener::StreamOpener(StreamOpener&&) noexcept = default;
StreamOpener& StreamOpener::operator=(StreamOpener&&) noexcept = default;
StreamOpener::~StreamOpener() = default;

const RecordHeader& StreamOpener::header() const { return state_->header; }
std::size_t StreamOpener::update_bytes(std::size_t sealed) const { return state_->chunks.update_bytes(sealed); }

Result<Provisional> StreamOpener::update(ByteView sealed, MutableByteView out) {
  const std::size_t size = state_->chunks.update_bytes(sealed.size());
  check(out.size() >= size, "stream: too little room; ask update_bytes()");
  auto written = state_->chunks.update(sealed, out);
  if (!written) {
    // Chunks before the bad one verified; but a caller who overlooks the error shall find nothing.
    if (size > 0) secret::wipe(out.data(), size);
    return stream_error(std::move(written).error());
  }
  state_->body_bytes += *written;
  return Provisional{*written};
}

Result<Complete> StreamOpener::finish(MutableByteView out) {
  auto written = state_->chunks.finish(out);
  if (!written) return stream_error(std::move(written).error());
  state_->body_bytes += *written;
  return Complete{*written, state_->body_bytes};
}

}  // namespace prism::channel
