#include "prism/http/client.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>

#include "prism/http/internal/chunked.h"
#include "prism/http/internal/head.h"
#include "prism/http/internal/transport.h"

namespace prism::http {

namespace {

using namespace internal;
using std::chrono::steady_clock;

constexpr asio::use_awaitable_t<Executor> kAwait{};
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::uint64_t kMaxProblemBytes = 64 * 1024;
/// A server that answers 1xx forever would keep us waiting.
constexpr int kMaxInterim = 8;
constexpr std::chrono::milliseconds kLookAtStop{200};

bool is_loopback_name(const std::string& host) {
  if (host == "localhost") return true;
  error_code ec;
  const auto address = asio::ip::make_address(host, ec);
  return !ec && address.is_loopback();
}

bool is_field_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

}  // namespace

Result<Origin> Origin::parse(std::string_view url) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::invalid_argument, "\"", url, "\" is no server address: ", why, "; write https://HOST:PORT");
  };
  Origin origin;
  std::string_view rest = url;
  if (rest.substr(0, 8) == "https://") {
    rest.remove_prefix(8);
  } else if (rest.substr(0, 7) == "http://") {
    rest.remove_prefix(7);
    origin.tls = false;
  } else {
    return refuse("it does not start with https://");
  }
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ \t\r\n\\") != std::string_view::npos)
    return refuse("only a host and a port may follow the scheme");
  std::string_view port;
  if (!rest.empty() && rest.front() == '[') {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return refuse("a bracket is not closed");
    origin.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!rest.empty() && rest.front() != ':') return refuse("something follows the bracket");
    port = rest;
  } else {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    origin.host = rest.substr(0, colon);
    port = rest.substr(colon);
    if (port.find(':', 1) != std::string_view::npos) return refuse("an IPv6 address stands in brackets");
  }
  if (origin.host.empty() || origin.host.size() > 253) return refuse("there is no host");
  origin.port = origin.tls ? 443 : 80;
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), origin.port);
    if (error != std::errc{} || end != port.data() + port.size() || origin.port == 0)
      return refuse("the port is no number from 1 to 65535");
  }
  if (!origin.tls && !is_loopback_name(origin.host))
    return fail(ErrorCode::refused, "plain http:// is for this machine alone, and \"", origin.host,
                "\" is another one; use https://");
  return origin;
}

std::string Origin::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (tls ? "https://" : "http://") + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<std::string_view> ClientResponse::find(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equal_ignoring_case(key, name)) return value;
  return std::nullopt;
}

struct Client::State {
  Origin origin;
  ClientOptions options;
  asio::io_context context{1};
  std::unique_ptr<Transport> transport;
  std::optional<crypto::TlsPeer> peer;
  std::vector<std::uint8_t> input;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool used = false;      ///< the connection has carried an exchange
  bool answered = false;  ///< a byte of the current response came
  TimePoint deadline = TimePoint::max();

  using Outcome = std::optional<Error>;
  using Deliver = std::function<Status(int status, ByteView)>;

  void drop() {
    if (transport) transport->close();
    transport.reset();
    begin = end = 0;
    used = false;
  }
  TimePoint next_deadline() const { return std::min(deadline, steady_clock::now() + options.io_timeout); }
  Milliseconds next_limit() const {
    const auto left = std::chrono::duration_cast<Milliseconds>(next_deadline() - steady_clock::now());
    return std::max(left, Milliseconds(1));
  }
  Error failure(const error_code& error) const {
    if (timed_out(error)) return fail(ErrorCode::network, origin.text(), " did not answer in time");
    if (const unsigned long code = tls_code(error)) {
      Error reason = crypto::tls_failure(transport ? transport->ssl() : nullptr, code);
      reason.message = origin.text() + ": " + reason.message;
      return reason;
    }
    if (truncated(error)) return fail(ErrorCode::network, origin.text(), " ended the connection without TLS's goodbye");
    return fail(ErrorCode::network, origin.text(), ": ", error.message());
  }
  Error ended() const { return fail(ErrorCode::network, origin.text(), " ended the connection before its response"); }

  Task<Outcome> connect();
  Task<Outcome> more();
  Task<Outcome> write(ByteView bytes);
  Task<Outcome> send_request(const ClientRequest& request);
  Task<Outcome> read_response(const ClientRequest& request, std::uint64_t max_body_bytes, const Deliver& deliver,
                              ClientResponse& response);
  Task<Outcome> read_body(const ResponseHead& head, std::uint64_t max_body_bytes, const Deliver& deliver);
  Task<Outcome> exchange(const ClientRequest& request, std::uint64_t max_body_bytes, const Deliver& deliver,
                         ClientResponse& response);
  Result<ClientResponse> run(const ClientRequest& request, std::uint64_t max_body_bytes, const Deliver& deliver);
};

Task<Client::State::Outcome> Client::State::connect() {
  const TimePoint limit = std::min(deadline, steady_clock::now() + options.connect_timeout);
  const auto left = [&] {
    return std::max(std::chrono::duration_cast<Milliseconds>(limit - steady_clock::now()), Milliseconds(1));
  };
  error_code ec;
  asio::ip::basic_resolver<tcp, Executor> resolver(context.get_executor());
  const std::string port = std::to_string(origin.port);
  const auto found = co_await resolver.async_resolve(origin.host, port, tcp::resolver::numeric_service,
                                                     asio::redirect_error(kAwait, ec));
  if (ec) co_return fail(ErrorCode::network, "the host \"", origin.host, "\" is not known: ", ec.message());
  TcpStream stream(context.get_executor());
  stream.expires_at(limit);
  co_await stream.async_connect(found, asio::redirect_error(kAwait, ec));
  if (ec) co_return failure(ec);
  error_code ignored;
  stream.socket().set_option(tcp::no_delay(true), ignored);
  peer.reset();
  if (!origin.tls) {
    transport = plain_transport(std::move(stream));
    co_return std::nullopt;
  }
  transport = tls_transport(std::move(stream), *options.tls, false);
  if (!transport) co_return fail(ErrorCode::exhausted, "no memory for a TLS connection");
  if (auto named = crypto::set_tls_host(transport->ssl(), origin.host); !named) co_return std::move(named).error();
  const Io io = co_await transport->handshake(left());
  if (io.error) co_return failure(io.error);
  auto agreed = crypto::describe_tls(transport->ssl());
  if (!agreed) co_return std::move(agreed).error();
  peer = *std::move(agreed);
  co_return std::nullopt;
}

/// At least one more byte of input.
Task<Client::State::Outcome> Client::State::more() {
  if (begin == end) begin = end = 0;
  if (end == input.size()) {
    if (begin > 0) {
      std::copy(input.begin() + static_cast<std::ptrdiff_t>(begin), input.begin() + static_cast<std::ptrdiff_t>(end),
                input.begin());
      end -= begin;
      begin = 0;
    } else {
      input.resize(std::max<std::size_t>(16 * 1024, input.size() * 2));
    }
  }
  const Io io = co_await transport->read_some(MutableByteView(input).subspan(end), next_deadline());
  if (io.error) co_return failure(io.error);
  if (io.bytes == 0) co_return ended();
  answered = true;
  end += io.bytes;
  co_return std::nullopt;
}

Task<Client::State::Outcome> Client::State::write(ByteView bytes) {
  const Io io = co_await transport->write(bytes, next_limit());
  if (io.error) co_return failure(io.error);
  co_return std::nullopt;
}

Task<Client::State::Outcome> Client::State::send_request(const ClientRequest& request) {
  std::string head(request.method);
  head += ' ';
  head += request.target;
  head += " HTTP/1.1\r\nHost: ";
  head += origin.text().substr(origin.tls ? 8 : 7);
  head += "\r\nUser-Agent: " + options.user_agent;
  for (const auto& [name, value] : request.headers) ((((head += "\r\n") += name) += ": ") += value);
  const auto* const view = std::get_if<ByteView>(&request.body);
  const auto* const upload = std::get_if<UploadBody>(&request.body);
  const bool chunked = upload != nullptr && !upload->length;
  if (chunked)
    head += "\r\nTransfer-Encoding: chunked";
  else if (view != nullptr || upload != nullptr)
    head += "\r\nContent-Length: " + std::to_string(view != nullptr ? view->size() : *upload->length);
  head += "\r\n\r\n";
  if (upload == nullptr) {
    const ByteView body = view != nullptr ? *view : ByteView{};
    // A small body leaves in the head's own TLS record.
    const std::size_t along = std::min(body.size(), 16 * 1024 - std::min<std::size_t>(16 * 1024, head.size()));
    head += as_text(body.first(along));
    Outcome error = co_await write(as_bytes(head));
    if (error) co_return error;
    if (along < body.size()) {
      error = co_await write(body.subspan(along));
      co_return error;
    }
    co_return std::nullopt;
  }
  Outcome error = co_await write(as_bytes(head));
  if (error) co_return error;
  // Room for a chunk's frame stands around the piece, so it leaves as it lies.
  constexpr std::size_t kFrontBytes = 20;
  std::vector<std::uint8_t> buffer(kFrontBytes + kPieceBytes + 2);
  const MutableByteView piece = MutableByteView(buffer).subspan(kFrontBytes, kPieceBytes);
  std::uint64_t left = upload->length.value_or(0);
  for (;;) {
    if (upload->length && left == 0) co_return std::nullopt;
    const std::size_t room =
        upload->length ? static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes)) : kPieceBytes;
    auto filled = upload->read(piece.first(room));
    if (!filled) co_return std::move(filled).error();
    if (*filled == 0) {
      if (upload->length) co_return fail(ErrorCode::io, "the body to upload ended ", left, " bytes too early");
      error = co_await write(as_bytes("0\r\n\r\n"));
      co_return error;
    }
    ByteView out = piece.first(*filled);
    if (chunked) {
      std::array<char, 20> size{};
      const auto digits = static_cast<std::size_t>(std::snprintf(size.data(), size.size(), "%zx\r\n", *filled));
      std::copy_n(size.begin(), digits, buffer.begin() + static_cast<std::ptrdiff_t>(kFrontBytes - digits));
      buffer[kFrontBytes + *filled] = '\r';
      buffer[kFrontBytes + *filled + 1] = '\n';
      out = ByteView(buffer).subspan(kFrontBytes - digits, digits + *filled + 2);
    }
    error = co_await write(out);
    if (error) co_return error;
    left -= upload->length ? *filled : 0;
  }
}

Task<Client::State::Outcome> Client::State::read_body(const ResponseHead& head, std::uint64_t max_body_bytes,
                                                      const Deliver& deliver) {
  const auto too_long = [&] {
    return fail(ErrorCode::malformed, "the response of ", origin.text(), " is longer than ", max_body_bytes, " bytes");
  };
  if (head.framing == Framing::sized && head.length > max_body_bytes) co_return too_long();
  std::uint64_t left = head.length;
  std::uint64_t total = 0;
  ChunkDecoder chunks;
  Bytes piece(head.framing == Framing::none ? 0 : kPieceBytes);
  while (head.framing != Framing::none) {
    if (head.framing == Framing::sized && left == 0) break;
    if (head.framing == Framing::chunked && chunks.done()) break;
    std::size_t bytes = 0;
    if (head.framing == Framing::chunked) {
      if (begin == end) {
        Outcome error = co_await more();
        if (error) co_return error;
      }
      auto step = chunks.decode(ByteView(input).subspan(begin, end - begin), piece);
      if (!step) co_return std::move(step).error();
      begin += step->consumed;
      bytes = step->produced;
    } else if (begin < end) {
      bytes = std::min(end - begin, piece.size());
      if (head.framing == Framing::sized) bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, left));
      std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(begin), bytes, piece.begin());
      begin += bytes;
    } else {
      const std::size_t room = head.framing == Framing::sized
                                   ? static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()))
                                   : piece.size();
      const Io io = co_await transport->read_some(MutableByteView(piece).first(room), next_deadline());
      if (io.error) co_return failure(io.error);
      if (io.bytes == 0) {
        if (head.framing == Framing::until_close) break;
        co_return ended();
      }
      bytes = io.bytes;
    }
    if (head.framing == Framing::sized) left -= bytes;
    total += bytes;
    if (total > max_body_bytes) co_return too_long();
    if (bytes == 0) continue;
    if (auto taken = deliver(head.status, ByteView(piece).first(bytes)); !taken) co_return std::move(taken).error();
  }
  co_return std::nullopt;
}

Task<Client::State::Outcome> Client::State::read_response(const ClientRequest& request, std::uint64_t max_body_bytes,
                                                          const Deliver& deliver, ClientResponse& response) {
  ResponseHead head;
  std::string text;
  for (int interim = 0;; ++interim) {
    std::size_t searched = 0;
    std::optional<std::size_t> length;
    while (!(length = find_head(as_text(ByteView(input).subspan(begin, end - begin)), searched))) {
      if (end - begin >= options.max_header_bytes)
        co_return fail(ErrorCode::malformed, origin.text(), " sends a head of more than ", options.max_header_bytes,
                       " bytes");
      Outcome error = co_await more();
      if (error) co_return error;
    }
    text.assign(as_text(ByteView(input).subspan(begin, *length)));
    begin += *length;
    if (const auto error = parse_response_head(text, request.method == "HEAD", head))
      co_return fail(ErrorCode::malformed, origin.text(), " does not speak HTTP: ", error->why);
    if (head.status >= 200) break;
    if (interim == kMaxInterim || head.status == 101)
      co_return fail(ErrorCode::malformed, origin.text(), " answers ", head.status, ", and no response follows");
  }
  response.status = head.status;
  for (const auto& field : head.headers.fields()) response.headers.emplace_back(field.name, field.value);
  Outcome error = co_await read_body(head, max_body_bytes, deliver);
  if (error) co_return error;
  if (head.keep_alive)
    used = true;
  else
    drop();
  co_return std::nullopt;
}

Task<Client::State::Outcome> Client::State::exchange(const ClientRequest& request, std::uint64_t max_body_bytes,
                                                     const Deliver& deliver, ClientResponse& response) {
  if (!transport) {
    Outcome error = co_await connect();
    if (error) co_return error;
  }
  answered = false;
  auto unsent = co_await send_request(request);
  if (unsent && unsent->code != ErrorCode::network && unsent->code != ErrorCode::unauthorised)
    co_return unsent;  // the body's own error: the server waits for bytes that will not come
  // A server that refuses a body answers before it took all of it, and then may stop reading.
  auto unread = co_await read_response(request, max_body_bytes, deliver, response);
  if (!unsent) co_return unread;
  if (!unread) {
    drop();
    co_return std::nullopt;
  }
  co_return unread->code == ErrorCode::unauthorised ? unread : unsent;
}

Result<ClientResponse> Client::State::run(const ClientRequest& request, std::uint64_t max_body_bytes,
                                          const Deliver& deliver) {
  if (request.target.empty() || request.target.front() != '/' ||
      request.target.find_first_of(" #") != std::string::npos || !is_field_text(request.target) ||
      !is_field_text(request.method))
    return fail(ErrorCode::invalid_argument, "\"", request.target, "\" is no request target; it starts with '/'");
  for (const auto& [name, value] : request.headers)
    if (name.empty() || !is_field_text(name) || !is_field_text(value))
      return fail(ErrorCode::invalid_argument, "a header has a line end in it, or no name");
  deadline = request.deadline ? steady_clock::now() + *request.deadline : TimePoint::max();
  const bool may_repeat = request.idempotent && !std::holds_alternative<UploadBody>(request.body);
  for (;;) {
    const bool kept = transport != nullptr && used;
    ClientResponse response;
    Outcome outcome;
    std::exception_ptr thrown;
    context.restart();
    asio::co_spawn(context.get_executor(), exchange(request, max_body_bytes, deliver, response),
                   [&](std::exception_ptr exception, Outcome result) {
                     thrown = exception;
                     outcome = std::move(result);
                   });
    bool stopped = false;
    if (!options.stop) context.run();
    while (!context.stopped()) {
      context.run_for(kLookAtStop);
      if (context.stopped() || !transport || stopped || !options.stop()) continue;
      stopped = true;
      transport->close();  // whoever waits for it is woken with an error, and ends
    }
    if (stopped) {
      drop();
      return fail(ErrorCode::interrupted, "stopped while ", origin.text(), " was asked");
    }
    if (thrown) {
      drop();
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& error) {
        return fail(ErrorCode::exhausted, "the request failed inside: ", error.what());
      }
    }
    if (!outcome) return response;
    drop();
    if (!(kept && may_repeat && !answered && outcome->code == ErrorCode::network)) return *std::move(outcome);
  }
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::create(Origin origin, ClientOptions options) {
  if (origin.tls && !options.tls)
    return fail(ErrorCode::invalid_argument, origin.text(), " needs a TLS context that says whom to trust");
  auto state = std::make_unique<State>();
  state->origin = std::move(origin);
  state->options = std::move(options);
  return Client(std::move(state));
}

Result<ClientResponse> Client::send(const ClientRequest& request, std::uint64_t max_body_bytes) {
  Bytes body;
  auto response = state_->run(request, max_body_bytes, [&](int, ByteView piece) -> Status {
    body.insert(body.end(), piece.begin(), piece.end());
    return {};
  });
  if (response) response->body = std::move(body);
  return response;
}

Result<ClientResponse> Client::download(const ClientRequest& request, std::uint64_t max_body_bytes, const Sink& sink) {
  Bytes body;
  auto response = state_->run(request, max_body_bytes, [&](int status, ByteView piece) -> Status {
    if (status / 100 == 2) return sink(piece);
    const auto room = static_cast<std::size_t>(kMaxProblemBytes - body.size());
    const ByteView kept = piece.first(std::min(room, piece.size()));
    body.insert(body.end(), kept.begin(), kept.end());
    return {};
  });
  if (response) response->body = std::move(body);
  return response;
}

Result<ClientResponse> Client::events(const ClientRequest& request, const EventParser::Sink& sink) {
  EventParser parser(sink);
  return download(request, UINT64_MAX, [&](ByteView piece) { return parser.feed(piece); });
}

const Origin& Client::origin() const { return state_->origin; }
std::optional<crypto::TlsPeer> Client::peer() const { return state_->peer; }
bool Client::connected() const { return state_->transport != nullptr; }
void Client::close() { state_->drop(); }

}  // namespace prism::http
