// Rows such as `ckks/multiply_relinearise_rescale/16384`: all at the top level of the largest 128-bit secure parameters
// with a scale of 2^40 and 50-bit special primes (N = 2^13: 3 ciphertext primes, 2^14: 8, 2^15: 17).
#include <benchmark/benchmark.h>

#include <map>

#include "prism/ckks/internal/testing.h"
#include "prism/ckks/wire.h"

namespace prism::ckks {
namespace {

using testing::must;
using testing::World;

struct Setting {
  World w;
  Ciphertext x, y, product;
  std::vector<Complex> slots;
  Plaintext plain;
  Evaluator::Hoisted hoisted;

  explicit Setting(unsigned log_n)
      : w(1, testing::make_parameters(shape(log_n))),
        slots(w.random_slots()),
        plain(must(w.encoder.encode(std::span<const Complex>(slots), w.parameters->max_level(), 1))) {
    w.add_relinearisation();
    w.add_rotation(1);
    x = w.encrypt(slots);
    y = w.encrypt(slots);
    product = must(w.evaluator.multiply(x, y));
    hoisted = must(w.evaluator.hoist(x));
  }
  static testing::Shape shape(unsigned log_n) {
    testing::Shape s{.log_n = log_n, .base_primes = 1, .security = rlwe::Security::bits128};
    s.depth = log_n == 13 ? 2 : log_n == 14 ? 7 : 16;
    s.digit_size = log_n == 13 ? 1 : log_n == 14 ? 2 : 3;
    return s;
  }
};

Setting& setting(unsigned log_n) {
  static std::map<unsigned, std::unique_ptr<Setting>> made;
  auto& s = made[log_n];
  if (!s) s = std::make_unique<Setting>(log_n);
  return *s;
}

template <class F>
void add(const char* name, F f) {
  for (const unsigned log_n : {13U, 14U, 15U}) {
    const std::string full = std::string("ckks/") + name + "/" + std::to_string(1U << log_n);
    benchmark::RegisterBenchmark(full.c_str(), [log_n, f](benchmark::State& state) {
      Setting& s = setting(log_n);
      for (auto _ : state) benchmark::DoNotOptimize(f(s));
      state.counters["primes"] = static_cast<double>(s.x.parts[0].rows());
    })->Unit(benchmark::kMicrosecond);
  }
}

void register_all() {
  add("encode", [](Setting& s) {
    return must(s.w.encoder.encode(std::span<const Complex>(s.slots), s.w.parameters->max_level(), 1));
  });
  add("decode", [](Setting& s) { return s.w.encoder.decode(s.plain); });
  add("encrypt_symmetric", [](Setting& s) {
    return must(s.w.encryptor.encrypt(s.plain, s.x.level, ring::Seed{}, 0, ring::SecretSeed{}, 0));
  });
  add("decrypt", [](Setting& s) { return must(s.w.decryptor.decrypt_private(s.x)); });
  add("add", [](Setting& s) { return must(s.w.evaluator.add(s.x, s.y)); });
  add("add_plain", [](Setting& s) { return must(s.w.evaluator.add_plain(s.x, s.plain)); });
  add("multiply_plain", [](Setting& s) { return must(s.w.evaluator.multiply_plain(s.x, s.plain)); });
  add("multiply_scalar", [](Setting& s) { return must(s.w.evaluator.multiply_scalar(s.x, Constant(3))); });
  add("multiply", [](Setting& s) { return must(s.w.evaluator.multiply(s.x, s.y)); });
  add("relinearise", [](Setting& s) { return must(s.w.evaluator.relinearise(s.product, s.w.keys)); });
  add("rescale", [](Setting& s) { return must(s.w.evaluator.rescale(s.x)); });
  add("multiply_relinearise_rescale",
      [](Setting& s) { return must(s.w.evaluator.multiply_relinearise_rescale(s.x, s.y, s.w.keys)); });
  add("rotate", [](Setting& s) { return must(s.w.evaluator.rotate(s.x, 1, s.w.keys)); });
  add("rotate_hoisted", [](Setting& s) { return must(s.w.evaluator.rotate(s.hoisted, 1, s.w.keys)); });
  add("write", [](Setting& s) { return must(encode(s.x)); });
}

}  // namespace
}  // namespace prism::ckks

int main(int argc, char** argv) {
  prism::ckks::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
