#include "prism/rlwe/keys.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdlib>
#include <numbers>

#include "prism/hash/sha256.h"
#include "prism/math/modular.h"
#include "prism/rlwe/internal/test_support.h"

namespace prism::rlwe {
namespace {

using secret::RevealKey;
using test::SeededRandom;

constexpr std::uint64_t kT = 8588886017;

/// Whether p = scale * e with |e| <= the tail, the same small e modulo every prime, and e is not all zero.
::testing::AssertionResult is_scaled_error(ring::Evaluations p, std::uint64_t scale) {
  const ring::Coefficients c = ring::to_coefficients(std::move(p));
  bool some = false;
  for (std::size_t k = 0; k < c.degree(); ++k) {
    std::int64_t first = 0;
    for (std::size_t i = 0; i < c.rows(); ++i) {
      const std::uint64_t q = c.modulus(i).q;
      const std::uint64_t inverse = math::inverse_mod(scale % q, q).value();
      const std::int64_t e = math::centred(math::multiply_mod(c.row(i)[k], inverse, q), q);
      if (i == 0) first = e;
      if (e != first || std::abs(e) > ring::kGaussianTail)
        return ::testing::AssertionFailure()
               << "coefficient " << k << ", row " << i << ": " << e << ", row 0: " << first;
      some = some || e != 0;
    }
  }
  return some ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << "no error at all";
}

ring::SecretSeed secret_seed(std::uint8_t value) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(value);
  return ring::SecretSeed(bytes);
}

TEST(SecretKeyTest, IsTernaryAndTransformedModuloEveryPrime) {
  const auto parameters = test::make_parameters(test::small_spec(10, 3, 2, 1));
  const auto key = SecretKey::from_seed(parameters, secret_seed(7)).value();
  const auto s = key.coefficients(RevealKey{});
  ASSERT_EQ(s.size(), parameters->degree());
  int counts[3] = {};
  for (const std::int32_t c : s) {
    ASSERT_LE(std::abs(c), 1);
    ++counts[c + 1];
  }
  for (const int count : counts) EXPECT_NEAR(count, 1024 / 3.0, 100);
  const auto& ring = parameters->ring();
  EXPECT_TRUE(key.evaluations(RevealKey{}) == ring::to_evaluations(ring::from_signed(ring, ring.all(), s)));
}

TEST(SecretKeyTest, SeedDecidesTheKey) {
  const auto parameters = test::make_parameters(test::small_spec(10, 2, 1, 1));
  const auto one = SecretKey::from_seed(parameters, secret_seed(1)).value();
  const auto again = SecretKey::from_seed(parameters, secret_seed(1)).value();
  const auto other = SecretKey::from_seed(parameters, secret_seed(2)).value();
  EXPECT_TRUE(one.evaluations(RevealKey{}) == again.evaluations(RevealKey{}));
  EXPECT_FALSE(one.evaluations(RevealKey{}) == other.evaluations(RevealKey{}));
}

/// One hash over a secret, a public key and a switching key from fixed seeds.
Digest known_answer() {
  const auto parameters = test::make_parameters(test::small_spec(10, 3, 2, 2));
  const auto key = SecretKey::from_seed(parameters, secret_seed(1)).value();
  SeededRandom random(2);
  const auto public_key = make_public_key(key, kT, random).value();
  const auto switch_key = make_switch_key(key, {KeyId::Kind::automorphism, 5, Level{2}}, kT, random).value();
  hash::Sha256 hash;
  const auto add = [&](const ring::Evaluations& p) {
    for (std::size_t i = 0; i < p.rows(); ++i)
      for (const std::uint64_t x : p.row(i)) hash.update_u64(x);
  };
  add(key.evaluations(RevealKey{}));
  for (const auto* p : {&public_key.a, &public_key.b}) add(*p);
  for (const auto* side : {&switch_key.a, &switch_key.b})
    for (const auto& p : *side) add(ring::automorphism(p, 5));  // from the order in memory to that of files
  return hash.finish();
}

TEST(SecretKeyDeathTest, KeysAreTheSameOnEveryKernelSet) {
  constexpr std::string_view kKnown = "f3b63b6bb367fe5fe0823d241677ac64d448e5c1eb443b397e6475d4622e3872";
  // A process keeps its kernels, so each set gets a process of its own.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const kernels::Kernels* set : kernels::all()) {
    if (!set->runs_here()) continue;
    EXPECT_EXIT(
        {
          const bool chosen = kernels::choose(set->name);
          const std::string found = to_hex(known_answer());
          std::fprintf(stderr, "%s\n", found.c_str());
          std::exit(chosen && &kernels::best() == set && found == kKnown ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "")
        << set->name;
  }
}

TEST(SecretKeyTest, MovingWipesAndKeeps) {
  const auto parameters = test::make_parameters(test::small_spec(10, 2, 1, 1));
  auto one = SecretKey::from_seed(parameters, secret_seed(1)).value();
  auto two = SecretKey::from_seed(parameters, secret_seed(2)).value();
  const auto kept = two.evaluations(RevealKey{}).clone();
  one = std::move(two);
  EXPECT_TRUE(one.evaluations(RevealKey{}) == kept);
}

TEST(SecretNormsTest, HoldAndAreNotFarOff) {
  const auto parameters = test::make_parameters(test::small_spec(10, 1, 1, 1));
  const std::size_t n = parameters->degree();
  const SecretNorms norms = ternary_norms(n);
  double canonical = 0, euclidean = 0;
  for (std::uint8_t seed = 0; seed < 5; ++seed) {
    const auto key = SecretKey::from_seed(parameters, secret_seed(seed)).value();
    const auto s = key.coefficients(RevealKey{});
    double squares = 0;
    for (const std::int32_t c : s) squares += c * c;
    euclidean = std::max(euclidean, std::sqrt(squares));
    for (std::size_t root = 0; root < n / 2; ++root) {
      const auto zeta = std::polar(1.0, std::numbers::pi * static_cast<double>(2 * root + 1) / static_cast<double>(n));
      std::complex<double> value = 0;
      for (std::size_t k = n; k-- > 0;) value = value * zeta + static_cast<double>(s[k]);
      canonical = std::max(canonical, std::abs(value));
    }
  }
  std::printf("  canonical: measured %.1f, bound %.1f; euclidean: measured %.2f, bound %.2f\n", canonical,
              norms.canonical.to_double(), euclidean, norms.euclidean.to_double());
  EXPECT_LE(canonical, norms.canonical.to_double());
  EXPECT_LE(euclidean, norms.euclidean.to_double());
  EXPECT_LE(norms.canonical.to_double(), 8 * canonical);
  EXPECT_LE(norms.euclidean.to_double(), 1.3 * euclidean);
  EXPECT_GE(norms.infinity.to_double(), 1.0);
  // Small rings: the absolute values take over.
  EXPECT_LE(ternary_norms(8).canonical.to_double(), 8.001);
  EXPECT_LE(ternary_norms(8).euclidean.to_double(), std::sqrt(8.0) + 0.001);
}

TEST(PublicKeyTest, IsAnEncryptionOfZero) {
  const auto parameters = test::make_parameters(test::small_spec(10, 3, 1, 1));
  SeededRandom random(3);
  const auto key = SecretKey::generate(parameters, random).value();
  for (const std::uint64_t scale : {std::uint64_t{1}, kT}) {
    const auto made = make_public_key(key, scale, random).value();
    EXPECT_TRUE(made.a == ring::uniform(parameters->ring(), made.a.primes(), made.seed, 0));
    ring::Evaluations sum = made.b.clone();
    ring::multiply_add(sum, made.a, key.evaluations(RevealKey{}).restricted(made.a.primes()));
    EXPECT_TRUE(is_scaled_error(std::move(sum), scale));
  }
}

TEST(SwitchKeyTest, HoldsItsSourceTimesPInItsOwnDigit) {
  for (const std::uint32_t digit_size : {1U, 2U, 3U, 5U}) {
    const auto parameters = test::make_parameters(test::small_spec(10, 5, 2, digit_size));
    const auto& ring = parameters->ring();
    SeededRandom random(4);
    const auto key = SecretKey::generate(parameters, random).value();
    for (const KeyId id : {KeyId{KeyId::Kind::relinearise, 0, Level{4}}, KeyId{KeyId::Kind::automorphism, 25, Level{2}},
                           KeyId{KeyId::Kind::automorphism, 2047, Level{0}}}) {
      const auto made = make_switch_key(key, id, kT, random).value();
      const auto base = parameters->primes(id.level);
      const auto special = parameters->special_primes();
      const auto set = base.united(special);
      ASSERT_EQ(made.b.size(), (base.size() + digit_size - 1) / digit_size);
      ASSERT_EQ(made.a.size(), made.b.size());
      const auto s = key.evaluations(RevealKey{}).restricted(set);
      ring::Evaluations source = s.clone();
      if (id.kind == KeyId::Kind::relinearise)
        ring::multiply_into(source, s);
      else
        source = ring::automorphism(s, id.g);
      for (std::size_t j = 0; j < made.b.size(); ++j) {
        ASSERT_EQ(made.b[j].primes(), set);
        // In memory a key lies moved by X -> X^(1/g).
        const std::uint32_t back = id.kind == KeyId::Kind::automorphism ? id.g : 1;
        const ring::Evaluations a = ring::automorphism(made.a[j], back);
        EXPECT_TRUE(a == ring::uniform(ring, set, made.seed, j));
        std::vector<std::uint64_t> factor(set.size(), 0);
        for (std::size_t i = 0; i < base.size(); ++i) {
          if (i / digit_size != j) continue;
          factor[i] = 1;
          for (const std::uint32_t p : special.indexes())
            factor[i] = math::multiply_mod(factor[i], ring.prime(p), ring.prime(base[i]));
        }
        ring::Evaluations payload = source.clone();
        ring::multiply_scalar_into(payload, factor);
        ring::Evaluations rest = ring::automorphism(made.b[j], back);
        ring::multiply_add(rest, a, s);
        ring::subtract_into(rest, payload);
        EXPECT_TRUE(is_scaled_error(std::move(rest), kT)) << "digit " << j << " of size " << digit_size;
      }
    }
  }
}

TEST(SwitchKeyTest, SeedsAndErrorsAreFresh) {
  const auto parameters = test::make_parameters(test::small_spec(10, 2, 1, 1));
  SeededRandom random(5);
  const auto key = SecretKey::generate(parameters, random).value();
  const KeyId id{KeyId::Kind::relinearise, 0, Level{1}};
  const auto one = make_switch_key(key, id, 1, random).value();
  const auto two = make_switch_key(key, id, 1, random).value();
  EXPECT_NE(one.seed, two.seed);
  // Digits of one key share no error: b_j + a_j s differs beyond the payload, which special rows do not have.
  const std::size_t special = 2;
  const auto s = key.evaluations(RevealKey{}).restricted(one.b[0].primes());
  std::vector<ring::Evaluations> errors;
  for (std::size_t j = 0; j < 2; ++j) {
    ring::Evaluations e = one.b[j].clone();
    ring::multiply_add(e, one.a[j], s);
    errors.push_back(std::move(e));
  }
  EXPECT_FALSE(
      std::equal(errors[0].row(special).begin(), errors[0].row(special).end(), errors[1].row(special).begin()));
}

TEST(SwitchKeyTest, RefusesWhatMakesNoSense) {
  const auto parameters = test::make_parameters(test::small_spec(10, 2, 1, 1));
  SeededRandom random(6);
  const auto key = SecretKey::generate(parameters, random).value();
  using Kind = KeyId::Kind;
  const auto code = [&](KeyId id, std::uint64_t scale) { return make_switch_key(key, id, scale, random).error().code; };
  EXPECT_EQ(code({Kind::automorphism, 4, Level{0}}, 1), ErrorCode::invalid_argument);
  EXPECT_EQ(code({Kind::automorphism, 2049, Level{0}}, 1), ErrorCode::invalid_argument);
  EXPECT_EQ(code({Kind::relinearise, 3, Level{0}}, 1), ErrorCode::invalid_argument);
  EXPECT_EQ(code({Kind::relinearise, 0, Level{2}}, 1), ErrorCode::invalid_argument);
  EXPECT_EQ(code({Kind::relinearise, 0, Level{-1}}, 1), ErrorCode::invalid_argument);
  EXPECT_EQ(code({Kind::relinearise, 0, Level{0}}, 0), ErrorCode::invalid_argument);
  EXPECT_EQ(code({Kind::relinearise, 0, Level{0}}, std::uint64_t{1} << 50), ErrorCode::invalid_argument);
  // An error scale that is a prime of the ring would leave that prime without errors.
  EXPECT_EQ(code({Kind::relinearise, 0, Level{0}}, parameters->ring().prime(0)), ErrorCode::invalid_argument);
  EXPECT_EQ(make_public_key(key, parameters->ring().prime(1), random).error().code, ErrorCode::invalid_argument);
  const auto without = test::make_parameters(test::small_spec(10, 2, 0, 1));
  const auto other = SecretKey::generate(without, random).value();
  EXPECT_EQ(make_switch_key(other, {Kind::relinearise, 0, Level{0}}, 1, random).error().code,
            ErrorCode::invalid_argument);
}

class BrokenRandom final : public Random {
 public:
  Status fill(MutableByteView) override { return fail(ErrorCode::io, "no randomness"); }
};

TEST(SwitchKeyTest, WithoutRandomnessThereIsNoKey) {
  const auto parameters = test::make_parameters(test::small_spec(10, 2, 1, 1));
  const auto key = SecretKey::from_seed(parameters, secret_seed(1)).value();
  BrokenRandom broken;
  EXPECT_EQ(SecretKey::generate(parameters, broken).error().code, ErrorCode::io);
  EXPECT_EQ(make_public_key(key, 1, broken).error().code, ErrorCode::io);
  EXPECT_EQ(make_switch_key(key, {KeyId::Kind::relinearise, 0, Level{0}}, 1, broken).error().code, ErrorCode::io);
}

TEST(EvaluationKeysTest, FindsTheSmallestSufficientLevel) {
  const auto parameters = test::make_parameters(test::small_spec(10, 4, 1, 1));
  SeededRandom random(7);
  const auto key = SecretKey::generate(parameters, random).value();
  using Kind = KeyId::Kind;
  EvaluationKeys keys(parameters);
  for (const KeyId id : {KeyId{Kind::relinearise, 0, Level{1}}, KeyId{Kind::relinearise, 0, Level{3}},
                         KeyId{Kind::automorphism, 5, Level{2}}})
    keys.add(make_switch_key(key, id, 1, random).value());
  EXPECT_EQ(keys.find(Kind::relinearise, 0, Level{0}).value()->id.level, Level{1});
  EXPECT_EQ(keys.find(Kind::relinearise, 0, Level{1}).value()->id.level, Level{1});
  EXPECT_EQ(keys.find(Kind::relinearise, 0, Level{2}).value()->id.level, Level{3});
  EXPECT_EQ(keys.find(Kind::automorphism, 5, Level{2}).value()->id.g, 5U);
  EXPECT_EQ(keys.find(Kind::automorphism, 5, Level{3}).error().code, ErrorCode::not_found);
  EXPECT_EQ(keys.find(Kind::automorphism, 3, Level{0}).error().code, ErrorCode::not_found);
  EXPECT_EQ(keys.ids().size(), 3U);
  const Digest before = keys.digest();
  keys.add(make_switch_key(key, {Kind::automorphism, 5, Level{2}}, 1, random).value());
  EXPECT_EQ(keys.ids().size(), 3U);
  EXPECT_NE(keys.digest(), before);
}

TEST(GaloisElementTest, RotationsComposeAndWrap) {
  constexpr std::size_t n = 1024;
  EXPECT_EQ(galois_element_for_rotation(0, n), 1U);
  EXPECT_EQ(galois_element_for_rotation(1, n), 5U);
  EXPECT_EQ(galois_element_for_rotation(3, n), 125U);
  EXPECT_EQ(galois_element_for_rotation(-1, n), galois_element_for_rotation(511, n));
  EXPECT_EQ(galois_element_for_rotation(512, n), 1U);
  EXPECT_EQ(std::uint64_t{galois_element_for_rotation(-7, n)} * galois_element_for_rotation(7, n) % (2 * n), 1U);
  EXPECT_EQ(galois_element_for_conjugation(n), 2047U);
}

}  // namespace
}  // namespace prism::rlwe
