#include "apps/prism/serve_settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/prism/terminal.h"
#include "prism/crypto/key_file.h"
#include "prism/host/file.h"

namespace prism::app {
namespace {

using Kind = ServeSetting::Kind;
using Values = std::vector<std::string>;

template <class T>
Result<T> number_from(const std::string& text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return fail(ErrorCode::invalid_argument, "\"", printable(text), "\" is no number from ", least, " to ", most);
  return static_cast<T>(value);
}

class Table {
 public:
  explicit Table(std::vector<ServeSetting>& all) : all_(all) {}

  void text(const char* name, const char* value, std::string& target, const std::string& help) {
    all_.push_back({name, value, help, Kind::text, [&target](const Values& values) -> Status {
                      target = values.front();
                      return {};
                    }});
  }
  void flag(const char* name, bool& target, const std::string& help) {
    all_.push_back({name, "", help, Kind::flag, [&target](const Values&) -> Status {
                      target = true;
                      return {};
                    }});
  }
  void list(const char* name, const char* value, std::vector<std::string>& target, const std::string& help) {
    all_.push_back({name, value, help, Kind::list, [&target](const Values& values) -> Status {
                      target = values;
                      return {};
                    }});
  }
  /// The default stands in the help, so the two cannot drift apart.
  template <class T>
  void number(const char* name, T& target, std::uint64_t least, std::uint64_t most, const std::string& help) {
    const auto shown = static_cast<std::uint64_t>(target);
    all_.push_back({name, "N", help + " (" + std::to_string(shown) + ")", Kind::number,
                    [&target, least, most](const Values& values) -> Status {
                      PRISM_TRY(target, number_from<T>(values.front(), least, most));
                      return {};
                    }});
  }
  template <class Rep, class Period>
  void seconds(const char* name, std::chrono::duration<Rep, Period>& target, std::uint64_t least, std::uint64_t most,
               const std::string& help) {
    const auto shown = std::chrono::duration_cast<std::chrono::seconds>(target).count();
    all_.push_back({name, "SECONDS", help + " (" + std::to_string(shown) + ")", Kind::number,
                    [&target, least, most](const Values& values) -> Status {
                      PRISM_TRY(target, number_from<std::chrono::seconds>(values.front(), least, most));
                      return {};
                    }});
  }
  void custom(ServeSetting setting) { all_.push_back(std::move(setting)); }

 private:
  std::vector<ServeSetting>& all_;
};

void add_limits(Table& table, ServeSettings& s) {
  constexpr std::uint64_t kMany = 1'000'000'000;
  constexpr std::uint64_t kBytes = std::uint64_t{1} << 50;
  service::Limits& l = s.service.limits;
  table.number("max-connections", s.limits.max_connections, 1, 1'000'000, "Connections at once");
  table.number("max-connections-per-peer", s.limits.max_connections_per_peer, 1, 1'000'000,
               "Connections at once from one address; an IPv6 address counts by its first 64 bits");
  table.number("max-header-bytes", s.limits.max_header_bytes, 8192, 1 << 20, "Bytes of a request's head");
  table.number("max-requests", s.rate.requests, 0, kMany,
               "Requests of one address in --max-requests-window; 0: no limit");
  table.seconds("max-requests-window", s.rate.window, 1, 86400, "See --max-requests");
  table.number("max-sessions", l.sessions, 1, 10'000'000, "Sessions at once");
  table.number("max-sessions-per-client", l.sessions_per_client, 1, 1'000'000, "Sessions of one client");
  table.seconds("max-session-seconds", l.session_for, 60, 86400, "How long a session lasts");
  table.number("max-context-bytes", l.context_bytes, 1 << 16, kBytes, "Bytes of one context with its evaluation keys");
  table.number("max-data-bytes", l.data_bytes, 1 << 10, kBytes, "Bytes of one encrypted vector");
  table.number("max-client-bytes", l.bytes_per_client, 1 << 16, kBytes, "Bytes that one client may keep here");
  table.number("max-stored-bytes", l.bytes, 1 << 16, kBytes, "Bytes that all clients may keep here");
  table.number("min-free-disk-bytes", l.free_disk_bytes, 0, kBytes, "Bytes of disk that are left alone");
  table.number("max-request-bytes", l.request_bytes, 1 << 10, 1 << 26, "Bytes of one computation's description");
  table.number("max-inline-bytes", l.inline_bytes, 1 << 10, 1 << 30, "Bytes of a computation with its inputs inside");
  table.number("max-ring-log2", l.largest_ring_log2, 10, 17, "The largest ring, as a power of two");
  table.number("max-primes", l.most_primes, 1, 128, "The most primes of a modulus, which bounds the level");
  table.number("max-cpu-seconds-per-job", l.cpu_seconds_per_job, 1, kMany, "Processor seconds of one computation");
  table.number("max-cpu-seconds", l.cpu_seconds_per_window, 1, kMany,
               "Processor seconds of one client in --max-cpu-window");
  table.seconds("max-cpu-window", l.window, 1, 86400, "See --max-cpu-seconds");
  table.number("max-jobs", l.jobs, 1, 1'000'000, "Computations that wait or run");
  table.number("max-jobs-per-client", l.jobs_per_client, 1, 1'000'000, "Of one client");
}

}  // namespace

std::vector<ServeSetting> serve_settings(ServeSettings& s) {
  std::vector<ServeSetting> all;
  Table table(all);
  table.text("host", "ADDRESS", s.host, "The address to listen on; 0.0.0.0 and :: stand for all (" + s.host + ")");
  table.number("port", s.port, 0, 65535, "The port to listen on; 0 takes any free one");
  table.text("data-dir", "DIR", s.service.data_dir,
             "Where keys, uploads, jobs and the audit log live; made when absent ($STATE_DIRECTORY, or prism-server in "
             "$XDG_STATE_HOME)");
  table.text("server-name", "NAME", s.service.server_name,
             "What the server calls itself in its signed bundles and receipts (" + s.service.server_name + ")");
  table.custom({"identity-algorithm", "NAME",
                "ML-DSA-65 or ML-DSA-87, for the identity that the first start makes (ML-DSA-65)", Kind::text,
                [&s](const Values& values) -> Status {
                  if (values.front() == "ML-DSA-65") {
                    s.service.algorithm = crypto::SignatureAlgorithm::ml_dsa_65;
                  } else if (values.front() == "ML-DSA-87") {
                    s.service.algorithm = crypto::SignatureAlgorithm::ml_dsa_87;
                  } else {
                    return fail(ErrorCode::invalid_argument, "\"", printable(values.front()),
                                "\" is neither ML-DSA-65 nor ML-DSA-87");
                  }
                  return {};
                }});
  table.flag("allow-suite-3", s.service.allow_suite_3, "Let clients use ML-KEM-1024 without a classical part");
  table.custom({"clients", "FILE", "Let in only the keys whose fingerprints this file lists, one a line", Kind::text,
                [&s](const Values& values) -> Status {
                  s.service.clients_file = values.front();
                  s.service.admission = service::Admission::allow_list;
                  return {};
                }});
  table.text("allow-token", "FILE", s.service.tokens_file,
             "Take computations over TLS alone, without a session, from holders of the API tokens in this file; their "
             "receipts say so");
  table.flag("plain-http", s.plain_http, "Speak HTTP without TLS, on a loopback address only");
  table.list("tls-cert", "FILE", s.tls_cert,
             "A certificate chain in PEM form, with its --tls-key; once more for another kind of key. Without any, the "
             "first start makes an ML-DSA-65 and an ECDSA certificate");
  table.list("tls-key", "FILE", s.tls_key, "The private key of the --tls-cert in the same place, mode 0600");
  table.list("tls-name", "NAME", s.tls_names,
             "A host name or address for certificates that are made here, besides localhost, this machine's name and "
             "--host");
  table.text("client-ca", "FILE", s.client_ca, "Let only clients connect whose certificate is under one of these");
  table.custom({"client-certificate", "FINGERPRINT",
                "Let clients connect whose certificate has the key with this SHA-256 fingerprint", Kind::list,
                [&s](const Values& values) -> Status {
                  s.client_certificates.clear();
                  for (const std::string& value : values) {
                    PRISM_TRY(const Digest digest, crypto::fingerprint_from(value));
                    s.client_certificates.push_back(digest);
                  }
                  return {};
                }});
  table.flag("allow-classical-tls", s.allow_classical,
             "Take X25519 from TLS clients that know no post-quantum group; what they send can be read later");
  table.custom({"log-format", "FORMAT", "json or text, one line for each request on stderr (json)", Kind::text,
                [&s](const Values& values) -> Status {
                  if (values.front() != "json" && values.front() != "text")
                    return fail(ErrorCode::invalid_argument, "\"", printable(values.front()),
                                "\" is neither json nor text");
                  s.log_format = values.front();
                  return {};
                }});
  table.text("ready-file", "FILE", s.ready_file,
             "Write address and fingerprints there, as JSON, once requests are taken");
  table.flag("public-metrics", s.public_metrics, "Answer /metrics to everybody, not to this machine alone");
  table.seconds("drain-seconds", s.drain, 0, 3600, "How long SIGTERM lets requests finish");
  table.number("workers", s.service.workers, 0, 1024, "Threads that compute; 0: one for each core");
  table.number("io-threads", s.io_threads, 0, 256, "Threads for connections; 0: one for each core, at most 4");
  table.number("http-workers", s.http_workers, 0, 4096, "Requests that may block at once; 0: 64");
  add_limits(table, s);
  return all;
}

Status read_serve_config(const std::string& path, const std::vector<ServeSetting>& all) {
  using Json = nlohmann::json;
  PRISM_TRY(const Bytes bytes, host::read_file(path, 1 << 20));
  std::string duplicate;
  std::set<std::string> seen;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && !seen.insert(parsed.get<std::string>()).second)
      duplicate = parsed.get<std::string>();
    return true;
  };
  const Json json = Json::parse(bytes.begin(), bytes.end(), watch, false, true);
  if (!json.is_object())
    return fail(ErrorCode::configuration, path, ": no JSON object; see `prism serve --help` for the names");
  if (!duplicate.empty())
    return fail(ErrorCode::configuration, path, ": \"", printable(duplicate), "\" is there twice");
  for (const auto& [key, value] : json.items()) {
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', '-');
    const auto setting =
        std::find_if(all.begin(), all.end(), [&](const ServeSetting& one) { return one.name == name; });
    if (setting == all.end() || key.find('-') != std::string::npos)
      return fail(ErrorCode::configuration, path, ": \"", printable(key),
                  "\" is no setting; they are the long options of `prism serve`, with _ for -");
    const auto wrong = [&](const char* wanted) {
      return fail(ErrorCode::configuration, path, ": \"", key, "\" must be ", wanted);
    };
    Values values;
    switch (setting->kind) {
      case Kind::flag:
        if (!value.is_boolean()) return wrong("true or false");
        if (!value.get<bool>()) continue;
        break;
      case Kind::number:
        if (!value.is_number_unsigned()) return wrong("a whole number");
        values.push_back(std::to_string(value.get<std::uint64_t>()));
        break;
      case Kind::text:
        if (!value.is_string()) return wrong("a string");
        values.push_back(value.get<std::string>());
        break;
      case Kind::list:
        if (!value.is_array()) return wrong("a list of strings");
        for (const Json& one : value) {
          if (!one.is_string()) return wrong("a list of strings");
          values.push_back(one.get<std::string>());
        }
        break;
    }
    if (auto set = setting->set(values); !set)
      return fail(ErrorCode::configuration, path, ": \"", key, "\": ", set.error().message);
  }
  return {};
}

Status complete(ServeSettings& s) {
  if (s.tls_cert.size() != s.tls_key.size())
    return fail(ErrorCode::invalid_argument, s.tls_cert.size(), " --tls-cert and ", s.tls_key.size(),
                " --tls-key; each certificate needs its key");
  const bool tls_wanted =
      !s.tls_cert.empty() || !s.client_ca.empty() || !s.client_certificates.empty() || s.allow_classical;
  if (s.plain_http && tls_wanted)
    return fail(ErrorCode::invalid_argument,
                "--plain-http switches TLS off; the other TLS options mean nothing with it");
  if (s.plain_http && !s.service.tokens_file.empty())
    return fail(ErrorCode::invalid_argument,
                "--allow-token sends tokens over TLS; with --plain-http everybody on this "
                "machine who can listen would have them");
  if (!s.service.data_dir.empty()) return {};
  const auto from = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  std::filesystem::path parent;
  if (const std::string state = from("STATE_DIRECTORY"); !state.empty()) {
    // systemd made it for us alone, and may name several; the first is ours.
    s.service.data_dir = state.substr(0, state.find(':'));
    return {};
  }
  if (const std::string state = from("XDG_STATE_HOME"); !state.empty())
    parent = state;
  else if (const std::string home = from("HOME"); !home.empty())
    parent = std::filesystem::path(home) / ".local" / "state";
  else
    return fail(ErrorCode::invalid_argument, "there is no HOME to keep data in; say --data-dir DIR");
  std::error_code ec;
  std::filesystem::create_directories(parent, ec);
  if (ec) return fail(ErrorCode::io, "cannot make ", parent.string(), ": ", ec.message());
  s.service.data_dir = (parent / "prism-server").string();
  return {};
}

}  // namespace prism::app
