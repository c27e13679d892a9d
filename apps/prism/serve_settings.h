// apps/prism/serve_settings.h - everything an operator can say to `prism serve`: flags, and a file with the same names.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/http/server.h"
#include "prism/service/compute_service.h"

namespace prism::app {

struct ServeSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;
  bool plain_http = false;
  std::vector<std::string> tls_cert, tls_key;
  std::vector<std::string> tls_names;
  std::string client_ca;
  std::vector<Digest> client_certificates;
  bool allow_classical = false;

  std::string log_format = "json";
  std::string ready_file;
  bool public_metrics = false;
  std::chrono::seconds drain{25};

  service::Options service;
  http::Limits limits;
  http::RateLimitOptions rate;
  std::size_t io_threads = 0;
  std::size_t http_workers = 0;
};

/// One of them: `--name VALUE` on the command line, `"name": VALUE` with underscores in the file.
struct ServeSetting {
  enum class Kind { text, number, flag, list };
  std::string name;  ///< as a flag, without its dashes
  std::string value_name;
  std::string help;
  Kind kind;
  /// Values as text; a flag gives none, a list any number, everything else one.
  std::function<Status(const std::vector<std::string>&)> set;
};

/// All of them, each bound to `settings`, which must outlive them.
std::vector<ServeSetting> serve_settings(ServeSettings& settings);

/// Reads a configuration file, at most 1 MiB of JSON: an object with the names above. Strict: malformed for anything it
/// does not know, for duplicates and for values of another kind, with the name and what is wanted.
Status read_serve_config(const std::string& path, const std::vector<ServeSetting>& all);

/// What one setting alone cannot know. Fills in defaults that depend on the surroundings, such as the data directory.
Status complete(ServeSettings& settings);

}  // namespace prism::app
