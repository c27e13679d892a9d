#include "prism/policy/grant.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace prism::policy {
namespace {

using table::ColumnType;

constexpr const char* kGolden = PRISM_SOURCE_DIR "/tests/golden/v1/grant.json";

/// One of everything.
Grant visits() {
  Grant grant;
  TableRule visits{.name = "visits", .path = "visits.csv", .unit = "patient", .rows_per_unit = 5, .columns = {}};
  visits.columns.push_back({.schema = {"patient", ColumnType::integer}});
  visits.columns.push_back({.schema = {"age", ColumnType::integer}, .bounds = Bounds{0, 120}, .public_values = true});
  visits.columns.push_back({.schema = {"cost", ColumnType::decimal, 2, true}, .bounds = Bounds{-50, 100'010}});
  visits.columns.push_back({.schema = {"day", ColumnType::date}, .bounds = Bounds{-1, 18'627}});
  visits.columns.push_back(
      {.schema = {"ward", ColumnType::text}, .values = {"A \"1\"", "B", "ü"}, .public_values = true});
  visits.columns.push_back({.schema = {"note", ColumnType::text, 0, true}});
  TableRule wards{.name = "wards", .path = "../wards.csv", .unit = {}, .columns = {}};
  wards.columns.push_back({.schema = {"ward", ColumnType::text}});
  grant.tables = {visits, wards};
  grant.groups_per_unit = 2;
  grant.epsilon = dp::Epsilon::parse("3").value();
  grant.analysts = {{"alice", dp::Epsilon::parse("1.25").value()}, {"bob", dp::Epsilon::parse("3").value()}};
  grant.rooms = {{"oncology", dp::Epsilon::parse("0.5").value()}};
  return grant;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST(Grant, ReadsBackAsItWasWritten) {
  const Grant grant = visits();
  ASSERT_TRUE(check_grant(grant)) << check_grant(grant).error().message;
  const auto read = grant_from_json(to_json(grant));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, grant);
  EXPECT_EQ(to_json(*read), to_json(grant));
}

// Ledgers hold grants byte for byte and name them by digest: what version 1 wrote must read for ever.
TEST(Grant, GoldenFileOfVersionOneReadsAndIsWrittenAgain) {
  if (std::getenv("PRISM_WRITE_GOLDEN") != nullptr) std::ofstream(kGolden) << to_json(visits());
  std::ifstream file(kGolden);
  ASSERT_TRUE(file) << kGolden;
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  const auto read = grant_from_json(golden);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, visits());
  EXPECT_EQ(to_json(*read), golden);
  EXPECT_EQ(to_hex(digest_of(*read)), "f409985a90da684489d0cf50ff282413456e092950997dddb41015a368e6034c");
}

TEST(Grant, BoundsAreReadExactlyWhateverBinaryFractionsThink) {
  const std::string json = to_json(visits());
  const auto cost = [&](std::string_view low, std::string_view high) {
    return grant_from_json(replaced(json, "\"low\": -0.50, \"high\": 1000.10",
                                    "\"low\": " + std::string(low) + ", \"high\": " + std::string(high)));
  };
  EXPECT_EQ(cost("-0.5", "0.1")->tables[0].columns[2].bounds, (Bounds{-50, 10}));
  EXPECT_EQ(cost("\"-0.29\"", "1e3")->tables[0].columns[2].bounds, (Bounds{-29, 100'000}));
  // 2^63 - 1 hundredths: a double would round it up and away.
  EXPECT_EQ(cost("-92233720368547758.08", "92233720368547758.07")->tables[0].columns[2].bounds,
            (Bounds{INT64_MIN, INT64_MAX}));
  for (const char* bad :
       {"0.001", "92233720368547758.08", "1e30", "\"NaN\"", "\"\"", "true", "null", "\"1 \"", "\"0x1\""}) {
    const auto read = cost("-0.5", bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(read.error().message.find("/tables/0/columns/2/high"), std::string::npos) << read.error().message;
  }
}

TEST(Grant, WhatItDoesNotKnowOrHearsTwiceIsRefusedWithItsPlace) {
  const std::string json = to_json(visits());
  struct Case {
    std::string_view what, with, message;
  };
  for (const Case& c : {
           Case{"\"version\": 1", "\"version\": 2", "/version: this program reads version 1"},
           Case{"\"epsilon\": 3", "\"epsilon\": 0", "/epsilon"},
           Case{"\"epsilon\": 3", "\"epsilon\": -1", "/epsilon"},
           Case{"\"epsilon\": 3", "\"epsilon\": 1001", "/epsilon"},
           Case{"\"epsilon\": 3", "\"epsilon\": 3, \"epsilon\": 4", "says \"epsilon\" twice"},
           Case{"\"delta\": 1e-5", "\"delta\": 0.1", "/delta"},
           Case{"\"delta\": 1e-5", "\"delta\": 1", "/delta"},
           Case{"\"delta\": 1e-5,", "", "the member \"delta\" is missing"},
           Case{"\"basic\"", "\"pld\"", "/accounting: a ledger adds up by basic or zcdp"},
           Case{"\"basic\"", "\"none\"", "/accounting"},
           Case{"\"least\": 0.1", "\"least\": 3.5", "/query_epsilon"},
           Case{"{\"least\": 0.1, \"most\": 3}", "{\"least\": 4, \"most\": 5}", "no query fits"},
           Case{"\"groups_per_unit\": 2", "\"groups_per_unit\": 0", "/groups_per_unit"},
           Case{"\"groups_per_unit\": 2", "\"groups_per_unit\": 2.0", "/groups_per_unit"},
           Case{"\"bob\"", "\"alice\"", "/analysts/1/name: this name stands twice"},
           Case{"\"epsilon\": 1.25", "\"epsilon\": 3.1", "/analysts/0/epsilon"},
           Case{"\"oncology\"", "\"onco\\nlogy\"", "/rooms/0/name"},
           Case{"\"rows\": 100000000", "\"rows\": 0", "/limits/rows"},
           Case{"\"bucket_ms\": 500", "\"bucket_ms\": 86400001", "/limits/bucket_ms"},
           Case{"\"rooms\"", "\"romos\"", "there is no member \"romos\"; known are version, epsilon"},
           Case{"\"unit\": \"patient\"", "\"unit\": \"person\"", "/tables/0/unit: there is no column"},
           Case{"\"unit\": \"patient\",", "", "/tables/0/"},
           Case{"\"rows_per_unit\": 5", "\"rows_per_unit\": 0", "/tables/0/rows_per_unit"},
           Case{"\"high\": 120", "\"high\": 0", "/tables/0/columns/1/low: low must be below high"},
           Case{"\"high\": 120", "\"high\": 120000", "/tables/0/columns/1/public: low to high are more than"},
           Case{", \"high\": 120", "", "/tables/0/columns/1: the member \"high\" is missing"},
           Case{"\"1969-12-31\"", "\"1969-02-29\"", "/tables/0/columns/3/low: a date"},
           Case{"\"scale\": 2", "\"scale\": 19", "/tables/0/columns/2/scale"},
           Case{"\"scale\": 2", "\"public\": true, \"scale\": 2", "/tables/0/columns/2/public"},
           Case{"\"B\", \"ü\"", "\"B\", \"B\"", "/tables/0/columns/4/values: \"B\" stands twice"},
           Case{"\"name\": \"note\"", "\"name\": \"ward\"", "/tables/0/columns/5/name: this name stands twice"},
           Case{"\"wards\"", "\"Visits\"", "/tables/1/name: another table has this name"},
           Case{"\"type\": \"date\"", "\"type\": \"time\"", "/tables/0/columns/3/type"},
       }) {
    const auto read = grant_from_json(replaced(json, c.what, c.with));
    ASSERT_FALSE(read) << c.with;
    EXPECT_NE(read.error().message.find(c.message), std::string::npos) << c.with << " gave " << read.error().message;
  }
}

TEST(Grant, TextThatIsNoJsonIsRefusedWithLineAndColumn) {
  const auto message = [](std::string_view text) {
    const auto read = grant_from_json(text);
    EXPECT_FALSE(read) << text;
    return read ? std::string() : read.error().message;
  };
  EXPECT_NE(message("{\n  \"version\": 1,\n  oops\n}").find("line 3, column 3"), std::string::npos);
  EXPECT_NE(message("").find("line 1, column 1"), std::string::npos);
  EXPECT_NE(message("{\"version\": 1} {}").find("no JSON at line 1"), std::string::npos);
  EXPECT_NE(message("{\"version\": 01}").find("no JSON"), std::string::npos);
  EXPECT_NE(message("{\"a\": \"\xff\"}").find("no JSON"), std::string::npos);
  EXPECT_NE(message(std::string(100, '[')).find("nested more than 16 deep"), std::string::npos);
  EXPECT_NE(message("[" + std::string(1'000'000, '1') + "]").find("no JSON"), std::string::npos);
  std::string many = "[0";
  for (int i = 0; i < 300'000; ++i) many += ",0";
  EXPECT_NE(message(many + "]").find("more than the 200000 values"), std::string::npos);
  std::string wide = "{\"a\": 0";
  for (int i = 0; i < 40; ++i) wide += ", \"a" + std::to_string(i) + "\": 0";
  EXPECT_NE(message(wide + "}").find("more than 32 members"), std::string::npos);
  EXPECT_NE(message(std::string(kMostGrantBytes + 1, ' ')).find("bytes allowed"), std::string::npos);
}

TEST(Grant, EveryByteCountsInTheDigest) {
  const Grant grant = visits();
  Grant other = grant;
  other.tables[0].columns[2].bounds->high += 1;
  EXPECT_NE(digest_of(grant), digest_of(other));
  other = grant;
  other.delta = dp::Delta::from_units(grant.delta.units() - 1);
  EXPECT_NE(digest_of(grant), digest_of(other)) << grant.delta.text() << " " << other.delta.text();
}

TEST(Grant, SchemaFilesNameWhatTheOwnerKnows) {
  const auto tables = schema_from_json(R"({
    "version": 1,
    "columns": [
      {"name": "id", "type": "integer"},
      {"name": "sex", "type": "text", "values": ["m", "f"]},
      {"name": "hhninc", "type": "decimal", "scale": 4, "nullable": true, "low": 0, "high": 25.5}
    ],
    "tables": [{"name": "visits", "path": "visits.csv", "unit": "id", "rows_per_unit": 3,
                "columns": [{"name": "id", "type": "integer"}]}]
  })");
  ASSERT_TRUE(tables) << tables.error().message;
  ASSERT_EQ(tables->size(), 2U);
  EXPECT_EQ((*tables)[0].name, "");
  EXPECT_EQ((*tables)[0].unit, std::nullopt);
  EXPECT_EQ((*tables)[0].columns[1].values, (std::vector<std::string>{"f", "m"}));
  EXPECT_TRUE((*tables)[0].columns[1].public_values);
  EXPECT_EQ((*tables)[0].columns[2].bounds, (Bounds{0, 255'000}));
  EXPECT_EQ((*tables)[1].rows_per_unit, 3U);
  const auto again = schema_from_json(schema_to_json(*tables));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *tables);
  EXPECT_NE(schema_from_json("{\"version\": 1, \"columns\": [{\"name\": \"a\"}]}")
                .error()
                .message.find("/columns/0: the member \"type\" is missing"),
            std::string::npos);
}

TEST(Grant, DefaultDeltaIsTheShareOfEpsilonRoundedDown) {
  Grant grant = visits();
  const auto units = [&](std::int64_t nano) { return default_delta(grant, dp::Epsilon::from_nano(nano)).units(); };
  EXPECT_EQ(units(3'000'000'000), kDefaultDeltaUnits);
  EXPECT_EQ(units(1'500'000'000), kDefaultDeltaUnits / 2);
  EXPECT_EQ(units(1), kDefaultDeltaUnits / 3'000'000'000U);
  // The largest numbers there are do not overflow, and parts never add up to more than the whole.
  grant.epsilon = dp::Epsilon::from_nano(999'999'999'999);
  grant.delta = dp::Delta::from_units(kMostDeltaUnits - 1);
  Uint128 sum = 0;
  for (int i = 0; i < 3; ++i) sum += units(333'333'333'333);
  EXPECT_LE(sum, grant.delta.units());
  EXPECT_GT(sum, grant.delta.units() - 1000);
}

TEST(Grant, PublicValuesAreCounted) {
  const Grant grant = visits();
  EXPECT_EQ(public_value_count(grant.tables[0].columns[1]), 121U);
  EXPECT_EQ(public_value_count(grant.tables[0].columns[4]), 3U);
  EXPECT_EQ(public_value_count(grant.tables[0].columns[2]), std::nullopt);
}

}  // namespace
}  // namespace prism::policy
