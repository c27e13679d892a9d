// Whoever asks about a table has its header from somebody else: whatever header is read at all can be asked anything
// without stopping the process.
#include <gtest/gtest.h>

#include <random>

#include "prism/backend/he/lower.h"
#include "prism/program/analysis.h"
#include "prism/sealed/propose.h"
#include "prism/sql/sql.h"
#include "prism/table/read_csv.h"

namespace prism::backend::he {
namespace {

TEST(HostileTableTest, BentHeadersAreRefusedOrAskable) {
  const auto table =
      table::read_csv_text("t", "a,b,c,s,d,u\n1,100,3,x,2020-01-01,p\n2,,4,y,2021-01-01,q\n3000,-700,9999,,,\n");
  ASSERT_TRUE(table);
  sealed::SealOptions options;
  for (const char* c : {"a", "c"})
    for (const auto role : {sealed::Role::filter, sealed::Role::measure}) options.roles.emplace_back(c, role);
  options.roles.insert(options.roles.end(), {{"b", sealed::Role::measure},
                                             {"s", sealed::Role::group},
                                             {"u", sealed::Role::group},
                                             {"u", sealed::Role::filter},
                                             {"d", sealed::Role::filter}});
  options.publish = {"s", "u"};
  options.products = {{"a", "b"}};
  const auto proposal = sealed::propose(*table, options);
  ASSERT_TRUE(proposal) << proposal.error().message;
  const Bytes honest = encode(proposal->header);
  const char* const questions[] = {
      "select count(*) from t where a in (1, 5, 9)",
      "select sum(a), sum(b), sum(c), sum(a*b), sum(a*c), var_pop(b) from t",
      "select s, sum(a), count(b) from t group by s",
      "select s, u, sum(b) from t where a < 5 or d > '2020-05-05' group by s, u",
      "select count(b), count(s), count(u) from t where b is null or s is null",
      "select count(a*b), count(d) from t where not (a > 4 and (c < 3 or u <> 'q'))",
      "select u, var_pop(a), sum(a*b) from t where d is not null group by u",
  };
  constexpr std::uint64_t kSeed = 7;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 rng(kSeed);
  int read = 0, answerable = 0;
  for (int i = 0; i < 400; ++i) {
    Bytes bent = honest;
    for (std::uint64_t n = 1 + rng() % 3; n > 0; --n) {
      std::uint8_t& byte = bent[rng() % bent.size()];
      const std::uint64_t how = rng() % 3;
      byte = static_cast<std::uint8_t>(how == 0 ? rng() : how == 1 ? byte ^ (1u << rng() % 8) : rng() % 4);
    }
    const auto header = sealed::decode_header(bent);
    if (!header) continue;
    ++read;
    for (const char* question : questions) {
      const auto plan = sql::plan_query(question, catalog_of(*header));
      if (!plan) continue;
      const auto lowered = lower(*plan, *header, published_dictionaries(*header), question);
      if (!lowered) continue;
      if (program::analyse(lowered->program, *header->parameters, header->blocks())) ++answerable;
    }
  }
  EXPECT_GT(read, 20) << "the bending is too coarse to test anything";
  EXPECT_GT(answerable, 100);
}

}  // namespace
}  // namespace prism::backend::he
