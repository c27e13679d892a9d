// prism/client/problem.h - what a server's refusal means here: RFC 9457 problems and HTTP statuses as errors.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::client {

/// The most of a problem document that is read, and the most of its text that is shown: a server may send anything.
inline constexpr std::size_t kMaxProblemBytes = 16 << 10;
inline constexpr std::size_t kMaxProblemText = 400;

/// A refusal as the server worded it. `type` is the last part of the problem's relative URI: "session-expired".
struct Problem {
  int status = 0;
  std::string type;  ///< empty when the answer was no problem document
  std::string title, detail;
  std::optional<std::chrono::seconds> retry_after;  ///< from the header Retry-After; at most a day

  /// The session is gone, and nothing else is wrong: a new handshake and the same request again help.
  bool session_is_gone() const { return status == 401 && type == "session-expired"; }
  /// The server is there and says that it will do the same request later.
  bool may_pass() const { return status == 429 || status == 503; }
  /// Exit codes follow from it: session-rejected and 401, 403 are unauthorised (4); 429 is quota (7); 502 to 504 are
  /// network (5). The message holds the server's words, cut to kMaxProblemText, and says who said them.
  Error error(std::string_view server) const;
};

/// Reads a problem document; whatever does not parse becomes a Problem of its status alone. `retry_after` is the
/// header's value, empty when there was none; the form with a date (RFC 9110, section 10.2.3) is read as no hint.
Problem read_problem(int status, std::string_view content_type, ByteView body, std::string_view retry_after);

}  // namespace prism::client
