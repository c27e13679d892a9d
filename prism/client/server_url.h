// prism/client/server_url.h - the address of a compute service as people write it: https://host:8000.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "prism/base/result.h"

namespace prism::client {

inline constexpr std::uint16_t kDefaultPort = 8000;  ///< what `prism serve` listens on
inline constexpr std::size_t kMaxHostBytes = 253;    ///< RFC 1035, section 2.3.4, as text

struct ServerUrl {
  bool tls = true;
  std::string host;  ///< lower case; an IPv6 address without its brackets
  std::uint16_t port = kDefaultPort;

  /// What pins are kept under: "host:port", an IPv6 address in brackets. The scheme is no part of it, because one
  /// server's identity is the same over both.
  std::string name() const;
  /// "https://host:port".
  std::string text() const;
  /// Whether the host can only be this machine: 127.0.0.0/8, ::1, localhost. Plain http goes nowhere else.
  bool is_loopback() const;

  /// `https://host[:port][/]`, `http://...` for this machine only, or `host[:port]`, which means https. Errors:
  /// invalid_argument for anything else: user names, paths, queries, other schemes, ports out of range, characters that
  /// no host name has (RFC 3986, section 3.2.2; names in other scripts are written as xn--...).
  static Result<ServerUrl> parse(std::string_view text);
};

}  // namespace prism::client
