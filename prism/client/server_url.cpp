#include "prism/client/server_url.h"

#include <algorithm>
#include <charconv>

namespace prism::client {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Letters, digits, hyphens and dots, no empty label. Numbers pass here: the resolver knows them.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  std::size_t label = 0;
  for (const char c : host) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (is_letter(c) || is_digit(c) || c == '-' || c == '_') {
      if (++label > 63) return false;
    } else {
      return false;
    }
  }
  return host.back() != '.' && host.front() != '-';
}

/// Only characters: the resolver reads the number.
bool is_ipv6(std::string_view host) {
  return host.size() >= 2 && host.size() <= 45 && host.find(':') != host.npos &&
         std::all_of(host.begin(), host.end(), [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

Error unreadable(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument, "\"", text.substr(0, 200), "\" is no server address: ", why,
              "; write https://host:port");
}

}  // namespace

std::string ServerUrl::name() const {
  const std::string shown = host.find(':') == host.npos ? host : "[" + host + "]";
  return shown + ":" + std::to_string(port);
}

std::string ServerUrl::text() const { return (tls ? "https://" : "http://") + name(); }

bool ServerUrl::is_loopback() const {
  if (host == "localhost" || host == "::1") return true;
  // A name such as 127.example.org must not pass: four decimal numbers, nothing else.
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

Result<ServerUrl> ServerUrl::parse(std::string_view text) {
  ServerUrl url;
  std::string_view rest = text;
  if (const std::size_t end = rest.find("://"); end != rest.npos) {
    std::string scheme(rest.substr(0, end));
    std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
    if (scheme != "https" && scheme != "http") return unreadable(text, "it is neither https nor http");
    url.tls = scheme == "https";
    rest.remove_prefix(end + 3);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('@') != rest.npos) return unreadable(text, "names and passwords do not belong in it");
  if (rest.find_first_of("/?#") != rest.npos) return unreadable(text, "it has a path");

  std::string_view host = rest, port;
  bool has_port = false;
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == rest.npos) return unreadable(text, "a bracket is not closed");
    host = rest.substr(1, close - 1);
    const std::string_view after = rest.substr(close + 1);
    if (!after.empty() && after.front() != ':') return unreadable(text, "something follows the address in brackets");
    has_port = !after.empty();
    if (has_port) port = after.substr(1);
  } else if (const std::size_t colon = rest.find(':'); colon != rest.npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
    has_port = true;
  }
  url.host.assign(host);
  std::transform(url.host.begin(), url.host.end(), url.host.begin(), lower);
  const bool readable = rest.starts_with('[') ? is_ipv6(url.host) : is_host_name(url.host);
  if (!readable) return unreadable(text, "the host is none");
  if (has_port) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535)
      return unreadable(text, "the port is not a number from 1 to 65535");
    url.port = static_cast<std::uint16_t>(number);
  }
  if (!url.tls && !url.is_loopback())
    return unreadable(text, "plain http is for this machine alone, and this is another");
  return url;
}

}  // namespace prism::client
