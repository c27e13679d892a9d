// prism/service/announcement.h - {"digest": HEX, "size": N}: what a client is going to upload.
#pragma once
#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::service {

struct Announcement {
  Digest digest{};
  std::uint64_t size = 0;
};
/// Errors: invalid_request.
Result<Announcement> parse_announcement(ByteView json);

}  // namespace prism::service
