// What operations add to the noise, measured and in theory: the spread is what the derivations in docs/noise.md say, no
// sample exceeds the bound, and the bound is not far from the largest. PRISM_LONG=1 takes a thousand ciphertexts of
// each kind, otherwise fifty; every ciphertext gives N samples.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>

#include "prism/exact/internal/testing.h"

namespace prism::exact {
namespace {

using testing::make_parameters;
using testing::must;
using testing::Shape;
using testing::World;

int rounds() { return std::getenv("PRISM_LONG") != nullptr ? 1000 : 50; }

struct Case {
  const char* name;
  Shape shape;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

using Samples = std::vector<double>;

class NoiseStatisticsTest : public ::testing::TestWithParam<Case> {
 protected:
  World w{29, make_parameters(GetParam().shape)};
  const double t = static_cast<double>(w.parameters->plain_modulus());
  const double n = static_cast<double>(w.parameters->degree());
  const double sigma = ring::kSigma;
  const rlwe::Level top = w.parameters->max_level();
  const Plaintext zero{w.parameters};

  Samples phase(const Ciphertext& c) const {
    Samples out;
    for (const math::Integer& v : must(w.decryptor.phase(c))) out.push_back(v.to_double());
    return out;
  }
  Ciphertext fresh() { return must(w.encryptor.encrypt(zero, w.random)); }
  /// ||s||^2 of this key.
  double secret_squares() const {
    double sum = 0;
    for (const std::int32_t s : w.key.coefficients(secret::RevealKey{})) sum += static_cast<double>(s * s);
    return sum;
  }
  /// draw() gives the samples of one ciphertext and the bound that covers them.
  void expect_theory(const char* what, double deviation, const std::function<std::pair<Samples, math::Bound>()>& draw,
                     double tolerance = 0.06) {
    double squares = 0, largest = 0, count = 0, bound = 0;
    for (int round = 0; round < rounds(); ++round) {
      const auto [samples, limit] = draw();
      bound = limit.to_double();
      for (const double x : samples) {
        squares += x * x;
        largest = std::max(largest, std::abs(x));
        ++count;
      }
      ASSERT_LE(largest, bound * (1 + 1e-9)) << what << " seed " << w.seed;
    }
    const double measured = std::sqrt(squares / count);
    EXPECT_NEAR(measured / deviation, 1.0, tolerance) << what << " seed " << w.seed;
    // Tail bounds for 2^-160 lie about 2 bits above the largest of some thousand samples; worst cases over messages lie
    // higher.
    EXPECT_LE(std::log2(bound / largest), 9.0) << what << " seed " << w.seed;
    std::printf("  %-22s deviation %.4g (theory %.4g), largest %.4g, bound %.4g over %.0f samples\n", what, measured,
                deviation, largest, bound, count);
  }
  /// The deviation of t*(tau0 + tau1 s [+ tau2 s^2]) with uniform roundings.
  double rounding(int parts) const {
    const double s = secret_squares();
    return t * std::sqrt((1 + s + (parts == 3 ? s * s : 0)) / 12);
  }
  double product_of(const ring::PrimeSet& primes) const {
    return std::exp2(w.parameters->rlwe().ring().log2_product(primes));
  }
};

TEST_P(NoiseStatisticsTest, FreshCiphertexts) {
  // Zero is encrypted, so the message's share of the bound, t/2, is not there; it is part of the bound all the same.
  expect_theory("symmetric", t * sigma, [&] {
    const Ciphertext c = fresh();
    return std::pair{phase(c), c.noise.coefficient};
  });
  const auto key = std::make_shared<const rlwe::PublicKey>(
      must(rlwe::make_public_key(w.key, w.parameters->error_scale(), w.random)));
  const auto encryptor = must(PublicEncryptor::make(key, w.parameters));
  // e_pk*u is not averaged over keys: its coefficients have variance ||e_pk||^2 * 2/3, near sigma^2 N * 2/3.
  expect_theory(
      "public", t * sigma * std::sqrt(n * 2 / 3 + 1 + secret_squares()),
      [&] {
        const Ciphertext c = must(encryptor.encrypt(zero, w.random));
        return std::pair{phase(c), c.noise.coefficient};
      },
      0.15);
}

TEST_P(NoiseStatisticsTest, ModulusSwitch) {
  const rlwe::Level below{top.value - 1};
  const rlwe::Parameters& rlwe = w.parameters->rlwe();
  const double d = product_of(rlwe.primes(top).without(rlwe.primes(below)));
  expect_theory("modulus switch", rounding(2), [&] {
    const Ciphertext c = fresh();
    const Ciphertext low = must(w.evaluator.drop_to(c, below));
    const auto scalar = static_cast<double>(w.evaluator.drop_scalar(top, c.correction, below));
    Samples added = phase(low);
    const Samples before = phase(c);
    for (std::size_t k = 0; k < added.size(); ++k) added[k] -= before[k] * scalar / d;
    return std::pair{added, low.noise.coefficient};
  });
}

TEST_P(NoiseStatisticsTest, KeySwitch) {
  const std::uint32_t g = 3;
  w.add_automorphism(g);
  const rlwe::Parameters& rlwe = w.parameters->rlwe();
  const double special = product_of(rlwe.special_primes());
  double digits = 0;  // sum of N*D_j^2/12
  const auto size = static_cast<std::uint32_t>(rlwe.primes(top).size());
  for (std::uint32_t first = 0; first < size; first += rlwe.spec().digit_size) {
    const double digit = product_of(ring::PrimeSet::range(first, std::min(rlwe.spec().digit_size, size - first)));
    digits += n * digit * digit / 12;
  }
  const double errors = t * sigma * std::sqrt(digits) / special;
  expect_theory("key switch", std::sqrt(errors * errors + rounding(2) * rounding(2)), [&] {
    const Ciphertext c = fresh();
    const Ciphertext moved = must(w.evaluator.automorphism(c, g, w.keys));
    // v(X^g): coefficient k goes to k*g modulo 2N, with a sign beyond N.
    Samples added = phase(moved);
    const Samples before = phase(c);
    for (std::size_t k = 0; k < before.size(); ++k) {
      const std::size_t to = k * g % (2 * before.size());
      added[to % before.size()] -= to < before.size() ? before[k] : -before[k];
    }
    return std::pair{added, moved.noise.coefficient};
  });
}

TEST_P(NoiseStatisticsTest, Products) {
  // BGV: v_a v_b. BFV: (t/Q)(v_a b(s) + v_b a(s)) - v_a v_b/Q + rounding, where t*a(s)/Q is distributed like a
  // rounding.
  const double v = t * sigma, u = rounding(2);
  const bool bfv = w.parameters->scheme() == Scheme::bfv;
  const double deviation = bfv ? std::sqrt(2 * n * v * v * u * u + rounding(3) * rounding(3)) : std::sqrt(n) * v * v;
  expect_theory("product", deviation, [&] {
    const Ciphertext product = must(w.evaluator.multiply(fresh(), fresh()));
    return std::pair{phase(product), product.noise.coefficient};
  });
}

TEST_P(NoiseStatisticsTest, MergedDivision) {
  w.add_relinearisation();
  const rlwe::Level below{top.value - 1};
  // What one rounding leaves of a product whose own noise is far below the primes that go.
  const rlwe::Parameters& rlwe = w.parameters->rlwe();
  const double d = product_of(rlwe.primes(top).without(rlwe.primes(below)));
  expect_theory("merged drop", rounding(2), [&] {
    const Ciphertext a = fresh(), b = fresh();
    const Ciphertext low = must(w.evaluator.multiply_relinearise_drop(a, b, below, w.keys));
    Samples added = phase(low);
    const Samples before = phase(must(w.evaluator.multiply(a, b)));
    for (std::size_t k = 0; k < added.size(); ++k) added[k] -= before[k] / d;
    return std::pair{added, low.noise.coefficient};
  });
}

INSTANTIATE_TEST_SUITE_P(Exact, NoiseStatisticsTest,
                         ::testing::Values(Case{"bgv_20", {Scheme::bgv, 7, 20, 3}},
                                           Case{"bfv_20", {Scheme::bfv, 7, 20, 3}},
                                           Case{"bgv_two_primes_a_digit", {Scheme::bgv, 7, 20, 3, 2, 2}},
                                           Case{"bfv_two_primes_a_digit", {Scheme::bfv, 7, 20, 3, 2, 2}}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace prism::exact
