// prism/server/rest/internal/json.h - the one JSON body that belongs to this room alone.
#pragma once
#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::server::rest::internal {

/// {"digest": HEX, "size": N}
struct Announcement {
  Digest digest{};
  std::uint64_t size = 0;
};
Result<Announcement> parse_announcement(ByteView body);

}  // namespace prism::server::rest::internal
