// prism/server/rest/internal/call.h - a protected request, whichever way it came in, and its answer going back the same
// way.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "prism/http/message.h"
#include "prism/service/compute_service.h"

namespace prism::server::rest::internal {

/// What an endpoint answers.
struct Reply {
  int status = 200;
  std::string content_type;
  Bytes body;
  std::vector<std::pair<std::string, std::string>> headers{};

  static Reply json(int status, std::string_view text);
  static Reply cbor(int status, Bytes bytes);
};

/// A request that was let in. Lives as long as its last answer, beyond the http::Request it came from.
class Call {
 public:
  /// Session or token form (docs/rest.md, "Who asks"). Errors are told as plain problems: there is nobody to seal for.
  static Result<std::unique_ptr<Call>> open(service::ComputeService& service, const http::Request& request);

  const service::Caller& caller() const;
  bool in_session() const { return session_ != nullptr; }
  /// Of the body inside.
  std::string_view content_type() const;
  const std::optional<Digest>& context() const { return context_; }
  const std::optional<Digest>& program() const { return program_; }
  const std::string& idempotency_key() const { return idempotency_key_; }
  /// Only while the request is being handled.
  service::Source& body();
  /// All of it; too_large beyond `most`, invalid_request for another content type than `wanted`.
  Result<Bytes> read_body(std::string_view wanted, std::uint64_t most);
  /// Errors: invalid_request when there is a body where none belongs.
  Status no_body();

  /// Sealed if the request was.
  http::Response answer(Reply reply, const service::Allowance& allowance);
  http::Response refuse(const Error& error, const service::Allowance& allowance);
  /// Runs `then` when the answer has been sealed: a session that ends answers its end.
  void close_after_answer(std::function<void()> then) { after_ = std::move(then); }
  /// The text of one event: itself, or the record that holds it.
  Result<std::string> event(std::string_view json);

 private:
  Call() = default;

  std::string instance_;
  std::unique_ptr<service::SessionRequest> session_;
  std::unique_ptr<service::Source> outer_;  ///< the bytes on the wire, under session_'s body
  service::Caller token_caller_;
  std::string content_type_;
  std::optional<Digest> context_, program_;
  std::string idempotency_key_;
  std::function<void()> after_;
};

/// A problem that nobody vouches for.
http::Response plain_problem(const Error& error, std::string_view instance);

}  // namespace prism::server::rest::internal
