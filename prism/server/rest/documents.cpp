#include "prism/server/rest/internal/documents.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "prism/wire/cbor.h"

namespace prism::server::rest::internal {

using service::Problem;

int status_of(Problem problem) {
  switch (problem) {
    case Problem::invalid_request:
      return 400;
    case Problem::unauthenticated:
    case Problem::session_rejected:
    case Problem::session_expired:
    case Problem::record_rejected:
      return 401;
    case Problem::forbidden:
      return 403;
    case Problem::not_found:
      return 404;
    case Problem::record_replayed:
    case Problem::offset_mismatch:
    case Problem::conflict:
      return 409;
    case Problem::too_large:
      return 413;
    case Problem::unsupported_media_type:
      return 415;
    case Problem::digest_mismatch:
    case Problem::computation_refused:
    case Problem::idempotency_key_reused:
      return 422;
    case Problem::quota_exceeded:
      return 429;
    case Problem::unsupported:
      return 501;
    case Problem::capacity:
      return 503;
    case Problem::internal:
      return 500;
  }
  return 500;
}

std::string_view title_of(Problem problem) {
  switch (problem) {
    case Problem::invalid_request:
      return "The request does not parse or makes no sense";
    case Problem::not_found:
      return "There is nothing here for you";
    case Problem::unsupported:
      return "This server does not offer that";
    case Problem::forbidden:
      return "The operator's rules forbid this";
    case Problem::unauthenticated:
      return "A session or a token is needed";
    case Problem::session_rejected:
      return "The handshake was rejected";
    case Problem::session_expired:
      return "The session has ended";
    case Problem::record_rejected:
      return "The record is not authentic";
    case Problem::record_replayed:
      return "The record was opened before";
    case Problem::digest_mismatch:
      return "The bytes are not those of the digest";
    case Problem::offset_mismatch:
      return "The upload goes on elsewhere";
    case Problem::too_large:
      return "More bytes than this may have";
    case Problem::unsupported_media_type:
      return "A body of another kind is needed";
    case Problem::computation_refused:
      return "The computation does not fit";
    case Problem::idempotency_key_reused:
      return "The idempotency key belongs to another request";
    case Problem::conflict:
      return "The state of things forbids this";
    case Problem::quota_exceeded:
      return "A limit of this client is used up";
    case Problem::capacity:
      return "The server is at its limit";
    case Problem::internal:
      return "The server failed";
  }
  return "The server failed";
}

std::string problem_json(Problem problem, std::string_view detail, std::string_view instance) {
  const nlohmann::json document = {{"type", "/problems/" + std::string(service::name_of(problem))},
                                   {"title", title_of(problem)},
                                   {"status", status_of(problem)},
                                   {"detail", detail},
                                   {"instance", instance}};
  // Details may quote what a peer sent.
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string problem_json(const Error& error, std::string_view instance) {
  const Problem problem = service::problem_of(error);
  // Paths and system messages are for the operator's log alone.
  const bool of_the_system =
      error.detail.empty() && (error.code == ErrorCode::not_found || error.code == ErrorCode::insecure);
  const bool inside = problem == Problem::internal || error.code == ErrorCode::io || of_the_system;
  std::string detail =
      inside ? "nothing is wrong with the request; try again, or tell the operator the instance" : error.message;
  // A pointer into the request's document, where a room below gave one.
  if (!inside && error.detail.starts_with('/')) detail = error.detail + ": " + detail;
  return problem_json(problem, detail, instance);
}

std::string upload_json(const Digest& digest, const service::UploadState& state) {
  return nlohmann::json{
      {"complete", state.complete}, {"digest", to_hex(digest)}, {"offset", state.offset}, {"size", state.size}}
      .dump();
}

std::string job_json(const service::JobView& job) {
  nlohmann::json document = {{"created", job.created.count()},
                             {"id", to_hex(job.id)},
                             {"progress", job.progress},
                             {"state", service::name_of(job.state)}};
  if (job.finished.count() != 0) document["finished"] = job.finished.count();
  if (job.error) document["problem"] = nlohmann::json::parse(problem_json(*job.error, to_hex(job.id)));
  return document.dump();
}

Bytes answer_cbor(const service::Answer& answer) {
  wire::CborWriter out;
  out.map(2);
  out.text("result");
  out.bytes(answer.result);
  out.text("receipt");
  out.bytes(answer.receipt);
  return std::move(out).take();
}

}  // namespace prism::server::rest::internal
