// Records against bare AES-256-GCM of the same bodies, alternating in one run, in CPU time: `of_bare` is the bare time
// divided by the record's, `allocated` what a record allocates beside the caller's own buffers. A body is read once and
// written once: no allocation grows with it.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <new>
#include <vector>

#include "prism/channel/internal/session_fixture.h"
#include "prism/crypto/aead.h"

namespace {
std::atomic<std::size_t> allocated{0};
}
// GCC sees through the replacement and calls free() on what new returned a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(std::size_t size) {
  allocated += size;
  void* const p = std::malloc(size);
  if (p == nullptr) std::abort();
  return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace prism::channel {
namespace {

using namespace testing_support;

/// CPU time of this thread: other work on the machine does not count.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Sums of both sides of one comparison.
class Race {
 public:
  explicit Race(benchmark::State& state) : state_(state) {}
  /// Every other round begins with the other one, so that neither always finds the caches warm.
  template <class Bare, class Ours>
  void round(Bare bare, Ours ours) {
    if (++rounds_ % 2 == 0) {
      bare_ += time(bare);
      once(ours);
    } else {
      once(ours);
      bare_ += time(bare);
    }
  }
  void finish(std::size_t body) {
    state_.SetBytesProcessed(static_cast<std::int64_t>(body) * state_.iterations());
    state_.counters["of_bare"] = bare_ / ours_;
    state_.counters["allocated"] = static_cast<double>(allocated_) / static_cast<double>(rounds_);
  }

 private:
  template <class Work>
  static double time(Work work) {
    const double start = cpu_seconds();
    work();
    return cpu_seconds() - start;
  }
  template <class Ours>
  void once(Ours ours) {
    const std::size_t before = allocated;
    const double seconds = time(ours);
    allocated_ += allocated - before;
    ours_ += seconds;
    state_.SetIterationTime(seconds);
  }

  benchmark::State& state_;
  double bare_ = 0, ours_ = 0;
  std::size_t allocated_ = 0, rounds_ = 0;
};

/// A bare message of the same body and additional data of the same length.
struct Bare {
  crypto::Key256 key;
  crypto::Aead aead{key};
  crypto::Nonce nonce{};
  Bytes aad = Bytes(180), out;
  explicit Bare(std::size_t body) : out(body + crypto::kTagBytes) {}
  void next() {
    for (auto& byte : nonce)
      if (++byte != 0) break;
  }
};

void good(bool holds) { check(holds, "bench: a record failed"); }

/// So many small records between two looks at the clock, which costs as much as one of them.
constexpr std::size_t kBatch = 64;

void seal_single(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const Bytes body = body_of(size);
  const Binding binding = request_binding();
  Pair pair;
  Bare bare(size);
  Bytes out(SessionKeys::single_bytes(binding, size));
  Race race(state);
  for (auto _ : state)
    race.round(
        [&] {
          for (std::size_t i = 0; i < kBatch; ++i) {
            bare.next();
            good(bare.aead.seal_into(bare.nonce, bare.aad, body, bare.out).has_value());
          }
        },
        [&] {
          for (std::size_t i = 0; i < kBatch; ++i) good(pair.client.seal_into(binding, body, kStart, out).has_value());
        });
  race.finish(size * kBatch);
}
BENCHMARK(seal_single)->Name("record/seal")->Arg(1 << 10)->Arg(64 << 10)->UseManualTime();

void open_single(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const Bytes body = body_of(size);
  const Binding binding = request_binding();
  Pair pair;
  Bare bare(size);
  std::vector<Bytes> sealed(kBatch, Bytes(size + crypto::kTagBytes));
  std::vector<Bytes> records(kBatch, Bytes(SessionKeys::single_bytes(binding, size)));
  Race race(state);
  for (auto _ : state) {
    for (Bytes& record : records) good(pair.client.seal_into(binding, body, kStart, record).has_value());
    for (Bytes& message : sealed) good(bare.aead.seal_into(bare.nonce, bare.aad, body, message).has_value());
    race.round(
        [&] {
          for (Bytes& message : sealed)
            good(bare.aead.open_into(bare.nonce, bare.aad, message, MutableByteView(message).first(size)).has_value());
        },
        [&] {
          for (Bytes& record : records) good(pair.server.open_in_place(binding, record, kStart).has_value());
        });
  }
  race.finish(size * kBatch);
}
BENCHMARK(open_single)->Name("record/open")->Arg(1 << 10)->Arg(64 << 10)->UseManualTime();

// Streams of 16 MiB, against one bare message from memory to memory. The second argument says how many chunks go in one
// call, into a buffer that is used again: 4 is what a server does between two sockets, 1,024 is the whole body at once,
// which leaves the processor's caches in both directions.

void seal_stream(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::size_t piece = static_cast<std::size_t>(state.range(1)) * kChunkBytes;
  const Bytes body = body_of(size);
  const Binding binding = request_binding();
  Pair pair;
  Bare bare(size);
  StreamRandom random(1);
  Bytes out(StreamSealer::update_bound(piece));
  Race race(state);
  for (auto _ : state) {
    bare.next();
    race.round([&] { good(bare.aead.seal_into(bare.nonce, bare.aad, body, bare.out).has_value()); },
               [&] {
                 auto sealer = pair.client.begin_seal(binding, kStart, random);
                 for (std::size_t at = 0; at < size; at += piece)
                   good(sealer->update(ByteView(body).subspan(at, std::min(piece, size - at)), out).has_value());
                 good(sealer->finish(out).has_value());
               });
  }
  race.finish(size);
}
BENCHMARK(seal_stream)->Name("stream/seal")->Args({16 << 20, 4})->Args({16 << 20, 1024})->UseManualTime();

void open_stream(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::size_t piece = static_cast<std::size_t>(state.range(1)) * kSealedChunkBytes;
  const Bytes body = body_of(size);
  const Binding binding = request_binding();
  Pair pair;
  Bare bare(size);
  StreamRandom random(1);
  Bytes out(StreamOpener::update_bound(piece)), plain(size), record;
  Race race(state);
  for (auto _ : state) {
    bare.next();
    good(bare.aead.seal_into(bare.nonce, bare.aad, body, bare.out).has_value());
    // Into memory that is there already, like the bare message's.
    auto sealer = pair.client.begin_seal(binding, kStart, random);
    const std::size_t head = sealer->head().size();
    record.resize(head + StreamSealer::update_bound(size) + kSealedChunkBytes);
    std::copy(sealer->head().begin(), sealer->head().end(), record.begin());
    std::size_t end = head + *sealer->update(body, MutableByteView(record).subspan(head));
    end += *sealer->finish(MutableByteView(record).subspan(end));
    race.round([&] { good(bare.aead.open_into(bare.nonce, bare.aad, bare.out, plain).has_value()); },
               [&] {
                 auto opener = pair.server.begin_open(binding, ByteView(record).first(head), kStart);
                 for (std::size_t at = head; at < end; at += piece)
                   good(opener->update(ByteView(record).subspan(at, std::min(piece, end - at)), out).has_value());
                 good(opener->finish(out).has_value());
               });
  }
  race.finish(size);
}
BENCHMARK(open_stream)->Name("stream/open")->Args({16 << 20, 4})->Args({16 << 20, 1024})->UseManualTime();

}  // namespace
}  // namespace prism::channel
