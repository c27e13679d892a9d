// The client's half of `bench/channel.py`: talks to a running compute service and prints what it took, as JSON.
//
//   prism_channel_bench URL FINGERPRINT statistics VALUES ROUNDS
//   prism_channel_bench URL FINGERPRINT small SECONDS RATE CONNECTIONS
//   prism_channel_bench URL FINGERPRINT sessions COUNT          (then waits for a line on stdin, sessions open)
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "prism/client/evaluate.h"
#include "prism/client/hybrid_crypto.h"
#include "prism/compute/result.h"
#include "prism/crypto/key_file.h"
#include "prism/host/system.h"

namespace {

using namespace prism;
using Steady = std::chrono::steady_clock;

double ms_since(Steady::time_point start) {
  return std::chrono::duration<double, std::milli>(Steady::now() - start).count();
}
double cpu_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

struct Bench {
  host::SystemRandom random;
  host::SystemClock clock;
  client::ConnectionOptions options;

  client::Connection connect(const crypto::SigningKey& identity) {
    return client::Connection::open(options, identity, clock, random).value();
  }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Numbers that have a mean and a variance worth computing, always the same.
std::vector<double> numbers(std::size_t count) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i * 37 % 101) / 101.0;
  return values;
}

int statistics(Bench& bench, std::size_t count, int rounds) {
  const auto request =
      compute::Request::parse(R"({"operation":"statistics","compute":["mean","variance","sum"],"inputs":["x"]})")
          .value();
  auto start = Steady::now();
  const auto alice = client::HybridCrypto::create_for(request, {{"x", count}}, 1, 10, bench.random).value();
  const double keys_ms = ms_since(start);
  start = Steady::now();
  auto service = bench.connect(alice.identity());
  const double handshake_ms = ms_since(start);
  const auto values = numbers(count);
  std::vector<double> encrypt, plan, upload, compute_ms, decrypt, whole;
  double make_keys = 0, upload_keys = 0;
  std::uint64_t key_bytes = 0, data_bytes = 0, result_bytes = 0;
  for (int round = 0; round <= rounds; ++round) {  // the first one carries the keys
    const auto begin = Steady::now();
    const Bytes data = alice.numbers().encrypt_to_bytes(values).value();
    const double encrypt_ms = ms_since(begin);
    double sending = 0, planned = 0, made = 0;
    Steady::time_point sent_from{}, mark = Steady::now();
    client::EvaluateOptions options;
    bool first = true;
    options.planned = [&](const client::Estimate&) -> Result<bool> {
      planned = ms_since(mark);
      mark = Steady::now();
      return true;
    };
    std::string part;
    options.progress = [&](std::string_view what, std::uint64_t done, std::uint64_t all) {
      if (first) made = ms_since(mark), first = false;
      if (part != what) part = what, sent_from = Steady::now();
      if (done == all) {
        (part == "keys" ? upload_keys : sending) += ms_since(sent_from);
        mark = Steady::now();
      }
    };
    const char* const scratch = std::getenv("PRISM_BENCH_SCRATCH");
    const client::Keys keys(alice.numbers(),
                            client::ContextCache(std::string(scratch == nullptr ? "." : scratch) + "/sent"));
    const auto done = client::evaluate(service, keys, {request, {{"x", data}}}, options).value();
    const double computing = ms_since(mark);
    const auto opening = Steady::now();
    const auto opened =
        compute::open_result(done.result, alice.numbers(), {.recompute_bounds = false, .expected_program = {}}).value();
    const double opened_ms = ms_since(opening);
    if (opened.outputs.size() != 3) return 1;
    data_bytes = data.size();
    result_bytes = done.result.size();
    if (round == 0) {
      make_keys = made;
      key_bytes = done.context.sent;
      continue;
    }
    encrypt.push_back(encrypt_ms);
    plan.push_back(planned);
    upload.push_back(sending);
    compute_ms.push_back(computing);
    decrypt.push_back(opened_ms);
    whole.push_back(ms_since(begin));
  }
  std::printf(
      "{\"values\": %zu, \"once\": {\"secret_key_ms\": %.2f, \"handshake_ms\": %.2f, \"evaluation_keys_ms\": %.2f, "
      "\"upload_keys_ms\": %.2f, \"key_bytes\": %llu},\n \"each_ms\": {\"encrypt\": %.2f, \"plan\": %.2f, \"upload\": "
      "%.2f, "
      "\"compute_and_verify\": %.2f, \"decrypt\": %.2f, \"whole\": %.2f}, \"data_bytes\": %llu, \"result_bytes\": "
      "%llu}\n",
      count, keys_ms, handshake_ms, make_keys, upload_keys, static_cast<unsigned long long>(key_bytes), median(encrypt),
      median(plan), median(upload), median(compute_ms), median(decrypt), median(whole),
      static_cast<unsigned long long>(data_bytes), static_cast<unsigned long long>(result_bytes));
  return 0;
}

/// An open loop: requests start at their time whether or not earlier ones are answered, so that a slow server shows in
/// the latencies and not in a lower rate.
int small(Bench& bench, double seconds, double rate, std::size_t connections) {
  const auto request = compute::Request::parse(R"({"operation":"sum","inputs":["x"]})").value();
  const std::size_t count = 4096;
  const auto alice = client::HybridCrypto::create_for(request, {{"x", count}}, 1, 24, bench.random).value();
  const Bytes data = alice.numbers().encrypt_to_bytes(numbers(count)).value();
  struct Lane {
    client::Connection connection;
    std::optional<client::SmallEvaluation> evaluation;
    std::vector<double> latencies;
  };
  std::vector<std::unique_ptr<Lane>> lanes;
  const char* const scratch = std::getenv("PRISM_BENCH_SCRATCH");
  const client::Keys keys(alice.numbers(),
                          client::ContextCache(std::string(scratch == nullptr ? "." : scratch) + "/sent"));
  for (std::size_t i = 0; i < connections; ++i) {
    lanes.push_back(std::unique_ptr<Lane>(new Lane{bench.connect(alice.identity()), {}, {}}));
    lanes.back()->evaluation =
        client::SmallEvaluation::prepare(lanes.back()->connection, keys, request, {{"x", count}}).value();
    (void)lanes.back()->evaluation->run({{"x", data}}).value();
  }
  const double cpu_before = cpu_ms();
  const auto start = Steady::now() + std::chrono::milliseconds(50);
  const auto end = start + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds));
  std::atomic<std::uint64_t> next{0};
  std::vector<std::thread> threads;
  for (auto& lane : lanes)
    threads.emplace_back([&, lane = lane.get()] {
      for (;;) {
        const auto due = start + std::chrono::duration_cast<Steady::duration>(
                                     std::chrono::duration<double>(static_cast<double>(next.fetch_add(1)) / rate));
        if (due >= end) return;
        std::this_thread::sleep_until(due);
        const auto done = lane->evaluation->run({{"x", data}});
        if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
        lane->latencies.push_back(done ? ms_since(due) : 1e9);
      }
    });
  for (auto& thread : threads) thread.join();
  const double took = std::max(seconds, ms_since(start) / 1e3), cpu = cpu_ms() - cpu_before;
  std::vector<double> all;
  for (const auto& lane : lanes) all.insert(all.end(), lane->latencies.begin(), lane->latencies.end());
  std::sort(all.begin(), all.end());
  if (all.empty()) return 1;
  const auto at = [&](double part) {
    return all[std::min(all.size() - 1, static_cast<std::size_t>(part * static_cast<double>(all.size())))];
  };
  std::printf(
      "{\"wanted_per_second\": %.0f, \"connections\": %zu, \"answered_per_second\": %.1f, \"p50_ms\": %.3f, "
      "\"p99_ms\": %.3f, \"max_ms\": %.3f, \"client_cpu_us_per_request\": %.1f, \"request_bytes\": %zu, \"ring\": "
      "%zu}\n",
      rate, connections, static_cast<double>(all.size()) / took, at(0.5), at(0.99), all.back(),
      cpu * 1e3 / static_cast<double>(all.size()), data.size(), 2 * alice.numbers().public_part().slots());
  return 0;
}

int sessions(Bench& bench, std::size_t count) {
  const auto identity = crypto::SigningKey::generate(crypto::SignatureAlgorithm::ml_dsa_65, bench.random).value();
  std::printf("{\"ready\": true}\n");
  std::fflush(stdout);
  if (std::getchar() == EOF) return 1;
  const auto start = Steady::now();
  // Sessions live on the server without a connection: each is opened and its connection closed.
  std::vector<std::unique_ptr<client::SessionTransport>> open;
  for (std::size_t i = 0; i < count; ++i) {
    http::ClientOptions http;
    if (bench.options.server.tls) {
      crypto::TlsClientOptions tls;
      tls.any_server = true;
      http.tls = crypto::make_client_tls(tls).value();
    }
    auto client = http::Client::create({bench.options.server.tls, bench.options.server.host, bench.options.server.port},
                                       std::move(http))
                      .value();
    open.push_back(std::make_unique<client::SessionTransport>(std::move(client), bench.options.server.name(),
                                                              bench.options.trust, channel::ClientPolicy(), identity,
                                                              bench.clock, bench.random));
    const Status status = open.back()->open();
    if (!status) {
      std::fprintf(stderr, "session %zu: %s\n", i, status.error().message.c_str());
      return 1;
    }
    open.back()->disconnect();
  }
  const double took = ms_since(start);
  std::printf("{\"sessions\": %zu, \"seconds\": %.2f, \"handshakes_per_second\": %.1f}\n", count, took / 1e3,
              static_cast<double>(count) * 1e3 / took);
  std::fflush(stdout);
  return std::getchar() == EOF ? 1 : 0;  // the sessions stay open until the other side has looked
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return std::fprintf(stderr, "usage: see bench/channel.cpp\n"), 2;
  Bench bench;
  bench.options.server = client::ServerUrl::parse(argv[1]).value();
  bench.options.trust.pin = crypto::fingerprint_from(argv[2]).value();
  const std::string what = argv[3];
  const auto number = [&](int at) { return argc > at ? std::stod(argv[at]) : 0; };
  if (what == "statistics")
    return statistics(bench, static_cast<std::size_t>(number(4)), std::max(1, static_cast<int>(number(5))));
  if (what == "small") return small(bench, number(4), number(5), static_cast<std::size_t>(number(6)));
  if (what == "sessions") return sessions(bench, static_cast<std::size_t>(number(4)));
  return 2;
}
