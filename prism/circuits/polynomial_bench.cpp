// Rows of polynomials and comparisons, such as `circuits/chebyshev_31/32768`: at the top level of 128-bit secure
// parameters, one thread, keys made before. `switches` and `products` are those of the stated cost, `levels` what is
// given up. CKKS: N = 2^15, 16 + 2 primes in digits of two at a scale of 2^43. BGV: N = 2^15, t = 65537, 16 levels of
// 46 bits and a base of 50.
#include <benchmark/benchmark.h>

#include <cmath>

#include "prism/circuits/equality.h"
#include "prism/circuits/integer_comparison.h"
#include "prism/circuits/internal/integer_world.h"
#include "prism/circuits/internal/real_world.h"
#include "prism/circuits/sign.h"

namespace prism::circuits {
namespace {

using testing::must;

void report(benchmark::State& state, const Cost& cost) {
  state.counters["levels"] = cost.levels;
  state.counters["switches"] = static_cast<double>(cost.switches);
  state.counters["products"] = static_cast<double>(cost.products);
}

struct Reals : testing::RealWorld {
  ckks::Ciphertext x;
  Reals()
      : RealWorld({.log_n = 15,
                   .scale_bits = 43,
                   .depth = 16,
                   .digit_size = 2,
                   .base_primes = 1,
                   .security = rlwe::Security::bits128}) {
    std::vector<double> slots(parameters->slots());
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = std::cos(static_cast<double>(i));
    x = encrypt(slots, 1);
  }
};
Reals& reals() {
  static Reals made;
  return made;
}

void chebyshev(benchmark::State& state, std::uint32_t degree) {
  Reals& r = reals();
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-8 * v)); };
  const Polynomial p = must(Polynomial::chebyshev(must(chebyshev_interpolate(sigmoid, {}, degree))));
  for (auto _ : state) benchmark::DoNotOptimize(must(evaluate(r.evaluator, p, r.x, r.keys)));
  report(state, p.cost());
}

void sign(benchmark::State& state, int bits, int precision) {
  Reals& r = reals();
  const Sign s = must(Sign::make(bits, precision));
  for (auto _ : state) benchmark::DoNotOptimize(must(s.sign(r.evaluator, r.x, r.keys)));
  report(state, s.cost());
}

struct Integers : testing::IntegerWorld {
  exact::Ciphertext x, y;
  Integers()
      : IntegerWorld(testing::integer_parameters(exact::Scheme::bgv, 65537, 15, 16, 46, rlwe::Security::bits128)) {
    std::vector<std::int64_t> a(parameters->slots()), b = a;
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = static_cast<std::int64_t>(i % 256);
      b[i] = static_cast<std::int64_t>((3 * i + 1) % 256);
    }
    x = encrypt(a);
    y = encrypt(b);
  }
  /// A benchmark of wrong answers would be worth nothing.
  void expect(benchmark::State& state, const exact::Ciphertext& c, bool less) {
    const auto plain = exact::Decryptor(key, parameters).decrypt(c);
    if (!plain) return state.SkipWithError(plain.error().message.c_str());
    const std::vector<std::int64_t> found = encoder.decode(*plain);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto n = static_cast<std::int64_t>(i);
      const std::int64_t a = n % 256, b = (3 * n + 1) % 256;
      if (found[i] != ((less ? a < b : a == b) ? 1 : 0)) return state.SkipWithError("a wrong answer");
    }
  }
};
Integers& integers() {
  static Integers made;
  return made;
}

void equality(benchmark::State& state, std::uint64_t range, Save save) {
  Integers& n = integers();
  const Equality circuit = must(Equality::make(65537, range, save));
  exact::Ciphertext out;
  for (auto _ : state) out = must(circuit.equal(n.evaluator, n.x, n.y, n.keys));
  n.expect(state, out, false);
  report(state, circuit.cost());
}

void less(benchmark::State& state) {
  Integers& n = integers();
  const IntegerComparison circuit = must(IntegerComparison::make(65537, 256));
  exact::Ciphertext out;
  for (auto _ : state) out = must(circuit.less(n.evaluator, n.x, n.y, n.keys));
  n.expect(state, out, true);
  report(state, circuit.cost());
}

const bool registered = [] {
  const auto add = [](const char* name, auto f) {
    benchmark::RegisterBenchmark((std::string("circuits/") + name + "/32768").c_str(), f)
        ->Unit(benchmark::kMillisecond);
  };
  add("chebyshev_31", [](benchmark::State& s) { chebyshev(s, 31); });
  add("chebyshev_63", [](benchmark::State& s) { chebyshev(s, 63); });
  add("sign_dead_8_error_10", [](benchmark::State& s) { sign(s, 8, 10); });
  add("sign_dead_8_error_20", [](benchmark::State& s) { sign(s, 8, 20); });
  add("sign_dead_10_error_20", [](benchmark::State& s) { sign(s, 10, 20); });
  add("equal_16_bits", [](benchmark::State& s) { equality(s, 0, Save::levels); });
  add("equal_8_bits", [](benchmark::State& s) { equality(s, 256, Save::levels); });
  add("less_8_bits", [](benchmark::State& s) { less(s); });
  return true;
}();

}  // namespace
}  // namespace prism::circuits
