#include "prism/server/rest/handler.h"

#include <arpa/inet.h>

#include <array>
#include <atomic>
#include <functional>
#include <utility>

#include "prism/channel/handshake.h"
#include "prism/channel/record.h"
#include "prism/channel/stream.h"
#include "prism/http/router.h"
#include "prism/http/sse.h"
#include "prism/server/rest/internal/call.h"
#include "prism/server/rest/internal/documents.h"
#include "prism/service/announcement.h"
#include "prism/service/names.h"

namespace prism::server::rest {
namespace {

using internal::Call;
using internal::Reply;
using service::BlobKind;
using service::Problem;
using namespace std::chrono_literals;

constexpr std::uint64_t kSmallBody = 64 << 10;  ///< of requests that carry a digest or nothing
constexpr std::chrono::milliseconds kHeartbeat = 10s;
constexpr std::chrono::milliseconds kLook = 500ms;  ///< how often a stream looks whether the server stops
/// Each stream of events holds one of the server's worker threads; the rest are for requests.
constexpr int kMostStreams = 8;
/// When others wait for one, a stream ends after this long; its client begins another.
constexpr std::chrono::milliseconds kTurn = 3s;

// In the order of docs/rest.md. openapi_test compares them with the document.
constexpr std::array kRoutes{
    Route{"GET", "/api/v1/keys/public"},
    Route{"POST", "/api/v1/session/initiate"},
    Route{"POST", "/api/v1/session/{id}/finish"},
    Route{"POST", "/api/v1/session/{id}/rekey"},
    Route{"DELETE", "/api/v1/session/{id}"},
    Route{"POST", "/api/v1/contexts"},
    Route{"GET", "/api/v1/contexts/{digest}"},
    Route{"PUT", "/api/v1/contexts/{digest}"},
    Route{"DELETE", "/api/v1/contexts/{digest}"},
    Route{"GET", "/api/v1/data/{digest}"},
    Route{"PUT", "/api/v1/data/{digest}"},
    Route{"DELETE", "/api/v1/data/{digest}"},
    Route{"POST", "/api/v1/plan"},
    Route{"POST", "/api/v1/compute"},
    Route{"POST", "/api/v1/compute/encrypted"},
    Route{"GET", "/api/v1/jobs/{id}"},
    Route{"GET", "/api/v1/jobs/{id}/answer"},
    Route{"DELETE", "/api/v1/jobs/{id}"},
    Route{"GET", "/api/v1/openapi.json"},
};

/// The bytes of a record around so many.
std::uint64_t sealed(std::uint64_t plain) {
  return channel::sealed_stream_bytes(channel::kRecordFixedBytes + channel::kMaxContentTypeBytes, plain);
}

std::uint64_t most_body(const service::Limits& limits, std::string_view method, std::string_view pattern) {
  if (pattern == "/api/v1/session/initiate") return channel::kMaxFirstBytes;
  if (pattern == "/api/v1/session/{id}/finish") return channel::kMaxThirdBytes;
  if (pattern == "/api/v1/compute/encrypted") return sealed(limits.inline_bytes);
  if (pattern == "/api/v1/compute" || pattern == "/api/v1/plan") return sealed(limits.request_bytes);
  if (method == "PUT") return sealed(pattern == "/api/v1/data/{digest}" ? limits.data_bytes : limits.context_bytes);
  return sealed(kSmallBody);
}

template <std::size_t size>
Result<std::array<std::uint8_t, size>> id_parameter(const http::Request& request) {
  const auto found = service::from_hex<size>(request.parameters.at(0));
  // The same answer as for what is not there: nothing can be.
  if (!found) return service::refuse(Problem::not_found, "no such thing: an id or digest is lower-case hexadecimal");
  return *found;
}

/// What quotas of strangers go by: an IPv4 address, or the /64 of an IPv6 one, whose holder has all of it.
std::string network_of(const std::string& address) {
  in6_addr parts{};
  if (::inet_pton(AF_INET6, address.c_str(), &parts) != 1) return address;
  if (IN6_IS_ADDR_V4MAPPED(&parts)) return address;
  return to_hex(ByteView(parts.s6_addr, 8)) + "/64";
}

struct Part {
  std::uint64_t offset = 0, size = 0;
};

/// ?offset=O&size=N, each once at most and nothing else.
Result<Part> part_of(const http::Request& request, const Call& call) {
  std::optional<std::uint64_t> offset, size;
  std::string_view rest = request.query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    auto& place = name == "offset" ? offset : size;
    if ((name != "offset" && name != "size") || place || equals == std::string_view::npos)
      return service::refuse(Problem::invalid_request, "the query must be offset=O&size=N");
    place = service::number_from(pair.substr(equals + 1));
    if (!place) return service::refuse(Problem::invalid_request, name, " is not a number of bytes");
  }
  if (!size && !call.in_session()) size = request.body->length();
  if (!size) return service::refuse(Problem::invalid_request, "size=N is missing: the bytes of the whole upload");
  return Part{offset.value_or(0), *size};
}

class RestHandler final : public http::Handler {
 public:
  explicit RestHandler(service::ComputeService& service) : service_(service) {
    add_open("GET", "/api/v1/keys/public", [this](http::Request&) { return public_keys(); });
    add_open("POST", "/api/v1/session/initiate", [this](http::Request& request) { return initiate(request); });
    add_open("POST", "/api/v1/session/{id}/finish", [this](http::Request& request) { return finish(request); });
    add("POST", "/api/v1/session/{id}/rekey",
        [this](http::Request& request, Call& call) { return rekey(request, call); });
    add("DELETE", "/api/v1/session/{id}", [this](http::Request& request, Call& call) { return close(request, call); });
    add("POST", "/api/v1/contexts", [this](http::Request&, Call& call) { return announce(call); });
    add_uploads("/api/v1/contexts/{digest}", BlobKind::context);
    add_uploads("/api/v1/data/{digest}", BlobKind::data);
    add("POST", "/api/v1/plan", [this](http::Request&, Call& call) { return plan(call); });
    add("POST", "/api/v1/compute", [this](http::Request&, Call& call) { return compute(call); });
    add("POST", "/api/v1/compute/encrypted", [this](http::Request&, Call& call) { return compute_inline(call); });
    add_route("GET", "/api/v1/jobs/{id}", [this](http::Request& request) { return job(request); });
    add("GET", "/api/v1/jobs/{id}/answer",
        [this](http::Request& request, Call& call) { return answer(request, call); });
    add("DELETE", "/api/v1/jobs/{id}", [this](http::Request& request, Call& call) { return cancel(request, call); });
    add_open("GET", "/api/v1/openapi.json", [](http::Request&) -> Result<http::Response> {
      return http::Response::json(200, std::string(openapi_json()));
    });
    check(added_ == kRoutes.size(), "a route has no function");
  }

  http::Route route(const http::Request& request) const override { return router_.route(request); }
  http::Response handle(http::Request& request) override { return router_.handle(request); }

 private:
  using Open = std::function<Result<http::Response>(http::Request&)>;
  using Protected = std::function<Result<Reply>(http::Request&, Call&)>;

  void add_route(std::string_view method, std::string_view pattern, http::Router::Function function) {
    bool known = false;
    for (const Route& route : kRoutes) known = known || (route.method == method && route.pattern == pattern);
    check(known, "a function for a route that is not listed");
    ++added_;
    http::Route rules;
    rules.max_body_bytes = most_body(service_.limits(), method, pattern);
    router_.add(method, pattern, rules, std::move(function));
  }
  void add_open(std::string_view method, std::string_view pattern, Open function) {
    add_route(method, pattern, [function = std::move(function)](http::Request& request) {
      auto response = function(request);
      return response ? *std::move(response) : internal::plain_problem(response.error(), request.id);
    });
  }
  void add(std::string_view method, std::string_view pattern, Protected function) {
    add_route(method, pattern, [this, function = std::move(function)](http::Request& request) {
      auto call = Call::open(service_, request);
      if (!call) return internal::plain_problem(call.error(), request.id);
      auto reply = function(request, **call);
      const service::Allowance allowance = service_.allowance((*call)->caller());
      return reply ? (*call)->answer(*std::move(reply), allowance) : (*call)->refuse(reply.error(), allowance);
    });
  }
  void add_uploads(std::string_view pattern, BlobKind kind) {
    add("GET", pattern, [this, kind](http::Request& request, Call& call) { return upload_state(kind, request, call); });
    add("PUT", pattern, [this, kind](http::Request& request, Call& call) { return upload(kind, request, call); });
    add("DELETE", pattern, [this, kind](http::Request& request, Call& call) { return remove(kind, request, call); });
  }

  static http::Response cbor(int status, Bytes bytes) {
    auto response = http::Response::bytes(status, std::string(internal::kCbor), std::move(bytes));
    response.header("Cache-Control", "no-store");
    return response;
  }
  static Result<Bytes> handshake_body(http::Request& request, std::size_t most) {
    if (!http::equal_ignoring_case(request.media_type(), internal::kCbor))
      return service::refuse(Problem::unsupported_media_type, "handshake messages are ", internal::kCbor);
    return request.read_body(most);
  }

  // -- handshake

  Result<http::Response> public_keys() {
    PRISM_TRY(Bytes bundle, service_.public_keys());
    return cbor(200, std::move(bundle));
  }
  Result<http::Response> initiate(http::Request& request) {
    PRISM_TRY(const Bytes first, handshake_body(request, channel::kMaxFirstBytes));
    PRISM_TRY(service::Initiated begun,
              service_.initiate(first, network_of(request.peer->address), request.peer->channel_binding));
    return cbor(begun.retry ? 503 : 200, std::move(begun.second));
  }
  Result<http::Response> finish(http::Request& request) {
    PRISM_TRY(const Bytes third, handshake_body(request, channel::kMaxThirdBytes));
    PRISM_TRY(const auto id, id_parameter<16>(request));
    PRISM_TRY(Bytes fourth, service_.finish(id, third, network_of(request.peer->address)));
    return cbor(200, std::move(fourth));
  }
  /// Sessions act on themselves alone.
  static Result<service::SessionId> own_session(http::Request& request, const Call& call) {
    PRISM_TRY(const auto id, id_parameter<16>(request));
    if (call.caller().session != id)
      return service::refuse(Problem::not_found, "the path names another session than the record");
    return id;
  }
  Result<Reply> rekey(http::Request& request, Call& call) {
    PRISM_CHECKED(own_session(request, call));
    PRISM_TRY(const Bytes message, call.read_body(internal::kCbor, kSmallBody));
    PRISM_TRY(Bytes answer, service_.rekey(call.caller(), message));
    return Reply::cbor(200, std::move(answer));
  }
  Result<Reply> close(http::Request& request, Call& call) {
    PRISM_TRY(const service::SessionId id, own_session(request, call));
    PRISM_CHECKED(call.no_body());
    call.close_after_answer([this, id] { service_.close_session(id); });
    return Reply::json(200, "{}");
  }

  // -- uploads

  static Reply upload_reply(int status, const Digest& digest, const service::UploadState& state) {
    Reply reply = Reply::json(status, internal::upload_json(digest, state));
    reply.headers = {{"Upload-Offset", std::to_string(state.offset)},
                     {"Upload-Length", std::to_string(state.size)},
                     {"Upload-Complete", state.complete ? "?1" : "?0"}};
    return reply;
  }
  Result<Reply> announce(Call& call) {
    PRISM_TRY(const Bytes body, call.read_body(internal::kJson, kSmallBody));
    PRISM_TRY(const service::Announcement wanted, service::parse_announcement(body));
    const bool known = service_.upload_state(call.caller(), BlobKind::context, wanted.digest).has_value();
    PRISM_TRY(const auto state, service_.announce(call.caller(), BlobKind::context, wanted.digest, wanted.size));
    Reply reply = upload_reply(known ? 200 : 201, wanted.digest, state);
    reply.headers.emplace_back("Location", "/api/v1/contexts/" + to_hex(wanted.digest));
    return reply;
  }
  Result<Reply> upload_state(BlobKind kind, http::Request& request, Call& call) {
    PRISM_TRY(const Digest digest, id_parameter<32>(request));
    PRISM_CHECKED(call.no_body());
    PRISM_TRY(const auto state, service_.upload_state(call.caller(), kind, digest));
    return upload_reply(200, digest, state);
  }
  Result<Reply> upload(BlobKind kind, http::Request& request, Call& call) {
    PRISM_TRY(const Digest digest, id_parameter<32>(request));
    PRISM_TRY(const Part part, part_of(request, call));
    const auto before = service_.upload_state(call.caller(), kind, digest);
    const bool was_complete = before && before->complete;
    PRISM_TRY(const auto state, service_.upload(call.caller(), kind, digest, part.offset, part.size, call.body()));
    return upload_reply(state.complete && !was_complete ? 201 : 200, digest, state);
  }
  Result<Reply> remove(BlobKind kind, http::Request& request, Call& call) {
    PRISM_TRY(const Digest digest, id_parameter<32>(request));
    PRISM_CHECKED(call.no_body());
    PRISM_CHECKED(service_.remove(call.caller(), kind, digest));
    return Reply::json(200, "{}");
  }

  // -- computing

  static service::ComputeCall compute_call(ByteView body, const Call& call) {
    return {body, call.context(), call.program(), call.idempotency_key()};
  }
  Result<Reply> plan(Call& call) {
    PRISM_TRY(const Bytes body, call.read_body(internal::kJson, service_.limits().request_bytes));
    PRISM_TRY(const std::string plan, service_.plan(call.caller(), as_text(body)));
    return Reply::json(200, plan);
  }
  Result<Reply> compute(Call& call) {
    PRISM_TRY(const Bytes body, call.read_body(internal::kJson, service_.limits().request_bytes));
    PRISM_TRY(const service::Outcome outcome, service_.compute(call.caller(), compute_call(body, call)));
    if (outcome.answer) return Reply::cbor(200, internal::answer_cbor(*outcome.answer));
    Reply reply = Reply::json(202, internal::job_json(outcome.job));
    reply.headers.emplace_back("Location", "/api/v1/jobs/" + to_hex(outcome.job.id));
    return reply;
  }
  Result<Reply> compute_inline(Call& call) {
    PRISM_TRY(const Bytes body, call.read_body(internal::kCbor, service_.limits().inline_bytes));
    PRISM_TRY(const service::Answer answer, service_.compute_inline(call.caller(), compute_call(body, call)));
    return Reply::cbor(200, internal::answer_cbor(answer));
  }

  // -- jobs

  http::Response job(http::Request& request) {
    auto opened = Call::open(service_, request);
    if (!opened) return internal::plain_problem(opened.error(), request.id);
    const std::shared_ptr<Call> call = *std::move(opened);  // shared with a stream of events, which outlives this
    const auto view = [&]() -> Result<service::JobView> {
      PRISM_TRY(const service::JobId id, id_parameter<16>(request));
      PRISM_CHECKED(call->no_body());
      return service_.job(call->caller(), id);
    }();
    const service::Allowance allowance = service_.allowance(call->caller());
    if (!view) return call->refuse(view.error(), allowance);
    const std::string_view accept = request.headers.find("Accept").value_or("");
    if (accept.find(internal::kEvents) == std::string_view::npos)
      return call->answer(Reply::json(200, internal::job_json(*view)), allowance);
    // Counted for as long as the response lives, whether it is ever produced or not.
    const std::shared_ptr<void> counted(nullptr, [this](void*) { --streams_; });
    if (++streams_ > kMostStreams)
      return call->refuse(
          service::refuse(Problem::capacity, "too many streams of events; ask without Accept: text/event-stream"),
          allowance);
    return http::event_stream(
        [this, call, counted, first = *view](http::BodyWriter& out) { return events(*call, first, out); });
  }
  Status events(Call& call, service::JobView view, http::BodyWriter& out) {
    for (auto lived = 0ms;;) {
      PRISM_TRY(std::string data, call.event(internal::job_json(view)));
      PRISM_CHECKED(out.write(as_bytes(http::encode_event({"job", std::move(data)}))));
      if (view.state != service::JobState::queued && view.state != service::JobState::running) return {};
      const service::JobView seen = view;
      for (auto silent = 0ms; view.state == seen.state && view.progress - seen.progress < 0.01; silent += kLook) {
        if (out.stopping() || (lived >= kTurn && streams_ >= kMostStreams)) return {};  // the client asks again
        if (silent >= kHeartbeat) {
          PRISM_CHECKED(out.write(as_bytes(http::kEventHeartbeat)));
          silent = 0ms;
        }
        PRISM_TRY(view, service_.wait_for_change(call.caller(), view.id, seen, kLook));
        lived += kLook;
      }
    }
  }
  Result<Reply> answer(http::Request& request, Call& call) {
    PRISM_TRY(const service::JobId id, id_parameter<16>(request));
    PRISM_CHECKED(call.no_body());
    PRISM_TRY(const service::Answer answer, service_.answer(call.caller(), id));
    return Reply::cbor(200, internal::answer_cbor(answer));
  }
  Result<Reply> cancel(http::Request& request, Call& call) {
    PRISM_TRY(const service::JobId id, id_parameter<16>(request));
    PRISM_CHECKED(call.no_body());
    PRISM_TRY(const service::JobView view, service_.cancel(call.caller(), id));
    return Reply::json(200, internal::job_json(view));
  }

  service::ComputeService& service_;
  http::Router router_;
  std::size_t added_ = 0;
  std::atomic<int> streams_{0};
};

}  // namespace

std::unique_ptr<http::Handler> make_handler(service::ComputeService& service) {
  return std::make_unique<RestHandler>(service);
}

std::span<const Route> routes() { return kRoutes; }

}  // namespace prism::server::rest
