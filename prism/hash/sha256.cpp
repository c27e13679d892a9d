#include "prism/hash/sha256.h"

#include <algorithm>

#include "prism/kernels/kernels.h"
#include "prism/secret/secret.h"

namespace prism::hash {

Sha256::Sha256() { reset(); }

Sha256::~Sha256() {
  secret::wipe(state_.data(), sizeof(state_));
  secret::wipe(buffer_.data(), sizeof(buffer_));
}

void Sha256::reset() {
  // The first 32 bits of the fractional parts of the square roots of the first eight primes (5.3.3).
  state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  buffer_ = {};
  size_ = 0;
}

Sha256& Sha256::update(ByteView data) {
  const kernels::Kernels& k = kernels::best();
  const std::size_t waiting = size_ % buffer_.size();
  size_ += data.size();
  if (waiting != 0) {
    const std::size_t taken = std::min(data.size(), buffer_.size() - waiting);
    std::copy_n(data.begin(), taken, buffer_.begin() + static_cast<std::ptrdiff_t>(waiting));
    data = data.subspan(taken);
    if (waiting + taken < buffer_.size()) return *this;
    k.sha256(state_.data(), buffer_.data(), 1);
  }
  const std::size_t blocks = data.size() / buffer_.size();
  if (blocks != 0) k.sha256(state_.data(), data.data(), blocks);
  data = data.subspan(blocks * buffer_.size());
  std::copy(data.begin(), data.end(), buffer_.begin());
  return *this;
}

Sha256& Sha256::update_u64(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  return update(ByteView(bytes));
}

Digest Sha256::finish() {
  const std::uint64_t bits = size_ * 8;
  std::array<std::uint8_t, 72> end = {0x80};  // one bit, zeros up to 56 modulo 64, then the length, big-endian
  const std::size_t zeros_end = (size_ % 64 < 56 ? 56 : 120) - size_ % 64;
  for (std::size_t i = 0; i < 8; ++i) end[zeros_end + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  update(ByteView(end).first(zeros_end + 8));
  Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
  }
  reset();
  return digest;
}

Digest sha256(ByteView data) { return Sha256().update(data).finish(); }

Sha256 tagged_sha256(std::string_view tag) {
  Sha256 h;
  h.update_u64(tag.size()).update(tag);
  return h;
}

}  // namespace prism::hash
