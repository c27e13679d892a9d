#include "prism/math/modular.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace prism::math {
namespace {

constexpr std::uint64_t kSeed = 20240601;

std::uint64_t random_modulus(std::mt19937_64& random) { return ((random() >> (random() % 60)) >> 1) | 2; }

TEST(ModularTest, AdditionAndSubtractionAgreeWithWideArithmetic) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t q = random_modulus(random);
    const std::uint64_t a = random() % q;
    const std::uint64_t b = random() % q;
    ASSERT_EQ(add_mod(a, b, q), static_cast<std::uint64_t>((Uint128{a} + b) % q)) << "seed " << kSeed;
    ASSERT_EQ(subtract_mod(a, b, q), static_cast<std::uint64_t>((Uint128{a} + q - b) % q)) << "seed " << kSeed;
    ASSERT_EQ(add_mod(a, negate_mod(a, q), q), 0U);
  }
}

TEST(ModularTest, InverseTimesNumberIsOneOrTheyShareAFactor) {
  std::mt19937_64 random(kSeed);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t q = random_modulus(random);
    const std::uint64_t a = random();
    const auto inverse = inverse_mod(a, q);
    if (inverse.has_value()) {
      ASSERT_LT(*inverse, q);
      ASSERT_EQ(multiply_mod(a % q, *inverse, q), 1 % q) << a << " mod " << q << ", seed " << kSeed;
    } else {
      ASSERT_GT(std::gcd(a, q), 1U) << "seed " << kSeed;
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_FALSE(inverse_mod(0, 17).has_value());
  const std::uint64_t largest = (std::uint64_t{1} << 63) - 25;  // the largest prime below 2^63
  EXPECT_EQ(*inverse_mod(largest - 1, largest), largest - 1);
}

TEST(ModularTest, PowersAreRepeatedProducts) {
  for (std::uint64_t q : {2ULL, 3ULL, 97ULL, (1ULL << 63) - 25, 18446744073709551557ULL}) {
    std::uint64_t product = 1 % q;
    for (std::uint64_t e = 0; e < 200; ++e) {
      ASSERT_EQ(power_mod(q - 2, e, q), product) << q << "^" << e;
      product = multiply_mod(product, (q - 2) % q, q);
    }
  }
}

TEST(ModularTest, SignedNumbersReduceAndReturn) {
  for (std::int64_t a : {0L, 1L, -1L, 48L, -48L, 49L, -49L}) EXPECT_EQ(centred(reduce_signed(a, 99), 99), a);
  EXPECT_EQ(reduce_signed(INT64_MIN, 1ULL << 62), 0U);
  EXPECT_EQ(reduce_signed(-1, 1ULL << 62), (1ULL << 62) - 1);
  EXPECT_EQ(centred(50, 100), 50);
  EXPECT_EQ(centred(51, 100), -49);
}

TEST(ModularTest, BitReversalIsItsOwnInverse) {
  EXPECT_EQ(reverse_bits(0b00001, 5), 0b10000U);
  EXPECT_EQ(reverse_bits(0b10110, 5), 0b01101U);
  for (std::uint32_t x = 0; x < 1024; ++x) ASSERT_EQ(reverse_bits(reverse_bits(x, 10), 10), x);
}

}  // namespace
}  // namespace prism::math
