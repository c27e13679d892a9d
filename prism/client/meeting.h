// prism/client/meeting.h - is this the right server? Its identity bundle against a pin or the file of known servers.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/clock.h"
#include "prism/channel/bundle.h"
#include "prism/channel/pin.h"
#include "prism/client/known_servers.h"
#include "prism/http/client.h"

namespace prism::client {

/// How a client knows that a server is the right one. A pin decides alone; without one, the file of known servers does.
struct Trust {
  /// SHA-256 of the SPKI of the server's identity key. A server that rotated its key since then proves it by
  /// cross-signatures.
  std::optional<Digest> pin{};
  std::optional<KnownServers> known{};
  /// A person compares the fingerprint of a server that is met for the first time. Without it such a server is refused.
  std::function<Result<bool>(std::string_view server, const Digest& fingerprint)> ask{};
};

/// A server that is trusted: what it publishes about itself, and why it is believed.
struct Meeting {
  channel::IdentityBundle bundle;
  channel::PinAnswer trusted_by;
  Digest pinned;  ///< the key that trust began with: of the bundle, or one that handed over to it
};

/// Fetches the bundle and decides. Errors: network, malformed, refused for a bundle out of its time; unauthorised, with
/// the fingerprints, for a server that is not the pinned one or that nobody knows.
Result<Meeting> meet(http::Client& http, const std::string& server, const Trust& trust, const Clock& clock);

}  // namespace prism::client
