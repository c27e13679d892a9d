#include "prism/service/problem.h"

#include <array>
#include <utility>

namespace prism::service {
namespace {

struct Row {
  Problem problem;
  std::string_view name;
  ErrorCode code;
};
// In the order of the enumeration (problem_test compares).
constexpr std::array<Row, 19> kRows{{
    {Problem::invalid_request, "invalid-request", ErrorCode::invalid_argument},
    {Problem::not_found, "not-found", ErrorCode::not_found},
    {Problem::unsupported, "unsupported", ErrorCode::unsupported},
    {Problem::forbidden, "forbidden", ErrorCode::refused},
    {Problem::unauthenticated, "unauthenticated", ErrorCode::unauthorised},
    {Problem::session_rejected, "session-rejected", ErrorCode::unauthorised},
    {Problem::session_expired, "session-expired", ErrorCode::unauthorised},
    {Problem::record_rejected, "record-rejected", ErrorCode::integrity},
    {Problem::record_replayed, "record-replayed", ErrorCode::integrity},
    {Problem::digest_mismatch, "digest-mismatch", ErrorCode::integrity},
    {Problem::offset_mismatch, "offset-mismatch", ErrorCode::mismatch},
    {Problem::too_large, "too-large", ErrorCode::exhausted},
    {Problem::unsupported_media_type, "unsupported-media-type", ErrorCode::invalid_argument},
    {Problem::computation_refused, "computation-refused", ErrorCode::refused},
    {Problem::idempotency_key_reused, "idempotency-key-reused", ErrorCode::mismatch},
    {Problem::conflict, "conflict", ErrorCode::mismatch},
    {Problem::quota_exceeded, "quota-exceeded", ErrorCode::quota},
    {Problem::capacity, "temporary-reduced-capacity", ErrorCode::exhausted},
    {Problem::internal, "internal", ErrorCode::io},
}};

}  // namespace

std::string_view name_of(Problem problem) { return kRows.at(static_cast<std::size_t>(problem)).name; }
ErrorCode code_of(Problem problem) { return kRows.at(static_cast<std::size_t>(problem)).code; }

Problem problem_of(const Error& error) {
  if (!error.detail.empty())
    for (const Row& row : kRows)
      if (row.name == error.detail) return row.problem;
  switch (error.code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::malformed:
      return Problem::invalid_request;
    case ErrorCode::not_found:
      return Problem::not_found;
    case ErrorCode::unsupported:
      return Problem::unsupported;
    case ErrorCode::refused:
    case ErrorCode::insecure:
    case ErrorCode::level_exhausted:
    case ErrorCode::noise_exceeded:
    case ErrorCode::mismatch:
      return Problem::computation_refused;
    case ErrorCode::unauthorised:
      return Problem::unauthenticated;
    case ErrorCode::integrity:
      return Problem::record_rejected;
    case ErrorCode::quota:
      return Problem::quota_exceeded;
    case ErrorCode::exhausted:
      return Problem::too_large;
    case ErrorCode::interrupted:
      return Problem::conflict;
    case ErrorCode::io:
    case ErrorCode::network:
    case ErrorCode::configuration:
      return Problem::internal;
  }
  return Problem::internal;
}

}  // namespace prism::service
