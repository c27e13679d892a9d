#include "prism/channel/cookie.h"

#include <array>
#include <utility>

#include "prism/channel/internal/messages.h"
#include "prism/crypto/hash.h"

namespace prism::channel {
namespace {

constexpr secret::RevealKey kReveal{};
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kCookieBytes = kTimeBytes + 32;

/// time || the first 32 bytes of HMAC-SHA-384(secret, "prism/v1/cookie" || time || SHA-384(hello) || SHA-384(address)).
std::array<std::uint8_t, kCookieBytes> bake(const TrafficSecret& secret, ByteView hello, ByteView address,
                                            std::uint64_t time) {
  std::array<std::uint8_t, kCookieBytes> cookie{};
  for (std::size_t i = 0; i < kTimeBytes; ++i) cookie[i] = static_cast<std::uint8_t>(time >> (56 - 8 * i));
  Bytes input;
  const auto add = [&](ByteView bytes) { input.insert(input.end(), bytes.begin(), bytes.end()); };
  add(as_bytes("prism/v1/cookie"));
  add(ByteView(cookie).first(kTimeBytes));
  add(crypto::sha384(hello));
  add(crypto::sha384(address));
  const crypto::Digest384 mac = crypto::hmac_sha384(secret.reveal(kReveal), input);
  for (std::size_t i = kTimeBytes; i < kCookieBytes; ++i) cookie[i] = mac[i - kTimeBytes];
  return cookie;
}

}  // namespace

Result<CookieJar> CookieJar::create(Random& random) {
  CookieJar jar;
  PRISM_CHECKED(random.fill(jar.secret_.reveal(kReveal)));
  return jar;
}

Result<Bytes> CookieJar::retry(ByteView first, ByteView address, std::chrono::seconds now) const {
  PRISM_TRY(const First message, read_first(first));
  return encode_retry(bake(secret_, message.hello, address, static_cast<std::uint64_t>(now.count())));
}

bool CookieJar::admits(ByteView first, ByteView address, std::chrono::seconds now) const {
  const auto message = read_first(first);
  if (!message || message->cookie.size() != kCookieBytes) return false;
  std::uint64_t time = 0;
  for (std::size_t i = 0; i < kTimeBytes; ++i) time = time << 8 | message->cookie[i];
  const auto today = static_cast<std::uint64_t>(now.count());
  if (time > today || today - time > static_cast<std::uint64_t>(kCookieLifetime.count())) return false;
  return secret::equal(bake(secret_, message->hello, address, time), message->cookie);
}

}  // namespace prism::channel
