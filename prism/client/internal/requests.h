// prism/client/internal/requests.h - bodies of docs/rest.md: written for the service, read from it with suspicion.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "prism/client/connection.h"

namespace prism::client::internal {

struct UploadState {
  std::uint64_t offset = 0;
  bool complete = false;
};
/// Errors: malformed, also for an offset past `size`.
Result<UploadState> read_upload_state(ByteView json, std::uint64_t size);

struct Job {
  std::string id, state;
  double progress = 0;
  bool is_final() const { return state == "done" || state == "failed" || state == "cancelled"; }
};
/// A failed job is its own problem as an Error. Errors: malformed for anything else than a job.
Result<Job> read_job(ByteView json);

/// CBOR {"result": bytes, "receipt": bytes}.
Result<SignedAnswer> read_answer(ByteView cbor);

/// POST /compute: {"context": hex, "inputs": {name: hex}, "request": {...}}.
std::string compute_body(const Digest& context, const std::map<std::string, Digest>& inputs,
                         std::string_view request_json);
/// POST /compute/encrypted: CBOR {"inputs": {name: bytes}, "context": digest, "request": JSON text}.
Bytes inline_body(const Digest& context, const std::map<std::string, ByteView>& inputs, std::string_view request_json);

}  // namespace prism::client::internal
