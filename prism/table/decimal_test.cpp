#include "prism/table/decimal.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace prism::table {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

Scaled scaled(std::string_view text, int scale) {
  const auto number = scan_decimal(text);
  EXPECT_TRUE(number) << text;
  const auto result = to_scale(*number, scale);
  EXPECT_TRUE(result) << text;
  return result.value_or(Scaled{});
}

TEST(DecimalTest, ScanAcceptsNumbersAndNothingElse) {
  for (const char* good : {"0", "-0", "7", "+7", "030001", "-12.50", ".5", "5.", "-.5", "1e5", "1.5E-3", "1E+3", "0e0"})
    EXPECT_TRUE(scan_decimal(good)) << good;
  for (const char* bad : {"",        "-",    "+",     ".",     "-.",    "e5",     ".e5",
                          "1e",      "1e+",  "1e5.0", "1.2.3", " 1",    "1 ",     "1,5",
                          "--1",     "0x10", "inf",   "nan",   "1_000", "1e1000", "1e99999999999999999999",
                          "\xD9\xA1"})
    EXPECT_FALSE(scan_decimal(bad)) << bad;
}

TEST(DecimalTest, ScanNormalises) {
  const auto number = scan_decimal("-0012.3400e1");
  ASSERT_TRUE(number);
  EXPECT_TRUE(number->negative);
  EXPECT_TRUE(number->padded);
  EXPECT_FALSE(number->whole);
  EXPECT_EQ(number->digits, "1234");
  EXPECT_EQ(number->exponent, -1);
  EXPECT_EQ(number->fraction_digits(), 1);
  EXPECT_EQ(scan_decimal("1200")->digits, "12");
  EXPECT_EQ(scan_decimal("1200")->exponent, 2);
  EXPECT_EQ(scan_decimal("1.500000")->fraction_digits(), 1);
  EXPECT_EQ(scan_decimal("1e5")->fraction_digits(), 0);
  EXPECT_FALSE(scan_decimal("0")->padded);
  EXPECT_FALSE(scan_decimal("0.5")->padded);
  EXPECT_TRUE(scan_decimal("00")->padded);
}

TEST(DecimalTest, RoundsHalfAwayFromZeroAndKeepsTheExactError) {
  struct Case {
    const char* text;
    int scale;
    std::int64_t value;
    const char* tail;
  };
  for (const Case& c :
       {Case{"1.25", 2, 125, ""}, Case{"1.25", 1, 13, "5"}, Case{"-1.25", 1, -13, "5"}, Case{"1.24", 1, 12, "4"},
        Case{"1.26", 1, 13, "4"}, Case{"0.5", 0, 1, "5"}, Case{"-0.4", 0, 0, "4"}, Case{"0.04", 0, 0, "04"},
        Case{"0.96", 0, 1, "04"}, Case{"9.99", 0, 10, "01"}, Case{"3.04999995231628", 6, 3050000, "04768372"},
        Case{"4.51004981994629", 6, 4510050, "18005371"}, Case{"1e3", 2, 100000, ""}, Case{"1.5E-3", 3, 2, "5"},
        Case{"1e-30", 18, 0, "000000000001"}}) {
    const Scaled got = scaled(c.text, c.scale);
    EXPECT_EQ(got.value, c.value) << c.text;
    EXPECT_EQ(got.error_tail, c.tail) << c.text;
  }
  EXPECT_EQ(error_text("04768372", 6), "0.00000004768372");
  EXPECT_EQ(error_text("5", 0), "0.5");
  EXPECT_EQ(error_text("", 6), "0");
}

TEST(DecimalTest, TheEdgesOfInt64Fit) {
  EXPECT_EQ(scaled("9223372036854775807", 0).value, kMax);
  EXPECT_EQ(scaled("-9223372036854775808", 0).value, kMin);
  EXPECT_EQ(scaled("9.223372036854775807", 18).value, kMax);
  EXPECT_EQ(scaled("9223372036854775807.4", 0).value, kMax);
  for (const char* over : {"9223372036854775808", "-9223372036854775809", "9223372036854775807.5", "1e19", "1e999",
                           "99999999999999999999999999999999999999999999"})
    EXPECT_FALSE(to_scale(*scan_decimal(over), 0)) << over;
  EXPECT_EQ(scaled("0e999", 18).value, 0);
}

TEST(DecimalTest, LargestFittingScaleIsTheLastThatFits) {
  for (const char* text :
       {"0", "0.001", "9", "9.3", "92", "93", "9223372036854775807", "9223372036854775808", "922337203685477580",
        "9.2233720368547758075", "1e18", "1e19", "999999999999999999.99", "-9223372036854775808", "1e-40"}) {
    const auto number = *scan_decimal(text);
    int expected = -1;
    for (int scale = 0; scale <= kMaxScale; ++scale)
      if (to_scale(number, scale)) expected = scale;
    EXPECT_EQ(largest_fitting_scale(number), expected) << text;
  }
}

TEST(DecimalTest, ParseIsExactOrRefused) {
  EXPECT_EQ(*parse_decimal("1.50"), (Decimal{15, 1}));
  EXPECT_EQ(*parse_decimal("-0.000000000000000001"), (Decimal{-1, 18}));
  EXPECT_EQ(*parse_decimal("1e3"), (Decimal{1000, 0}));
  EXPECT_EQ(*parse_decimal("-9223372036854775808"), (Decimal{kMin, 0}));
  EXPECT_EQ(parse_decimal("abc").error().code, ErrorCode::malformed);
  EXPECT_EQ(parse_decimal("1e-19").error().code, ErrorCode::unsupported);
  EXPECT_EQ(parse_decimal("9223372036854775808").error().code, ErrorCode::unsupported);
  EXPECT_EQ(parse_decimal("secret77").error().message.find("secret77"), std::string::npos);
}

TEST(DecimalTest, FormatShowsEveryDigitOfTheScale) {
  EXPECT_EQ(format_decimal(std::int64_t{-1250}, 2), "-12.50");
  EXPECT_EQ(format_decimal(std::int64_t{5}, 3), "0.005");
  EXPECT_EQ(format_decimal(std::int64_t{-5}, 1), "-0.5");
  EXPECT_EQ(format_decimal(std::int64_t{0}, 0), "0");
  EXPECT_EQ(format_decimal(std::int64_t{0}, 2), "0.00");
  EXPECT_EQ(format_decimal(std::int64_t{120}, 0), "120");
  EXPECT_EQ(format_decimal(kMin, 0), "-9223372036854775808");
  EXPECT_EQ(format_decimal(kMin, 18), "-9.223372036854775808");
  const Int128 wide = ((Int128{1} << 126) - 1) + (Int128{1} << 126);
  EXPECT_EQ(format_decimal(wide, 0), "170141183460469231731687303715884105727");
  EXPECT_EQ(format_decimal(-wide - 1, 38), "-1.70141183460469231731687303715884105728");
}

TEST(DecimalTest, FormatThenScaleIsTheIdentity) {
  const std::uint64_t seed = 20240117;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    const int scale = static_cast<int>(random() % 19);
    const auto value = static_cast<std::int64_t>(random()) >> (random() % 64);
    const Scaled back = scaled(format_decimal(value, scale), scale);
    ASSERT_EQ(back.value, value) << format_decimal(value, scale);
    ASSERT_EQ(back.error_tail, "");
  }
}

TEST(DecimalTest, RoundingAgreesWithIntegerDivision) {
  const std::uint64_t seed = 99;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    const int from = static_cast<int>(random() % 19);
    const int to = static_cast<int>(random() % static_cast<unsigned>(from + 1));
    const auto value = static_cast<std::int64_t>(random()) >> (random() % 64);
    Int128 divisor = 1;
    for (int k = to; k < from; ++k) divisor *= 10;
    const Int128 magnitude = value < 0 ? -Int128{value} : Int128{value};
    const Int128 rounded = (2 * magnitude + divisor) / (2 * divisor);
    const Int128 error = magnitude > rounded * divisor ? magnitude - rounded * divisor : rounded * divisor - magnitude;
    const Scaled got = scaled(format_decimal(value, from), to);
    ASSERT_TRUE(Int128{got.value} == (value < 0 ? -rounded : rounded)) << value << " " << from << " " << to;
    std::string tail = got.error_tail;
    tail.resize(static_cast<std::size_t>(from - to), '0');
    const auto padded = format_decimal(error, 0);
    ASSERT_EQ(tail, from == to ? "" : std::string(static_cast<std::size_t>(from - to) - padded.size(), '0') + padded);
  }
}

}  // namespace
}  // namespace prism::table
