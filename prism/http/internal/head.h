// prism/http/internal/head.h - the head of a message: found, parsed and checked against every way to read it twice.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "prism/base/result.h"
#include "prism/http/message.h"

namespace prism::http::internal {

/// How long the body is (RFC 9112, section 6.3).
enum class Framing { none, sized, chunked, until_close };

/// Why a head is refused, as the status to answer it with.
struct HeadError {
  int status;
  std::string_view why;  ///< static storage
};

/// Views into the text that was parsed.
struct RequestHead {
  std::string_view method, target, path, query;
  Headers headers;
  int minor = 1;  ///< HTTP/1.minor
  Framing framing = Framing::none;
  std::uint64_t length = 0;  ///< of a sized body
  bool keep_alive = true;
  bool expects_continue = false;
};
struct ResponseHead {
  int status = 0;
  Headers headers;
  Framing framing = Framing::none;
  std::uint64_t length = 0;
  bool keep_alive = true;
};

/// The length of the head that starts `bytes`, its empty line included; nothing when it is not complete. Looks from
/// `searched` on, and says in it how far it looked.
std::optional<std::size_t> find_head(std::string_view bytes, std::size_t& searched);

/// `text` is one complete head. Fills `head`, whose vectors are used again.
std::optional<HeadError> parse_request_head(std::string_view text, RequestHead& head);
/// `to_head`: the answer to a HEAD request has no body, whatever it says.
std::optional<HeadError> parse_response_head(std::string_view text, bool to_head, ResponseHead& head);

/// Whether the comma-separated `list` has `token`.
bool has_token(std::string_view list, std::string_view token);

}  // namespace prism::http::internal
