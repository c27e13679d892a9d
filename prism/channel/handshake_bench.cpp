// What a handshake costs each side, in microseconds of CPU, next to what it cannot avoid: its own KEM, signature and
// verification calls. Both are measured in turns, so that whatever else the machine does weighs on both alike; signing
// takes a random number of attempts, so only many rounds mean something.
//
//   handshake/1            client, server        the whole of each side
//                          client_own, server_own the calls alone: key generation, decapsulation, verification,
//                          signature;
//                                                encapsulation, signature, verification
//                          ratio                 both sides over both sides' own calls
//   tls/mldsa65_mutual     client, server        TLS 1.3 with X25519MLKEM768 in memory, by OpenSSL
#include <benchmark/benchmark.h>
#include <time.h>

#include <cstdint>
#include <string>

#include "prism/channel/handshake.h"
#include "prism/channel/internal/test_peers.h"
#include "prism/crypto/kem.h"
#include "prism/crypto/memory_tls.h"

namespace prism::channel {
namespace {

using namespace test;

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

/// Adds what `work` takes to `sum`.
template <class Work>
auto timed(double& sum, Work work) {
  const double begin = cpu_us();
  auto result = work();
  sum += cpu_us() - begin;
  return result;
}

void handshake(benchmark::State& state) {
  const auto id = static_cast<SuiteId>(state.range(0));
  const Peers peers(id);
  NamedRandom random("bench");
  double client_sum = 0, server_sum = 0, client_own = 0, server_own = 0;
  const TranscriptHash message{};
  for ([[maybe_unused]] auto round : state) {
    auto client = timed(client_sum, [&] {
      return ClientHandshake::start(peers.client_policy, peers.client_key, peers.server.fingerprint(), kNow, random)
          .value();
    });
    auto server = timed(server_sum, [&] {
      return ServerHandshake::accept(peers.server_policy, peers.server, client.first(), kNow, random).value();
    });
    const Bytes third = timed(client_sum, [&] { return client.on_second(server.second(), kNow, random).value(); });
    const Established at_server = timed(server_sum, [&] { return server.finish(third, kNow, peers.gate).value(); });
    const Established at_client = timed(client_sum, [&] { return client.on_fourth(at_server.fourth).value(); });
    if (!agree(at_client, at_server)) state.SkipWithError("the peers do not agree");

    const auto kem = timed(client_own, [&] { return crypto::KemSecretKey::generate(suite(id).kem, random).value(); });
    const auto sent =
        timed(server_own, [&] { return crypto::encapsulate(suite(id).kem, kem.public_key(), random).value(); });
    const Bytes server_signature =
        timed(server_own, [&] { return peers.server.key().sign(message, kServerContext, random).value(); });
    timed(client_own, [&] { return kem.decapsulate(sent.ciphertext).value(); });
    timed(client_own, [&] {
      return peers.server.key().verify_key().verify(message, kServerContext, server_signature).has_value();
    });
    const Bytes client_signature =
        timed(client_own, [&] { return peers.client_key.sign(message, kClientContext, random).value(); });
    timed(server_own,
          [&] { return peers.client_key.verify_key().verify(message, kClientContext, client_signature).has_value(); });
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["client"] = client_sum / rounds;
  state.counters["server"] = server_sum / rounds;
  state.counters["client_own"] = client_own / rounds;
  state.counters["server_own"] = server_own / rounds;
  state.counters["ratio"] = (client_sum + server_sum) / (client_own + server_own);
  state.counters["per_second"] = rounds * 1e6 / (client_sum + server_sum);
  state.counters["server_per_second"] = rounds * 1e6 / server_sum;
}

void tls(benchmark::State& state, crypto::MemoryTls::Certificate certificate, bool mutual) {
  auto ends = crypto::MemoryTls::create(certificate, mutual).value();
  double client_sum = 0, server_sum = 0;
  for ([[maybe_unused]] auto round : state) {
    if (!ends.begin()) return state.SkipWithError("no connection");
    bool client_done = false, server_done = false;
    for (int turn = 0; turn < 4 && !(client_done && server_done); ++turn) {
      client_done = timed(client_sum, [&] { return ends.client().value(); });
      server_done = timed(server_sum, [&] { return ends.server().value(); });
    }
    if (!client_done || !server_done) return state.SkipWithError("the handshake does not end");
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["client"] = client_sum / rounds;
  state.counters["server"] = server_sum / rounds;
  state.counters["per_second"] = rounds * 1e6 / (client_sum + server_sum);
  state.counters["server_per_second"] = rounds * 1e6 / server_sum;
}

BENCHMARK(handshake)->Arg(1)->Arg(2)->Arg(3)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(tls, mldsa65_mutual, crypto::MemoryTls::Certificate::ml_dsa_65, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(tls, mldsa65_server, crypto::MemoryTls::Certificate::ml_dsa_65, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(tls, ecdsa_mutual, crypto::MemoryTls::Certificate::ecdsa_p256, true)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(tls, ecdsa_server, crypto::MemoryTls::Certificate::ecdsa_p256, false)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace prism::channel
