#include "prism/table/date.h"

#include <gtest/gtest.h>

namespace prism::table {
namespace {

TEST(DateTest, KnownDays) {
  EXPECT_EQ(parse_date("1970-01-01"), 0);
  EXPECT_EQ(parse_date("1969-12-31"), -1);
  EXPECT_EQ(parse_date("2000-03-01"), 11017);
  EXPECT_EQ(parse_date("0001-01-01"), -719162);
  EXPECT_EQ(parse_date("9999-12-31"), 2932896);
}

TEST(DateTest, EveryDayComesBack) {
  for (std::int32_t day = -719162; day <= 2932896; day += 7) ASSERT_EQ(parse_date(format_date(day)), day);
  EXPECT_EQ(format_date(-719162), "0001-01-01");
}

TEST(DateTest, DaysThatDoNotExistAreRefused) {
  for (const char* bad :
       {"", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-04-31", "2024-4-1", "24-04-01", "0000-01-01",
        "2024/04/01", "2024-04-01 ", "2024-04-01T00:00", "-024-04-01", "2024-+4-01", "20240401"})
    EXPECT_FALSE(parse_date(bad)) << bad;
  EXPECT_TRUE(parse_date("2000-02-29"));
}

}  // namespace
}  // namespace prism::table
