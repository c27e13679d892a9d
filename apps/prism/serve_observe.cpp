#include "apps/prism/serve_observe.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "prism/http/problem.h"

namespace prism::app {
namespace {

using http::Metrics;

/// A method that anybody may invent must not become a label.
std::string_view known_method(std::string_view method) {
  constexpr std::array<std::string_view, 6> kKnown{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"};
  return std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end() ? method : std::string_view("other");
}

std::string_view class_of(int status) {
  constexpr std::array<std::string_view, 6> kClasses{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  return kClasses[static_cast<std::size_t>(std::clamp(status / 100, 0, 5))];
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

std::uint64_t resident_bytes() {
  unsigned long long all = 0, resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%llu %llu", &all, &resident) != 2) resident = 0;
  std::fclose(file);
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Whether a proxy says that it passes this on for somebody: the socket's peer is the proxy then, not who asks.
bool was_forwarded(const http::Headers& headers) {
  constexpr std::string_view kPrefix = "X-Forwarded-";
  const auto& fields = headers.fields();
  return std::any_of(fields.begin(), fields.end(), [&](const http::Headers::Field& field) {
    return http::equal_ignoring_case(field.name, "Via") || http::equal_ignoring_case(field.name, "Forwarded") ||
           http::equal_ignoring_case(field.name, "X-Real-IP") ||
           http::equal_ignoring_case(field.name.substr(0, kPrefix.size()), kPrefix);
  });
}

void collect_process(Metrics& m) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  m.count_to("process_cpu_seconds_total", "Processor time, user and system.", {},
             seconds(usage.ru_utime) + seconds(usage.ru_stime));
  m.set("process_resident_memory_bytes", "Memory in use.", {}, static_cast<double>(resident_bytes()));
}

void collect_service(Metrics& m, const service::Statistics& s) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  m.set("prism_sessions", "Sessions that are open.", {}, number(s.sessions));
  m.set("prism_handshakes_half_open", "Handshakes that began and did not finish yet.", {}, number(s.half_open));
  m.set("prism_jobs", "Computations, by what they do.", {{"state", "waiting"}}, number(s.jobs_waiting));
  m.set("prism_jobs", "Computations, by what they do.", {{"state", "running"}}, number(s.jobs_running));
  m.count_to("prism_handshakes_total", "Channel handshakes that finished.", {}, number(s.handshakes));
  m.count_to("prism_handshakes_rejected_total", "Channel handshakes that were rejected.", {},
             number(s.handshakes_rejected));
  m.count_to("prism_records_rejected_total", "Records that did not verify, or came twice.", {},
             number(s.records_rejected));
  m.count_to("prism_computations_total", "Computations that ended well.", {}, number(s.computations));
  m.count_to("prism_computations_failed_total", "Computations that ended with an error.", {},
             number(s.computations_failed));
  m.count_to("prism_computation_cpu_seconds_total", "Processor time of computations.", {}, s.cpu_seconds);
  m.set("prism_stored_bytes", "Bytes of uploads on disk.", {}, number(s.stored_bytes));
  m.set("prism_blobs", "Contexts and data on disk.", {}, number(s.blobs));
  m.set("prism_uploads", "Uploads that are not complete.", {}, number(s.uploads));
  m.set("prism_contexts_cached", "Contexts kept decoded.", {}, number(s.contexts_cached));
  m.set("prism_contexts_cached_bytes", "Bytes of contexts kept decoded.", {}, number(s.contexts_cached_bytes));
}

}  // namespace

http::Observer ServeObserver::hooks() {
  http::Observer observer;
  observer.request = [this](const http::RequestRecord& r) {
    const double took = std::chrono::duration<double>(r.duration).count();
    const std::string_view method = known_method(r.method);
    metrics_.count("prism_http_requests_total", "Requests, by how they were answered.",
                   {{"method", method}, {"route", r.route}, {"status", class_of(r.status)}});
    metrics_.observe("prism_http_request_seconds", "From the end of the head to the last byte of the answer.",
                     {{"route", r.route}}, took);
    metrics_.count("prism_http_received_bytes_total", "Bytes of request bodies.", {}, static_cast<double>(r.bytes_in));
    metrics_.count("prism_http_sent_bytes_total", "Bytes of responses.", {}, static_cast<double>(r.bytes_out));
    const std::string_view level = r.status >= 500 || r.status == 0 ? "warn" : "info";
    log_.write(level, "request",
               {{"trace_id", r.id},
                {"method", method},
                {"route", r.route},
                {"status", static_cast<std::uint64_t>(r.status)},
                {"bytes_in", r.bytes_in},
                {"bytes_out", r.bytes_out},
                {"ms", took * 1000},
                {"peer", std::string_view(r.peer->address)}});
  };
  observer.refused = [this](std::string_view why, const http::Peer& peer) {
    metrics_.count("prism_http_refused_total", "Connections that ended before a request was understood.",
                   {{"why", why}});
    log_.write("info", "refused", {{"why", why}, {"peer", std::string_view(peer.address)}});
  };
  observer.failed = [this](std::string_view route, std::string_view id, std::string_view what) {
    metrics_.count("prism_http_failures_total", "Requests whose handler failed.", {{"route", route}});
    log_.write("error", "handler-failed", {{"trace_id", id}, {"route", route}, {"what", what}});
  };
  return observer;
}

ServeHealth::ServeHealth(service::ComputeService& service, Metrics& metrics, bool public_metrics)
    : service_(service), metrics_(metrics), public_metrics_(public_metrics) {
  metrics_.collect([this](Metrics& m) {
    collect_process(m);
    collect_service(m, service_.statistics());
    if (const http::Server* const server = server_) {
      const http::ServerCounters c = server->counters();
      m.set("prism_http_connections", "Connections that are open.", {}, static_cast<double>(c.connections_open));
      m.set("prism_http_requests_active", "Requests under way.", {}, static_cast<double>(c.requests_active));
      m.count_to("prism_http_connections_total", "Connections so far.", {}, static_cast<double>(c.connections_total));
      m.count_to("prism_tls_handshakes_total", "TLS handshakes that finished.", {}, static_cast<double>(c.handshakes));
    }
  });
}

Status ServeHealth::ready() {
  constexpr std::chrono::seconds kTestEvery{5};
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (tested_ == std::chrono::steady_clock::time_point{} || now - tested_ >= kTestEvery) {
    outcome_ = service_.self_test();
    tested_ = now;
  }
  return outcome_;
}

void ServeHealth::add_to(http::Router& router) {
  const http::Route quick{"", 0, true, false, 0};
  const http::Route slow{"", 0, false, false, 0};
  const auto plain = [](int status, std::string text) {
    return http::Response::text(status, std::move(text)).header("Cache-Control", "no-store");
  };
  router.add("GET", "/livez", quick, [plain](http::Request&) { return plain(200, "alive\n"); });
  router.add("GET", "/readyz", slow, [this, plain](http::Request&) {
    if (stopping_) return plain(503, "stopping\n");
    // What failed is in the log of the service; strangers learn that something did.
    return ready() ? plain(200, "ready\n") : plain(503, "not ready\n");
  });
  router.add("GET", "/metrics", slow, [this](http::Request& request) {
    if (!public_metrics_ && (!request.peer->loopback || was_forwarded(request.headers)))
      return http::problem(404, "not-found", "There is nothing here", "no resource has this path", request.id);
    http::Response response = http::Response::empty(200);
    response.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8").header("Cache-Control", "no-store");
    response.body = metrics_.text();
    return response;
  });
}

}  // namespace prism::app
