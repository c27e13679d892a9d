#include "prism/math/bound.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "prism/math/natural.h"

namespace prism::math {
namespace {

constexpr std::uint64_t kSeed = 5;

// The truth is kept in exact integers beside the bound; a bound may exceed it by less than one part in a million.
TEST(BoundTest, NeverBelowTheTruthAndTight) {
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    Natural truth(random() >> (random() % 64) | 1);
    Bound bound = Bound::from_integer(truth.limbs()[0]);
    while (truth.bit_length() < 4000) {
      const std::uint64_t word = random() >> (random() % 64) | 1;
      switch (random() % 3) {
        case 0:
          truth *= word;
          bound *= Bound::from_integer(word);
          break;
        case 1:
          truth += Natural(word);
          bound += Bound::from_integer(word);
          break;
        default:
          truth = truth * truth;
          bound *= bound;
      }
      ASSERT_GE(bound.log2(), truth.log2()) << "seed " << kSeed << " round " << round;
      ASSERT_LE(bound.log2(), truth.log2() + 1e-6) << "seed " << kSeed << " round " << round;
    }
  }
}

TEST(BoundTest, EveryOperationRoundsUpwards) {
  for (double x : {1.0, 2.0, 3.0, 1e-9, 1e300, 0.5}) {
    const Bound b = Bound::from_double(x);
    EXPECT_GT(b.log2(), std::log2(x));
    EXPECT_GT(Bound::from_log2(std::log2(x)).log2(), std::log2(x));
    EXPECT_GT(sqrt(b).log2(), b.log2() / 2);
    EXPECT_GT((b * b).log2(), 2 * b.log2());
    EXPECT_GT((b + b).log2(), b.log2() + 1);
    EXPECT_GT(power(b, 3).log2(), 3 * b.log2());
    EXPECT_GE(b.to_double(), x);
  }
}

TEST(BoundTest, AQuotientOfRoundedNumbersIsNotTooSmall) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 10000; ++i) {
    const auto exponent = static_cast<double>(random() % 4000) + 0.3;
    const auto divisor = static_cast<double>(random() % 4000) + 0.7;
    const Bound quotient = Bound::from_log2(exponent) / Bound::from_log2(divisor);
    ASSERT_GE(quotient.log2(), exponent - divisor) << "seed " << kSeed;
    ASSERT_LE(quotient.log2(), exponent - divisor + 1e-7) << "seed " << kSeed;
  }
}

TEST(BoundTest, ZeroIsTheNeutralElement) {
  const Bound b = Bound::from_integer(12);
  EXPECT_TRUE(Bound().is_zero());
  EXPECT_TRUE(Bound::from_integer(0).is_zero());
  EXPECT_EQ(Bound::zero() + b, b);
  EXPECT_EQ(b + Bound::zero(), b);
  EXPECT_TRUE((Bound::zero() * b).is_zero());
  EXPECT_TRUE((Bound::zero() / b).is_zero());
  EXPECT_TRUE(sqrt(Bound::zero()).is_zero());
  EXPECT_FALSE(power(Bound::zero(), 0).is_zero());
  EXPECT_LT(Bound::zero(), b);
  EXPECT_EQ(max(Bound::zero(), b), b);
  EXPECT_EQ(min(Bound::zero(), b), Bound::zero());
  EXPECT_EQ(Bound::zero().to_double(), 0.0);
}

TEST(BoundTest, OrderIsThatOfMagnitudes) {
  EXPECT_LT(Bound::from_log2(3999), Bound::from_log2(4000));
  EXPECT_GT(Bound::from_integer(3), Bound::from_integer(2));
  EXPECT_LE(Bound::from_integer(3), Bound::from_integer(3));
}

TEST(BoundDeathTest, BrokenInvariantsStop) {
  EXPECT_DEATH(static_cast<void>(Bound::from_double(-1)), "negative");
  EXPECT_DEATH(static_cast<void>(Bound::one() / Bound::zero()), "divided by zero");
}

}  // namespace
}  // namespace prism::math
