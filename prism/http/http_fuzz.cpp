// Heads and chunks from anybody: nothing crashes, and whatever is accepted is unambiguous.
#include <cstdlib>

#include "prism/http/internal/chunked.h"
#include "prism/http/internal/head.h"
#include "prism/http/sse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace prism;
  using namespace prism::http;
  if (size < 1) return 0;
  const ByteView rest(data + 1, size - 1);
  if (data[0] % 4 == 0) {
    std::size_t searched = 0;
    const auto length = internal::find_head(as_text(rest), searched);
    if (!length) return 0;
    internal::RequestHead head;
    if (internal::parse_request_head(as_text(rest).substr(0, *length), head)) return 0;
    if (head.path.empty() || head.path.front() != '/' || head.headers.count("transfer-encoding") > 1 ||
        head.headers.count("content-length") > 1 || head.headers.count("host") > 1 ||
        (head.headers.find("content-length") && head.headers.find("transfer-encoding")))
      std::abort();
  } else if (data[0] % 4 == 1) {
    std::size_t searched = 0;
    const auto length = internal::find_head(as_text(rest), searched);
    internal::ResponseHead head;
    if (length) (void)internal::parse_response_head(as_text(rest).substr(0, *length), false, head);
  } else if (data[0] % 4 == 2) {
    // In one piece or byte by byte, the body is the same.
    internal::ChunkDecoder whole, pieces;
    Bytes at_once(rest.size()), one_by_one;
    const auto step = whole.decode(rest, at_once);
    bool failed = false;
    for (std::size_t i = 0; i < rest.size() && !pieces.done() && !failed;) {
      std::uint8_t byte = 0;
      const auto small = pieces.decode(rest.subspan(i, 1), {&byte, 1});
      failed = !small;
      if (failed) break;
      if (small->produced > 0) one_by_one.push_back(byte);
      i += small->consumed;
    }
    if (failed == step.has_value()) std::abort();
    if (step && !std::equal(one_by_one.begin(), one_by_one.end(), at_once.begin(),
                            at_once.begin() + static_cast<std::ptrdiff_t>(step->produced)))
      std::abort();
  } else {
    EventParser parser([](const Event&) -> Status { return {}; }, 1000);
    (void)parser.feed(rest);
  }
  return 0;
}
