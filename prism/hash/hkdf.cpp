#include "prism/hash/hkdf.h"

#include <algorithm>

namespace prism::hash {

HmacSha256::HmacSha256(ByteView key) {
  std::array<std::uint8_t, 64> padded = {};
  Digest shortened = {};
  if (key.size() > padded.size()) {
    shortened = sha256(key);
    key = shortened;
  }
  std::copy(key.begin(), key.end(), padded.begin());
  for (auto& byte : padded) byte ^= 0x36;
  inner_start_.update(ByteView(padded));
  for (auto& byte : padded) byte ^= 0x36 ^ 0x5c;
  outer_start_.update(ByteView(padded));
  inner_ = inner_start_;
  secret::wipe(padded.data(), padded.size());
  secret::wipe(shortened.data(), shortened.size());
}

HmacSha256& HmacSha256::update(ByteView data) {
  inner_.update(data);
  return *this;
}

Digest HmacSha256::finish() {
  Digest inner = inner_.finish();
  inner_ = inner_start_;
  const Digest tag = Sha256(outer_start_).update(ByteView(inner)).finish();
  secret::wipe(inner.data(), inner.size());
  return tag;
}

Digest hmac_sha256(ByteView key, ByteView message) { return HmacSha256(key).update(message).finish(); }

secret::Secret<Digest> hkdf_extract(ByteView salt, ByteView material) {
  // HMAC pads keys with zeros, so an empty salt is the 32 zero bytes that section 2.2 asks for.
  Digest key = hmac_sha256(salt, material);
  secret::Secret<Digest> result(key);
  secret::wipe(key.data(), key.size());
  return result;
}

Status hkdf_expand(const secret::Secret<Digest>& key, ByteView info, MutableByteView out) {
  constexpr std::size_t kMost = 255 * sizeof(Digest);
  if (out.size() > kMost) {
    return fail(ErrorCode::invalid_argument, "HKDF can derive ", kMost, " bytes from one key, not ", out.size());
  }
  HmacSha256 hmac(key.reveal(secret::RevealKey()));
  Digest block = {};
  for (std::uint8_t counter = 1; !out.empty(); ++counter) {
    if (counter > 1) hmac.update(ByteView(block));
    block = hmac.update(info).update(ByteView(&counter, 1)).finish();
    const std::size_t taken = std::min(out.size(), block.size());
    std::copy_n(block.begin(), taken, out.begin());
    out = out.subspan(taken);
  }
  secret::wipe(block.data(), block.size());
  return {};
}

Status hkdf_sha256(ByteView salt, ByteView material, ByteView info, MutableByteView out) {
  return hkdf_expand(hkdf_extract(salt, material), info, out);
}

}  // namespace prism::hash
