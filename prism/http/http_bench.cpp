// What one request costs: an inline handler over kept connections on loopback, plain and TLS, and TLS handshakes.
// The client runs in the same process; `server_cpu_us` counts the server's threads alone.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <time.h>

#include <thread>

#include "prism/host/system.h"
#include "prism/http/client.h"
#include "prism/http/server.h"

namespace prism::http {
namespace {

class Hello final : public Handler {
 public:
  Route route(const Request&) const override { return {"hello", 1 << 10, true, false, 0}; }
  Response handle(Request&) override { return Response::text(200, "hello"); }
};

class Setup {
 public:
  explicit Setup(bool tls, std::size_t io_threads) : tls_(tls) {
    ServerOptions options;
    options.io_threads = io_threads;
    options.workers = 1;
    if (tls) {
      host::SystemRandom random;
      const auto certificate =
          crypto::CertifiedKey::make_self_signed(crypto::CertificateKey::ml_dsa_65, {"localhost"},
                                                 host::SystemClock().wall(), std::chrono::hours(1), random)
              .value();
      pin_ = certificate.info().fingerprints.spki;
      options.tls = crypto::make_server_tls({{certificate}, std::nullopt, false}).value();
    }
    server_ = Server::start(std::move(options), handler_).value();
  }
  Client client() const {
    ClientOptions options;
    if (tls_) {
      crypto::TlsClientOptions trust;
      trust.pins = {pin_};
      options.tls = crypto::make_client_tls(trust).value();
    }
    return Client::create(Origin{tls_, "127.0.0.1", server_->port()}, options).value();
  }

 private:
  bool tls_;
  Digest pin_{};
  Hello handler_;
  std::unique_ptr<Server> server_;
};

double process_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

double thread_cpu() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// `clients` threads ask as fast as they can.
void requests(benchmark::State& state, bool tls, std::size_t io_threads, std::size_t clients) {
  const Setup setup(tls, io_threads);
  constexpr int kEach = 2000;
  double server_cpu = 0;
  for (auto _ : state) {
    std::vector<double> client_cpu(clients);
    std::vector<std::thread> threads;
    const double before = process_cpu();
    for (std::size_t i = 0; i < clients; ++i)
      threads.emplace_back([&, i] {
        Client client = setup.client();
        for (int n = 0; n < kEach; ++n)
          if (client.send({}).value().status != 200) std::abort();
        client_cpu[i] = thread_cpu();
      });
    for (auto& thread : threads) thread.join();
    server_cpu += process_cpu() - before;
    for (const double one : client_cpu) server_cpu -= one;
  }
  const auto all = static_cast<double>(state.iterations()) * kEach * static_cast<double>(clients);
  state.counters["requests"] = benchmark::Counter(all, benchmark::Counter::kIsRate);
  state.counters["server_cpu_us"] = server_cpu * 1e6 / all;
}

void handshake(benchmark::State& state) {
  const Setup setup(true, 1);
  Client client = setup.client();
  for (auto _ : state) {
    if (client.send({}).value().status != 200) std::abort();
    client.close();
  }
}

BENCHMARK_CAPTURE(requests, plain_1_thread, false, 1, 4)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(requests, tls_1_thread, true, 1, 4)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(requests, tls_2_threads, true, 2, 4)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(handshake)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace prism::http

BENCHMARK_MAIN();
