#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/privacy/mechanisms.h"

namespace prism::privacy {
namespace {

bool long_run() { return std::getenv("PRISM_LONG") != nullptr; }

/// The long one: 500 datasets and 20,000 answers on each side. PRISM_PAIRS says how many pairs of each mechanism are
/// tested, 40 unless it is set (Google's stochastic tester would take one of each dataset: 500, which takes hours).
std::size_t long_pairs() {
  const char* const wanted = std::getenv("PRISM_PAIRS");
  return wanted != nullptr ? static_cast<std::size_t>(std::atol(wanted)) : 40;
}
Effort effort_to_pass() { return long_run() ? Effort{500, long_pairs(), 20'000} : Effort{16, 3, 8'000}; }
Effort effort_to_reject() { return long_run() ? Effort{500, 500, 20'000} : Effort{16, 40, 20'000}; }

std::string test_name(const ::testing::TestParamInfo<Mechanism>& info) {
  std::string out;
  bool word = true;
  for (const char c : info.param.name) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (letter) out += word ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    word = !letter;
  }
  return out;
}

class PrivateMechanism : public ::testing::TestWithParam<Mechanism> {};
TEST_P(PrivateMechanism, IsNotAccused) {
  const auto violation = test_mechanism(GetParam(), effort_to_pass());
  std::printf("%-45s %s\n", GetParam().name.c_str(), violation ? violation->evidence.c_str() : "private as claimed");
  EXPECT_FALSE(violation) << violation->evidence;
}
INSTANTIATE_TEST_SUITE_P(All, PrivateMechanism, ::testing::ValuesIn(private_mechanisms()), test_name);

class BrokenMechanism : public ::testing::TestWithParam<Mechanism> {};
TEST_P(BrokenMechanism, IsCaught) {
  const auto violation = test_mechanism(GetParam(), effort_to_reject());
  std::printf("%-45s %s\n", GetParam().name.c_str(), violation ? violation->evidence.c_str() : "NOT CAUGHT");
  EXPECT_TRUE(violation);
}
INSTANTIATE_TEST_SUITE_P(All, BrokenMechanism, ::testing::ValuesIn(broken_mechanisms()), test_name);

TEST(ClopperPearson, BoundsAreThoseOfTheBinomialTail) {
  // P(at least k of n | low) = P(at most k of n | high) = error, by summing the binomial.
  for (const auto& [k, n] : {std::pair{0, 10}, {3, 10}, {10, 10}, {7, 400}, {399, 400}}) {
    for (const double error : {1e-2, 1e-9}) {
      const auto tail = [&](double p, int from, int to) {
        double sum = 0;
        for (int i = from; i <= to; ++i) {
          sum += std::exp(std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1) + i * std::log(p) +
                          (n - i) * std::log1p(-p));
        }
        return sum;
      };
      const double low = clopper_pearson_low(static_cast<std::uint64_t>(k), static_cast<std::uint64_t>(n), error);
      const double high = clopper_pearson_high(static_cast<std::uint64_t>(k), static_cast<std::uint64_t>(n), error);
      if (k == 0) {
        EXPECT_EQ(low, 0);
      } else {
        EXPECT_NEAR(tail(low, k, n) / error, 1, 1e-6);
      }
      if (k == n) {
        EXPECT_EQ(high, 1);
      } else {
        EXPECT_NEAR(tail(high, 0, k) / error, 1, 1e-6);
      }
    }
  }
}

TEST(Neighbours, AreAllSubsetsAndDifferByOneUnit) {
  const auto pairs = neighbours({.rows_per_unit = 2, .groups = 2, .most_units = 3}, 1, 1000);
  EXPECT_EQ(pairs.size(), 12U);  // the edges of a cube
  for (const auto& pair : pairs) {
    std::set<std::uint32_t> with, without;
    for (const Row& row : pair.with) with.insert(row.unit);
    for (const Row& row : pair.without) without.insert(row.unit);
    EXPECT_EQ(with.size(), without.size() + 1);
  }
  EXPECT_EQ(halton(1, 2), 0.5);
  EXPECT_EQ(halton(6, 2), 0.375);
  EXPECT_NEAR(halton(5, 3), 7.0 / 9, 1e-12);
}

}  // namespace
}  // namespace prism::privacy
