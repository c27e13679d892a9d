#include "prism/crypto/chunked.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "prism/crypto/kdf.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;
using secret::Secret;

constexpr std::string_view kInfo = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM";

Error refusal() {
  return fail(ErrorCode::unauthorised, "the message does not open: another key, or changed or cut bytes");
}

}  // namespace

std::optional<std::uint64_t> chunked_plain_bytes(std::uint64_t sealed) {
  if (sealed < kChunkedHeadBytes) return std::nullopt;
  const std::uint64_t body = sealed - kChunkedHeadBytes, full = body / kSealedChunkBytes,
                      last = body % kSealedChunkBytes;
  if (last < kTagBytes || full >= kMaxChunks) return std::nullopt;  // the last chunk is never full
  return full * kChunkBytes + (last - kTagBytes);
}

Result<ChunkCipher> ChunkCipher::derive(const Key256& key, ByteView context, const ChunkSalt& salt) {
  if (context.size() > kMaxChunkedContextBytes)
    return fail(ErrorCode::invalid_argument, "a context of ", context.size(), " bytes is longer than ",
                kMaxChunkedContextBytes);
  Bytes info(kInfo.begin(), kInfo.end());
  info.push_back(0);
  info.insert(info.end(), salt.begin(), salt.end());
  info.insert(info.end(), context.begin(), context.end());
  constexpr std::size_t kKeyBytes = 32, kCommitmentBytes = kChunkedHeadBytes - kChunkSaltBytes;
  Secret<std::array<std::uint8_t, kKeyBytes + kNonceBytes + kCommitmentBytes>> derived;
  auto& bytes = derived.reveal(RevealKey{});
  PRISM_CHECKED(hkdf_expand_sha512(key.reveal(RevealKey{}), info, bytes));
  Key256 chunk_key;
  Nonce base;
  ChunkedHead head;
  std::copy_n(bytes.begin(), kKeyBytes, chunk_key.reveal(RevealKey{}).begin());
  std::copy_n(bytes.begin() + kKeyBytes, kNonceBytes, base.begin());
  std::copy(salt.begin(), salt.end(), head.begin());
  std::copy_n(bytes.begin() + kKeyBytes + kNonceBytes, kCommitmentBytes, head.begin() + kChunkSaltBytes);
  return ChunkCipher(chunk_key, base, head);
}

Result<ChunkCipher> ChunkCipher::make(const Key256& key, ByteView context, const ChunkSalt& salt) {
  return derive(key, context, salt);
}

Result<ChunkCipher> ChunkCipher::open(const Key256& key, ByteView context, const ChunkedHead& head) {
  ChunkSalt salt;
  std::copy_n(head.begin(), salt.size(), salt.begin());
  PRISM_TRY(auto cipher, derive(key, context, salt));
  if (!secret::equal(cipher.head_, head)) return refusal();
  return cipher;
}

Nonce ChunkCipher::nonce(std::uint64_t number) const {
  Nonce out = base_;
  for (std::size_t i = 0; i < 8; ++i) out[kNonceBytes - 1 - i] ^= static_cast<std::uint8_t>(number >> (8 * i));
  return out;
}

Status ChunkCipher::seal_chunk(std::uint64_t number, ByteView plain, MutableByteView out) {
  check(plain.size() <= kChunkBytes, "a chunk has at most 16 KiB");
  if (number >= kMaxChunks) return fail(ErrorCode::exhausted, "a message has at most 2^38 chunks, 4 PiB");
  return aead_.seal_into(nonce(number), {}, plain, out);
}

Status ChunkCipher::open_chunk(std::uint64_t number, ByteView sealed, MutableByteView out) {
  if (sealed.size() < kTagBytes || sealed.size() > kSealedChunkBytes || number >= kMaxChunks) {
    if (!out.empty()) secret::wipe(out.data(), out.size());
    return refusal();
  }
  // One text for everything, and not the one of a single chunk's tag.
  const Status opened = aead_.open_into(nonce(number), {}, sealed, out);
  if (!opened && opened.error().code == ErrorCode::unauthorised) return refusal();
  return opened;
}

ChunkSealer::ChunkSealer(ChunkCipher cipher) : cipher_(std::move(cipher)) {}

Result<ChunkSealer> ChunkSealer::start(const Key256& key, ByteView context, const ChunkSalt& salt) {
  PRISM_TRY(auto cipher, ChunkCipher::make(key, context, salt));
  return ChunkSealer(std::move(cipher));
}

Result<ChunkSealer> ChunkSealer::start(const Key256& key, ByteView context, Random& random) {
  ChunkSalt salt;
  PRISM_CHECKED(random.fill(salt));
  return start(key, context, salt);
}

std::size_t ChunkSealer::update_bytes(std::size_t plain) const {
  // Not (held_ + plain) / kChunkBytes: the sum may not fit.
  const std::size_t full = plain / kChunkBytes + (held_ + plain % kChunkBytes) / kChunkBytes;
  return full * kSealedChunkBytes;
}

Result<std::size_t> ChunkSealer::update(ByteView plain, MutableByteView out) {
  check(!finished_, "ChunkSealer::update after finish");
  check(out.size() >= update_bytes(plain.size()), "ChunkSealer::update: the output is too small");
  std::size_t written = 0;
  const auto seal = [&](ByteView chunk) -> Status {
    PRISM_CHECKED(cipher_.seal_chunk(next_, chunk, out.subspan(written, kSealedChunkBytes)));
    ++next_;
    written += kSealedChunkBytes;
    return {};
  };
  if (held_ > 0) {
    const std::size_t taken = std::min(plain.size(), kChunkBytes - held_);
    std::copy_n(plain.begin(), taken, buffer_.reveal(RevealKey{}).begin() + static_cast<std::ptrdiff_t>(held_));
    held_ += taken;
    plain = plain.subspan(taken);
    if (held_ < kChunkBytes) return written;
    PRISM_CHECKED(seal(buffer_.reveal(RevealKey{})));
    held_ = 0;
  }
  for (; plain.size() >= kChunkBytes; plain = plain.subspan(kChunkBytes)) PRISM_CHECKED(seal(plain.first(kChunkBytes)));
  if (!plain.empty()) {
    if (buffer_.size() == 0) buffer_ = secret::SecretVector<std::uint8_t>(kChunkBytes);
    std::copy(plain.begin(), plain.end(), buffer_.reveal(RevealKey{}).begin());
    held_ = plain.size();
  }
  return written;
}

Result<std::size_t> ChunkSealer::finish(MutableByteView out) {
  check(!finished_, "ChunkSealer::finish twice");
  check(out.size() >= finish_bytes(), "ChunkSealer::finish: the output is too small");
  const std::size_t size = finish_bytes();
  const ByteView last = held_ == 0 ? ByteView() : std::as_const(buffer_).reveal(RevealKey{}).first(held_);
  PRISM_CHECKED(cipher_.seal_chunk(next_, last, out.first(size)));
  finished_ = true;
  return size;
}

ChunkOpener::ChunkOpener(ChunkCipher cipher) : cipher_(std::move(cipher)) {}

Result<ChunkOpener> ChunkOpener::start(const Key256& key, ByteView context, const ChunkedHead& head) {
  PRISM_TRY(auto cipher, ChunkCipher::open(key, context, head));
  return ChunkOpener(std::move(cipher));
}

std::size_t ChunkOpener::update_bytes(std::size_t sealed) const {
  const std::size_t full = sealed / kSealedChunkBytes + (held_ + sealed % kSealedChunkBytes) / kSealedChunkBytes;
  return full * kChunkBytes;
}

Result<std::size_t> ChunkOpener::update(ByteView sealed, MutableByteView out) {
  check(!finished_, "ChunkOpener::update after finish");
  if (failed_) return refusal();
  check(out.size() >= update_bytes(sealed.size()), "ChunkOpener::update: the output is too small");
  std::size_t written = 0;
  // A chunk of full length is never the last, so it can be opened as soon as it is there.
  const auto open = [&](ByteView chunk) -> Status {
    const Status opened = cipher_.open_chunk(next_, chunk, out.subspan(written, kChunkBytes));
    failed_ = !opened;
    if (failed_) return opened;
    ++next_;
    written += kChunkBytes;
    return {};
  };
  if (held_ > 0) {
    const std::size_t taken = std::min(sealed.size(), kSealedChunkBytes - held_);
    std::copy_n(sealed.begin(), taken, buffer_.begin() + static_cast<std::ptrdiff_t>(held_));
    held_ += taken;
    sealed = sealed.subspan(taken);
    if (held_ < kSealedChunkBytes) return written;
    PRISM_CHECKED(open(buffer_));
    held_ = 0;
  }
  for (; sealed.size() >= kSealedChunkBytes; sealed = sealed.subspan(kSealedChunkBytes))
    PRISM_CHECKED(open(sealed.first(kSealedChunkBytes)));
  if (!sealed.empty()) {
    buffer_.resize(kSealedChunkBytes);
    std::copy(sealed.begin(), sealed.end(), buffer_.begin());
    held_ = sealed.size();
  }
  return written;
}

Result<std::size_t> ChunkOpener::finish(MutableByteView out) {
  check(!finished_, "ChunkOpener::finish twice");
  if (failed_ || held_ < kTagBytes) {
    failed_ = true;
    return refusal();
  }
  const std::size_t size = finish_bytes();
  check(out.size() >= size, "ChunkOpener::finish: the output is too small");
  const Status opened = cipher_.open_chunk(next_, ByteView(buffer_).first(held_), out.first(size));
  failed_ = !opened;
  if (failed_) return opened.error();
  finished_ = true;
  return size;
}

Result<Bytes> chunked_seal(const Key256& key, ByteView context, ByteView plain, Random& random) {
  PRISM_TRY(auto sealer, ChunkSealer::start(key, context, random));
  Bytes out(static_cast<std::size_t>(chunked_sealed_bytes(plain.size())));
  const MutableByteView all(out);
  std::copy(sealer.head().begin(), sealer.head().end(), out.begin());
  PRISM_TRY(const std::size_t most, sealer.update(plain, all.subspan(kChunkedHeadBytes)));
  PRISM_TRY(const std::size_t last, sealer.finish(all.subspan(kChunkedHeadBytes + most)));
  check(kChunkedHeadBytes + most + last == out.size(), "chunked_sealed_bytes is wrong");
  return out;
}

Result<Bytes> chunked_open(const Key256& key, ByteView context, ByteView sealed) {
  const auto size = chunked_plain_bytes(sealed.size());
  if (!size) return refusal();
  ChunkedHead head;
  std::copy_n(sealed.begin(), head.size(), head.begin());
  PRISM_TRY(auto opener, ChunkOpener::start(key, context, head));
  Bytes out(static_cast<std::size_t>(*size));
  PRISM_TRY(const std::size_t most, opener.update(sealed.subspan(kChunkedHeadBytes), out));
  PRISM_TRY(const std::size_t last, opener.finish(MutableByteView(out).subspan(most)));
  check(most + last == out.size(), "chunked_plain_bytes is wrong");
  return out;
}

}  // namespace prism::crypto
