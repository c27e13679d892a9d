#include "prism/http/message.h"

#include <algorithm>

namespace prism::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode_query(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return fail(ErrorCode::malformed, "the query has a broken escape; write %XX");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Field& field : fields_)
    if (equal_ignoring_case(field.name, name)) return field.value;
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(), [&](const Field& field) { return equal_ignoring_case(field.name, name); }));
}

Result<std::size_t> MemoryBody::read(MutableByteView out) {
  const std::size_t piece = std::min(out.size(), rest_.size());
  std::copy_n(rest_.begin(), piece, out.begin());
  rest_ = rest_.subspan(piece);
  return piece;
}

std::string_view Request::media_type() const {
  std::string_view type = headers.find("content-type").value_or(std::string_view{});
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return type;
}

Result<std::optional<std::string>> Request::query_value(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    PRISM_TRY(const std::string key, decode_query(pair.substr(0, equals)));
    if (key != name) continue;
    PRISM_TRY(std::string value, decode_query(equals < pair.size() ? pair.substr(equals + 1) : std::string_view{}));
    return std::optional<std::string>(std::move(value));
  }
  return std::optional<std::string>{};
}

Result<Bytes> Request::read_body(std::uint64_t max_bytes) const {
  // Memory grows with what has come, not with what was announced; doubling keeps the copies below one more body.
  constexpr std::size_t kFirst = 64 * 1024;
  Bytes bytes;
  const auto announced = body->length();
  if (announced && *announced > max_bytes)
    return fail(ErrorCode::quota, "the body has ", *announced, " bytes; at most ", max_bytes, " are taken here");
  constexpr std::uint64_t kTrusted = 16 << 20;  // an announced length up to this is worth one allocation
  bytes.resize(static_cast<std::size_t>(announced ? std::min(*announced, kTrusted) : kFirst));
  std::size_t filled = 0;
  for (;;) {
    if (filled == bytes.size()) {
      std::uint8_t probe = 0;
      PRISM_TRY(const std::size_t more, body->read({&probe, 1}));
      if (more == 0) break;
      if (filled == max_bytes)
        return fail(ErrorCode::quota, "the body is longer than the ", max_bytes, " bytes that are taken here");
      bytes.resize(static_cast<std::size_t>(
          std::min<std::uint64_t>(max_bytes, std::max<std::uint64_t>(kFirst, std::uint64_t{filled} * 2))));
      bytes[filled++] = probe;
      continue;
    }
    PRISM_TRY(const std::size_t piece, body->read(MutableByteView(bytes).subspan(filled)));
    if (piece == 0) break;
    filled += piece;
  }
  bytes.resize(filled);
  return bytes;
}

std::optional<std::string_view> Response::find(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equal_ignoring_case(key, name)) return value;
  return std::nullopt;
}

Response Response::empty(int status) {
  Response response;
  response.status = status;
  return response;
}

Response Response::text(int status, std::string text) {
  Response response = empty(status);
  response.header("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

Response Response::json(int status, std::string json) {
  Response response = empty(status);
  response.header("Content-Type", "application/json");
  response.body = std::move(json);
  return response;
}

Response Response::bytes(int status, std::string media_type, Bytes bytes) {
  Response response = empty(status);
  response.header("Content-Type", std::move(media_type));
  response.body = std::move(bytes);
  return response;
}

Response Response::shared(int status, std::string media_type, SharedBytes bytes) {
  Response response = empty(status);
  response.header("Content-Type", std::move(media_type));
  response.body = std::move(bytes);
  return response;
}

Response Response::stream(int status, std::string media_type, StreamedBody body) {
  Response response = empty(status);
  response.header("Content-Type", std::move(media_type));
  response.body = std::move(body);
  return response;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return {};
  }
}

}  // namespace prism::http
