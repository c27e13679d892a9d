#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "prism/backend/dp/internal/error_bars.h"
#include "prism/backend/dp/internal/test_world.h"

namespace prism::backend::dp::test {
namespace {

/// The document of version 1 that tests/golden keeps. PRISM_WRITE_GOLDEN=1 makes it anew.
void expect_golden(const std::string& text, const std::string& name) {
  const std::string path = std::string(PRISM_SOURCE_DIR "/tests/golden/v1/") + name;
  if (std::getenv("PRISM_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, golden);
}

prism::dp::Epsilon epsilon(const char* text) { return *prism::dp::Epsilon::parse(text); }

/// Written out, so that the document does not move with mechanisms.
Answer sample() {
  Answer out;
  out.table.columns = {{"city", table::ColumnType::text},
                       {"count", table::ColumnType::integer},
                       {"avg", table::ColumnType::decimal},
                       {"first", table::ColumnType::date}};
  out.table.rows = {{std::string("Köln \"1\""), table::Number{"42"}, table::Number{"12.5"}, std::string("2024-02-29")},
                    {std::monostate{}, table::Number{"0"}, std::monostate{}, std::monostate{}}};
  out.intervals = {
      {std::nullopt, CellInterval{table::Number{"38"}, table::Number{"46"}, 0.96219, true},
       CellInterval{table::Number{"10.21"}, table::Number{"14.80"}, 0.95, true},
       CellInterval{std::string("2024-01-01"), std::monostate{}, 0.95, false}},
      {std::nullopt, CellInterval{table::Number{"0"}, table::Number{"4"}, 0.96219, true}, std::nullopt, std::nullopt}};
  Release groups;
  groups.what = "groups, by their units";
  groups.mechanism = "truncated geometric selection";
  groups.sensitivity = 1;
  groups.epsilon = epsilon("0.25");
  groups.delta = *prism::dp::Delta::parse("1e-6");
  Release sums;
  sums.what = "count and sum of x";
  sums.mechanism = "discrete Laplace";
  sums.parameter = {200, 3};
  sums.sensitivity = 50;
  sums.numbers = 2;
  sums.epsilon = epsilon("0.75");
  out.releases = {groups, sums};
  out.contribution = {5, 2};
  out.epsilon = epsilon("1");
  out.delta = *prism::dp::Delta::parse("1e-6");
  out.public_groups = false;
  out.notes = {{2, "values of x below 0 count as 0, above 50 as 50"}, {{}, "one note about everything"}};
  out.left = BudgetLeft{"2", "9e-6", "0.5", {}};
  return out;
}

TEST(DpAnswer, JsonOfVersionOneStaysAsItIs) { expect_golden(to_json(sample()), "dp_answer.json"); }

TEST(DpAnswer, PreviewJsonOfVersionOneStaysAsItIs) {
  Preview out;
  out.epsilon = epsilon("1");
  out.delta = *prism::dp::Delta::parse("1e-6");
  out.releases = sample().releases;
  out.contribution = {5, 2};
  out.public_groups = false;
  out.groups = 10'000;
  out.keep_half_units = 23;
  out.bucket = std::chrono::milliseconds(500);
  out.time_limit = std::chrono::milliseconds(60'000);
  out.columns = {{"city", {}, false, 0, "the group's key"},
                 {"count", "6", true, 0, "± 6"},
                 {"avg", "1.4", false, 1'000, "± 1.4, if 1000 rows with values in the middle of their bounds count"}};
  out.notes = sample().notes;
  expect_golden(to_json(out), "dp_preview.json");
}

TEST(DpAnswer, PeopleSeeTheDigitsThatTheIntervalSupports) {
  Answer answer = sample();
  answer.table.columns = {{"a", table::ColumnType::decimal}};
  const auto shown = [&](const char* value, const char* low, const char* high) {
    answer.table.rows = {{table::Number{value}}};
    answer.intervals = {{CellInterval{table::Number{low}, table::Number{high}}}};
    const table::ResultTable table = readable(answer);
    return std::get<table::Number>(table.rows[0][0]).text + " " + std::get<std::string>(table.rows[0][1]);
  };
  EXPECT_EQ(shown("49.583333333333333333", "48.5", "50.7"), "49.6 1.1");
  EXPECT_EQ(shown("49.583333333333333333", "20", "79"), "50 30");
  EXPECT_EQ(shown("-0.0012345", "-0.0013345", "-0.0011345"), "-0.00123 0.00011");
  EXPECT_EQ(shown("1234567", "1234500", "1234634"), "1234567 67");
  EXPECT_EQ(shown("5", "0", "9"), "5 5");
  EXPECT_EQ(shown("5", "0", "8"), "5 -5 +3");
  // Sides are those of the number that is shown.
  EXPECT_EQ(shown("10.45", "5.35", "15.55"), "10.5 5.2");
  // A unit of rounding does not reach below zero when the interval does not.
  EXPECT_EQ(shown("3", "0", "7"), "3 -3 +4");
  EXPECT_EQ(shown("0.04", "0.04", "6"), "0.0 -0.0 +6.0");
}

TEST(DpAnswer, WhatPeopleSeeHoldsTheInterval) {
  Answer answer = sample();
  answer.table.columns = {{"a", table::ColumnType::decimal}};
  std::uint64_t state = 7;
  const auto next = [&](std::uint64_t below) {
    return (state = state * 6364136223846793005ULL + 1) % 1'000'003 % below;
  };
  const auto millis = [](long v) { return internal::decimal_text(mpq_class(v, 1000), 3, false); };
  for (int i = 0; i < 3'000; ++i) {
    const long size = 1L << next(17);
    const long value = static_cast<long>(next(200'000)) - 50'000;
    const long low = value - static_cast<long>(next(static_cast<std::uint64_t>(size) + 1));
    const long high = value + static_cast<long>(next(static_cast<std::uint64_t>(size) + 1));
    answer.table.rows = {{table::Number{millis(value)}}};
    answer.intervals = {{CellInterval{table::Number{millis(low)}, table::Number{millis(high)}}}};
    const table::ResultTable table = readable(answer);
    const double shown = std::stod(std::get<table::Number>(table.rows[0][0]).text);
    const std::string sides = std::get<std::string>(table.rows[0][1]);
    const std::size_t plus = sides.find(" +");
    const double left = std::stod(plus == std::string::npos ? sides : sides.substr(1));
    const double right = plus == std::string::npos ? left : std::stod(sides.substr(plus + 2));
    EXPECT_LE(shown - left, static_cast<double>(low) / 1000 + 1e-9) << value << " " << low << " " << high;
    EXPECT_GE(shown + right, static_cast<double>(high) / 1000 - 1e-9) << value << " " << low << " " << high;
    if (low >= 0) {
      EXPECT_GE(shown - left, -1e-9) << value << " " << low << " " << high;
    }
  }
}

TEST(DpAnswer, HostileTextKeepsTheJsonOne) {
  Answer answer = sample();
  answer.table.rows[0][0] = std::string("\"}\n\x01\xff");
  const std::string text = to_json(answer);
  EXPECT_EQ(text.find('\x01'), std::string::npos);
  EXPECT_EQ(text.find('\xff'), std::string::npos);
}

}  // namespace
}  // namespace prism::backend::dp::test
