// apps/prism/serve_observe.h - what an operator sees of a running server: health, metrics, and the log's view of HTTP.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

#include "apps/prism/serve_log.h"
#include "prism/http/metrics.h"
#include "prism/http/router.h"
#include "prism/http/server.h"
#include "prism/service/compute_service.h"

namespace prism::app {

class ServeObserver {
 public:
  ServeObserver(ServeLog& log, http::Metrics& metrics) : log_(log), metrics_(metrics) {}
  /// Logs and counts; outlived by this object.
  http::Observer hooks();

 private:
  ServeLog& log_;
  http::Metrics& metrics_;
};

/// /livez, /readyz and /metrics. The service's self-test runs at most every few seconds, whoever asks.
class ServeHealth {
 public:
  ServeHealth(service::ComputeService& service, http::Metrics& metrics, bool public_metrics);
  void add_to(http::Router& router);
  /// From now on /readyz says no, so that a balancer sends nobody here any more.
  void stop() { stopping_ = true; }
  /// Values that others count, read when /metrics is asked for. `server` may be null until it has started.
  void watch(const http::Server* server) { server_ = server; }

 private:
  Status ready();

  service::ComputeService& service_;
  http::Metrics& metrics_;
  const bool public_metrics_;
  std::atomic<bool> stopping_{false};
  std::atomic<const http::Server*> server_{nullptr};
  std::mutex mutex_;
  std::chrono::steady_clock::time_point tested_{};
  Status outcome_;
};

}  // namespace prism::app
