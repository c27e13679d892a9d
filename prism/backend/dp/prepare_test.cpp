#include <gtest/gtest.h>

#include "prism/backend/dp/internal/test_world.h"
#include "prism/sql/sql.h"

namespace prism::backend::dp::test {
namespace {

/// people, a second private table, and a public one.
policy::Grant wide_grant() {
  policy::Grant grant = people_grant();
  policy::TableRule stays;
  stays.name = "stays";
  stays.path = "stays.csv";
  stays.unit = "person";
  stays.rows_per_unit = 4;
  stays.columns = {integer_column("person"), integer_column("days", policy::Bounds{0, 30}),
                   integer_column("huge", policy::Bounds{INT64_MIN, INT64_MAX}), integer_column("ward")};
  policy::TableRule wards;
  wards.name = "wards";
  wards.path = "wards.csv";
  wards.columns = {integer_column("ward"), text_column("name")};
  grant.tables.push_back(stays);
  grant.tables.push_back(wards);
  grant.query_least = *prism::dp::Epsilon::parse("0.1");
  grant.query_most = *prism::dp::Epsilon::parse("3");
  return grant;
}

struct Refusal {
  const char* sql;
  const char* rule;
  const char* place;  ///< the message begins so
};
const Refusal kRefusals[] = {
    {"SELECT name, COUNT(*) FROM wards GROUP BY name", "dp/public-only", ""},
    {"SELECT COUNT(*) FROM people p JOIN stays s ON p.age = s.days", "dp/join", "1:"},
    {"SELECT COUNT(*) FROM (SELECT sex, COUNT(*) AS n FROM people GROUP BY sex) t", "dp/derived", "1:"},
    {"SELECT id, COUNT(*) FROM people GROUP BY id", "dp/unit-key", "1:8: "},
    {"SELECT COUNT(*) FROM people GROUP BY id", "dp/unit-key", "1:29: "},
    {"SELECT COUNT(DISTINCT city) FROM people", "dp/distinct", "1:8"},
    {"SELECT SUM(huge * huge) FROM stays", "dp/too-wide", "1:8"},
    {"SELECT VAR_POP(huge) FROM stays", "dp/too-wide", "1:8"},
    {"SELECT sex FROM people GROUP BY sex", "dp/nothing-asked", "1:8"},
};

TEST(DpPrepare, RefusesWithPlaceRuleAndWayOut) {
  World world(wide_grant());
  world.put("wards", "ward,name\n1,a\n2,b\n");
  for (const Refusal& r : kRefusals) {
    SCOPED_TRACE(r.sql);
    const auto prepared = world.prepare(r.sql);
    ASSERT_FALSE(prepared);
    const Error& e = prepared.error();
    EXPECT_NE(e.detail.find("rule=" + std::string(r.rule) + " "), std::string::npos) << e.message << " | " << e.detail;
    EXPECT_NE(e.message.find("[" + std::string(r.rule) + "]"), std::string::npos) << e.message;
    EXPECT_EQ(e.message.rfind(r.place, 0), 0U) << e.message;
    EXPECT_NE(e.detail.find("position="), std::string::npos);
  }
  EXPECT_TRUE(world.source.reads.empty() || world.source.reads == std::vector<std::string>{"wards"});
}

TEST(DpPrepare, NamesTheBackendThatAnswersOnlyWhereOneDoes) {
  World world(wide_grant());
  const auto counts = world.prepare("SELECT COUNT(DISTINCT city) FROM people");
  EXPECT_EQ(counts.error().detail.find("accepted_by"), std::string::npos);
  const auto key = world.prepare("SELECT id, COUNT(*) FROM people GROUP BY id");
  EXPECT_NE(key.error().detail.find("accepted_by=he_backend"), std::string::npos);
}

TEST(DpPrepare, HoldsEpsilonToTheGrant) {
  World world(wide_grant());
  for (const char* epsilon : {"0.099", "3.000000001"}) {
    const auto prepared = world.prepare("SELECT COUNT(*) FROM people", epsilon);
    ASSERT_FALSE(prepared);
    EXPECT_NE(prepared.error().message.find("0.1 to 3 [dp/epsilon]"), std::string::npos) << prepared.error().message;
  }
  EXPECT_TRUE(world.prepare("SELECT COUNT(*) FROM people", "0.1"));
  EXPECT_TRUE(world.prepare("SELECT COUNT(*) FROM people", "3"));
}

TEST(DpPrepare, ChargesNoMoreThanAsked) {
  World world(wide_grant());
  world.put("wards", "ward,name\n1,a\n2,b\n");
  for (const char* sql :
       {"SELECT COUNT(*) FROM people", "SELECT city, COUNT(*) FROM people GROUP BY city",
        "SELECT city, AVG(age), VAR_POP(weight), MEDIAN(age), COUNT(*) FROM people GROUP BY city",
        "SELECT name, SUM(days), COUNT(DISTINCT person) FROM stays s JOIN wards w ON s.ward = w.ward GROUP BY name",
        "SELECT AVG(age), AVG(weight), SUM(age*weight), COUNT(weight), MAX(age) FROM people"}) {
    SCOPED_TRACE(sql);
    const auto prepared = world.prepare(sql, "1");
    ASSERT_TRUE(prepared) << prepared.error().message;
    const policy::Charge& charge = prepared->charge();
    EXPECT_EQ(charge.epsilon.text(), "1");
    EXPECT_LE(charge.delta, policy::default_delta(world.grant, charge.epsilon));
    // The mechanisms themselves, added up by somebody else, do not come to more.
    prism::dp::Accountant accountant(prism::dp::Method::basic);
    accountant.compose(charge.events);
    EXPECT_LE(accountant.epsilon(charge.delta), 1 + 1e-9);
    const Preview shown = preview(*prepared);
    EXPECT_EQ(shown.epsilon, charge.epsilon);
    std::int64_t shares = 0;
    for (const Release& r : shown.releases) shares += r.epsilon.nano();
    EXPECT_LE(shares, charge.epsilon.nano());
    EXPECT_GE(shares, charge.epsilon.nano() - 100);
  }
}

TEST(DpPrepare, ManySumsShareGaussianNoiseWithinTheSameBudget) {
  policy::Grant grant = people_grant();
  std::string sql = "SELECT COUNT(*)";
  for (int i = 0; i < 60; ++i) {
    grant.tables[0].columns.push_back(integer_column("c" + std::to_string(i), policy::Bounds{0, 1}));
    sql += ", SUM(c" + std::to_string(i) + ")";
  }
  const auto prepared = dp::prepare(grant, sql + " FROM people", World::options("1"));
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Preview shown = preview(*prepared);
  ASSERT_EQ(shown.releases.size(), 61U);
  EXPECT_EQ(shown.releases[1].mechanism, "discrete Gaussian");
  EXPECT_LE(prepared->charge().delta, policy::default_delta(grant, shown.epsilon));
  // Laplace with a sixtieth of epsilon each would reach 180; the joint Gaussian a fraction of it.
  EXPECT_LT(std::stoi(*shown.columns[1].plus_minus), 90);
  prism::dp::Accountant accountant(prism::dp::Method::pld);
  accountant.compose(prepared->charge().events);
  EXPECT_LE(accountant.epsilon(prepared->charge().delta), 1.001);  // it rounds losses up to a grid
}

TEST(DpPrepare, WideBoundsAreAnsweredUpToWhat128BitsHold) {
  const auto asks = [](std::int64_t high, const char* sql) {
    policy::Grant grant = people_grant();
    grant.tables[0].columns[1].bounds = policy::Bounds{0, high};
    for (const char* delta : {"0", "1e-6"}) {
      SCOPED_TRACE(std::string(sql) + " of 0 to " + std::to_string(high) + ", delta " + delta);
      Options options = World::options("1");
      if (*delta != '0') options.delta = prism::dp::Delta::parse(delta).value();
      const auto prepared = dp::prepare(grant, sql, options);
      EXPECT_TRUE(prepared) << (prepared ? "" : prepared.error().message);
    }
  };
  asks(2'000'000'000'000'000, "SELECT SUM(age) FROM people");
  asks(50'000'000, "SELECT VAR_POP(age) FROM people");
  // Around where squares of sensitivities can be written.
  for (const int bits : {49, 50, 51, 59, 60, 61}) {
    for (const std::int64_t off : {-1, 0, 1}) {
      asks((std::int64_t{1} << bits) + off, "SELECT SUM(age) FROM people");
      asks((std::int64_t{1} << bits) + off, "SELECT SUM(age), SUM(weight), COUNT(*), SUM(age * weight) FROM people");
    }
  }
}

TEST(DpPrepare, ChargesFitLedgersOfBothAccountings) {
  for (const auto method : {prism::dp::Method::basic, prism::dp::Method::zcdp}) {
    policy::Grant grant = people_grant();
    grant.accounting = method;
    World world(grant);
    world.put("people", "id,age,weight,score,sex,city\n1,20,60,1,F,Ulm\n");
    for (const char* sql : {"SELECT city, COUNT(*), AVG(age), MEDIAN(weight) FROM people GROUP BY city",
                            "SELECT city, COUNT(*) FROM people GROUP BY city", "SELECT AVG(score) FROM people"}) {
      const auto answer = world.ask(sql, "0.5");
      EXPECT_TRUE(answer) << sql << ": " << (answer ? "" : answer.error().message);
    }
  }
}

TEST(DpPrepare, OneReleaseServesEverythingAboutAColumn) {
  World world(wide_grant());
  const auto releases = [&](const char* sql) { return preview(*world.prepare(sql)).releases; };
  EXPECT_EQ(releases("SELECT COUNT(*), SUM(age), AVG(age), VAR_POP(age), STDDEV(age) FROM people").size(), 1U);
  EXPECT_EQ(releases("SELECT MEDIAN(age), MIN(age), MAX(age), QUANTILE(age, 0.9) FROM people").size(), 1U);
  EXPECT_EQ(releases("SELECT COUNT(*), COUNT(weight), AVG(weight) FROM people").size(), 1U);
  EXPECT_EQ(releases("SELECT AVG(age), AVG(weight), COUNT(*) FROM people").size(), 2U);
  EXPECT_EQ(releases("SELECT COUNT(*), COUNT(DISTINCT id) FROM people").size(), 1U);
}

TEST(DpPrepare, BoundsOfOneUnitFollowJoinsAndDerivedTables) {
  World world(wide_grant());
  world.put("wards", "ward,name\n1,a\n1,b\n1,c\n2,b\n");
  const auto rows = [&](const char* sql) {
    const auto prepared = world.prepare(sql);
    EXPECT_TRUE(prepared) << (prepared ? "" : prepared.error().message);
    return prepared ? preview(*prepared).contribution.rows : 0;
  };
  EXPECT_EQ(rows("SELECT COUNT(*) FROM people"), 1U);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM stays"), 4U);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM people p JOIN stays s ON p.id = s.person"), 4U);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM stays a JOIN stays b ON a.person = b.person"), 16U);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM stays s JOIN wards w ON s.ward = w.ward"), 12U);
  EXPECT_EQ(rows("SELECT COUNT(*) FROM (SELECT person, SUM(days) AS d FROM stays GROUP BY person) t"), 1U);
}

TEST(DpPrepare, PublicGroupsAreKnownBeforehand) {
  World world(wide_grant());
  const auto groups = [&](const char* sql) {
    const auto prepared = world.prepare(sql);
    EXPECT_TRUE(prepared) << (prepared ? "" : prepared.error().message);
    const Preview shown = preview(*prepared);
    return shown.public_groups ? std::optional(shown.groups) : std::nullopt;
  };
  EXPECT_EQ(groups("SELECT sex, COUNT(*) FROM people GROUP BY sex"), 2U);
  EXPECT_EQ(groups("SELECT sex, COUNT(*) FROM people WHERE sex <> 'F' GROUP BY sex"), 1U);
  EXPECT_EQ(groups("SELECT sex, COUNT(*) FROM people WHERE sex = 'F' OR age > 3 GROUP BY sex"), 2U);
  EXPECT_EQ(groups("SELECT city, COUNT(*) FROM people GROUP BY city"), std::nullopt);
  EXPECT_EQ(groups("SELECT sex, city, COUNT(*) FROM people GROUP BY sex, city"), std::nullopt);
}

TEST(DpPreview, TellsTheWidthOfCountsAndSumsExactly) {
  World world(people_grant());
  world.put("people", "id,age,weight,score,sex,city\n1,20,60,1,F,Ulm\n");
  const auto prepared = world.prepare("SELECT COUNT(weight), SUM(age) FROM people", "1");
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Preview shown = preview(*prepared);
  const auto answer = world.run(*prepared);
  ASSERT_TRUE(answer);
  // Laplace of scale 1 / 0.5: P(|x| <= 6) is the first above 95 %; of scale 100 / 0.5 for the sum.
  EXPECT_EQ(shown.columns[0].plus_minus, "6");
  EXPECT_TRUE(shown.columns[0].exact && shown.columns[1].exact);
  const auto& sum = *answer->intervals[0][1];
  const long low = std::stol(std::get<table::Number>(sum.low).text);
  const long high = std::stol(std::get<table::Number>(sum.high).text);
  EXPECT_EQ((high - low) / 2, std::stol(*shown.columns[1].plus_minus));
  EXPECT_NE(to_text(shown).find("± 6"), std::string::npos);
  EXPECT_NE(to_json(shown).find("\"plus_minus\": \"6\""), std::string::npos);
}

}  // namespace
}  // namespace prism::backend::dp::test
