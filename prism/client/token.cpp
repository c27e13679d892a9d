#include "prism/client/token.h"

#include "prism/client/internal/messages.h"

namespace prism::client {

TokenTransport::TokenTransport(http::Client http, std::string server, Trust trust, std::string token,
                               const Clock& clock)
    : http_(std::move(http)),
      server_(std::move(server)),
      trust_(std::move(trust)),
      token_(std::move(token)),
      clock_(clock) {}

TokenTransport::~TokenTransport() { secret::wipe(token_.data(), token_.size()); }

Result<std::unique_ptr<TokenTransport>> TokenTransport::create(http::Client http, std::string server, Trust trust,
                                                               std::string token, const Clock& clock) {
  const bool fine = !token.empty() && token.size() <= kMaxTokenBytes &&
                    std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!fine)
    return fail(ErrorCode::invalid_argument, "this is no API token: one has 1 to ", kMaxTokenBytes,
                " printable characters without blanks");
  return std::unique_ptr<TokenTransport>(
      new TokenTransport(std::move(http), std::move(server), std::move(trust), std::move(token), clock));
}

http::ClientRequest TokenTransport::request_of(const Call& call) const {
  http::ClientRequest request = internal::request_of(call);
  request.headers.emplace_back("Authorization", "Bearer " + token_);
  if (!call.content_type.empty()) {
    request.headers.emplace_back("Content-Type", std::string(call.content_type));
    request.body = call.body;
  }
  return request;
}

Status TokenTransport::open() {
  if (meeting_) return {};
  PRISM_TRY(Meeting met, meet(http_, server_, trust_, clock_));
  meeting_ = std::move(met);
  return {};
}

Result<Reply> TokenTransport::exchange(const Call& call) {
  PRISM_CHECKED(open());
  PRISM_TRY(const auto response, http_.send(request_of(call), call.most_bytes));
  return internal::plain_reply(response, true);
}

Result<Reply> TokenTransport::events(const Call& call, const std::function<Result<bool>(std::string_view json)>& sink) {
  PRISM_CHECKED(open());
  http::ClientRequest request = request_of(call);
  request.headers.emplace_back("Accept", "text/event-stream");
  bool enough = false;
  auto response = http_.events(request, [&](const http::Event& event) -> Status {
    PRISM_TRY(const bool more, sink(event.data));
    enough = !more;
    return more ? Status() : fail(ErrorCode::interrupted, "that is all");
  });
  if (enough) {
    http_.close();  // the rest of the stream is still on its way
    return Reply{200, "text/event-stream", {}, true, {}};
  }
  if (!response) return std::move(response).error();
  if (response->status == 200 && internal::media_type_of(*response) != "text/event-stream")
    return fail(ErrorCode::network, server_, " answers with something else than a stream of events");
  return internal::plain_reply(*response, true);
}

}  // namespace prism::client
