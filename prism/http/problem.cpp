#include "prism/http/problem.h"

#include <array>

namespace prism::http {
namespace {

/// The length of the UTF-8 sequence that starts `text`; 0 when it is none (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0 && at(1) < 0xa0) return 0;
    if (first == 0xed && at(1) > 0x9f) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0 && at(1) < 0x90) return 0;
    if (first == 0xf4 && at(1) > 0x8f) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

struct Words {
  std::string_view name;
  std::string_view title;
};

Words words_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return {"invalid-argument", "The request makes no sense"};
    case ErrorCode::not_found:
      return {"not-found", "There is nothing here"};
    case ErrorCode::malformed:
      return {"malformed", "The request cannot be read"};
    case ErrorCode::unsupported:
      return {"unsupported", "This server does not do that"};
    case ErrorCode::refused:
      return {"refused", "A rule forbids it"};
    case ErrorCode::insecure:
      return {"insecure", "The parameters are below the security asked for"};
    case ErrorCode::level_exhausted:
      return {"level-exhausted", "The computation is deeper than the parameters"};
    case ErrorCode::noise_exceeded:
      return {"noise-exceeded", "The result would not decrypt"};
    case ErrorCode::mismatch:
      return {"mismatch", "The parts do not belong together"};
    case ErrorCode::unauthorised:
      return {"unauthorised", "The caller is not known here"};
    case ErrorCode::integrity:
      return {"integrity", "A digest or tag does not verify"};
    case ErrorCode::quota:
      return {"quota-exceeded", "A limit for this caller is used up"};
    case ErrorCode::exhausted:
      return {"temporary-reduced-capacity", "The server has too much to do"};
    case ErrorCode::interrupted:
      return {"temporary-reduced-capacity", "The server is stopping"};
    case ErrorCode::network:
      return {"request-incomplete", "The request did not arrive whole"};
    case ErrorCode::io:
    case ErrorCode::configuration:
      break;
  }
  return {"internal-error", "Something failed inside the server"};
}

}  // namespace

std::string json_string(std::string_view text) {
  static constexpr std::array<char, 17> kHex{"0123456789abcdef"};
  std::string out = "\"";
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    const auto c = static_cast<unsigned char>(text.front());
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text.front();
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out + "\"";
}

Response problem(int status, std::string_view name, std::string_view title, std::string_view detail,
                 std::string_view instance) {
  std::string json = "{\"type\":" + json_string("/problems/" + std::string(name)) + ",\"title\":" + json_string(title) +
                     ",\"status\":" + std::to_string(status);
  if (!detail.empty()) json += ",\"detail\":" + json_string(detail);
  if (!instance.empty()) json += ",\"instance\":" + json_string("urn:prism:request:" + std::string(instance));
  Response response = Response::empty(status);
  response.header("Content-Type", "application/problem+json").header("Cache-Control", "no-store");
  response.body = json + "}";
  return response;
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::malformed:
      return 400;
    case ErrorCode::unauthorised:
      return 401;
    case ErrorCode::refused:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::network:
      return 408;
    case ErrorCode::mismatch:
      return 409;
    case ErrorCode::unsupported:
    case ErrorCode::insecure:
    case ErrorCode::level_exhausted:
    case ErrorCode::noise_exceeded:
    case ErrorCode::integrity:
      return 422;
    case ErrorCode::quota:
      return 429;
    case ErrorCode::exhausted:
    case ErrorCode::interrupted:
      return 503;
    case ErrorCode::io:
    case ErrorCode::configuration:
      return 500;
  }
  return 500;
}

Response problem_of(const Error& error, std::string_view instance) {
  const Words words = words_of(error.code);
  // What the operating system said, with paths and sizes of the inside, is for the operator's log alone.
  const bool inside = error.code == ErrorCode::io || error.code == ErrorCode::exhausted;
  Response response =
      problem(status_of(error.code), words.name, words.title, inside ? std::string_view{} : error.message, instance);
  if (response.status == 503) response.header("Retry-After", "1");
  return response;
}

}  // namespace prism::http
