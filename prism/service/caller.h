// prism/service/caller.h - who asks, as far as it was proved.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "prism/base/bytes.h"
#include "prism/channel/record.h"

namespace prism::service {

using channel::SessionId;

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
};

}  // namespace prism::service
