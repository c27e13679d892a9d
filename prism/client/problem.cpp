#include "prism/client/problem.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace prism::client {
namespace {

constexpr std::chrono::seconds kLongestWait{24 * 60 * 60};

std::string cut(std::string text) {
  if (text.size() > kMaxProblemText) {
    text.resize(kMaxProblemText);
    text += "...";
  }
  return text;
}

/// A member that must be text, or nothing.
std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? cut(found->get<std::string>()) : std::string();
}

ErrorCode code_of(const Problem& problem) {
  switch (problem.status) {
    case 400:
    case 405:
    case 411:
    case 415:
    case 422:
      return ErrorCode::invalid_argument;
    case 401:
    case 403:
      return ErrorCode::unauthorised;
    case 404:
    case 410:
      return ErrorCode::not_found;
    case 408:
    case 502:
    case 503:
    case 504:
      return ErrorCode::network;
    case 409:
      return ErrorCode::refused;
    case 413:
    case 431:
    case 507:
      return ErrorCode::exhausted;
    case 429:
      return ErrorCode::quota;
    default:
      return problem.status >= 500 ? ErrorCode::io : ErrorCode::refused;
  }
}

}  // namespace

Problem read_problem(int status, std::string_view content_type, ByteView body, std::string_view retry_after) {
  Problem problem;
  problem.status = status;
  long seconds = 0;
  const auto [end, error] = std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), seconds);
  if (!retry_after.empty() && error == std::errc() && end == retry_after.data() + retry_after.size() && seconds >= 0)
    problem.retry_after = std::min(std::chrono::seconds(seconds), kLongestWait);
  if (!content_type.starts_with("application/problem+json") || body.size() > kMaxProblemBytes) return problem;
  const auto parsed = nlohmann::json::parse(body.begin(), body.end(), nullptr, false);
  if (!parsed.is_object()) return problem;
  const std::string type = text_of(parsed, "type");
  constexpr std::string_view kPrefix = "/problems/";
  if (type.starts_with(kPrefix)) problem.type = type.substr(kPrefix.size());
  problem.title = text_of(parsed, "title");
  problem.detail = text_of(parsed, "detail");
  return problem;
}

Error Problem::error(std::string_view server) const {
  std::string said = detail.empty() ? title : detail;
  if (said.empty()) said = "nothing more";
  std::string message = std::string(server) + " answers " + std::to_string(status) +
                        (type.empty() ? std::string() : " (" + type + ")") + ": " + said;
  if (type == "session-rejected")
    message =
        std::string(server) +
        " rejects the handshake; it does not say why. Ask its operator whether this client's fingerprint may come in, "
        "and compare the clocks of both machines";
  if (retry_after && may_pass()) message += "; try again in " + std::to_string(retry_after->count()) + " s";
  return {code_of(*this), std::move(message), {}};
}

}  // namespace prism::client
