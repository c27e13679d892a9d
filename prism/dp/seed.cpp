#include "prism/dp/seed.h"

namespace prism::dp {
namespace {

constexpr std::string_view kTag = "prism dp noise v1";
enum Stream : std::uint8_t { kPlain = 0, kGroup = 1 };

}  // namespace

NoiseSeed::NoiseSeed(const secret::Secret<Key>& key) : keyed_(key.reveal(secret::RevealKey())) { keyed_.update(kTag); }

Result<NoiseSeed> NoiseSeed::fresh(Random& random) {
  secret::Secret<Key> key;
  PRISM_CHECKED(random.fill(key.reveal(secret::RevealKey())));
  return NoiseSeed(key);
}

NoiseSeed NoiseSeed::from_bytes(const Key& bytes) { return NoiseSeed(secret::Secret<Key>(bytes)); }

DrawStream NoiseSeed::derive(std::uint64_t draw, std::uint8_t kind, ByteView group_key) const {
  std::array<std::uint8_t, 9> head;
  for (unsigned i = 0; i < 8; ++i) head[i] = static_cast<std::uint8_t>(draw >> 8 * i);
  head[8] = kind;
  hash::HmacSha256 keyed = keyed_;
  // Tag and head have fixed lengths and the group key comes last: no two inputs are encoded alike.
  keyed.update(head).update(group_key);
  Digest digest = keyed.finish();
  const secret::Secret<hash::ChaCha20Key> key(digest);
  secret::wipe(digest.data(), digest.size());
  return DrawStream(key);
}

DrawStream NoiseSeed::stream(std::uint64_t draw) const { return derive(draw, kPlain, {}); }
DrawStream NoiseSeed::stream(std::uint64_t draw, ByteView group_key) const { return derive(draw, kGroup, group_key); }

}  // namespace prism::dp
