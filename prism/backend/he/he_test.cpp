// The whole path in one process: table -> sealed file -> compile -> answer -> open.
#include <gtest/gtest.h>

#include <filesystem>

#include "prism/backend/he/open.h"
#include "prism/backend/he/query.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/sealed/writer.h"
#include "prism/table/read_csv.h"

namespace prism::backend::he {
namespace {

constexpr const char* kPeople =
    "name,age,state,income,visits\n"
    "ann,34,NJ,1200.50,3\n"
    "bob,,CA,800.25,0\n"
    "cyd,71,NJ,,12\n"
    "dee,18,,99.99,7\n"
    "eve,52,TX,4300.00,1\n"
    "fay,52,CA,-20.75,\n"
    "gus,65,CA,650.00,9\n";

struct Sealed {
  std::string path;
  sealed::Manifest manifest;
  rlwe::SecretKey key;
};

sealed::SealOptions all_roles() {
  sealed::SealOptions options;
  for (const char* c : {"age", "income", "visits"}) {
    options.roles.emplace_back(c, sealed::Role::measure);
    options.roles.emplace_back(c, sealed::Role::filter);
  }
  options.roles.emplace_back("state", sealed::Role::filter);
  options.roles.emplace_back("state", sealed::Role::group);
  options.publish = {"state"};
  return options;
}

Result<Sealed> seal_text(const std::string& csv, const sealed::SealOptions& options, const std::string& path) {
  PRISM_TRY(const table::Table table, table::read_csv_text("people", csv));
  PRISM_TRY(sealed::Proposal proposal, sealed::propose(table, options));
  host::SystemRandom random;
  PRISM_CHECKED(random.fill(proposal.header.id));
  PRISM_TRY(rlwe::SecretKey key, rlwe::SecretKey::generate(proposal.header.parameters->rlwe_ptr(), random));
  PRISM_TRY(host::AtomicFile file, host::AtomicFile::create(path, host::AtomicFile::Access::everybody));
  Serial serial;
  PRISM_TRY(sealed::Manifest manifest, sealed::seal(table, proposal.header, key, file, random, serial));
  PRISM_CHECKED(file.commit());
  return Sealed{path, std::move(manifest), std::move(key)};
}

Result<std::string> ask(const Sealed& s, const std::string& sql) {
  PRISM_TRY(const sealed::SealedTable table, sealed::SealedTable::open(s.path));
  PRISM_TRY(const Compiled question, compile(table, sql, {}));
  Serial serial;
  PRISM_TRY(const Bytes answer, answer_query(table, question, serial));
  PRISM_TRY(const Opened opened, open_answer(answer, s.manifest, s.key));
  std::string text = table::to_csv(opened.table);
  return text;
}

std::string scratch(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("prism_he_test_" + name)).string();
}

TEST(HeBackendTest, AnswersEqualTheTruth) {
  auto sealed = seal_text(kPeople, all_roles(), scratch("people.sealed"));
  ASSERT_TRUE(sealed) << sealed.error().message;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"select count(*) from people", "count\n7\n"},
      {"select count(age), sum(income) from people", "count,sum\n6,7029.99\n"},
      {"select count(*) from people where age >= 52", "count\n4\n"},
      {"select count(*), sum(visits) from people where age < 60 and state = 'CA'", "count,sum\n1,\n"},
      {"select sum(income) from people where state = 'NJ' or visits between 7 and 9", "sum\n1950.49\n"},
      {"select state, count(*), sum(income) from people where age is not null group by state order by state",
       "state,count,sum\nCA,2,629.25\nNJ,2,1200.50\nTX,1,4300.00\n,1,99.99\n"},
      {"select count(*) from people where not (age > 20 and income > 0)", "count\n2\n"},
  };
  for (const auto& [sql, want] : cases) {
    const auto got = ask(*sealed, sql);
    ASSERT_TRUE(got) << sql << "\n" << got.error().message;
    EXPECT_EQ(*got, want) << sql;
  }
}

}  // namespace
}  // namespace prism::backend::he
