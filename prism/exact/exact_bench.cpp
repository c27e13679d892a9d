// BGV and BFV operation by operation, in memory that is kept. Rows are scheme/operation/N/shape, where shape is
// LxB+KxB/D_tT: L ciphertext primes and K special ones of B bits, D primes a digit, T bits of plaintext modulus. Within
// the 2024 table (214, 430 and 868 bits of Q*P at N = 2^13, 2^14 and 2^15).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <random>

#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/math/primes.h"

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

struct Shape {
  unsigned log_n;
  std::uint32_t primes, special, bits;
  std::uint32_t digit;
  unsigned plain_bits;
};
constexpr Shape kShapes[] = {
    {13, 3, 1, 50, 1, 20},  {13, 4, 1, 42, 1, 20},  {13, 3, 1, 50, 1, 45},  {14, 6, 2, 50, 2, 20},
    {14, 8, 1, 47, 1, 20},  {14, 6, 2, 50, 2, 45},  {15, 13, 4, 50, 4, 20}, {15, 15, 2, 50, 2, 20},
    {15, 16, 1, 50, 1, 20}, {15, 13, 4, 50, 4, 45},
};

std::string name_of(const Shape& s) {
  return std::to_string(1U << s.log_n) + "/" + std::to_string(s.primes) + "x" + std::to_string(s.bits) + "+" +
         std::to_string(s.special) + "x" + std::to_string(s.bits) + "/" + std::to_string(s.digit) + "_t" +
         std::to_string(s.plain_bits);
}

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
  Ciphertext a, b, product, changed, out, product_out;
  Multiplicand multiplicand;
  Evaluator::Hoisted hoisted;
  ring::Workspace workspace;

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
    changed = a.clone();
    multiplicand = must(evaluator.prepare(plaintext, top));
  }
};

World& world(Scheme scheme, const Shape& shape) {
  static std::map<std::pair<Scheme, std::string>, std::unique_ptr<World>> worlds;
  auto& entry = worlds[{scheme, name_of(shape)}];
  if (!entry) {
    const std::uint64_t t = must(math::primes_below(shape.plain_bits, std::uint64_t{2} << shape.log_n, 1))[0];
    const auto primes = must(rlwe::choose_primes(shape.bits, shape.primes + shape.special, {t}));
    rlwe::ParameterSpec spec;
    spec.log_n = shape.log_n;
    spec.special_primes.assign(primes.begin(), primes.begin() + shape.special);
    spec.primes.assign(primes.begin() + shape.special, primes.end());
    spec.digit_size = shape.digit;
    worlds.clear();  // one at a time: keys of several would not fit small machines
    auto& fresh = worlds[{scheme, name_of(shape)}];
    fresh = std::make_unique<World>(must(Parameters::make(spec, t, scheme)));
    return *fresh;
  }
  return *entry;
}

void require(const Status& status) {
  if (!status) std::abort();
}

void add(std::string_view name, const std::function<void(World&)>& operation) {
  for (const Scheme scheme : {Scheme::bgv, Scheme::bfv}) {
    for (const Shape& shape : kShapes) {
      const std::string full =
          std::string(scheme == Scheme::bgv ? "bgv/" : "bfv/") + std::string(name) + "/" + name_of(shape);
      benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
        World& w = world(scheme, shape);
        operation(w);  // memory grows once
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
  add("encrypt_public",
      [](World& w) { require(w.by_public_key.encrypt(w.out, w.plaintext, w.parameters->max_level(), w.random)); });
  add("decrypt", [=](World& w) { keep(must(w.decryptor.decrypt(w.a))); });
  add("add", [](World& w) { require(w.evaluator.add(w.out, w.a, w.b)); });
  add("add_plain", [](World& w) { require(w.evaluator.add_plain_into(w.changed, w.plaintext, w.workspace)); });
  add("multiply_plain",
      [](World& w) { require(w.evaluator.multiply_plain_into(w.changed, w.plaintext, w.workspace)); });
  add("multiply_multiplicand", [](World& w) { require(w.evaluator.multiply_plain(w.out, w.a, w.multiplicand)); });
  add("multiply_scalar", [](World& w) { require(w.evaluator.multiply_scalar_into(w.changed, 12345)); });
  add("linear_combination_8", [](World& w) {
    const Ciphertext* inputs[8];
    for (int i = 0; i < 8; ++i) inputs[i] = i % 2 == 0 ? &w.a : &w.b;
    static constexpr std::int64_t kWeights[8] = {1, -2, 3, -4, 5, -6, 7, -8};
    require(w.evaluator.linear_combination(w.out, inputs, kWeights, w.workspace));
  });
  add("multiply", [](World& w) { require(w.evaluator.multiply(w.product_out, w.a, w.b, w.workspace)); });
  add("square", [](World& w) { require(w.evaluator.square(w.product_out, w.a, w.workspace)); });
  add("relinearise", [](World& w) { require(w.evaluator.relinearise(w.out, w.product, w.keys, w.workspace)); });
  add("multiply_relinearise",
      [](World& w) { require(w.evaluator.multiply_relinearise(w.out, w.a, w.b, w.keys, w.workspace)); });
  add("multiply_relinearise_drop", [](World& w) {
    const rlwe::Level below{w.a.level.value - 1};
    require(w.evaluator.multiply_relinearise_drop(w.out, w.a, w.b, below, w.keys, w.workspace));
  });
  add("drop_one_level",
      [](World& w) { require(w.evaluator.drop_to(w.out, w.a, rlwe::Level{w.a.level.value - 1}, w.workspace)); });
  add("rotate", [](World& w) { require(w.evaluator.rotate(w.out, w.a, 1, w.keys, w.workspace)); });
  add("hoist", [](World& w) { require(w.evaluator.hoist(w.hoisted, w.a, w.workspace)); });
  add("rotate_hoisted", [](World& w) {
    if (w.hoisted.ciphertext().parts.empty()) require(w.evaluator.hoist(w.hoisted, w.a, w.workspace));
    require(w.evaluator.rotate(w.out, w.hoisted, 1, w.keys, w.workspace));
  });
  add("sum_slots", [=](World& w) { keep(must(w.evaluator.sum_slots(w.a, w.keys))); });
  add("extract_constant", [=](World& w) { keep(must(w.evaluator.extract_constant(w.a))); });
  return true;
}();

}  // namespace
}  // namespace prism::exact

BENCHMARK_MAIN();
