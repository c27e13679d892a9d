#include "prism/client/session.h"

#include "prism/client/internal/messages.h"

namespace prism::client {
namespace {

using internal::kApi;

/// Room for what a record adds to a body: header, commitment, and a tag for each chunk.
std::uint64_t record_bytes(std::uint64_t body) {
  return channel::sealed_stream_bytes(channel::kRecordFixedBytes + channel::kMaxContentTypeBytes, body);
}

}  // namespace

/// A record on its way, and what its answer will be bound to.
struct SessionTransport::Sent {
  Bytes record;
  std::string target;
  channel::RecordId id;

  channel::Binding binding(const Call& call) const {
    return {.method = call.method,
            .path = target,
            .content_type = call.content_type.empty() ? kOctets : call.content_type,
            .context = call.context,
            .program = call.program,
            .idempotency_key = call.idempotency_key};
  }
  channel::Binding answer(const Call& call, int status) const {
    channel::Binding bound = binding(call);
    bound.content_type = {};  // the answer's own
    bound.answer = channel::Answer{.request = id, .status = static_cast<std::uint16_t>(status)};
    return bound;
  }
};

SessionTransport::SessionTransport(http::Client http, std::string server, Trust trust, channel::ClientPolicy policy,
                                   const crypto::SigningKey& identity, const Clock& clock, Random& random)
    : http_(std::move(http)),
      server_(std::move(server)),
      trust_(std::move(trust)),
      policy_(std::move(policy)),
      identity_(identity),
      clock_(clock),
      random_(random) {}

SessionTransport::~SessionTransport() = default;

void SessionTransport::reset() { keys_.reset(); }
void SessionTransport::disconnect() { http_.close(); }

Result<Bytes> SessionTransport::post(const std::string& path, ByteView message, std::size_t most_bytes, bool* retry) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = std::string(kApi) + path;
  request.headers.emplace_back("Content-Type", std::string(kCbor));
  request.body = message;
  PRISM_TRY(auto response, http_.send(request, std::max(most_bytes, kMaxProblemBytes)));
  const bool cbor = internal::media_type_of(response) == kCbor;
  if (retry != nullptr) *retry = cbor && response.status == 503;
  if (cbor && (response.status == 200 || (retry != nullptr && *retry)) && response.body.size() <= most_bytes)
    return std::move(response.body);
  return internal::refusal(response, server_);
}

Status SessionTransport::handshake() {
  PRISM_TRY(Meeting met, meet(http_, server_, trust_, clock_));
  channel::ClientPolicy policy = policy_;
  policy.minimum_epoch = met.bundle.content().epoch;
  PRISM_TRY(auto machine,
            channel::ClientHandshake::start(policy, identity_, met.bundle.fingerprint(), clock_.wall(), random_));
  bool retry = false;
  PRISM_TRY(Bytes second, post("/session/initiate", machine.first(), channel::kMaxSecondBytes, &retry));
  if (retry) {  // the server is busy, and wants to see that we receive at our address
    PRISM_CHECKED(machine.on_retry(second));
    PRISM_TRY(Bytes again, post("/session/initiate", machine.first(), channel::kMaxSecondBytes, &retry));
    if (retry) return fail(ErrorCode::network, server_, " is too busy for a handshake; try again later");
    second = std::move(again);
  }
  PRISM_TRY(const Bytes third, machine.on_second(second, clock_.wall(), random_));
  PRISM_TRY(const Bytes fourth,
            post("/session/" + to_hex(*machine.session()) + "/finish", third, channel::kMaxFourthBytes));
  PRISM_TRY(auto established, machine.on_fourth(fourth));

  facts_ = SessionFacts{established.id, established.suite, established.limits.expires_at, http_.peer()};
  meeting_ = std::move(met);
  keys_ = std::make_unique<channel::SessionKeys>(channel::Role::client, std::move(established), clock_.wall());
  return {};
}

Status SessionTransport::open() {
  // A minute early: what is sent now has to arrive while the server still knows the session.
  constexpr std::chrono::seconds kMargin{60};
  if (keys_ && !keys_->alive(clock_.wall() + kMargin)) keys_.reset();
  if (!keys_) return handshake();
  return keys_->rekey_due(clock_.wall()) ? renew_keys() : Status();
}

Status SessionTransport::renew_keys() {
  PRISM_TRY(const Bytes first, keys_->begin_rekey(random_));
  const std::string target = "/session/" + to_hex(keys_->id()) + "/rekey";
  const Call call{.method = "POST", .target = target, .content_type = kCbor, .body = first};
  PRISM_TRY(const Reply reply, send(call));
  if (!reply.vouched || reply.status != 200) {
    keys_.reset();  // a new session has fresh keys, too
    return handshake();
  }
  return keys_->finish_rekey(reply.body, clock_.wall());
}

Result<SessionTransport::Sent> SessionTransport::seal(const Call& call) {
  Sent sent;
  sent.target = std::string(kApi) + call.target;
  PRISM_TRY(sent.record, keys_->seal(sent.binding(call), call.body, clock_.wall(), random_));
  sent.id = channel::record_id(sent.record);
  return sent;
}

Result<Reply> SessionTransport::send(const Call& call, std::optional<std::chrono::milliseconds> deadline) {
  PRISM_TRY(const Sent sent, seal(call));
  http::ClientRequest request = internal::request_of(call);
  request.deadline = deadline;
  if (call.content_type.empty()) {
    request.headers.emplace_back(std::string(channel::kRecordField), channel::to_base64url(sent.record));
  } else {
    request.headers.emplace_back("Content-Type", std::string(channel::kRecordMediaType));
    request.body = ByteView(sent.record);
  }
  PRISM_TRY(const auto response, http_.send(request, record_bytes(call.most_bytes)));
  return read(call, sent, response);
}

Result<Reply> SessionTransport::read(const Call& call, const Sent& sent, const http::ClientResponse& response) {
  if (internal::media_type_of(response) != channel::kRecordMediaType) {
    Reply reply = internal::plain_reply(response, false);
    if (!reply.problem)
      return fail(ErrorCode::integrity, server_,
                  " answered outside the session, which no honest server does; "
                  "something on the way may be changing answers");
    return reply;
  }
  auto opened = keys_->open(sent.answer(call, response.status), response.body, clock_.wall());
  if (!opened)
    return fail(ErrorCode::integrity, "the answer of ", server_,
                " is not the one to this request: ", opened.error().message);
  Reply reply{response.status, opened->content_type, std::move(opened->body), true, {}};
  if (reply.status < 200 || reply.status > 299)
    reply.problem =
        read_problem(reply.status, reply.content_type, reply.body, response.find("Retry-After").value_or(""));
  return reply;
}

Result<Reply> SessionTransport::exchange(const Call& call) {
  PRISM_CHECKED(open());
  return send(call);
}

Result<Reply> SessionTransport::events(const Call& call,
                                       const std::function<Result<bool>(std::string_view json)>& sink) {
  PRISM_CHECKED(open());
  PRISM_TRY(const Sent sent, seal(call));
  http::ClientRequest request = internal::request_of(call);
  request.headers.emplace_back(std::string(channel::kRecordField), channel::to_base64url(sent.record));
  request.headers.emplace_back("Accept", "text/event-stream");
  bool enough = false;
  auto response = http_.events(request, [&](const http::Event& event) -> Status {
    constexpr std::size_t kMaxEventBytes = 64 << 10;
    PRISM_TRY(const Bytes record, channel::from_base64url(event.data, kMaxEventBytes));
    PRISM_TRY(const auto opened, keys_->open(sent.answer(call, 200), record, clock_.wall()));
    PRISM_TRY(const bool more, sink(as_text(opened.body)));
    enough = !more;
    return more ? Status() : fail(ErrorCode::interrupted, "that is all");
  });
  if (enough) {
    http_.close();  // the rest of the stream is still on its way
    return Reply{200, "text/event-stream", {}, true, {}};
  }
  if (!response) return std::move(response).error();
  if (response->status == 200) {
    if (internal::media_type_of(*response) != "text/event-stream")
      return fail(ErrorCode::network, server_, " answers with something else than a stream of events");
    return Reply{200, "text/event-stream", {}, true, {}};
  }
  return read(call, sent, *response);
}

void SessionTransport::close() {
  if (!keys_) return;
  // A courtesy: not worth a new connection, nor more than a moment on the one there is.
  constexpr std::chrono::seconds kLongest{2};
  if (http_.connected()) (void)send(Call{.method = "DELETE", .target = "/session/" + to_hex(keys_->id())}, kLongest);
  keys_.reset();
}

}  // namespace prism::client
