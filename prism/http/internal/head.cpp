#include "prism/http/internal/head.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>

namespace prism::http::internal {
namespace {

namespace beast = boost::beast;
using std::string_view;

string_view view(beast::string_view text) { return {text.data(), text.size()}; }

/// Beast reads the lines; nothing is copied, since its callbacks see views into our buffer.
template <bool isRequest>
class Parser final : public beast::http::basic_parser<isRequest> {
 public:
  using Base = beast::http::basic_parser<isRequest>;
  using error_code = beast::error_code;
  explicit Parser(Headers& headers) : headers_(headers) {
    this->eager(false);
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
    this->body_limit(boost::none);
  }
  string_view method, target, reason;
  int version = 0;
  int status = 0;

 protected:
  void on_request_impl(beast::http::verb, beast::string_view method_text, beast::string_view target_text, int number,
                       error_code& ec) override {
    method = view(method_text);
    target = view(target_text);
    version = number;
    ec = {};
  }
  void on_response_impl(int code, beast::string_view text, int number, error_code& ec) override {
    status = code;
    reason = view(text);
    version = number;
    ec = {};
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value, error_code& ec) override {
    headers_.add(view(name), view(value));
    ec = {};
  }
  void on_header_impl(error_code& ec) override { ec = {}; }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code& ec) override { ec = {}; }
  std::size_t on_body_impl(beast::string_view text, error_code& ec) override {
    ec = {};
    return text.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code& ec) override { ec = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view text, error_code& ec) override {
    ec = {};
    return text.size();
  }
  void on_finish_impl(error_code& ec) override { ec = {}; }

 private:
  Headers& headers_;
};

/// Folded lines, bare line ends and zero bytes: where readers differ, so nobody gets past us with one.
bool ambiguous(string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\0') return true;
    if (c == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return true;
    if (c == '\n') {
      if (i == 0 || text[i - 1] != '\r') return true;
      if (i + 1 < text.size() && (text[i + 1] == ' ' || text[i + 1] == '\t')) return true;
    }
  }
  return false;
}

std::optional<std::uint64_t> decimal(string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

struct BodyRule {
  Framing framing = Framing::none;
  std::uint64_t length = 0;
};

/// The strict reading: each of the two fields at most once, never both, and no coding but chunked.
std::optional<HeadError> read_framing(const Headers& headers, int minor, BodyRule& rule) {
  const auto encoding = headers.find("transfer-encoding");
  const auto length = headers.find("content-length");
  if (headers.count("transfer-encoding") > 1 || headers.count("content-length") > 1 || (encoding && length))
    return HeadError{400, "the length of the body is given twice"};
  if (encoding) {
    if (!equal_ignoring_case(*encoding, "chunked")) return HeadError{501, "a transfer coding other than chunked"};
    if (minor == 0) return HeadError{400, "chunks in HTTP/1.0"};
    rule.framing = Framing::chunked;
  } else if (length) {
    const auto value = decimal(*length);
    if (!value) return HeadError{400, "a Content-Length that is no number"};
    rule = {*value > 0 ? Framing::sized : Framing::none, *value};
  }
  return std::nullopt;
}

bool keeps_alive(const Headers& headers, int minor) {
  const auto connection = headers.find("connection");
  if (minor == 0) return connection && has_token(*connection, "keep-alive") && !has_token(*connection, "close");
  return !connection || !has_token(*connection, "close");
}

}  // namespace

bool has_token(string_view list, string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    string_view one = list.substr(0, comma);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (equal_ignoring_case(one, token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::optional<std::size_t> find_head(string_view bytes, std::size_t& searched) {
  // The empty line may straddle what came before.
  const std::size_t from = searched < 3 ? 0 : searched - 3;
  const std::size_t at = bytes.find("\r\n\r\n", from);
  searched = bytes.size();
  if (at == string_view::npos) return std::nullopt;
  return at + 4;
}

std::optional<HeadError> parse_request_head(string_view text, RequestHead& head) {
  head.headers.clear();
  if (ambiguous(text)) return HeadError{400, "line ends that programs read differently"};
  Parser<true> parser(head.headers);
  beast::error_code ec;
  const std::size_t used = parser.put(boost::asio::const_buffer(text.data(), text.size()), ec);
  if (ec || used != text.size() || !parser.is_header_done()) return HeadError{400, "no HTTP request"};
  if (parser.version != 10 && parser.version != 11) return HeadError{505, "another version than HTTP/1.0 and HTTP/1.1"};
  head.minor = parser.version - 10;
  head.method = parser.method;
  head.target = parser.target;
  if (head.method.size() > 16 ||
      !std::all_of(head.method.begin(), head.method.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return HeadError{501, "a method that is no word of capital letters"};
  // The absolute form must be understood (RFC 9112, section 3.2.2); the name in it decides nothing here.
  for (const string_view scheme : {string_view("http://"), string_view("https://")}) {
    if (head.target.substr(0, scheme.size()) != scheme) continue;
    const std::size_t slash = head.target.find('/', scheme.size());
    if (slash == string_view::npos) return HeadError{400, "a target without a path"};
    head.target.remove_prefix(slash);
  }
  if (head.target.empty() || head.target.front() != '/' || head.target.find('#') != string_view::npos)
    return HeadError{400, "a target that is no path"};
  const std::size_t question = std::min(head.target.find('?'), head.target.size());
  head.path = head.target.substr(0, question);
  head.query = question < head.target.size() ? head.target.substr(question + 1) : string_view{};
  const std::size_t hosts = head.headers.count("host");
  if (hosts > 1 || (hosts == 0 && head.minor == 1)) return HeadError{400, "one Host field is needed"};
  BodyRule rule;
  if (const auto error = read_framing(head.headers, head.minor, rule)) return error;
  head.framing = rule.framing;
  head.length = rule.length;
  head.keep_alive = keeps_alive(head.headers, head.minor);
  const auto expect = head.headers.find("expect");
  if (expect && !equal_ignoring_case(*expect, "100-continue")) return HeadError{417, "an expectation that is unknown"};
  head.expects_continue = expect.has_value() && head.minor == 1 && head.framing != Framing::none;
  return std::nullopt;
}

std::optional<HeadError> parse_response_head(string_view text, bool to_head, ResponseHead& head) {
  head.headers.clear();
  if (ambiguous(text)) return HeadError{502, "line ends that programs read differently"};
  Parser<false> parser(head.headers);
  beast::error_code ec;
  const std::size_t used = parser.put(boost::asio::const_buffer(text.data(), text.size()), ec);
  if (ec || used != text.size() || !parser.is_header_done()) return HeadError{502, "no HTTP response"};
  if (parser.version != 10 && parser.version != 11) return HeadError{502, "another version than HTTP/1.0 and HTTP/1.1"};
  const int minor = parser.version - 10;
  head.status = parser.status;
  if (head.status < 100 || head.status > 599) return HeadError{502, "a status outside 100 to 599"};
  BodyRule rule;
  if (const auto error = read_framing(head.headers, minor, rule)) return error;
  head.keep_alive = keeps_alive(head.headers, minor);
  head.length = rule.length;
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) {
    head.framing = Framing::none;
  } else if (rule.framing == Framing::none && !head.headers.find("content-length")) {
    head.framing = Framing::until_close;
    head.keep_alive = false;
  } else {
    head.framing = rule.framing;
  }
  return std::nullopt;
}

}  // namespace prism::http::internal
