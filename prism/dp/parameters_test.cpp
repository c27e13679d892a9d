#include "prism/dp/parameters.h"

#include <gtest/gtest.h>

#include <random>

namespace prism::dp {
namespace {

TEST(Epsilon, ReadsExactlyWhatItWrites) {
  for (const auto& [text, nano] : {std::pair{"0.5", 500'000'000LL},
                                   {"3", 3'000'000'000LL},
                                   {"0.000000001", 1LL},
                                   {"1000", 1'000'000'000'000LL},
                                   {"12.25", 12'250'000'000LL}}) {
    EXPECT_EQ(Epsilon::parse(text).value().nano(), nano);
    EXPECT_EQ(Epsilon::from_nano(nano).text(), text);
  }
  EXPECT_EQ(Epsilon::parse("0001.500").value().text(), "1.5");
  EXPECT_EQ(Epsilon().text(), "0");
}

TEST(Epsilon, RefusesWhatIsNoPlainDecimalInItsRange) {
  for (const char* text : {"", "0", "0.0", "-1", "+1", "1e-1", " 1", "1 ", ".5", "5.", "1.2.3", "0.0000000001",
                           "1000.000000001", "inf", "nan", "0x1", "99999999999999999999999999", "1,5"}) {
    const auto parsed = Epsilon::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Epsilon, AddsWithoutDrift) {
  Epsilon sum;
  for (int i = 0; i < 10; ++i) sum = sum + Epsilon::parse("0.1").value();
  EXPECT_EQ(sum, Epsilon::parse("1").value());
  EXPECT_EQ((sum - Epsilon::parse("0.3").value()).text(), "0.7");
  EXPECT_EQ(sum.rational(), (Rational{1, 1}));
  EXPECT_LT(Epsilon::parse("0.1").value().value_down(), 0.1 + 1e-18);
  EXPECT_GE(Epsilon::parse("0.1").value().value_up(), 0.1);
}

TEST(Delta, RoundsDownAndReadsWhatItWrites) {
  for (const char* text : {"1e-5", "1e-6", "0.5", "2.5e-7", "1e-30", "9.99e-1", "1e-36"}) {
    const Delta delta = Delta::parse(text).value();
    EXPECT_EQ(Delta::parse(delta.text()).value(), delta) << text;
    EXPECT_LE(delta.value_down(), std::stod(text));
    EXPECT_GT(delta.units(), 0U);
  }
  EXPECT_EQ(Delta::parse("1e-5").value().text(), "1e-5");
  EXPECT_EQ(Delta::parse("0.00001").value(), Delta::parse("1E-05").value());
  EXPECT_EQ(Delta::parse("0.5").value().units(), Uint128{1} << 119);
  EXPECT_EQ(Delta::parse("0.5").value().text(), "5e-1");
  EXPECT_EQ(Delta::parse("0").value(), Delta());
  EXPECT_EQ(Delta::parse("1e-40").value().units(), 0U);  // below a unit: down to nothing, never up
  // 10^-5 * 2^120 is 13292279957849158729038070602803.4...
  EXPECT_EQ(prism::to_string(static_cast<Int128>(Delta::parse("1e-5").value().units())),
            "13292279957849158729038070602803");
}

TEST(Delta, TextOfAnyUnitsReadsBack) {
  std::mt19937_64 random(11);
  for (int trial = 0; trial < 300; ++trial) {
    const Uint128 any = (Uint128{random()} << 64 | random()) >> (8 + random() % 120);
    const Delta delta = Delta::from_units(any);
    if (any == 0) continue;
    EXPECT_EQ(Delta::parse(delta.text()).value(), delta) << delta.text();
    EXPECT_LE(delta.value_down(), delta.value_up());
    EXPECT_LE(delta, Delta::from_double_up(delta.value_up()));
    EXPECT_GE(delta, Delta::from_units(static_cast<Uint128>(std::ldexp(delta.value_down(), 120))));
  }
}

TEST(Delta, RefusesWhatIsNoProbabilityBelowOne) {
  for (const char* text : {"", "1", "1.0", "2", "1e0", "-1e-5", "1e", "e-5", "1e-", "1e--5", "1e+-5", "1e-5 ",
                           "1e9999999999", "1e1001", "0x1p-3", "nan", ".5", "100e-2", "1e-5e-5"}) {
    const auto parsed = Delta::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(Delta::parse("99e-2"));
  EXPECT_FALSE(Delta::parse(std::string(65, '0')));
}

TEST(Delta, SumsStopAtOne) {
  const Delta most = Delta::parse("0.75").value();
  EXPECT_EQ((most + most).text(), "1");
  EXPECT_EQ((most * 2).text(), "1");
  EXPECT_EQ((most * ~std::uint64_t{0}).text(), "1");
  EXPECT_EQ(most * 1, most);
  EXPECT_EQ(most * 0, Delta());
  EXPECT_EQ(Delta::parse("1e-5").value() * 3,
            Delta::parse("1e-5").value() + Delta::parse("1e-5").value() + Delta::parse("1e-5").value());
}

TEST(Rational, IsInLowestTermsWithThePositiveDenominator) {
  EXPECT_EQ(make_rational(6, -4).value(), (Rational{-3, 2}));
  EXPECT_EQ(make_rational(0, -7).value(), (Rational{0, 1}));
  EXPECT_FALSE(make_rational(1, 0));
  const Int128 least = static_cast<Int128>(Uint128{1} << 127);
  EXPECT_FALSE(make_rational(least, 1));
  EXPECT_FALSE(make_rational(1, least));
  EXPECT_EQ(to_string(Rational{-3, 2}), "-3/2");
  EXPECT_EQ(to_string(Rational{7, 1}), "7");
}

TEST(Rational, ComparesWithoutOverflow) {
  const Int128 large = (Int128{1} << 126) + 12345;
  EXPECT_TRUE(compare({large, large - 1}, {large - 1, large - 2}) < 0);  // 1 + 1/(n-1) < 1 + 1/(n-2)
  EXPECT_TRUE(compare({large, large}, {1, 1}) == 0);
  EXPECT_TRUE(compare({-1, 3}, {-1, 4}) < 0);
}

TEST(Rational, ProductsAreExactOrJustAbove) {
  EXPECT_EQ(multiply_up({2, 3}, {9, 4}).value(), (Rational{3, 2}));
  EXPECT_EQ(divide_up({2, 3}, {4, 9}).value(), (Rational{3, 2}));
  const Int128 large = (Int128{1} << 100) + 1;
  const Rational product = multiply_up({large, 3}, {large - 2, large - 6}).value();
  // About 2^100 / 3, above it by less than 2^-90 of it.
  EXPECT_TRUE(compare(product, {large, 3}) > 0);
  EXPECT_TRUE(compare(product, {large + (Int128{1} << 12), 3}) < 0);
  EXPECT_FALSE(multiply_up({large, 1}, {large, 1}));
  EXPECT_FALSE(multiply_up({-1, 1}, {1, 1}));
  EXPECT_FALSE(divide_up({1, 1}, {0, 1}));
}

}  // namespace
}  // namespace prism::dp
