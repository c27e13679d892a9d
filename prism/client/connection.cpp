#include "prism/client/connection.h"

#include <thread>

#include "prism/client/internal/requests.h"
#include "prism/client/internal/retry.h"
#include "prism/client/token.h"
#include "prism/hash/sha256.h"
#include "prism/host/interrupt.h"

namespace prism::client {
namespace {

using std::chrono::milliseconds;

/// Small enough that little is lost with a connection, large enough that round trips cost nothing.
constexpr std::size_t kPartBytes = std::size_t{4} << 20;
constexpr std::uint64_t kMostAnswerBytes = std::uint64_t{512} << 20;
constexpr std::uint64_t kMostPlanBytes = std::uint64_t{4} << 20;

/// Sleeps in small pieces, because Ctrl-C should not wait.
Status sleep_interruptibly(milliseconds time) {
  constexpr milliseconds kPiece{50};
  for (milliseconds left = time; left > milliseconds(0); left -= kPiece) {
    PRISM_CHECKED(host::check_interrupted());
    std::this_thread::sleep_for(std::min(left, kPiece));
  }
  return host::check_interrupted();
}

std::string_view path_of(Blob kind) { return kind == Blob::context ? "/contexts" : "/data"; }

}  // namespace

struct Connection::State {
  ConnectionOptions options;
  const Clock* clock;
  Random* random;
  std::unique_ptr<Transport> transport;
  SessionTransport* session = nullptr;  ///< the transport, when it is one of sessions
  std::optional<SessionFacts> no_session{};

  internal::Retry retry() { return internal::Retry(options.patience, *clock, *random, *transport); }
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() {
  if (state_ != nullptr && state_->session != nullptr) state_->session->close();
}

namespace {

Result<http::Client> http_client(const ConnectionOptions& options, bool session) {
  http::ClientOptions http;
  http.connect_timeout = options.patience.connect;
  http.io_timeout = options.patience.silence;
  http.stop = [wait = options.patience.wait ? options.patience.wait : sleep_interruptibly] {
    return !wait(milliseconds(0));
  };
  if (options.server.tls) {
    crypto::TlsClientOptions tls = options.tls;
    if (session && tls.pins.empty() && tls.ca_pem.empty()) tls.any_server = true;
    PRISM_TRY(http.tls, crypto::make_client_tls(tls));
  }
  return http::Client::create({options.server.tls, options.server.host, options.server.port}, std::move(http));
}

}  // namespace

Result<Connection> Connection::start(std::unique_ptr<State> state) {
  if (!state->options.patience.wait) state->options.patience.wait = sleep_interruptibly;
  Connection connection(std::move(state));
  // The first contact is not tried for long: a wrong address should be said at once.
  const bool session = connection.state_->session != nullptr;
  if (session) {
    PRISM_CHECKED(connection.state_->retry().first([&] { return connection.state_->session->open(); }));
  } else {
    PRISM_CHECKED(connection.state_->retry().first(
        [&]() -> Status { return static_cast<TokenTransport&>(*connection.state_->transport).open(); }));
  }
  return connection;
}

Result<Connection> Connection::open(ConnectionOptions options, const crypto::SigningKey& identity, const Clock& clock,
                                    Random& random) {
  PRISM_TRY(auto http, http_client(options, true));
  auto transport = std::make_unique<SessionTransport>(std::move(http), options.server.name(), options.trust,
                                                      options.policy, identity, clock, random);
  SessionTransport* const session = transport.get();
  return start(std::unique_ptr<State>(new State{std::move(options), &clock, &random, std::move(transport), session}));
}

Result<Connection> Connection::open_with_token(ConnectionOptions options, std::string token, const Clock& clock,
                                               Random& random) {
  if (!options.server.tls && !options.server.is_loopback())
    return fail(ErrorCode::refused, "a token is not sent without TLS");
  PRISM_TRY(auto http, http_client(options, false));
  PRISM_TRY(auto transport,
            TokenTransport::create(std::move(http), options.server.name(), options.trust, std::move(token), clock));
  return start(std::unique_ptr<State>(new State{std::move(options), &clock, &random, std::move(transport)}));
}

Connection Connection::over(std::unique_ptr<Transport> transport, Patience patience, const Clock& clock,
                            Random& random) {
  if (!patience.wait) patience.wait = sleep_interruptibly;
  ConnectionOptions options;
  options.patience = std::move(patience);
  return Connection(std::unique_ptr<State>(new State{std::move(options), &clock, &random, std::move(transport)}));
}

const std::string& Connection::server() const { return state_->transport->server(); }
const Meeting& Connection::meeting() const {
  check(state_->transport->meeting().has_value(), "a connection that met nobody");
  return *state_->transport->meeting();
}
Random& Connection::random() const { return *state_->random; }
Status Connection::check_stopped() const { return state_->options.patience.wait(milliseconds(0)); }
bool Connection::in_session() const { return state_->transport->in_session(); }
const std::optional<SessionFacts>& Connection::session() const {
  return state_->session != nullptr ? state_->session->facts() : state_->no_session;
}

Result<Reply> Connection::ask(const Call& call) {
  PRISM_TRY(auto reply, state_->retry().exchange(call));
  if (reply.problem) return reply.problem->error(server());
  return reply;
}

Result<compute::Plan> Connection::plan(std::string_view question_json) {
  const Call call{.method = "POST",
                  .target = "/plan",
                  .content_type = kJson,
                  .body = as_bytes(question_json),
                  .most_bytes = kMostPlanBytes};
  PRISM_TRY(const Reply reply, ask(call));
  return compute::Plan::parse(as_text(reply.body));
}

Result<Uploaded> Connection::upload(Blob kind, ByteView bytes, const UploadProgress& progress) {
  Uploaded done{.digest = hash::sha256(bytes)};
  const std::string path = std::string(path_of(kind)) + "/" + to_hex(done.digest);
  auto retry = state_->retry();
  const auto where = [&]() -> Result<internal::UploadState> {
    PRISM_TRY(const Reply reply, retry.exchange(Call{.method = "GET", .target = path}));
    if (reply.problem && reply.status == 404) return internal::UploadState{0, false};
    if (reply.problem) return reply.problem->error(server());
    return internal::read_upload_state(reply.body, bytes.size());
  };
  PRISM_TRY(internal::UploadState state, where());
  constexpr int kMostLost = 40;  // steps that bring nothing: a server must not keep us here for ever
  int lost = 0;
  while (!state.complete) {
    PRISM_CHECKED(check_stopped());
    if (progress) progress(state.offset, bytes.size());
    const ByteView part = bytes.subspan(static_cast<std::size_t>(state.offset),
                                        std::min(kPartBytes, bytes.size() - static_cast<std::size_t>(state.offset)));
    const Call call{
        .method = "PUT",
        .target = path + "?offset=" + std::to_string(state.offset) + "&size=" + std::to_string(bytes.size()),
        .content_type = kOctets,
        .body = part};
    PRISM_TRY(const Reply reply, retry.exchange(call));
    // A server that was stopped after the last byte has all of them, unexamined: an empty part makes it look.
    if (part.empty() && ++lost == kMostLost)
      return fail(ErrorCode::malformed, server(), " has every byte of an upload and does not finish it");
    if (!reply.problem) {
      done.sent += part.size();
      PRISM_TRY(state, internal::read_upload_state(reply.body, bytes.size()));
      continue;
    }
    // Something of an earlier try arrived, or is still being written, or the server forgot: it says where to go on.
    const std::string& why = reply.problem->type;
    if ((why != "offset-mismatch" && why != "conflict") || ++lost == kMostLost) return reply.problem->error(server());
    if (why == "conflict") PRISM_CHECKED(state_->options.patience.wait(milliseconds(250)));
    PRISM_TRY(state, where());
  }
  if (progress) progress(bytes.size(), bytes.size());
  return done;
}

Result<SignedAnswer> Connection::compute(std::string_view body, std::string_view idempotency_key, const Digest& context,
                                         const Digest& program, const std::function<void(const JobNews&)>& news) {
  const Call call{.method = "POST",
                  .target = "/compute",
                  .content_type = kJson,
                  .body = as_bytes(body),
                  .context = context,
                  .program = program,
                  .idempotency_key = idempotency_key,
                  .most_bytes = kMostAnswerBytes};
  PRISM_TRY(const Reply reply, ask(call));
  if (reply.status != 202) return internal::read_answer(reply.body);

  PRISM_TRY(internal::Job job, internal::read_job(reply.body));
  const std::string path = "/jobs/" + job.id;
  auto retry = state_->retry();
  while (!job.is_final()) {
    if (news) news({job.id, job.state, job.progress});
    // A stream that ends early, or does not begin, is begun again; what was missed stands in its first event.
    PRISM_CHECKED(retry.events(Call{.method = "GET", .target = path}, [&](std::string_view json) -> Result<bool> {
      PRISM_TRY(internal::Job now, internal::read_job(as_bytes(json)));
      if (now.id != job.id) return fail(ErrorCode::malformed, server(), " tells of another job than was asked about");
      job = std::move(now);
      if (news) news({job.id, job.state, job.progress});
      return !job.is_final();
    }));
  }
  if (job.state == "cancelled") return fail(ErrorCode::interrupted, "job ", job.id, " was cancelled");
  PRISM_TRY(const Reply answer, ask(Call{.target = path + "/answer", .most_bytes = kMostAnswerBytes}));
  return internal::read_answer(answer.body);
}

Result<SignedAnswer> Connection::compute_inline(ByteView body, const Digest& context, const Digest& program) {
  const Call call{.method = "POST",
                  .target = "/compute/encrypted",
                  .content_type = kCbor,
                  .body = body,
                  .context = context,
                  .program = program,
                  .most_bytes = kMostAnswerBytes};
  PRISM_TRY(const Reply reply, ask(call));
  return internal::read_answer(reply.body);
}

}  // namespace prism::client
