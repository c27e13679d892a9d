#include "prism/http/internal/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <ctime>
#include <utility>

#include "prism/http/problem.h"

namespace prism::http::internal {
namespace {

using std::chrono::steady_clock;

constexpr asio::use_awaitable_t<Executor> kAwait{};
constexpr std::size_t kFirstInputBytes = 4 * 1024;
constexpr std::size_t kChunkInputBytes = 16 * 1024;
/// One TLS record: a response up to this size leaves in one piece.
constexpr std::size_t kRecordBytes = 16 * 1024;
/// What is read and thrown away of a body that nobody wanted, so that the connection can be used again.
constexpr std::size_t kMaxDiscardBytes = 256 * 1024;
constexpr Milliseconds kGoodbye{1000};
/// So long a request with a long body waits for one of the workers that may have one; then 503.
constexpr Milliseconds kBodySlotWait{2000};

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7), made once a second on each thread.
std::string_view date_field() {
  thread_local std::time_t made_at = 0;
  thread_local std::array<char, 40> text{};
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    made_at = now;
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return text.data();
}

ByteView view_of(const Body& body) {
  if (const auto* const bytes = std::get_if<Bytes>(&body)) return *bytes;
  if (const auto* const text = std::get_if<std::string>(&body)) return as_bytes(*text);
  if (const auto* const shared = std::get_if<SharedBytes>(&body)) return shared->bytes;
  return {};
}

bool is_own_field(std::string_view name) {
  return equal_ignoring_case(name, "content-length") || equal_ignoring_case(name, "transfer-encoding") ||
         equal_ignoring_case(name, "connection") || equal_ignoring_case(name, "date");
}

/// A line end in a field would let a handler's text become another field, or another response.
bool is_field_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 0x20 && c != 0x7f) || c == '\t' || c < 0; });
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// The trace id of `00-TRACE-PARENT-FLAGS` (W3C Trace Context, section 3.2), or nothing.
std::string_view trace_id(const Headers& headers) {
  const auto field = headers.find("traceparent");
  if (!field || field->size() != 55 || field->substr(0, 3) != "00-" || (*field)[35] != '-') return {};
  const std::string_view id = field->substr(3, 32);
  return is_hex(id) && id.find_first_not_of('0') != std::string_view::npos ? id : std::string_view{};
}

/// One of the streams that may run at once.
struct StreamSlot {
  explicit StreamSlot(Shared* from)
      : shared(from), taken(from != nullptr && from->streams.fetch_add(1) < from->max_streams) {}
  StreamSlot(const StreamSlot&) = delete;
  StreamSlot& operator=(const StreamSlot&) = delete;
  ~StreamSlot() {
    if (shared != nullptr) shared->streams.fetch_sub(1);
  }
  Shared* shared;
  bool taken;
};

/// One of the workers that may wait for a body's rest; given back as soon as the whole of it came.
class BodySlot {
 public:
  BodySlot(Shared& shared, const std::string& peer) : shared_(shared), peer_(peer) {}
  BodySlot(const BodySlot&) = delete;
  BodySlot& operator=(const BodySlot&) = delete;
  ~BodySlot() { release(); }

  bool take() {
    const std::lock_guard lock(shared_.bodies_mutex);
    if (shared_.long_bodies >= shared_.max_long_bodies) return false;
    std::size_t& of_peer = shared_.long_bodies_of[peer_];
    if (of_peer >= shared_.max_long_bodies_per_peer) return false;
    ++of_peer;
    ++shared_.long_bodies;
    taken_ = true;
    return true;
  }
  void release() {
    if (!std::exchange(taken_, false)) return;
    const std::lock_guard lock(shared_.bodies_mutex);
    --shared_.long_bodies;
    const auto of_peer = shared_.long_bodies_of.find(peer_);
    if (--of_peer->second == 0) shared_.long_bodies_of.erase(of_peer);
  }

 private:
  Shared& shared_;
  const std::string& peer_;
  bool taken_ = false;
};

Error gone() { return fail(ErrorCode::network, "the connection ended"); }

}  // namespace

std::string limit_key(const Peer& peer) {
  error_code ec;
  const auto address = asio::ip::make_address(peer.address, ec);
  if (ec || address.is_v4()) return peer.address;
  const auto bytes = address.to_v6().to_bytes();
  return to_hex(ByteView(bytes.data(), 8)) + "/64";
}

/// A handler's view of the body, for a worker thread.
class Connection::Reader final : public BodyReader {
 public:
  Reader(Connection& connection, BodySlot& slot) : connection_(connection), slot_(slot) {}
  /// What was read before a worker was taken comes first.
  void begin_with(ByteView bytes) { start_ = bytes; }
  std::optional<std::uint64_t> length() const override {
    if (connection_.head_.framing == Framing::chunked) return std::nullopt;
    return connection_.head_.length;
  }
  Result<std::size_t> read(MutableByteView out) override {
    if (out.empty()) return std::size_t{0};
    if (!start_.empty()) {
      const std::size_t bytes = std::min(out.size(), start_.size());
      std::copy_n(start_.begin(), bytes, out.begin());
      start_ = start_.subspan(bytes);
      connection_.shared_.bytes_copied += bytes;
      return bytes;
    }
    auto bytes = more(out);
    if (connection_.body_complete()) slot_.release();
    return bytes;
  }

 private:
  Result<std::size_t> more(MutableByteView out) {
    if (connection_.body_complete()) return std::size_t{0};
    if (connection_.body_failed_) return gone();
    PRISM_TRY(std::size_t bytes, connection_.take_buffered(out));
    if (bytes > 0) return bytes;
    const auto error = asio::co_spawn(connection_.executor_, connection_.fill(out, bytes), asio::use_future).get();
    if (error) return *error;
    return bytes;
  }

  Connection& connection_;
  BodySlot& slot_;
  ByteView start_;
};

/// Where a producer's bytes go, from a worker thread.
class Connection::Writer final : public BodyWriter {
 public:
  Writer(Connection& connection, bool chunked, std::optional<std::uint64_t> length)
      : connection_(connection), chunked_(chunked), left_(length) {}

  Status write(ByteView bytes) override {
    if (bytes.empty()) return {};
    if (failed_) return gone();
    if (left_) {
      if (bytes.size() > *left_) {
        failed_ = true;
        return fail(ErrorCode::invalid_argument, "more bytes than the announced length of the body");
      }
      *left_ -= bytes.size();
    }
    if (!chunked_) return put(bytes);
    // The chunk's own line end goes out with the next chunk's head, or with the last one.
    frame_ = first_ ? "" : "\r\n";
    first_ = false;
    std::array<char, 20> size{};
    const int digits = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    frame_.append(size.data(), static_cast<std::size_t>(digits));
    if (bytes.size() <= kRecordBytes - 64) {
      frame_ += as_text(bytes);
      connection_.shared_.bytes_copied += bytes.size();
      return put(as_bytes(frame_));
    }
    PRISM_CHECKED(put(as_bytes(frame_)));
    return put(bytes);
  }

  bool stopping() const override { return connection_.shared_.draining; }

  /// What ends the body; false when it cannot end well.
  bool finish() {
    if (failed_ || (left_ && *left_ > 0)) return false;
    if (!chunked_) return true;
    return static_cast<bool>(put(as_bytes(first_ ? "0\r\n\r\n" : "\r\n0\r\n\r\n")));
  }

 private:
  Status put(ByteView bytes) {
    const Io io = asio::co_spawn(connection_.executor_, connection_.send_bytes(bytes), asio::use_future).get();
    if (!io.error) return {};
    failed_ = true;
    return gone();
  }

  Connection& connection_;
  bool chunked_;
  std::optional<std::uint64_t> left_;
  bool first_ = true;
  bool failed_ = false;
  std::string frame_;
};

Connection::Connection(Shared& shared, std::unique_ptr<Transport> transport, Executor executor, Peer peer)
    : shared_(shared),
      transport_(std::move(transport)),
      executor_(executor),
      peer_(std::move(peer)),
      limit_key_(limit_key(peer_)) {}

Connection::~Connection() = default;

void Connection::drain() {
  close_ = true;
  if (idle_) transport_->close();
}

void Connection::abort() {
  close_ = true;
  transport_->close();
}

Task<void> Connection::run() {
  const Limits& limits = shared_.options.limits;
  if (transport_->ssl() != nullptr) {
    const Io io = co_await transport_->handshake(limits.handshake_timeout);
    if (io.error) {
      if (shared_.options.observer.refused)
        shared_.options.observer.refused(timed_out(io.error) ? "tls-timeout" : "tls-handshake", peer_);
      transport_->close();
      co_return;
    }
    ++shared_.handshakes;
    auto agreed = crypto::describe_tls(transport_->ssl());
    if (!agreed) co_return transport_->close();
    peer_.tls = true;
    peer_.group = std::move(agreed->group);
    peer_.channel_binding = agreed->channel_binding;
    if (agreed->certificate) peer_.certificate = agreed->certificate->spki;
  }
  while (!close_) {
    const bool more = co_await read_head();
    if (!more) break;
    const bool keep = co_await serve();
    if (!keep) break;
  }
  if (broken_)
    transport_->close();
  else
    co_await transport_->shutdown(kGoodbye);
}

Task<bool> Connection::read_head() {
  const Limits& limits = shared_.options.limits;
  std::size_t searched = 0;
  if (begin_ == end_) begin_ = end_ = 0;
  TimePoint deadline = steady_clock::now() + (begin_ < end_ ? limits.header_timeout : limits.idle_timeout);
  for (;;) {
    // A line end or two before a request are forgiven (RFC 9112, section 2.2).
    while (searched == 0 && end_ - begin_ >= 2 && input_[begin_] == '\r' && input_[begin_ + 1] == '\n') begin_ += 2;
    const std::string_view text = as_text(ByteView(input_).subspan(begin_, end_ - begin_));
    if (const auto length = find_head(text, searched)) {
      if (*length > limits.max_header_bytes) {
        co_await refuse(431, "header");
        co_return false;
      }
      head_text_.assign(text.substr(0, *length));
      begin_ += *length;
      if (const auto error = parse_request_head(head_text_, head_)) {
        co_await refuse(error->status, error->why);
        co_return false;
      }
      co_return true;
    }
    if (text.size() >= limits.max_header_bytes) {
      co_await refuse(431, "header");
      co_return false;
    }
    if (end_ == input_.size()) {
      // Room is made at the front first, then by growing; never past the limit and one record.
      if (begin_ > 0) {
        std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_),
                  input_.begin() + static_cast<std::ptrdiff_t>(end_), input_.begin());
        end_ -= begin_;
        begin_ = 0;
      } else {
        input_.resize(std::max(kFirstInputBytes, input_.size() * 2));
      }
    }
    const bool first = begin_ == end_;
    idle_ = first;
    const Io io = co_await transport_->read_some(MutableByteView(input_).subspan(end_), deadline);
    if (io.error || io.bytes == 0) {
      // Who started a request and did not go on is told; an idle connection just ends.
      if (!first && timed_out(io.error)) {
        if (shared_.options.observer.refused) shared_.options.observer.refused("slow-header", peer_);
      }
      broken_ = static_cast<bool>(io.error);
      co_return false;
    }
    end_ += io.bytes;
    idle_ = false;
    if (first) deadline = steady_clock::now() + limits.header_timeout;
  }
}

Task<void> Connection::refuse(int status, std::string_view why) {
  if (shared_.options.observer.refused)
    shared_.options.observer.refused(status == 431 ? "large-header" : "bad-request", peer_);
  head_ = RequestHead{};
  close_ = true;
  const std::string_view name = status == 431 ? "header-too-large" : "bad-request";
  const std::string detail =
      status == 431 ? "a head has at most " + std::to_string(shared_.options.limits.max_header_bytes) + " bytes here"
                    : std::string(why);
  Response response = problem(status, name, "The head of the request is refused", detail);
  co_await send(response);
}

std::string Connection::make_id() {
  const std::string_view given = trace_id(head_.headers);
  if (!given.empty()) return std::string(given);
  std::array<std::uint8_t, 16> bytes{};
  // An id that is not fresh harms nobody; it only makes logs harder to read.
  (void)shared_.random.fill(bytes);
  return to_hex(bytes);
}

Task<bool> Connection::serve() {
  const auto started = steady_clock::now();
  ++shared_.active;
  id_ = make_id();
  request_.method = head_.method;
  request_.target = head_.target;
  request_.path = head_.path;
  request_.query = head_.query;
  request_.headers = head_.headers;
  request_.peer = &peer_;
  request_.id = id_;
  request_.parameters.clear();
  request_.body = nullptr;
  chunks_ = ChunkDecoder();
  body_left_ = head_.framing == Framing::sized ? head_.length : 0;
  body_received_ = 0;
  body_waited_ = Milliseconds(0);
  continue_due_ = head_.expects_continue;
  body_failed_ = false;
  sent_ = 0;
  if (!head_.keep_alive || shared_.draining) close_ = true;

  Route route;
  std::optional<Response> early;  // the response; first those that need no handler
  try {
    route = shared_.handler.route(request_);
  } catch (const std::exception& error) {
    if (shared_.options.observer.failed) shared_.options.observer.failed("route", id_, error.what());
    early = problem(500, "internal-error", "Something failed inside the server", "", id_);
  }
  request_.route = route;
  max_body_ = route.quick ? std::min(route.max_body_bytes, kMaxQuickBodyBytes) : route.max_body_bytes;

  std::optional<RateLimiter::Decision> rate;
  if (!early && route.limited && shared_.options.rate.requests > 0) {
    rate = shared_.rate.take(limit_key_, steady_clock::now().time_since_epoch());
    if (!rate->allowed)
      early = problem(429, "quota-exceeded", "Too many requests",
                      "this address may ask again in " + std::to_string(rate->reset.count()) + " s", id_)
                  .header("Retry-After", std::to_string(rate->reset.count()));
  }
  if (!early && head_.framing == Framing::sized && head_.length > max_body_)
    early = problem(
        413, "content-too-large", "The body is too large",
        "it has " + std::to_string(head_.length) + " bytes; at most " + std::to_string(max_body_) + " are taken here",
        id_);
  if (!early) co_await respond(route, early);
  Response& response = *early;
  if (rate) {
    response.header("RateLimit-Policy", shared_.rate.policy_field());
    response.header("RateLimit", RateLimiter::limit_field(*rate));
  }
  // A body of which part is still to come can only be skipped when the peer sends it anyway, and soon.
  if (!body_complete() &&
      (continue_due_ || body_failed_ || head_.framing == Framing::chunked || body_left_ > kMaxDiscardBytes))
    close_ = true;
  const bool complete = co_await send(response);
  const int status = response.status;
  if (!complete) broken_ = close_ = true;
  if (!close_ && !body_complete()) co_await discard_rest();
  Bytes().swap(buffered_body_);
  --shared_.active;
  if (shared_.options.observer.request)
    shared_.options.observer.request({head_.method, route.name, id_, &peer_, complete ? status : 0, body_received_,
                                      sent_, steady_clock::now() - started});
  co_return !close_;
}

Task<void> Connection::respond(const Route& route, std::optional<Response>& response) {
  const bool small =
      head_.framing == Framing::none || (head_.framing == Framing::sized && head_.length <= kMaxQuickBodyBytes);
  // How long a chunked body is shows only when it has come. Who waits for `100 Continue` gets it from the handler.
  const bool unknown = head_.framing == Framing::chunked && !continue_due_;
  MemoryBody buffered({});
  BodySlot slot(shared_, limit_key_);
  Reader reader(*this, slot);
  request_.body = &reader;
  if (route.quick || small || unknown) {
    // Small bodies are read before a worker is taken, so slow senders hold none. A byte too many shows what is long.
    const std::optional<Error> error = co_await buffer_body(std::min(max_body_, kMaxQuickBodyBytes) + 1);
    if (error) {
      response = error->code == ErrorCode::quota
                     ? problem(413, "content-too-large", "The body is too large", error->message, id_)
                     : problem_of(*error, id_);
      co_return;
    }
    if (body_complete()) {
      buffered = MemoryBody(buffered_body_);
      request_.body = &buffered;
    } else {
      reader.begin_with(buffered_body_);
    }
  }
  if (route.quick) {
    response = call(request_);
    co_return;
  }
  const std::function<void()> work = [&] { response = call(request_); };
  bool taken = body_complete() || slot.take();
  // Uploads that others wait for are often over soon; a wait here costs no worker.
  asio::basic_waitable_timer<steady_clock, asio::wait_traits<steady_clock>, Executor> turn(executor_);
  const TimePoint patience = steady_clock::now() + kBodySlotWait;
  for (Milliseconds wait{10}; !taken && steady_clock::now() < patience; wait = std::min(wait * 2, Milliseconds(100))) {
    turn.expires_after(wait);
    error_code ignored;
    co_await turn.async_wait(asio::redirect_error(kAwait, ignored));
    taken = slot.take();
  }
  if (taken) taken = co_await on_worker(work);
  if (!taken)
    response = problem(503, "temporary-reduced-capacity", "The server has too much to do", "try again soon", id_)
                   .header("Retry-After", "1");
}

Response Connection::call(Request& request) {
  std::string what;
  try {
    Response response = shared_.handler.handle(request);
    const bool clean = std::all_of(response.headers.begin(), response.headers.end(), [](const auto& field) {
      return is_field_text(field.first) && is_field_text(field.second);
    });
    if (clean && response.status >= 200 && response.status <= 599) return response;
    what = "a response with a line end in a field, or a status that ends no exchange";
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
    what = "an exception of unknown type";
  }
  if (shared_.options.observer.failed) shared_.options.observer.failed(request.route.name, request.id, what);
  return problem(500, "internal-error", "Something failed inside the server", "", request.id);
}

Task<bool> Connection::on_worker(const std::function<void()>& work) {
  asio::basic_waitable_timer<steady_clock, asio::wait_traits<steady_clock>, Executor> done(executor_, TimePoint::max());
  bool finished = false;
  // The frame with `done` and `finished` stays until the posted step has run, and that is on this connection's thread.
  const bool taken = shared_.workers->submit([&] {
    work();
    asio::post(executor_, [&] {
      finished = true;
      done.cancel();
    });
  });
  if (!taken) co_return false;
  while (!finished) {
    error_code ignored;
    co_await done.async_wait(asio::redirect_error(kAwait, ignored));
  }
  co_return true;
}

bool Connection::body_complete() const {
  if (head_.framing == Framing::chunked) return chunks_.done();
  return body_left_ == 0;
}

Result<std::size_t> Connection::take_buffered(MutableByteView out) {
  if (begin_ == end_) return std::size_t{0};
  const ByteView waiting = ByteView(input_).subspan(begin_, end_ - begin_);
  std::size_t bytes = 0;
  if (head_.framing == Framing::chunked) {
    const auto step = chunks_.decode(waiting, out);
    if (!step) {
      body_failed_ = true;
      return step.error();
    }
    begin_ += step->consumed;
    bytes = step->produced;
  } else {
    bytes = static_cast<std::size_t>(std::min<std::uint64_t>({waiting.size(), out.size(), body_left_}));
    std::copy_n(waiting.begin(), bytes, out.begin());
    begin_ += bytes;
    body_left_ -= bytes;
  }
  shared_.bytes_copied += bytes;
  body_received_ += bytes;
  if (body_received_ > max_body_) {
    body_failed_ = true;
    return fail(ErrorCode::quota, "the body is longer than the ", max_body_, " bytes that are taken here");
  }
  return bytes;
}

Task<std::optional<Error>> Connection::fill(MutableByteView out, std::size_t& bytes) {
  const Limits& limits = shared_.options.limits;
  bytes = 0;
  while (!body_complete()) {
    auto taken = take_buffered(out);
    if (!taken) co_return std::move(taken).error();
    bytes = *taken;
    if (bytes > 0 || body_complete()) co_return std::nullopt;
    if (continue_due_) {
      continue_due_ = false;
      const Io io = co_await send_bytes(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
      if (io.error) {
        body_failed_ = true;
        co_return gone();
      }
    }
    const bool direct = head_.framing == Framing::sized;
    if (!direct && input_.size() < kChunkInputBytes) input_.resize(kChunkInputBytes);
    if (begin_ == end_) begin_ = end_ = 0;
    const MutableByteView target =
        direct ? out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), body_left_)))
               : MutableByteView(input_).subspan(end_);
    const auto started = steady_clock::now();
    const Milliseconds allowance =
        limits.body_timeout +
        Milliseconds(body_received_ * 1000 / std::max<std::uint64_t>(limits.min_body_bytes_per_second, 1)) -
        body_waited_;
    const Io io = co_await transport_->read_some(target, started + std::min(limits.body_timeout, allowance));
    body_waited_ += std::chrono::duration_cast<Milliseconds>(steady_clock::now() - started);
    if (io.error || io.bytes == 0) {
      body_failed_ = true;
      if (timed_out(io.error)) {
        if (shared_.options.observer.refused) shared_.options.observer.refused("slow-body", peer_);
        broken_ = true;
        co_return fail(ErrorCode::network, "the body came too slowly");
      }
      broken_ = true;
      co_return gone();
    }
    if (direct) {
      body_left_ -= io.bytes;
      body_received_ += io.bytes;
      bytes = io.bytes;
      co_return std::nullopt;
    }
    end_ += io.bytes;
  }
  co_return std::nullopt;
}

Task<std::optional<Error>> Connection::buffer_body(std::uint64_t most) {
  buffered_body_.clear();
  if (head_.framing == Framing::none) co_return std::nullopt;
  if (head_.framing == Framing::sized) buffered_body_.resize(static_cast<std::size_t>(head_.length));
  std::size_t filled = 0;
  while (!body_complete() && filled < most) {
    if (filled == buffered_body_.size())
      buffered_body_.resize(static_cast<std::size_t>(
          std::min<std::uint64_t>(most, std::max<std::size_t>(4096, buffered_body_.size() * 2))));
    std::size_t bytes = 0;
    std::optional<Error> error = co_await fill(MutableByteView(buffered_body_).subspan(filled), bytes);
    if (error) co_return error;
    filled += bytes;
  }
  buffered_body_.resize(filled);
  co_return std::nullopt;
}

Task<void> Connection::discard_rest() {
  std::array<std::uint8_t, 8 * 1024> rest;
  const TimePoint deadline = steady_clock::now() + kGoodbye;
  while (!body_complete()) {
    std::size_t bytes = 0;
    const std::optional<Error> error = co_await fill(rest, bytes);
    if (error || steady_clock::now() > deadline) {
      close_ = true;
      co_return;
    }
  }
}

void Connection::write_head(const Response& response, std::optional<std::uint64_t> length, bool chunked) {
  output_.clear();
  output_ += "HTTP/1.1 ";
  output_ += std::to_string(response.status);
  output_ += ' ';
  output_ += reason_of(response.status);
  output_ += "\r\nDate: ";
  output_ += date_field();
  for (const auto& [name, value] : response.headers) {
    if (is_own_field(name)) continue;
    ((((output_ += "\r\n") += name) += ": ") += value);
  }
  if (chunked) output_ += "\r\nTransfer-Encoding: chunked";
  if (length) (output_ += "\r\nContent-Length: ") += std::to_string(*length);
  if (close_)
    output_ += "\r\nConnection: close";
  else if (head_.minor == 0)
    output_ += "\r\nConnection: keep-alive";
  output_ += "\r\n\r\n";
}

Task<Io> Connection::send_bytes(ByteView bytes) {
  const Io io = co_await transport_->write(bytes, shared_.options.limits.write_timeout);
  sent_ += io.bytes;
  co_return io;
}

Task<bool> Connection::send(Response& response) {
  if (response.close || shared_.draining) close_ = true;
  const bool bodiless = response.status == 204 || response.status == 304;
  const bool streamed = std::holds_alternative<StreamedBody>(response.body);
  const StreamSlot slot(streamed ? &shared_ : nullptr);
  if (streamed && !slot.taken)
    response = problem(503, "temporary-reduced-capacity", "The server has too much to do",
                       "too many streams are open; try again soon", id_)
                   .header("Retry-After", "5");
  if (const auto* const stream = std::get_if<StreamedBody>(&response.body)) {
    // HTTP/1.0 knows no chunks; there the end of the connection is the end of the body.
    const bool chunked = !stream->length && head_.minor == 1;
    if (!stream->length && !chunked) close_ = true;
    write_head(response, stream->length, chunked);
    const Io io = co_await send_bytes(as_bytes(output_));
    if (io.error) co_return false;
    if (bodiless || head_.method == "HEAD") co_return true;
    const bool complete = co_await send_stream(*stream, chunked);
    co_return complete;
  }
  ByteView body = view_of(response.body);
  write_head(response, bodiless ? std::nullopt : std::optional<std::uint64_t>(body.size()), false);
  if (bodiless || head_.method == "HEAD") body = {};
  // The head takes along what fits into its TLS record; the rest leaves from where it lies.
  const std::size_t along = std::min(body.size(), kRecordBytes - std::min(kRecordBytes, output_.size()));
  output_ += as_text(body.first(along));
  shared_.bytes_copied += along;
  Io io = co_await send_bytes(as_bytes(output_));
  if (!io.error && along < body.size()) io = co_await send_bytes(body.subspan(along));
  co_return !io.error;
}

Task<bool> Connection::send_stream(const StreamedBody& body, bool chunked) {
  bool complete = false;
  const std::function<void()> work = [&] {
    try {
      Writer writer(*this, chunked, body.length);
      const Status status = body.produce(writer);
      complete = status && writer.finish();
    } catch (const std::exception& error) {
      if (shared_.options.observer.failed) shared_.options.observer.failed(request_.route.name, id_, error.what());
    }
  };
  const bool taken = co_await on_worker(work);
  co_return taken&& complete;
}

}  // namespace prism::http::internal
