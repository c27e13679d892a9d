// Rows such as `ckks/multiply_relinearise_rescale/32768/13+4`: N, ciphertext and special primes; as many primes per
// digit as special ones; everything at the top level. `.../new/...` rows allocate their result, all others write to
// kept memory. Times are of the process: on a busy machine read the least of many repetitions.
#include <benchmark/benchmark.h>

#include <map>

#include "prism/ckks/internal/testing.h"
#include "prism/ckks/release.h"
#include "prism/ckks/wire.h"

namespace prism::ckks {
namespace {

using testing::must;
using testing::World;

struct Chain {
  unsigned log_n;
  std::uint32_t primes, special;
  unsigned scale_bits;
};
// The largest of 128-bit security: 200 of 214 bits, 426 and 429 of 430, 838 and 855 of 868.
constexpr Chain kChains[] = {{13, 3, 1, 49}, {14, 7, 2, 46}, {14, 8, 1, 47}, {15, 13, 4, 49}, {15, 16, 2, 47}};

struct Setting {
  World w;
  ring::Workspace workspace;
  std::vector<Complex> slots;
  Plaintext plain;
  Multiplicand prepared;
  Ciphertext x, y, product, out;
  Evaluator::Hoisted hoisted;
  ExtendedCiphertext rotated, sum;
  PublicEncryptor by_public_key;
  Releaser releaser;

  explicit Setting(const Chain& chain)
      : w(1, testing::make_parameters({.log_n = chain.log_n,
                                       .scale_bits = chain.scale_bits,
                                       .depth = chain.primes - 1,
                                       .digit_size = chain.special,
                                       .base_primes = 1,
                                       .security = rlwe::Security::bits128})),
        slots(w.random_slots()),
        plain(must(w.encoder.encode(std::span<const Complex>(slots), w.parameters->max_level(), 1))),
        prepared(must(w.evaluator.prepare(plain, w.parameters->max_level(), true))),
        by_public_key(must(PublicEncryptor::make(
            std::make_shared<rlwe::PublicKey>(must(rlwe::make_public_key(w.key, 1, w.random))), w.parameters))),
        releaser(w.key, w.encoder) {
    w.add_relinearisation();
    w.add_rotation(1);
    x = w.encrypt(slots);
    y = w.encrypt(slots);
    product = must(w.evaluator.multiply(x, y));
    hoisted = must(w.evaluator.hoist(x));
    must(w.evaluator.rotate_extended(rotated, hoisted, 1, w.keys, workspace));
  }
};

Setting& setting(const Chain& chain) {
  static std::map<std::pair<unsigned, std::uint32_t>, std::unique_ptr<Setting>> made;
  auto& s = made[{chain.log_n, chain.primes}];
  if (!s) s = std::make_unique<Setting>(chain);
  return *s;
}

template <class F>
void add(const char* name, F f) {
  for (const Chain& chain : kChains) {
    const std::string full = std::string("ckks/") + name + "/" + std::to_string(chain.primes) + "+" +
                             std::to_string(chain.special) + "/" + std::to_string(1U << chain.log_n);
    benchmark::RegisterBenchmark(full.c_str(), [chain, f](benchmark::State& state) {
      Setting& s = setting(chain);
      for (auto _ : state) f(s);
      state.counters["ciphertext_bytes"] = static_cast<double>(2 * s.x.parts[0].memory_bytes());
    })->Unit(benchmark::kMicrosecond);
  }
}

template <class T>
void keep(const T& value) {
  benchmark::DoNotOptimize(value);
}

void register_all() {
  const auto view = [](const std::vector<Complex>& slots) { return std::span<const Complex>(slots); };
  add("encode", [=](Setting& s) { keep(must(s.w.encoder.encode(view(s.slots), s.w.parameters->max_level(), 1))); });
  add("decode", [](Setting& s) { keep(s.w.encoder.decode(s.plain)); });
  add("prepare", [](Setting& s) { keep(must(s.w.evaluator.prepare(s.plain, s.x.level))); });
  add("encrypt_symmetric", [](Setting& s) {
    keep(must(s.w.encryptor.encrypt(s.plain, s.x.level, ring::Seed{}, 0, ring::SecretSeed{}, 0)));
  });
  add("encrypt_public", [](Setting& s) {
    must(s.by_public_key.encrypt(s.out, s.plain, s.w.parameters->max_level(), s.w.random, s.workspace));
  });
  add("decrypt_private", [](Setting& s) { keep(must(s.w.decryptor.decrypt_private(s.x))); });
  add("release_one_slot", [](Setting& s) {
    static const std::vector<std::uint32_t> first = {0};
    ReleaseLedger ledger = must(ReleaseLedger::open(s.releaser.identity(), {1, 40}));
    keep(must(s.releaser.release(s.x, {first, true, -60}, must(ledger.charge()), s.w.random)));
  });
  add("release_all_slots", [](Setting& s) {
    ReleaseLedger ledger = must(ReleaseLedger::open(s.releaser.identity(), {1, 40}));
    keep(must(s.releaser.release(s.x, {{}, false, -60}, must(ledger.charge()), s.w.random)));
  });
  add("add", [](Setting& s) { must(s.w.evaluator.add(s.out, s.x, s.y)); });
  add("add_plain", [](Setting& s) { must(s.w.evaluator.add_plain(s.out, s.x, s.plain, s.workspace)); });
  add("multiply_plain", [](Setting& s) { must(s.w.evaluator.multiply_plain(s.out, s.x, s.plain, s.workspace)); });
  add("multiply_plain_prepared", [](Setting& s) { must(s.w.evaluator.multiply_plain(s.out, s.x, s.prepared)); });
  add("multiply_scalar/new", [](Setting& s) { keep(must(s.w.evaluator.multiply_scalar(s.x, Constant(3)))); });
  add("multiply", [](Setting& s) { must(s.w.evaluator.multiply(s.out, s.x, s.y)); });
  add("square", [](Setting& s) { must(s.w.evaluator.square(s.out, s.x)); });
  add("relinearise", [](Setting& s) { must(s.w.evaluator.relinearise(s.out, s.product, s.w.keys, s.workspace)); });
  add("rescale", [](Setting& s) { must(s.w.evaluator.rescale(s.out, s.x, s.workspace)); });
  add("multiply_relinearise_rescale",
      [](Setting& s) { must(s.w.evaluator.multiply_relinearise_rescale(s.out, s.x, s.y, s.w.keys, s.workspace)); });
  add("multiply_relinearise_rescale/new",
      [](Setting& s) { keep(must(s.w.evaluator.multiply_relinearise_rescale(s.x, s.y, s.w.keys))); });
  add("rotate", [](Setting& s) { must(s.w.evaluator.rotate(s.out, s.x, 1, s.w.keys, s.workspace)); });
  add("hoist", [](Setting& s) { must(s.w.evaluator.hoist(s.hoisted, s.x, s.workspace)); });
  add("rotate_hoisted", [](Setting& s) { must(s.w.evaluator.rotate(s.out, s.hoisted, 1, s.w.keys, s.workspace)); });
  add("rotate_extended",
      [](Setting& s) { must(s.w.evaluator.rotate_extended(s.rotated, s.hoisted, 1, s.w.keys, s.workspace)); });
  add("multiply_plain_add_extended", [](Setting& s) {
    must(s.w.evaluator.multiply_plain_add(s.sum, s.rotated, s.prepared));
    s.sum.noise = {};  // or it grows with every round
  });
  add("finish_rescale", [](Setting& s) { must(s.w.evaluator.finish_rescale(s.out, s.rotated, s.workspace)); });
  add("write", [](Setting& s) { keep(must(encode(s.x))); });
}

}  // namespace
}  // namespace prism::ckks

int main(int argc, char** argv) {
  prism::ckks::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
