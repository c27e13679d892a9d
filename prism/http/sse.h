// prism/http/sse.h - server-sent events (WHATWG HTML, section 9.2): written by the server, read by the client.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "prism/base/result.h"
#include "prism/http/message.h"

namespace prism::http {

struct Event {
  std::string name = "message";
  std::string data;  ///< may hold line ends
  std::string id{};
};

/// The event's bytes. A name or id with a line end is a broken invariant of ours.
std::string encode_event(const Event& event);
/// A line that keeps the connection alive and means nothing.
inline constexpr std::string_view kEventHeartbeat = ":\n\n";

/// 200 with `text/event-stream` that must not be cached or transformed.
Response event_stream(std::function<Status(BodyWriter&)> produce);

/// Cuts a stream of bytes into events. Feed it whatever arrives.
class EventParser {
 public:
  using Sink = std::function<Status(const Event&)>;
  explicit EventParser(Sink sink, std::size_t max_event_bytes = 1 << 20)
      : sink_(std::move(sink)), max_event_bytes_(max_event_bytes) {}
  /// The sink's error, or quota when one event is longer than the bound.
  Status feed(ByteView bytes);

 private:
  Status line(std::string_view text);

  Sink sink_;
  std::size_t max_event_bytes_;
  std::string pending_;  ///< of the line that is not complete
  Event event_{"", "", ""};
  bool has_data_ = false;
  bool after_return_ = false;  ///< the last byte was CR: an LF that follows belongs to it
  bool first_line_ = true;
};

}  // namespace prism::http
