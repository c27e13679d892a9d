// prism/server/rest/internal/documents.h - what answers look like: JSON, CBOR and problem documents (docs/rest.md).
#pragma once
#include <string>
#include <string_view>

#include "prism/service/compute_service.h"

namespace prism::server::rest::internal {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kCbor = "application/cbor";
inline constexpr std::string_view kProblemJson = "application/problem+json";
inline constexpr std::string_view kOctets = "application/octet-stream";
inline constexpr std::string_view kEvents = "text/event-stream";

int status_of(service::Problem problem);
/// The same for every problem of that name.
std::string_view title_of(service::Problem problem);
/// RFC 9457. `instance` is the request's id.
std::string problem_json(service::Problem problem, std::string_view detail, std::string_view instance);
/// Errors of ours that say something of the inside are told as `internal` without their message.
std::string problem_json(const Error& error, std::string_view instance);

std::string upload_json(const Digest& digest, const service::UploadState& state);
std::string job_json(const service::JobView& job);
/// {"result": bytes, "receipt": bytes}
Bytes answer_cbor(const service::Answer& answer);

}  // namespace prism::server::rest::internal
