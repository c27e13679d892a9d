#include <cstdio>
#include <cstdlib>

#include "prism/base/bytes.h"
#include "prism/base/check.h"
#include "prism/base/result.h"

namespace prism {

void check_failed(std::string_view message, Place where) {
  std::fprintf(stderr, "prism: broken invariant at %s:%u: %.*s\n", where.file, where.line,
               static_cast<int>(message.size()), message.data());
  std::abort();
}

void detail::value_of_error(const Error& error) {
  std::fprintf(stderr, "prism: %s%s%s\n", error.message.c_str(), error.detail.empty() ? "" : ": ",
               error.detail.c_str());
  check_failed("Result::value() on an error", Place::here());
}

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::refused:
      return "refused";
    case ErrorCode::insecure:
      return "insecure";
    case ErrorCode::level_exhausted:
      return "level_exhausted";
    case ErrorCode::noise_exceeded:
      return "noise_exceeded";
    case ErrorCode::mismatch:
      return "mismatch";
    case ErrorCode::unauthorised:
      return "unauthorised";
    case ErrorCode::integrity:
      return "integrity";
    case ErrorCode::io:
      return "io";
    case ErrorCode::interrupted:
      return "interrupted";
    case ErrorCode::exhausted:
      return "exhausted";
    case ErrorCode::network:
      return "network";
    case ErrorCode::quota:
      return "quota";
    case ErrorCode::configuration:
      return "configuration";
  }
  check(false, "unknown ErrorCode");
  return {};
}

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t b : bytes) {
    text += kDigits[b >> 4];
    text += kDigits[b & 15];
  }
  return text;
}

}  // namespace prism
