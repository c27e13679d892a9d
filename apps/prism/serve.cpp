#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/prism/commands.h"
#include "apps/prism/serve_observe.h"
#include "apps/prism/serve_settings.h"
#include "apps/prism/serve_tls.h"
#include "apps/prism/terminal.h"
#include "prism/crypto/key_file.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/server/rest/handler.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;

/// Everything on the command line, kept as text until the configuration file was read: flags win.
struct Arguments {
  ServeSettings settings;
  std::vector<ServeSetting> all = serve_settings(settings);
  std::vector<std::pair<CLI::Option*, const ServeSetting*>> given;
  std::string config;
  bool check = false;
};

/// The signals that a server waits for. Blocked before the first thread starts, so that all threads inherit it and they
/// come to sigtimedwait alone.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int one : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, one);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }
  /// The next one, or 0 after `limit`.
  int wait(std::chrono::seconds limit) {
    const timespec time{limit.count(), 0};
    const int got = sigtimedwait(&set_, nullptr, &time);
    return got > 0 ? got : 0;
  }
  /// From now on the second SIGTERM or SIGINT ends the process at once, as everywhere. SIGHUP does nothing any more: a
  /// reload that comes too late must not cut what is being finished.
  void release() {
    ::signal(SIGHUP, SIG_IGN);  // before anything is let through: one may be waiting already
    sigset_t ending;
    sigemptyset(&ending);
    for (const int one : {SIGTERM, SIGINT}) {
      ::signal(one, SIG_DFL);
      sigaddset(&ending, one);
    }
    pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  }

 private:
  sigset_t set_;
};

/// sd_notify(3): one datagram to the socket that systemd names, if it does.
void notify(std::string_view state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  (void)::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
  ::close(fd);
}

std::string url_of(const ServeSettings& settings, const std::string& address, std::uint16_t port) {
  const bool everywhere = address == "0.0.0.0" || address == "::";
  std::string host = everywhere ? "localhost" : address;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return fmt::format("{}://{}:{}", settings.plain_http ? "http" : "https", host, port);
}

Json certificates_json(const std::optional<ServeTls>& tls) {
  Json list = Json::array();
  if (!tls) return list;
  for (const auto& one : tls->certificates)
    list.push_back({{"key", std::string(crypto::name_of(one.key))},
                    {"fingerprint", crypto::fingerprint_text(one.fingerprints.spki)},
                    {"not_after", one.not_after.count()}});
  return list;
}

/// Who this server is, for people and for --check.
std::string facts_text(const service::ComputeService& service, const std::optional<ServeTls>& tls) {
  std::string text = "identity     " + crypto::fingerprint_text(service.fingerprint()) + "  (clients pin it: --pin)\n";
  if (!tls) return text + "certificate  none: plain HTTP\n";
  for (const auto& one : tls->certificates)
    text += fmt::format("certificate  {}  {}, until {}\n", crypto::fingerprint_text(one.fingerprints.spki),
                        crypto::name_of(one.key), utc_text(one.not_after));
  return text;
}

Status write_ready_file(const ServeSettings& settings, const http::Server& server,
                        const service::ComputeService& service, const std::optional<ServeTls>& tls) {
  if (settings.ready_file.empty()) return {};
  const Json json = {{"url", url_of(settings, server.address(), server.port())},
                     {"address", server.address()},
                     {"port", server.port()},
                     {"pid", ::getpid()},
                     {"identity", crypto::fingerprint_text(service.fingerprint())},
                     {"certificates", certificates_json(tls)}};
  return host::write_file(settings.ready_file, as_bytes(json.dump(2) + "\n"), host::AtomicFile::Access::everybody);
}

/// New certificates, clients, tokens and identity for what comes from now on; on an error the old ones stay.
void reload(const ServeSettings& settings, service::ComputeService& service, http::Server& server,
            std::optional<ServeTls>& tls, const Clock& clock, Random& random, ServeLog& log) {
  if (auto status = service.reload(); !status)
    log.write("error", "reload",
              {{"part", std::string_view("service")}, {"what", std::string_view(status.error().message)}});
  if (tls) {
    auto loaded = load_serve_tls(settings, clock.wall(), random);
    if (!loaded) {
      log.write("error", "reload",
                {{"part", std::string_view("tls")}, {"what", std::string_view(loaded.error().message)}});
    } else {
      server.replace_tls(loaded->context);
      tls = *std::move(loaded);
    }
  }
  if (auto written = write_ready_file(settings, server, service, tls); !written)
    log.write("error", "reload",
              {{"part", std::string_view("ready-file")}, {"what", std::string_view(written.error().message)}});
  const std::string identity = crypto::fingerprint_text(service.fingerprint());
  log.write("info", "reloaded", {{"identity", std::string_view(identity)}});
}

Status serve(Arguments& a) {
  ServeSettings& settings = a.settings;
  if (!a.config.empty()) PRISM_CHECKED(read_serve_config(a.config, a.all));
  for (const auto& [option, setting] : a.given) {
    if (option->count() == 0) continue;
    const auto values = setting->kind == ServeSetting::Kind::flag ? std::vector<std::string>{} : option->results();
    if (auto set = setting->set(values); !set)
      return fail(ErrorCode::invalid_argument, "--", setting->name, ": ", set.error().message);
  }
  PRISM_CHECKED(complete(settings));

  settings.service.check_only = a.check;
  Signals signals;
  const host::SystemClock clock;
  host::SystemRandom random;
  PRISM_TRY(const auto service, service::ComputeService::open(settings.service, clock, random));
  std::optional<ServeTls> tls;
  if (!settings.plain_http) {
    PRISM_TRY(tls, load_serve_tls(settings, clock.wall(), random));
  }
  if (a.check) {
    PRISM_CHECKED(service->self_test());
    PRISM_CHECKED(print(facts_text(*service, tls)));
    say("the configuration is fine; nothing was started");
    return {};
  }

  ServeLog log(settings.log_format == "json" ? ServeLog::Format::json : ServeLog::Format::text);
  http::Metrics metrics;
  ServeObserver observer(log, metrics);
  ServeHealth health(*service, metrics, settings.public_metrics);
  const auto rest = server::rest::make_handler(*service);
  http::Router router;
  health.add_to(router);
  router.otherwise(*rest);

  http::ServerOptions options;
  options.host = settings.host;
  options.port = settings.port;
  if (tls) options.tls = tls->context;
  options.io_threads = settings.io_threads;
  options.workers = settings.http_workers;
  options.limits = settings.limits;
  options.rate = settings.rate;
  options.observer = observer.hooks();
  PRISM_TRY(const auto server, http::Server::start(options, router));
  health.watch(server.get());
  const std::string url = url_of(settings, server->address(), server->port());
  say("listening on " + url + "\n" + facts_text(*service, tls));
  const std::string identity = crypto::fingerprint_text(service->fingerprint());
  log.write("info", "started",
            {{"url", std::string_view(url)},
             {"identity", std::string_view(identity)},
             {"version", std::string_view(PRISM_VERSION)}});
  PRISM_CHECKED(write_ready_file(settings, *server, *service, tls));
  notify("READY=1\nSTATUS=listening on " + url);

  constexpr std::chrono::seconds kLookAtCertificates{3600};
  for (;;) {
    const int signal = signals.wait(kLookAtCertificates);
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP || (tls && needs_renewal(*tls, clock.wall()))) {
      notify("RELOADING=1");
      reload(settings, *service, *server, tls, clock, random, log);
      notify("READY=1");
    }
  }
  signals.release();
  notify("STOPPING=1");
  health.stop();
  log.write("info", "stopping", {{"requests", server->counters().requests_active}});
  const std::size_t cut = server->drain(settings.drain);
  service->stop();  // computations whose connections were cut must not hold up the end
  if (!settings.ready_file.empty()) (void)host::remove_file(settings.ready_file);
  log.write(cut == 0 ? "info" : "warn", "stopped", {{"cut", static_cast<std::uint64_t>(cut)}});
  health.watch(nullptr);
  return {};
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  CLI::App* const serve_command = app.add_subcommand(
      "serve", "Compute on encrypted data for clients: the channel and its REST interface over TLS 1.3");
  serve_command->footer(
      "Every option with a value may stand in the --config file as well, a JSON object, with _ for -:\n"
      "  {\"host\": \"0.0.0.0\", \"port\": 8000, \"data_dir\": \"/var/lib/prism\", \"max_jobs\": 100}\n"
      "SIGTERM lets requests finish and stops; SIGHUP reads certificates, clients, tokens and the identity again.\n"
      "Example:\n  prism serve --host 0.0.0.0 --port 8000 --data-dir /var/lib/prism");
  const auto a = std::make_shared<Arguments>();
  serve_command->add_option("--config", a->config, "A JSON file with options; those on the command line win");
  serve_command->add_flag("--check", a->check, "Read and try everything, print the fingerprints, and stop");
  for (const ServeSetting& setting : a->all) {
    const std::string name = "--" + setting.name;
    CLI::Option* option = nullptr;
    if (setting.kind == ServeSetting::Kind::flag) {
      option = serve_command->add_flag(name, setting.help);
    } else {
      // Parsed by CLI11 as text only: what a value must be is said in one place, for the file and the flag alike.
      option = serve_command->add_option(name, [](const CLI::results_t&) { return true; }, setting.help);
      option->type_name(setting.value_name);
      if (setting.kind == ServeSetting::Kind::list)
        option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
    }
    a->given.emplace_back(option, &setting);
  }
  serve_command->callback([a, &action] { action = [a] { return serve(*a); }; });
}

}  // namespace prism::app
