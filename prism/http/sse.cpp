#include "prism/http/sse.h"

#include <algorithm>

#include "prism/base/check.h"

namespace prism::http {
namespace {

bool has_line_end(std::string_view text) { return text.find_first_of("\r\n") != std::string_view::npos; }

}  // namespace

std::string encode_event(const Event& event) {
  check(!has_line_end(event.name) && !has_line_end(event.id), "an event's name and id are one line each");
  std::string out;
  if (!event.id.empty()) out += "id: " + event.id + "\n";
  if (!event.name.empty() && event.name != "message") out += "event: " + event.name + "\n";
  std::string_view rest = event.data;
  for (;;) {
    const std::size_t end = rest.find_first_of("\r\n");
    out += "data: ";
    out += rest.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos) break;
    const bool both = rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n';
    rest.remove_prefix(end + (both ? 2 : 1));
  }
  return out + "\n";
}

Response event_stream(std::function<Status(BodyWriter&)> produce) {
  return Response::stream(200, "text/event-stream", {std::move(produce), std::nullopt})
      .header("Cache-Control", "no-store, no-transform")
      .header("X-Accel-Buffering", "no");  // the usual reverse proxies would hold events back
}

Status EventParser::line(std::string_view text) {
  if (first_line_) {
    first_line_ = false;
    if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  }
  if (text.empty()) {
    const bool complete = has_data_;
    Event event{event_.name.empty() ? "message" : event_.name, std::move(event_.data), event_.id};
    event_.name.clear();
    event_.data.clear();
    has_data_ = false;
    return complete ? sink_(event) : Status{};
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view field = text.substr(0, colon);
  std::string_view value = colon < text.size() ? text.substr(colon + 1) : std::string_view{};
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "data") {
    if (event_.data.size() + value.size() + 1 > max_event_bytes_)
      return fail(ErrorCode::malformed, "an event is longer than ", max_event_bytes_, " bytes");
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  } else if (field == "event") {
    event_.name = value;
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = value;
  }
  return {};
}

Status EventParser::feed(ByteView bytes) {
  std::string_view rest = as_text(bytes);
  while (!rest.empty()) {
    if (after_return_) {
      after_return_ = false;
      if (rest.front() == '\n') {
        rest.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = rest.find_first_of("\r\n");
    if (pending_.size() + std::min(end, rest.size()) > max_event_bytes_)
      return fail(ErrorCode::malformed, "a line of an event stream is longer than ", max_event_bytes_, " bytes");
    pending_ += rest.substr(0, end);
    if (end == std::string_view::npos) return {};
    after_return_ = rest[end] == '\r';
    rest.remove_prefix(end + 1);
    const std::string text = std::move(pending_);
    pending_.clear();
    PRISM_CHECKED(line(text));
  }
  return {};
}

}  // namespace prism::http
