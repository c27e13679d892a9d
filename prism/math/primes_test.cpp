#include "prism/math/primes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "prism/math/modular.h"

namespace prism::math {
namespace {

TEST(PrimesTest, AgreesWithASieve) {
  constexpr std::size_t kLimit = 200000;
  std::vector<bool> composite(kLimit);
  for (std::size_t i = 2; i < kLimit; ++i) {
    ASSERT_EQ(is_prime(i), !composite[i]) << i;
    for (std::size_t j = i * i; j < kLimit; j += i) composite[j] = true;
  }
  EXPECT_FALSE(is_prime(0));
  EXPECT_FALSE(is_prime(1));
}

TEST(PrimesTest, StrongPseudoprimesAreRefused) {
  // OEIS A014233: the smallest composites that pass for all of the first 1, 2, 3, ... primes as bases.
  for (std::uint64_t n : {2047ULL, 1373653ULL, 25326001ULL, 3215031751ULL, 2152302898747ULL, 3474749660383ULL,
                          341550071728321ULL, 3825123056546413051ULL}) {
    EXPECT_FALSE(is_prime(n)) << n;
  }
  EXPECT_TRUE(is_prime(18446744073709551557ULL));  // 2^64 - 59, the largest below 2^64
  EXPECT_FALSE(is_prime(18446744073709551615ULL));
  EXPECT_TRUE(is_prime(8588886017ULL));
  EXPECT_FALSE(is_prime(1125899906842597ULL * 3));
}

TEST(PrimesTest, SearchFindsEveryPrimeOfItsClassFromTheTop) {
  std::vector<std::uint64_t> expected;
  for (std::uint64_t p = (1 << 16) - 1; p > 1; --p) {
    if (p % 64 == 1 && is_prime(p)) expected.push_back(p);
  }
  const auto all = primes_below(16, 64, expected.size());
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(*all, expected);
  EXPECT_FALSE(primes_below(16, 64, expected.size() + 1).has_value());
  const auto rest = primes_below(16, 64, expected.size() - 2, {expected[0], expected[3]});
  ASSERT_TRUE(rest.has_value());
  expected.erase(expected.begin() + 3);
  expected.erase(expected.begin());
  EXPECT_EQ(*rest, expected);
}

TEST(PrimesTest, TheLargestCandidateCounts) {
  EXPECT_EQ(*primes_below(5, 30, 1), std::vector<std::uint64_t>{31});
  EXPECT_EQ(*primes_below(2, 1, 2), (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(*primes_below(17, 1 << 16, 1), std::vector<std::uint64_t>{65537});
}

TEST(PrimesTest, RingPrimesAreBelowTheirLimitAndDescend) {
  const auto primes = primes_below(50, 1 << 18, 60);
  ASSERT_TRUE(primes.has_value());
  EXPECT_TRUE(std::is_sorted(primes->rbegin(), primes->rend()));
  EXPECT_LT(primes->front(), std::uint64_t{1} << 50);
  for (const std::uint64_t p : *primes) EXPECT_EQ(p % (1 << 18), 1U);
}

TEST(PrimesTest, NonsenseIsRefused) {
  EXPECT_FALSE(primes_below(64, 2, 1).has_value());
  EXPECT_FALSE(primes_below(0, 2, 1).has_value());
  EXPECT_FALSE(primes_below(20, 0, 1).has_value());
  EXPECT_FALSE(root_of_unity(6, 97).has_value());
  EXPECT_FALSE(root_of_unity(64, 97).has_value());
  EXPECT_FALSE(root_of_unity(0, 97).has_value());
}

TEST(PrimesTest, RootIsTheSmallestOfItsOrder) {
  for (std::uint64_t q : {97ULL, 193ULL, 7681ULL, 40961ULL, 65537ULL}) {
    for (std::uint64_t order = 1; (q - 1) % order == 0; order *= 2) {
      std::uint64_t smallest = 0;
      for (std::uint64_t x = 1; smallest == 0; ++x) {
        if (power_mod(x, order, q) == 1 && (order == 1 || power_mod(x, order / 2, q) != 1)) smallest = x;
      }
      const auto root = root_of_unity(order, q);
      ASSERT_TRUE(root.has_value());
      EXPECT_EQ(*root, smallest) << "order " << order << " mod " << q;
    }
  }
}

TEST(PrimesTest, LargeRootHasItsOrder) {
  const auto primes = primes_below(63, 1 << 18, 2);
  ASSERT_TRUE(primes.has_value());
  for (const std::uint64_t q : *primes) {
    const auto root = root_of_unity(1 << 18, q);
    ASSERT_TRUE(root.has_value());
    EXPECT_EQ(power_mod(*root, 1 << 17, q), q - 1);
  }
}

}  // namespace
}  // namespace prism::math
