// BGV and BFV operation by operation: N = 2^13 with 3 primes of 50 bits and one special prime, 2^14 with 6, 2^15 with
// 12 (t of 33 bits).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <random>

#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/exact/wire.h"

namespace prism::exact {
namespace {

class SeededRandom final : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_{1};
};

template <class T>
T must(Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

constexpr std::uint64_t kPlain = 8588886017;  // 33 bits, 1 mod 2^18

struct World {
  SeededRandom random;
  std::shared_ptr<const Parameters> parameters;
  Encoder encoder;
  rlwe::SecretKey key;
  SymmetricEncryptor encryptor;
  PublicEncryptor by_public_key;
  Decryptor decryptor;
  Evaluator evaluator;
  rlwe::EvaluationKeys keys;
  std::vector<std::int64_t> slots;
  Plaintext plaintext;
  Ciphertext a, b, product;

  World(std::shared_ptr<const Parameters> p)
      : parameters(std::move(p)),
        encoder(parameters),
        key(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        encryptor(key, parameters),
        by_public_key(must(PublicEncryptor::make(std::make_shared<const rlwe::PublicKey>(must(
                                                     rlwe::make_public_key(key, parameters->error_scale(), random))),
                                                 parameters))),
        decryptor(key, parameters),
        evaluator(parameters),
        keys(parameters->rlwe_ptr()),
        slots(parameters->slots()),
        plaintext(parameters) {
    const rlwe::Level top = parameters->max_level();
    keys.add(
        must(rlwe::make_switch_key(key, {rlwe::KeyId::Kind::relinearise, 0, top}, parameters->error_scale(), random)));
    for (const std::uint32_t g : evaluator.sum_slots_elements()) {
      keys.add(must(
          rlwe::make_switch_key(key, {rlwe::KeyId::Kind::automorphism, g, top}, parameters->error_scale(), random)));
    }
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<std::int64_t>(100 + i * 7919 % 4901);
    plaintext = must(encoder.encode(slots));
    a = must(encryptor.encrypt(plaintext, random));
    b = must(encryptor.encrypt(plaintext, random));
    product = must(evaluator.multiply(a, b));
  }
};

World& world(Scheme scheme, unsigned log_n) {
  static std::map<std::pair<Scheme, unsigned>, std::unique_ptr<World>> worlds;
  auto& entry = worlds[{scheme, log_n}];
  if (!entry) {
    const std::size_t count = std::size_t{3} << (log_n - 13);
    const auto primes = must(rlwe::choose_primes(50, count + 1, {kPlain}));
    rlwe::ParameterSpec spec;
    spec.log_n = log_n;
    spec.special_primes = {primes[0]};
    spec.primes.assign(primes.begin() + 1, primes.end());
    entry = std::make_unique<World>(must(Parameters::make(spec, kPlain, scheme)));
  }
  return *entry;
}

void add(std::string_view name, const std::function<void(World&)>& operation) {
  for (const Scheme scheme : {Scheme::bgv, Scheme::bfv}) {
    for (const unsigned log_n : {13U, 14U, 15U}) {
      const std::string full =
          std::string(scheme == Scheme::bgv ? "bgv/" : "bfv/") + std::string(name) + "/" + std::to_string(1U << log_n);
      benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
        World& w = world(scheme, log_n);
        for (auto _ : state) operation(w);
      })->Unit(benchmark::kMicrosecond);
    }
  }
}

const bool kRegistered = [] {
  const auto keep = [](auto&& value) { benchmark::DoNotOptimize(value); };
  add("encode", [=](World& w) { keep(must(w.encoder.encode(w.slots))); });
  add("decode", [=](World& w) { keep(w.encoder.decode(w.plaintext)); });
  add("encrypt_symmetric", [=](World& w) {
    static const ring::Seed seed{7};
    static const ring::SecretSeed errors(std::array<std::uint8_t, 32>{8});
    keep(must(w.encryptor.encrypt(w.plaintext, w.parameters->max_level(), seed, 1, errors, 1)));
  });
  add("encrypt_public", [=](World& w) { keep(must(w.by_public_key.encrypt(w.plaintext, w.random))); });
  add("decrypt", [=](World& w) { keep(must(w.decryptor.decrypt(w.a))); });
  add("add", [=](World& w) { keep(must(w.evaluator.add(w.a, w.b))); });
  add("subtract", [=](World& w) { keep(must(w.evaluator.subtract(w.a, w.b))); });
  add("negate", [=](World& w) { keep(w.evaluator.negate(w.a)); });
  add("add_plain", [=](World& w) { keep(must(w.evaluator.add_plain(w.a, w.plaintext))); });
  add("multiply_plain", [=](World& w) { keep(must(w.evaluator.multiply_plain(w.a, w.plaintext))); });
  add("multiply_scalar", [=](World& w) { keep(must(w.evaluator.multiply_scalar(w.a, 12345))); });
  add("multiply", [=](World& w) { keep(must(w.evaluator.multiply(w.a, w.b))); });
  add("square", [=](World& w) { keep(must(w.evaluator.square(w.a))); });
  add("relinearise", [=](World& w) { keep(must(w.evaluator.relinearise(w.product, w.keys))); });
  add("multiply_relinearise", [=](World& w) { keep(must(w.evaluator.multiply_relinearise(w.a, w.b, w.keys))); });
  add("drop_one_level", [=](World& w) { keep(must(w.evaluator.drop_to(w.a, rlwe::Level{w.a.level.value - 1}))); });
  add("rotate", [=](World& w) { keep(must(w.evaluator.rotate(w.a, 1, w.keys))); });
  add("swap_rows", [=](World& w) { keep(must(w.evaluator.swap_rows(w.a, w.keys))); });
  add("sum_slots", [=](World& w) { keep(must(w.evaluator.sum_slots(w.a, w.keys))); });
  add("extract_constant", [=](World& w) { keep(must(w.evaluator.extract_constant(w.a))); });
  return true;
}();

}  // namespace
}  // namespace prism::exact

BENCHMARK_MAIN();
