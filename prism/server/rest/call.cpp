#include "prism/server/rest/internal/call.h"

#include <algorithm>
#include <cmath>

#include "prism/channel/record.h"
#include "prism/server/rest/internal/documents.h"
#include "prism/service/names.h"

namespace prism::server::rest::internal {
namespace {

using service::Problem;

/// A record of an empty body with the longest header.
constexpr std::size_t kMostRecordFieldBytes = 512;
constexpr std::string_view kBearer = "Bearer ";

class WireBody final : public service::Source {
 public:
  explicit WireBody(http::BodyReader& body) : body_(body) {}
  Result<std::size_t> read(MutableByteView out) override { return body_.read(out); }

 private:
  http::BodyReader& body_;
};

class HeaderRecord final : public service::Source {
 public:
  explicit HeaderRecord(Bytes record) : record_(std::move(record)) {}
  Result<std::size_t> read(MutableByteView out) override {
    const std::size_t size = std::min(out.size(), record_.size() - at_);
    std::copy_n(record_.begin() + static_cast<std::ptrdiff_t>(at_), size, out.begin());
    at_ += size;
    return size;
  }

 private:
  Bytes record_;
  std::size_t at_ = 0;
};

/// A field that may stand once at most: two programs on the way could each take another one of two.
Result<std::optional<std::string_view>> single(const http::Request& request, std::string_view name) {
  if (request.headers.count(name) > 1)
    return service::refuse(Problem::invalid_request, "the field ", name, " stands twice");
  return request.headers.find(name);
}

Result<std::optional<Digest>> digest_field(const http::Request& request, std::string_view name) {
  PRISM_TRY(const auto field, single(request, name));
  if (!field) return std::optional<Digest>();
  const auto digest = service::digest_from_hex(*field);
  if (!digest)
    return service::refuse(Problem::invalid_request, name, " is not a digest: 64 lower-case hexadecimal digits");
  return digest;
}

std::string rate_limit_policy(const service::Allowance& allowance) {
  return "\"cpu\";q=" + std::to_string(std::llround(allowance.cpu_seconds_per_window * 1000)) +
         ";w=" + std::to_string(allowance.window.count());
}

std::string rate_limit(const service::Allowance& allowance) {
  return "\"cpu\";r=" + std::to_string(std::llround(allowance.cpu_seconds_left * 1000)) +
         ";t=" + std::to_string(allowance.resets_in.count());
}

std::string_view media_type_of(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type;
}

}  // namespace

Reply Reply::json(int status, std::string_view text) {
  return {status, std::string(kJson), Bytes(text.begin(), text.end())};
}
Reply Reply::cbor(int status, Bytes bytes) { return {status, std::string(kCbor), std::move(bytes)}; }

Result<std::unique_ptr<Call>> Call::open(service::ComputeService& service, const http::Request& request) {
  std::unique_ptr<Call> call(new Call());
  call->instance_ = std::string(request.id);
  PRISM_TRY(call->context_, digest_field(request, "Prism-Context"));
  PRISM_TRY(call->program_, digest_field(request, "Prism-Program"));
  PRISM_TRY(const auto key, single(request, "Idempotency-Key"));
  if (key) {
    std::string_view text = *key;
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    if (text.empty()) return service::refuse(Problem::invalid_request, "the field Idempotency-Key is empty");
    call->idempotency_key_ = std::string(text);
  }
  PRISM_TRY(const auto field, single(request, "Prism-Record"));
  PRISM_TRY(const auto authorization, single(request, "Authorization"));
  const bool record_body = http::equal_ignoring_case(request.media_type(), channel::kRecordMediaType);
  if ((field || record_body) == authorization.has_value()) {
    if (authorization) return service::refuse(Problem::invalid_request, "both a record and a token; send one of them");
    return service::refuse(Problem::unauthenticated,
                           "this path takes a record of a session, or a token where the operator allows them");
  }

  if (authorization) {
    if (!http::equal_ignoring_case(authorization->substr(0, kBearer.size()), kBearer))
      return service::refuse(Problem::unauthenticated, "the field Authorization must be: Bearer TOKEN");
    PRISM_TRY(call->token_caller_, service.authenticate(authorization->substr(kBearer.size())));
    call->outer_ = std::make_unique<WireBody>(*request.body);
    call->content_type_ = std::string(request.headers.find("Content-Type").value_or(""));
    return call;
  }

  if (field && record_body) return service::refuse(Problem::invalid_request, "a record in the body and one in a field");
  if (field) {
    auto record = channel::from_base64url(*field, kMostRecordFieldBytes);
    if (!record)
      return service::refuse(Problem::record_rejected, "the field Prism-Record is not a record as base64url");
    call->outer_ = std::make_unique<HeaderRecord>(*std::move(record));
  } else {
    call->outer_ = std::make_unique<WireBody>(*request.body);
  }
  const service::RequestBinding binding{request.method, request.target, call->context_.value_or(Digest{}),
                                        call->program_.value_or(Digest{}), call->idempotency_key_};
  PRISM_TRY(call->session_, service.open_request(binding, *call->outer_));
  call->content_type_ = std::string(call->session_->content_type());
  return call;
}

const service::Caller& Call::caller() const { return session_ ? session_->caller() : token_caller_; }
std::string_view Call::content_type() const { return content_type_; }
service::Source& Call::body() { return session_ ? session_->body() : *outer_; }

Result<Bytes> Call::read_body(std::string_view wanted, std::uint64_t most) {
  if (!http::equal_ignoring_case(media_type_of(content_type_), wanted))
    return service::refuse(Problem::unsupported_media_type, "this path takes ", wanted, ", not ",
                           content_type_.empty() ? "a body without a type" : content_type_.substr(0, 100));
  Bytes out;
  Bytes piece(std::size_t{64} << 10);
  for (;;) {
    PRISM_TRY(const std::size_t got, body().read(piece));
    if (got == 0) return out;
    if (out.size() + got > most)
      return service::refuse(Problem::too_large, "more than the ", most, " bytes that this path takes");
    out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
  }
}

Status Call::no_body() {
  std::array<std::uint8_t, 1> byte{};
  PRISM_TRY(const std::size_t got, body().read(byte));
  if (got != 0) return service::refuse(Problem::invalid_request, "this path takes no body");
  return {};
}

http::Response Call::answer(Reply reply, const service::Allowance& allowance) {
  http::Response response;
  if (session_) {
    auto sealed = session_->seal(reply.status, reply.content_type, reply.body);
    if (!sealed) return plain_problem(sealed.error(), instance_);
    response = http::Response::bytes(reply.status, std::string(channel::kRecordMediaType), *std::move(sealed));
  } else {
    response = http::Response::bytes(reply.status, std::move(reply.content_type), std::move(reply.body));
  }
  if (after_) std::exchange(after_, nullptr)();
  for (auto& [name, value] : reply.headers) response.header(std::move(name), std::move(value));
  response.header("Cache-Control", "no-store");
  response.header("RateLimit-Policy", rate_limit_policy(allowance));
  response.header("RateLimit", rate_limit(allowance));
  return response;
}

http::Response Call::refuse(const Error& error, const service::Allowance& allowance) {
  const Problem problem = service::problem_of(error);
  // The session itself has failed: an answer sealed under its keys could not be read, or would say too much.
  if (problem == Problem::session_expired || problem == Problem::record_rejected || problem == Problem::record_replayed)
    return plain_problem(error, instance_);
  const std::string text = problem_json(error, instance_);
  Reply reply{status_of(problem), std::string(kProblemJson), Bytes(text.begin(), text.end())};
  if (problem == Problem::quota_exceeded)
    reply.headers.emplace_back("Retry-After", std::to_string(allowance.resets_in.count()));
  if (problem == Problem::capacity) reply.headers.emplace_back("Retry-After", "2");
  return answer(std::move(reply), allowance);
}

Result<std::string> Call::event(std::string_view json) {
  if (!session_) return std::string(json);
  PRISM_TRY(const Bytes sealed, session_->seal(200, kJson, as_bytes(json)));
  return channel::to_base64url(sealed);
}

http::Response plain_problem(const Error& error, std::string_view instance) {
  const Problem problem = service::problem_of(error);
  const std::string text = problem_json(error, instance);
  auto response = http::Response::bytes(status_of(problem), std::string(kProblemJson), Bytes(text.begin(), text.end()));
  response.header("Cache-Control", "no-store");
  // RFC 9110, section 11.6.1: a 401 names how to authenticate.
  if (status_of(problem) == 401) response.header("WWW-Authenticate", "Prism-Session, Bearer");
  if (problem == Problem::capacity || problem == Problem::quota_exceeded) response.header("Retry-After", "2");
  return response;
}

}  // namespace prism::server::rest::internal
