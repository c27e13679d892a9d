// prism/channel/cookie.h - a busy server's way to let peers prove that they are where they say, without remembering
// them.
//
// A server with many half-open handshakes answers M1 with a Retry and keeps nothing. The peer sends M1 again with the
// cookie, which only the holder of this address could have got.
#pragma once
#include <chrono>
#include <cstdint>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"
#include "prism/channel/key_schedule.h"

namespace prism::channel {

inline constexpr std::chrono::seconds kCookieLifetime{60};

/// Keyed by a secret of its own; cookies of another jar, or of this one in an earlier process, do not pass.
class CookieJar {
 public:
  static Result<CookieJar> create(Random& random);
  /// A Retry for this M1 from this address. Errors: malformed, when it is no M1.
  Result<Bytes> retry(ByteView first, ByteView address, std::chrono::seconds now) const;
  /// Whether M1 carries a cookie of this jar for this address and this hello that is not older than kCookieLifetime.
  bool admits(ByteView first, ByteView address, std::chrono::seconds now) const;

 private:
  CookieJar() = default;
  TrafficSecret secret_;
};

}  // namespace prism::channel
