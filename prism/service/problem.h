// prism/service/problem.h - the refusals that callers tell apart, by names that stay.
//
// An Error of this room carries the name of its problem in `detail`; whoever speaks a protocol maps it onto that
// protocol's form (server/rest: RFC 9457). Errors of rooms below have no name and are told apart by their code.
#pragma once
#include <cstdint>
#include <string_view>

#include "prism/base/result.h"

namespace prism::service {

enum class Problem : std::uint8_t {
  invalid_request,         ///< does not parse, or makes no sense
  not_found,               ///< not there, or another's: the two look the same
  unsupported,             ///< understood, but not offered
  forbidden,               ///< against the operator's rules
  unauthenticated,         ///< neither a session nor a token that holds
  session_rejected,        ///< a handshake that failed, whatever the reason
  session_expired,         ///< unknown, expired, closed: make a new one
  record_rejected,         ///< a record that is not authentic, or not for this request
  record_replayed,         ///< a record that was opened before, or is too old to tell
  digest_mismatch,         ///< bytes that are not those of the digest they were announced by
  offset_mismatch,         ///< an upload goes on elsewhere: ask where
  too_large,               ///< more bytes than this kind of thing may have
  unsupported_media_type,  ///< a body of another kind than this takes
  computation_refused,     ///< the computation does not fit the parameters, keys or inputs
  idempotency_key_reused,  ///< the same key with another request
  conflict,                ///< the thing is busy or in a state that forbids this
  quota_exceeded,          ///< this caller has used up a limit
  capacity,                ///< the server has: try later (RateLimit draft: temporary-reduced-capacity)
  internal,                ///< ours
};
/// `session-rejected`, ...: the last part of the problem's type.
std::string_view name_of(Problem problem);

/// An Error that problem_of tells apart. The message is for the caller to read: it never holds a secret or a reason
/// that the problem hides.
template <class... Parts>
Error refuse(Problem problem, const Parts&... parts);

/// By the name in `detail`, or else by the code.
Problem problem_of(const Error& error);

/// The code that goes with a problem: for exit codes of clients and for logs.
ErrorCode code_of(Problem problem);

template <class... Parts>
Error refuse(Problem problem, const Parts&... parts) {
  Error error = fail(code_of(problem), parts...);
  error.detail = std::string(name_of(problem));
  return error;
}

}  // namespace prism::service
