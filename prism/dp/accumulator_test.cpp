#include "prism/dp/accumulator.h"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "prism/dp/internal/big.h"

namespace prism::dp {
namespace {

std::vector<Int128> awkward_terms(std::mt19937_64& random, std::size_t count) {
  std::vector<Int128> terms;
  for (std::size_t i = 0; i < count; ++i) {
    const Int128 word = static_cast<Int128>(static_cast<Uint128>(random()) << 64 | random());
    switch (random() % 6) {
      case 0:
        terms.push_back(kInt128Most - static_cast<Int128>(random() % 3));
        break;
      case 1:
        terms.push_back(kInt128Least + static_cast<Int128>(random() % 3));
        break;
      case 2:
        terms.push_back(static_cast<Int128>(random() % 5) - 2);
        break;
      case 3:
        terms.push_back(word);
        break;
      default:
        terms.push_back(word >> (random() % 127));
        break;
    }
  }
  return terms;
}

TEST(AccumulatorTest, TotalIsTheExactSumBroughtInto128Bits) {
  std::mt19937_64 random(20);
  for (int round = 0; round < 2000; ++round) {
    mpz_class exact = 0;
    Accumulator sum;
    for (const Int128 term : awkward_terms(random, 1 + random() % 8)) {
      sum.add(term);
      exact += internal::to_big(term);
      const mpz_class inside =
          std::clamp<mpz_class>(exact, internal::to_big(kInt128Least), internal::to_big(kInt128Most));
      ASSERT_EQ(internal::to_big(sum.total()), inside) << "seed 20, round " << round;
    }
  }
}

TEST(AccumulatorTest, OrderAndPartsDoNotMatterNearTheEdges) {
  std::mt19937_64 random(21);
  for (int round = 0; round < 500; ++round) {
    std::vector<Int128> terms = awkward_terms(random, 12);
    Accumulator forward, shuffled, parts[3];
    for (const Int128 term : terms) forward.add(term);
    std::shuffle(terms.begin(), terms.end(), random);
    for (const Int128 term : terms) shuffled.add(term);
    for (const Int128 term : terms) parts[random() % 3].add(term);
    parts[0].add(parts[1]);
    parts[0].add(parts[2]);
    EXPECT_EQ(forward, shuffled) << "seed 21, round " << round;
    EXPECT_EQ(forward, parts[0]) << "seed 21, round " << round;
  }
}

// What a sum that saturates after every step gets wrong: the most, plus one, minus one.
TEST(AccumulatorTest, OneTermMovesTheTotalByNoMoreThanItself) {
  std::mt19937_64 random(22);
  for (int round = 0; round < 1000; ++round) {
    const std::vector<Int128> terms = awkward_terms(random, 6);
    const Int128 one_more = static_cast<Int128>(random() % 1000) - 500;
    Accumulator without, with;
    for (const Int128 term : terms) without.add(term);
    with.add(one_more);
    for (const Int128 term : terms) with.add(term);
    const mpz_class moved = abs(internal::to_big(with.total()) - internal::to_big(without.total()));
    EXPECT_LE(moved, abs(internal::to_big(one_more))) << "seed 22, round " << round;
  }
}

}  // namespace
}  // namespace prism::dp
