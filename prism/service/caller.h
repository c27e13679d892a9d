// prism/service/caller.h - who asks, as far as it was proved.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "prism/base/bytes.h"

namespace prism::service {

using SessionId = std::array<std::uint8_t, 16>;

/// How a request came in.
enum class Transport : std::uint8_t {
  session,        ///< a record of a session: the client signed its handshake
  token_over_tls  ///< an API token: whoever ends TLS sees and could change everything; receipts say so
};

struct Caller {
  Transport transport = Transport::session;
  /// Owns contexts, data and jobs. Stays the same when the client rotates its key.
  Digest account{};
  /// The key that signed the handshake; of a token, its digest.
  Digest fingerprint{};
  std::optional<SessionId> session;
  /// The number of the record; 0 with a token.
  std::uint64_t sequence = 0;
};

}  // namespace prism::service
