// prism/client/internal/messages.h - what both forms of requests put on HTTP and take from it.
#pragma once
#include <algorithm>
#include <string>

#include "prism/client/transport.h"
#include "prism/http/client.h"

namespace prism::client::internal {

inline constexpr std::string_view kApi = "/api/v1";

inline bool is_zero(const Digest& digest) {
  return std::all_of(digest.begin(), digest.end(), [](std::uint8_t b) { return b == 0; });
}

/// Method, path and the headers that name context, program and idempotency key; body and its type are the form's own.
inline http::ClientRequest request_of(const Call& call) {
  http::ClientRequest request;
  request.method = call.method;
  request.target = std::string(kApi) + call.target;
  if (!is_zero(call.context)) request.headers.emplace_back("Prism-Context", to_hex(call.context));
  if (!is_zero(call.program)) request.headers.emplace_back("Prism-Program", to_hex(call.program));
  if (!call.idempotency_key.empty())
    request.headers.emplace_back("Idempotency-Key", "\"" + std::string(call.idempotency_key) + "\"");
  return request;
}

/// Type and subtype, without parameters, in lower case.
inline std::string media_type_of(const http::ClientResponse& response) {
  std::string type(response.find("Content-Type").value_or(""));
  type.resize(std::min(type.size(), type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type;
}

/// A reply from an answer as it stands.
inline Reply plain_reply(const http::ClientResponse& response, bool vouched) {
  Reply reply{response.status, media_type_of(response), response.body, vouched, {}};
  if (response.status < 200 || response.status > 299)
    reply.problem =
        read_problem(response.status, reply.content_type, response.body, response.find("Retry-After").value_or(""));
  return reply;
}

/// What a plain answer that should have been another one means.
inline Error refusal(const http::ClientResponse& response, std::string_view server) {
  Reply reply = plain_reply(response, false);
  if (reply.problem) return reply.problem->error(server);
  return fail(ErrorCode::malformed, server, " answers ", response.status, " where a compute service does not");
}

}  // namespace prism::client::internal
