// What is promised about neighbours, against brute force: every release of every plan of a small grammar, over small
// datasets and each of their neighbours.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

#include "prism/backend/dp/internal/test_world.h"
#include "prism/backend/dp/relational_load.h"

namespace prism::backend::dp::test {
namespace {

using internal::PlannedRelease;
using Exact = std::map<Bytes, GroupNumbers>;

/// "visits": up to M rows of a unit, clamped values, NULLs, a public and a private key. "owners": one row of a unit.
/// "codes": public; key 1 occurs twice.
policy::Grant visits_grant(std::uint64_t rows_per_unit, std::optional<std::uint64_t> groups_per_unit) {
  policy::Grant grant = people_grant();
  policy::TableRule visits;
  visits.name = "visits";
  visits.path = "visits.csv";
  visits.unit = "id";
  visits.rows_per_unit = rows_per_unit;
  visits.columns = {integer_column("id"),
                    integer_column("x", policy::Bounds{-5, 3}),
                    integer_column("y", policy::Bounds{2, 4}, false, true),
                    text_column("p", {"a", "b"}),
                    text_column("q"),
                    integer_column("code")};
  policy::TableRule owners;
  owners.name = "owners";
  owners.path = "owners.csv";
  owners.unit = "id";
  owners.columns = {integer_column("id"), integer_column("z", policy::Bounds{0, 7})};
  policy::TableRule codes;
  codes.name = "codes";
  codes.path = "codes.csv";
  codes.columns = {integer_column("code"), text_column("name")};
  grant.tables = {visits, owners, codes};
  grant.groups_per_unit = groups_per_unit;
  return grant;
}

constexpr const char* kQueries[] = {
    "SELECT COUNT(*) FROM visits",
    "SELECT COUNT(y), COUNT(*) FROM visits WHERE x > 0",
    "SELECT SUM(x) FROM visits",
    "SELECT SUM(y) FROM visits",
    "SELECT AVG(x), COUNT(*), AVG(y) FROM visits",
    "SELECT VAR_POP(x), COUNT(*) FROM visits",
    "SELECT STDDEV(y), COUNT(*) FROM visits",
    "SELECT SUM(x*y), COUNT(*) FROM visits",
    "SELECT AVG(x*y), COUNT(*) FROM visits",
    "SELECT SUM(x*x) FROM visits",
    "SELECT COUNT(DISTINCT id), COUNT(*) FROM visits",
    "SELECT MEDIAN(x), MAX(y) FROM visits",
    "SELECT p, COUNT(*), AVG(y) FROM visits GROUP BY p",
    "SELECT q, COUNT(*) FROM visits GROUP BY q",
    "SELECT q, p, SUM(x), COUNT(DISTINCT id) FROM visits GROUP BY q, p",
    "SELECT p, MEDIAN(y) FROM visits GROUP BY p",
    "SELECT COUNT(*), SUM(z) FROM visits v JOIN owners o ON v.id = o.id",
    "SELECT o.z, COUNT(*) FROM visits v JOIN owners o ON v.id = o.id GROUP BY o.z",
    "SELECT AVG(x), COUNT(*) FROM visits v JOIN codes c ON v.code = c.code",
    "SELECT name, SUM(x) FROM visits v JOIN codes c ON v.code = c.code GROUP BY name",
    "SELECT COUNT(*), AVG(n), SUM(s) FROM (SELECT id, COUNT(*) AS n, SUM(x) AS s FROM visits GROUP BY id) t",
    "SELECT n, COUNT(*) FROM (SELECT id, q, COUNT(*) AS n FROM visits GROUP BY id, q) t GROUP BY n",
    "SELECT VAR_SAMP(m), COUNT(*) FROM (SELECT id, MAX(x) AS m FROM visits GROUP BY id) t",
    "SELECT COUNT(*), SUM(x) FROM (SELECT x, q FROM visits WHERE y IS NULL OR x > 1) t",
};

struct Row {
  int id, x, y;  // y below 0: NULL
  char p, q;
  int code;
};

std::string visits_csv(const std::vector<Row>& rows, int without) {
  std::string out = "id,x,y,p,q,code\n";
  for (const Row& r : rows) {
    if (r.id == without) continue;
    out += std::to_string(r.id) + "," + std::to_string(r.x) + "," + (r.y < 0 ? "" : std::to_string(r.y)) + "," + r.p +
           "," + r.q + "," + std::to_string(r.code) + "\n";
  }
  return out;
}

std::string owners_csv(int units, int without) {
  std::string out = "id,z\n";
  for (int id = 1; id <= units; ++id) {
    if (id != without) out += std::to_string(id) + "," + std::to_string(id * 3) + "\n";
  }
  return out;
}

class Neighbours {
 public:
  Neighbours(const policy::Grant& grant, const std::vector<Row>& rows, int units, int without)
      : world_(grant), database_(*duck::Database::open({})) {
    world_.put("visits", visits_csv(rows, without));
    world_.put("owners", owners_csv(units, without));
    world_.put("codes", "code,name\n1,one\n1,uno\n2,two\n");
    const Layout layout = internal::layout_of(grant);
    for (std::size_t t = 0; t < grant.tables.size(); ++t) {
      const Status loaded =
          load_table(database_, layout, t, world_.source.tables.at(grant.tables[t].name), internal::row_key_of(grant));
      EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    }
  }
  World& world() { return world_; }
  Exact exact(const Prepared& prepared) {
    Exact out;
    auto groups = prepared.state().query->run(database_);
    EXPECT_TRUE(groups) << (groups ? "" : groups.error().message);
    if (!groups) return out;
    for (GroupNumbers& group : *groups) {
      const Bytes key = internal::key_bytes(group.keys);
      out.emplace(key, std::move(group));
    }
    return out;
  }

 private:
  World world_;
  duck::Database database_;
};

/// How far two datasets' exact numbers are apart in one release: L1 and squared L2, over all groups.
std::pair<mpz_class, mpz_class> distance(const Prepared::State& state, std::size_t release, const Exact& a,
                                         const Exact& b) {
  const PlannedRelease& r = state.releases.releases[release];
  std::set<Bytes> keys;
  for (const auto& [key, group] : a) keys.insert(key);
  for (const auto& [key, group] : b) keys.insert(key);
  mpz_class l1 = 0, l2 = 0;
  const auto add = [&](const mpz_class& d) {
    l1 += abs(d);
    l2 += d * d;
  };
  for (const Bytes& key : keys) {
    const auto in = [&](const Exact& e) { return e.contains(key) ? &e.at(key) : nullptr; };
    if (r.choice) {
      std::map<std::uint64_t, mpz_class> leaves;
      const std::size_t histogram = state.raw.parts[release].histogram;
      for (const int sign : {1, -1}) {
        if (const GroupNumbers* group = in(sign == 1 ? a : b)) {
          for (const LeafCount& leaf : group->leaves[histogram])
            leaves[leaf.leaf] += sign * mpz_class(static_cast<unsigned long>(leaf.count));
        }
      }
      for (const auto& [leaf, d] : leaves) add(d);
      continue;
    }
    const auto of_a = internal::exact_numbers(state.releases, state.raw, in(a));
    const auto of_b = internal::exact_numbers(state.releases, state.raw, in(b));
    for (std::size_t k = r.first; k < r.first + r.numbers; ++k) add(of_a[k] - of_b[k]);
  }
  return {l1, l2};
}

TEST(DpSensitivity, NoNeighbourIsFartherThanPromisedAndSomeAreAsFar) {
  const int rounds = std::getenv("PRISM_LONG") != nullptr ? 40 : 4;
  const std::pair<std::uint64_t, std::optional<std::uint64_t>> shapes[] = {{1, {}}, {2, {}}, {3, 2}, {3, 1}};
  std::map<std::string, int> tight;
  for (int round = 0; round < rounds; ++round) {
    const std::uint32_t seed = 77U + static_cast<std::uint32_t>(round);
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    const auto [rows_per_unit, groups_per_unit] = shapes[round % 4];
    const policy::Grant grant = visits_grant(rows_per_unit, groups_per_unit);
    const int units = 3;
    std::vector<Row> rows;
    for (int id = 1; id <= units; ++id) {
      // Extreme units, so that bounds are reached: all rows alike at one end, or spread over groups.
      const int count = pick(1, static_cast<int>(rows_per_unit) + 1);
      const bool alike = pick(0, 1) == 1;
      Row row{id, pick(0, 1) == 1 ? 99 : -99, pick(-1, 1) * 9, 'a', 'u', 1};
      for (int i = 0; i < count; ++i) {
        if (!alike) row = {id, pick(-4, 6), pick(-1, 6), "abc"[pick(0, 2)], "uvw"[pick(0, 2)], pick(1, 3)};
        rows.push_back(row);
      }
    }
    Neighbours whole(grant, rows, units, 0);
    std::vector<std::unique_ptr<Neighbours>> others;
    for (int without = 1; without <= units; ++without)
      others.push_back(std::make_unique<Neighbours>(grant, rows, units, without));
    for (const char* sql : kQueries) {
      SCOPED_TRACE(sql);
      const auto prepared = whole.world().prepare(sql);
      ASSERT_TRUE(prepared) << prepared.error().message;
      const Prepared::State& state = prepared->state();
      const Exact of_whole = whole.exact(*prepared);
      for (const auto& other : others) {
        const Exact of_other = other->exact(*prepared);
        for (std::size_t i = 0; i < state.releases.releases.size(); ++i) {
          const PlannedRelease& r = state.releases.releases[i];
          const auto [l1, l2] = distance(state, i, of_whole, of_other);
          EXPECT_LE(l1, internal::to_mpz(r.l1)) << r.what;
          EXPECT_LE(l2, internal::to_mpz(r.l2_squared)) << r.what;
          if (l1 == internal::to_mpz(r.l1)) ++tight[r.what];
        }
        if (!state.releases.selection) continue;
        // One unit changes the units of a bounded number of groups, each by one.
        std::set<Bytes> keys;
        for (const auto& [key, group] : of_whole) keys.insert(key);
        for (const auto& [key, group] : of_other) keys.insert(key);
        std::uint64_t changed = 0;
        for (const Bytes& key : keys) {
          const auto units_in = [&](const Exact& e) {
            return e.contains(key) ? e.at(key).numbers[*state.raw.units][0] : Int128{0};
          };
          const Int128 d = units_in(of_whole) - units_in(of_other);
          EXPECT_LE(d, 1);
          EXPECT_GE(d, 0);
          changed += d != 0 ? 1 : 0;
        }
        EXPECT_LE(changed, state.releases.contribution.groups);
      }
    }
  }
  // The promises are not idle: these are reached by some neighbour, so anything smaller would be wrong.
  for (const char* what : {"rows", "sum of x", "count and sum of x", "count, sum and squares of x"})
    EXPECT_GT(tight[what], 0) << what;
}

}  // namespace
}  // namespace prism::backend::dp::test
