#include "prism/rlwe/key_switch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <numbers>
#include <string>
#include <string_view>

#include "prism/hash/sha256.h"
#include "prism/math/modular.h"
#include "prism/math/natural.h"
#include "prism/rlwe/internal/test_support.h"

namespace prism::rlwe {
namespace {

using secret::RevealKey;
using test::SeededRandom;

constexpr std::uint64_t kT = 8588886017;
constexpr std::size_t kPrimes = 5;

struct Norms {
  double infinity = 0, euclidean = 0, canonical = 0;
};

/// The centred integer coefficients divided by t, which must divide them.
std::vector<double> small_coefficients(ring::Evaluations p, std::uint64_t t) {
  const ring::Coefficients c = ring::to_coefficients(std::move(p));
  std::vector<std::uint64_t> primes, residues(c.rows());
  for (std::size_t i = 0; i < c.rows(); ++i) primes.push_back(c.modulus(i).q);
  const math::CrtBasis basis(primes);
  std::vector<double> out;
  for (std::size_t k = 0; k < c.degree(); ++k) {
    for (std::size_t i = 0; i < c.rows(); ++i) residues[i] = c.row(i)[k];
    math::Integer x = basis.compose_centred(residues);
    EXPECT_EQ(x.magnitude.divide(t), 0U) << "coefficient " << k << " is no multiple of the error scale";
    out.push_back(x.to_double());
  }
  return out;
}

Norms norms_of(const std::vector<double>& c, std::size_t root_step) {
  Norms norms;
  for (const double x : c) {
    norms.infinity = std::max(norms.infinity, std::abs(x));
    norms.euclidean += x * x;
  }
  norms.euclidean = std::sqrt(norms.euclidean);
  const std::size_t n = c.size();
  for (std::size_t root = 0; root < n / 2; root += root_step) {
    const auto zeta = std::polar(1.0, std::numbers::pi * static_cast<double>(2 * root + 1) / static_cast<double>(n));
    std::complex<double> value = 0;
    for (std::size_t k = n; k-- > 0;) value = value * zeta + c[k];
    norms.canonical = std::max(norms.canonical, std::abs(value));
  }
  return norms;
}

struct Case {
  std::uint32_t digit_size;
  std::size_t special;
  std::uint64_t t;
};

/// Parameters, a secret and a switcher of one case.
struct Setting {
  explicit Setting(const Case& c, std::uint8_t seed = 11)
      : random(seed),
        parameters(test::make_parameters(test::small_spec(10, kPrimes, c.special, c.digit_size))),
        key(SecretKey::generate(parameters, random).value()),
        switcher(parameters, c.t),
        t(c.t) {}
  ring::Evaluations uniform(Level level) {
    return ring::uniform(parameters->ring(), parameters->primes(level), ring::fresh_seed(random).value(), 0);
  }
  ring::Evaluations secret_at(Level level) const {
    return key.evaluations(RevealKey{}).restricted(parameters->primes(level));
  }
  ring::Evaluations source(const KeyId& id, Level level) const {
    ring::Evaluations s = secret_at(level);
    if (id.kind == KeyId::Kind::automorphism) return ring::automorphism(s, id.g);
    ring::multiply_into(s, secret_at(level));
    return s;
  }
  /// u0 + u1*s - d*s', divided by t.
  std::vector<double> noise(const std::pair<ring::Evaluations, ring::Evaluations>& u, const ring::Evaluations& d,
                            const KeyId& id, Level level) const {
    ring::Evaluations sum = u.first.clone();
    ring::multiply_add(sum, u.second, secret_at(level));
    ring::Evaluations product = d.clone();
    ring::multiply_into(product, source(id, level));
    ring::subtract_into(sum, product);
    return small_coefficients(std::move(sum), t);
  }
  SeededRandom random;
  std::shared_ptr<const Parameters> parameters;
  SecretKey key;
  KeySwitcher switcher;
  std::uint64_t t;
};

class KeySwitchTest : public ::testing::TestWithParam<Case> {};

TEST_P(KeySwitchTest, NoiseStaysBelowItsBound) {
  Setting at(GetParam());
  const Level top = at.parameters->max_level();
  for (const KeyId id : {KeyId{KeyId::Kind::relinearise, 0, top}, KeyId{KeyId::Kind::automorphism, 5, top}}) {
    const auto key = make_switch_key(at.key, id, at.t, at.random).value();
    for (const Level level : {top, Level{3}, Level{1}, Level{0}}) {
      const auto d = at.uniform(level);
      const auto u = at.switcher.switch_key(d, key);
      ASSERT_TRUE(u) << u.error().message;
      ASSERT_EQ(u->first.primes(), at.parameters->primes(level));
      const SwitchNoise bound = switch_noise(*at.parameters, level, ternary_norms(at.parameters->degree()));
      const SwitchNoise strict = strict_switch_noise(*at.parameters, level, ternary_norms(at.parameters->degree()));
      const Norms found = norms_of(at.noise(*u, d, id, level), level == top ? 1 : 16);
      EXPECT_LE(found.infinity, bound.infinity.to_double());
      EXPECT_LE(found.euclidean, bound.euclidean.to_double());
      EXPECT_LE(found.canonical, bound.canonical.to_double());
      EXPECT_LE(bound.infinity, strict.infinity);
      EXPECT_LE(bound.canonical, strict.canonical);
      // Not so loose that it says nothing: sqrt(3) for uniform digits, about 4 from measured to 2^-160.
      EXPECT_GE(found.infinity * 32, bound.infinity.to_double());
      std::printf(
          "  level %d, g %4u: log2 of infinity %6.2f <= %6.2f, euclidean %6.2f <= %6.2f, canonical %6.2f <= %6.2f\n",
          level.value, id.g, std::log2(found.infinity), bound.infinity.log2(), std::log2(found.euclidean),
          bound.euclidean.log2(), std::log2(found.canonical), bound.canonical.log2());
    }
  }
}

TEST_P(KeySwitchTest, WorksOnTheLargestDigitsToo) {
  // Every coefficient just below half of Q: digits are as large as they get.
  Setting at(GetParam());
  const KeyId id{KeyId::Kind::relinearise, 0, at.parameters->max_level()};
  const auto key = make_switch_key(at.key, id, at.t, at.random).value();
  ring::Coefficients c(at.parameters->ring(), at.parameters->primes(id.level));
  for (std::size_t i = 0; i < c.rows(); ++i)
    for (std::size_t k = 0; k < c.degree(); ++k) c.row(i)[k] = k % 2 == 0 ? c.modulus(i).q / 2 : c.modulus(i).q / 2 + 1;
  const auto d = ring::to_evaluations(std::move(c));
  const auto u = at.switcher.switch_key(d, key).value();
  const Norms found = norms_of(at.noise(u, d, id, id.level), 16);
  const SwitchNoise bound = switch_noise(*at.parameters, id.level, ternary_norms(at.parameters->degree()));
  EXPECT_LE(found.infinity, bound.infinity.to_double());
  EXPECT_LE(found.canonical, bound.canonical.to_double());
}

TEST_P(KeySwitchTest, HoistedIsDirectBitForBit) {
  Setting at(GetParam());
  const Level level{3};
  const auto d = at.uniform(level);
  const Decomposition shared = at.switcher.decompose(d);
  for (const std::uint32_t g : {5U, 25U, 2047U, 513U}) {
    const auto key = make_switch_key(at.key, {KeyId::Kind::automorphism, g, level}, at.t, at.random).value();
    const auto hoisted = at.switcher.apply_permuted(shared, g, key).value();
    const auto direct = at.switcher.switch_key(ring::automorphism(d, g), key).value();
    EXPECT_TRUE(hoisted.first == direct.first) << g;
    EXPECT_TRUE(hoisted.second == direct.second) << g;
    const auto apart = at.switcher.apply(at.switcher.decompose(ring::automorphism(d, g)), key).value();
    EXPECT_TRUE(apart.first == direct.first && apart.second == direct.second) << g;
    ring::Workspace workspace;
    ring::Evaluations u0, u1;
    ASSERT_TRUE(at.switcher.switch_key(u0, u1, d, g, key, workspace));
    EXPECT_TRUE(u0 == direct.first && u1 == direct.second) << g;
  }
}

TEST_P(KeySwitchTest, SumsAreDividedOnce) {
  // u = P*c0 + sum over g of d(X^g)*key_g: one division, one rounding, whatever the number of terms.
  Setting at(GetParam());
  const Level level{3};
  const auto d = at.uniform(level), c0 = at.uniform(level), c1 = at.uniform(level);
  ring::Workspace workspace;
  Decomposition digits;
  at.switcher.decompose(digits, d, workspace);
  Extended sum;
  at.switcher.add_lifted(sum, 0, c0, 5, workspace);
  at.switcher.add_lifted(sum, 1, c1, 1, workspace);
  ring::Evaluations expected = ring::automorphism(c0, 5);
  ring::multiply_add(expected, c1, at.secret_at(level));
  for (const std::uint32_t g : {5U, 25U, 2047U}) {
    const auto key = make_switch_key(at.key, {KeyId::Kind::automorphism, g, level}, at.t, at.random).value();
    ASSERT_TRUE(at.switcher.accumulate(sum, digits, g, key, workspace));
    ring::multiply_add(expected, ring::automorphism(d, g), ring::automorphism(at.secret_at(level), g));
  }
  std::pair<ring::Evaluations, ring::Evaluations> u;
  for (const Level lower : {level, Level{2}, Level{1}}) {
    // D*(u0 + u1*s) - expected is D times what the switches and the rounding added; it must not wrap.
    const auto dropped = at.parameters->primes(level).without(at.parameters->primes(lower));
    const SwitchNoise bound = sum_noise(*at.parameters, level, lower, 3, ternary_norms(at.parameters->degree()));
    const double d_bits = at.parameters->ring().log2_product(dropped);
    if (bound.infinity.log2() + d_bits + std::log2(static_cast<double>(at.t)) + 2 > at.parameters->log2_q(lower)) {
      EXPECT_NE(lower, level);
      continue;
    }
    at.switcher.divide(u.first, u.second, sum, lower, workspace);
    ring::Evaluations found = u.first.clone();
    ring::multiply_add(found, u.second, at.secret_at(lower));
    std::vector<std::uint64_t> factor;
    for (std::size_t i = 0; i < found.rows(); ++i) {
      std::uint64_t product = 1;
      for (const std::uint32_t p : dropped.indexes())
        product = math::multiply_mod(product, at.parameters->ring().prime(p) % found.modulus(i).q, found.modulus(i).q);
      factor.push_back(product);
    }
    ring::multiply_scalar_into(found, factor);
    ring::subtract_into(found, expected.restricted(found.primes()));
    std::vector<double> noise = small_coefficients(std::move(found), at.t);
    for (double& x : noise) x /= std::exp2(d_bits);
    const Norms norms = norms_of(noise, 16);
    EXPECT_LE(norms.infinity, bound.infinity.to_double());
    EXPECT_LE(norms.euclidean, bound.euclidean.to_double());
    EXPECT_LE(norms.canonical, bound.canonical.to_double());
    EXPECT_GE(norms.infinity * 64, bound.infinity.to_double()) << "so loose that it says nothing";
    EXPECT_LE(bound.infinity, strict_sum_noise(*at.parameters, level, lower, 3, ternary_norms(1024)).infinity);
    std::printf("  3 switches, level %d to %d: log2 of infinity %6.2f <= %6.2f, canonical %6.2f <= %6.2f\n",
                level.value, lower.value, std::log2(norms.infinity), bound.infinity.log2(), std::log2(norms.canonical),
                bound.canonical.log2());
  }

  // Sums of another level are refused; a cleared one takes any level.
  const auto low = at.uniform(Level{1});
  const auto key = make_switch_key(at.key, {KeyId::Kind::relinearise, 0, level}, at.t, at.random).value();
  EXPECT_EQ(at.switcher.accumulate(sum, low, key, workspace).error().code, ErrorCode::mismatch);
  sum.clear();
  ASSERT_TRUE(at.switcher.accumulate(sum, low, key, workspace));
  at.switcher.divide(u.first, u.second, sum, Level{1}, workspace);
  const auto direct = at.switcher.switch_key(low, key).value();
  EXPECT_TRUE(u.first == direct.first && u.second == direct.second);
}

TEST_P(KeySwitchTest, DigitsAreSmallAndAddUp) {
  Setting at(GetParam());
  const std::uint32_t digit_size = GetParam().digit_size;
  for (const Level level : {Level{4}, Level{1}}) {
    const auto d = at.uniform(level);
    const Decomposition parts = at.switcher.decompose(d);
    EXPECT_EQ(parts.level, level);
    const std::size_t rows = at.parameters->primes(level).size();
    ASSERT_EQ(parts.digits.size(), (rows + digit_size - 1) / digit_size);
    for (std::size_t j = 0; j < parts.digits.size(); ++j) {
      std::vector<std::uint64_t> own;
      for (std::size_t i = j * digit_size; i < std::min<std::size_t>((j + 1) * digit_size, rows); ++i) {
        own.push_back(d.modulus(i).q);
        // The factor of the digit is 1 here and 0 elsewhere, so equality with d in its own rows is that the digits add
        // up.
        EXPECT_TRUE(std::equal(d.row(i).begin(), d.row(i).end(), parts.digits[j].row(i).begin()));
      }
      const auto c = small_coefficients(parts.digits[j].clone(), 1);
      const double half = math::Natural::product(own).to_double() / 2 * (1 + 0x1p-40);
      EXPECT_LE(*std::max_element(c.begin(), c.end()), half);
      EXPECT_GE(*std::min_element(c.begin(), c.end()), -half);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Digits, KeySwitchTest,
                         ::testing::Values(Case{1, 1, kT}, Case{2, 2, kT}, Case{3, 3, kT}, Case{5, 5, kT},
                                           Case{1, 1, 1}, Case{2, 2, 1}, Case{3, 3, 1}, Case{5, 5, 1}, Case{2, 1, kT}),
                         [](const auto& tested) {
                           return std::to_string(tested.param.digit_size) + "by" +
                                  std::to_string(tested.param.special) + (tested.param.t == 1 ? "plain" : "exact");
                         });

/// One hash over what switching gives: at once, hoisted, summed, and divided to a lower level.
Digest switched() {
  hash::Sha256 hash;
  for (const std::uint32_t digit_size : {1U, 2U, 7U}) {
    const auto parameters = test::make_parameters(test::small_spec(10, 8, digit_size, digit_size));
    SeededRandom random(41);
    const auto secret = SecretKey::generate(parameters, random).value();
    const Level top = parameters->max_level();
    const auto key = make_switch_key(secret, {KeyId::Kind::automorphism, 5, top}, kT, random).value();
    const KeySwitcher switcher(parameters, kT);
    const auto d = ring::uniform(parameters->ring(), parameters->primes(top), ring::fresh_seed(random).value(), 0);
    ring::Workspace workspace;
    Extended sum;
    check(switcher.accumulate(sum, d, 5, key, workspace).has_value(), "the key fits");
    check(switcher.accumulate(sum, switcher.decompose(d), 25, key, workspace).has_value(), "the key fits");
    switcher.add_lifted(sum, 0, d, 5, workspace);
    for (const int lower : {7, 5, 0}) {
      ring::Evaluations u0, u1;
      switcher.divide(u0, u1, sum, Level{lower}, workspace);
      for (const auto* u : {&u0, &u1})
        for (std::size_t i = 0; i < u->rows(); ++i)
          for (const std::uint64_t x : u->row(i)) hash.update_u64(x);
    }
  }
  return hash.finish();
}

TEST(KeySwitcherDeathTest, ResultsAreTheSameOnEveryKernelSet) {
  constexpr std::string_view kKnown = "2a8a25d718827c8b93e17bb99fcd3189e3e77c3a001cc70989e9a946d81d3ad3";
  // A process keeps its kernels, so each set gets a process of its own.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const kernels::Kernels* set : kernels::all()) {
    if (!set->runs_here()) continue;
    EXPECT_EXIT(
        {
          const bool chosen = kernels::choose(set->name);
          const std::string found = to_hex(switched());
          std::fprintf(stderr, "%s\n", found.c_str());
          std::exit(chosen && &kernels::best() == set && found == kKnown ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "")
        << set->name;
  }
}

TEST(KeySwitcherTest, RefusesKeysThatDoNotFit) {
  Setting at(Case{1, 1, kT});
  const auto d = at.uniform(Level{3});
  const auto low = make_switch_key(at.key, {KeyId::Kind::relinearise, 0, Level{2}}, kT, at.random).value();
  EXPECT_EQ(at.switcher.switch_key(d, low).error().code, ErrorCode::mismatch);
  EXPECT_EQ(at.switcher.apply_permuted(at.switcher.decompose(d), 5, low).error().code, ErrorCode::mismatch);
  const auto unscaled = make_switch_key(at.key, {KeyId::Kind::relinearise, 0, Level{4}}, 1, at.random).value();
  EXPECT_EQ(at.switcher.switch_key(d, unscaled).error().code, ErrorCode::mismatch);
  Setting other(Case{1, 1, kT}, 12);
  const auto foreign = make_switch_key(other.key, {KeyId::Kind::relinearise, 0, Level{4}}, kT, at.random).value();
  EXPECT_EQ(at.switcher.switch_key(d, foreign).error().code, ErrorCode::mismatch);
  EXPECT_EQ(at.switcher.switch_key(d, SwitchKey{{}, kT, {}, {}, {}}).error().code, ErrorCode::mismatch);
}

TEST(KeySwitcherTest, LevelsOfSeveralPrimesWork) {
  ParameterSpec spec = test::small_spec(11, 6, 2, 2);
  spec.level_sizes = {1, 3, 6};
  const auto parameters = test::make_parameters(spec);
  SeededRandom random(13);
  const auto key = SecretKey::generate(parameters, random).value();
  const KeySwitcher switcher(parameters, 1);
  const auto made = make_switch_key(key, {KeyId::Kind::automorphism, 3, Level{2}}, 1, random).value();
  ASSERT_EQ(made.b.size(), 3U);
  for (Level level{0}; level <= parameters->max_level(); ++level.value) {
    const auto set = parameters->primes(level);
    const auto d = ring::uniform(parameters->ring(), set, ring::fresh_seed(random).value(), 0);
    const auto u = switcher.switch_key(d, made).value();
    const auto s = key.evaluations(RevealKey{}).restricted(set);
    ring::Evaluations sum = u.first.clone();
    ring::multiply_add(sum, u.second, s);
    ring::Evaluations product = d.clone();
    ring::multiply_into(product, ring::automorphism(s, 3));
    ring::subtract_into(sum, product);
    const Norms found = norms_of(small_coefficients(std::move(sum), 1), 64);
    EXPECT_LE(found.infinity, switch_noise(*parameters, level, ternary_norms(2048)).infinity.to_double());
  }
}

TEST(SwitchNoiseTest, FollowsTheDigits) {
  const SecretNorms norms = ternary_norms(1024);
  const auto one = test::make_parameters(test::small_spec(10, 6, 1, 1));
  const auto wide = test::make_parameters(test::small_spec(10, 6, 1, 2));
  // Digits of two primes under one special prime: P no longer covers a digit, and the bound says so.
  EXPECT_GT(switch_noise(*wide, Level{5}, norms).infinity.log2(),
            switch_noise(*one, Level{5}, norms).infinity.log2() + 40);
  EXPECT_LE(switch_noise(*one, Level{0}, norms).infinity, switch_noise(*one, Level{5}, norms).infinity);
  // A larger secret cannot make it smaller.
  SecretNorms larger = norms;
  larger.euclidean *= math::Bound::from_integer(4);
  larger.canonical *= math::Bound::from_integer(4);
  EXPECT_GT(switch_noise(*one, Level{0}, larger).infinity, switch_noise(*one, Level{0}, norms).infinity);
  EXPECT_GT(switch_noise(*one, Level{0}, larger).canonical, switch_noise(*one, Level{0}, norms).canonical);
}

}  // namespace
}  // namespace prism::rlwe
