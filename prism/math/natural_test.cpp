#include "prism/math/natural.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "prism/base/int128.h"
#include "prism/math/modular.h"
#include "prism/math/primes.h"

namespace prism::math {
namespace {

constexpr std::uint64_t kSeed = 77;

/// Limbs of all ones and zeros now and then: carries and borrows run far.
Natural random_natural(std::mt19937_64& random, unsigned max_limbs) {
  Natural x;
  for (unsigned i = static_cast<unsigned>(random() % (max_limbs + 1)); i > 0; --i) {
    const std::uint64_t kind = random() % 8;
    x <<= 64;
    x += kind == 0 ? 0 : kind == 1 ? ~std::uint64_t{0} : random();
  }
  return x;
}

Natural from_wide(Uint128 x) {
  return (Natural(static_cast<std::uint64_t>(x >> 64)) <<= 64) += static_cast<std::uint64_t>(x);
}

TEST(NaturalTest, AgreesWithWordArithmetic) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t a = random() >> (random() % 64);
    const std::uint64_t b = random() >> (random() % 64);
    ASSERT_EQ(Natural(a) + Natural(b), from_wide(Uint128{a} + b));
    ASSERT_EQ(Natural(a) * Natural(b), from_wide(Uint128{a} * b));
    ASSERT_EQ(Natural(a) <=> Natural(b), a <=> b);
    ASSERT_EQ(Natural(std::max(a, b)) - Natural(std::min(a, b)), Natural(std::max(a, b) - std::min(a, b)));
    ASSERT_EQ(divmod(a, b | 1), (std::pair<Natural, Natural>(a / (b | 1), a % (b | 1))));
  }
}

TEST(NaturalTest, RingLawsHold) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 2000; ++i) {
    const Natural a = random_natural(random, 8);
    const Natural b = random_natural(random, 8);
    const Natural c = random_natural(random, 8);
    ASSERT_EQ(a + b, b + a) << "seed " << kSeed << " round " << i;
    ASSERT_EQ((a + b) + c, a + (b + c));
    ASSERT_EQ((a + b) - b, a);
    ASSERT_EQ(a * b, b * a);
    ASSERT_EQ((a * b) * c, a * (b * c));
    ASSERT_EQ(a * (b + c), a * b + a * c);
    const std::uint64_t word = random();
    Natural scaled = a;
    ASSERT_EQ(scaled *= word, a * Natural(word));
    Natural sum = c;
    ASSERT_EQ(sum.add_product(a, word), a * Natural(word) + c);
    ASSERT_EQ(sum.add_product(sum, 3), (a * Natural(word) + c) * Natural(4));
  }
}

TEST(NaturalTest, DivisionUndoesMultiplication) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 500; ++i) {
    const Natural a = random_natural(random, 8);
    const Natural b = random_natural(random, 4) + Natural(1);
    const auto [quotient, remainder] = divmod(a, b);
    ASSERT_LT(remainder, b) << "seed " << kSeed << " round " << i;
    ASSERT_EQ(quotient * b + remainder, a);
    const std::uint64_t word = (random() >> (random() % 64)) | 1;
    Natural in_place = a;
    const std::uint64_t rest = in_place.divide(word);
    ASSERT_EQ(in_place * Natural(word) + Natural(rest), a);
    ASSERT_EQ(a % word, rest);
  }
}

TEST(NaturalTest, ShiftsArePowersOfTwo) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 500; ++i) {
    const Natural a = random_natural(random, 5);
    const auto bits = static_cast<unsigned>(random() % 300);
    ASSERT_EQ(a << bits, a * Natural::power_of_two(bits)) << "seed " << kSeed;
    ASSERT_EQ(a >> bits, divmod(a, Natural::power_of_two(bits)).first) << "seed " << kSeed;
    ASSERT_EQ(Natural::power_of_two(bits).bit_length(), bits + 1);
    ASSERT_TRUE(Natural::power_of_two(bits).bit(bits));
    ASSERT_FALSE(Natural::power_of_two(bits).bit(bits + 1));
  }
}

TEST(NaturalTest, PrintsInDecimal) {
  EXPECT_EQ(Natural().to_decimal(), "0");
  EXPECT_EQ(Natural(7).to_decimal(), "7");
  EXPECT_EQ(Natural(1'000'000'000'000'000'000).to_decimal(), "1000000000000000000");
  EXPECT_EQ(Natural::power_of_two(200).to_decimal(), "1606938044258990275541962092341162602522202993782792835301376");
  Natural google(1);
  for (int i = 0; i < 100; ++i) google *= 10;
  EXPECT_EQ(google.to_decimal(), "1" + std::string(100, '0'));
}

TEST(NaturalTest, LogarithmsAndDoublesAreTight) {
  for (unsigned e : {0U, 1U, 52U, 53U, 63U, 64U, 65U, 500U, 1000U, 4000U}) {
    EXPECT_EQ(Natural::power_of_two(e).log2(), e);
    const double below = (Natural::power_of_two(e) * Natural(3)).log2();
    EXPECT_NEAR(below, e + std::log2(3.0), 1e-12);
    EXPECT_EQ(Natural::power_of_two(e).to_double(), std::ldexp(1.0, static_cast<int>(e)));
  }
  EXPECT_EQ((Natural::power_of_two(200) - Natural(1)).to_double(), std::ldexp(1.0, 200));
  EXPECT_EQ((Natural::power_of_two(200) - Natural(1)).scientific(), (std::pair{1.0, 200}));
  EXPECT_EQ(Natural(123456789).to_double(), 123456789.0);
  EXPECT_EQ(Natural().log2(), -INFINITY);
  EXPECT_EQ(Natural().to_double(), 0.0);
}

TEST(NaturalTest, ChineseRemaindersComeBack) {
  std::mt19937_64 random(kSeed);
  for (std::size_t count : {1U, 2U, 3U, 10U, 20U}) {
    const auto primes = primes_below(50, 1 << 18, count);
    ASSERT_TRUE(primes.has_value());
    const CrtBasis basis(*primes);
    EXPECT_EQ(basis.product(), Natural::product(*primes));
    for (int i = 0; i < 100; ++i) {
      std::vector<std::uint64_t> residues;
      for (const std::uint64_t p : *primes) residues.push_back(random() % 8 == 0 ? p - 1 : random() % p);
      const Natural x = basis.compose(residues);
      ASSERT_LT(x, basis.product()) << "seed " << kSeed;
      ASSERT_EQ(basis.decompose(x), residues) << "seed " << kSeed;
    }
    for (const Natural& x : {Natural(), Natural(1), basis.product() >> 1, (basis.product() >> 1) + Natural(1),
                             basis.product() - Natural(1)}) {
      ASSERT_EQ(basis.compose(basis.decompose(x)), x);
      const Integer centred = basis.compose_centred(basis.decompose(x));
      ASSERT_LE(centred.magnitude, basis.product() >> 1);
      ASSERT_EQ(centred.negative, x > basis.product() >> 1);
      for (const std::uint64_t p : *primes) ASSERT_EQ(centred % p, x % p);
    }
    EXPECT_EQ(basis.compose_centred(basis.decompose(basis.product() - Natural(5))), (Integer{Natural(5), true}));
  }
}

}  // namespace
}  // namespace prism::math
