#include "prism/duck/internal/distinct.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "prism/duck/database.h"

namespace prism::duck {
namespace {

TEST(DistinctTest, CountsAsASetDoesWhateverTheOrder) {
  std::mt19937 random(5);
  for (const std::size_t size : {0u, 1u, 2u, 100u, 1'023u, 1'024u, 1'025u, 20'000u})
    for (const int order : {0, 1, 2, 3}) {  // ascending with repetitions, descending, random, runs
      DistinctNumbers a, b;
      std::set<std::int32_t> all;
      for (std::size_t i = 0; i < size; ++i) {
        const auto place = static_cast<std::int32_t>(i);
        const auto last = static_cast<std::int32_t>(size);
        const std::int32_t number = order == 0   ? place / 3
                                    : order == 1 ? last - place
                                    : order == 2 ? static_cast<std::int32_t>(random() % (size + 1))
                                                 : place % 777;
        (i % 5 < 2 ? a : b).add(number);
        all.insert(number);
        if (i % 4'000 == 3'999) a.count();  // asking in between changes nothing
      }
      a.add(b);
      a.add(b);
      EXPECT_EQ(a.count(), all.size()) << size << " " << order;
    }
}

TEST(DistinctTest, TheEngineCountsTheSame) {
  auto database = Database::open({.memory_bytes = std::uint64_t{256} << 20, .threads = 4});
  ASSERT_TRUE(database) << database.error().message;
  for (const char* const number :
       {"range // 4", "(range * 7919) % 50021", "CASE WHEN range % 3 = 0 THEN range % 1000 END"}) {
    const std::string inner =
        std::string("(SELECT range % 7 AS k, (") + number + ")::INTEGER AS v FROM range(300000)) AS r";
    const auto rows =
        database->query({"SELECT k, different(v), count(DISTINCT v) FROM " + inner +
                             " GROUP BY k UNION ALL SELECT -1, different(v), count(DISTINCT v) FROM " + inner +
                             " UNION ALL SELECT -2, different(v), 0 FROM " + inner + " WHERE k > 7",
                         {}});
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->count, 9u);
    EXPECT_EQ(rows->columns[1].numbers, rows->columns[2].numbers) << number;
  }
}

TEST(DistinctTest, MemoryIsCountedAndGivenBack) {
  MemoryMeter meter(std::uint64_t{64} << 10);
  {
    DistinctNumbers a(&meter), b(&meter);
    for (std::int32_t i = 0; i < 2'000; ++i) a.add(i), b.add(-i);
    EXPECT_GE(meter.used(), 2u * 2'000 * sizeof(std::int32_t));
    a.add(b);
    EXPECT_EQ(a.count(), 3'999u);
    EXPECT_THROW(for (std::int32_t i = 0; i < 100'000; ++i) b.add(i), std::bad_alloc);
  }
  EXPECT_EQ(meter.used(), 0u);
}

/// Few groups of many numbers, and many groups of few: both end in an error, and the next statement is answered.
TEST(DistinctTest, MemoryIsLimited) {
  auto database = Database::open({.memory_bytes = std::uint64_t{32} << 20, .threads = 2, .result_rows = 10});
  ASSERT_TRUE(database) << database.error().message;
  for (const char* const rows : {"(SELECT range % 2 AS k, (range * 7919 % 10000019)::INTEGER AS v FROM range(9000000))",
                                 "(SELECT range AS k, 1::INTEGER AS v FROM range(1000000))"}) {
    const auto answer = database->query(
        {std::string("SELECT sum(n) FROM (SELECT different(v) AS n FROM ") + rows + " GROUP BY k)", {}});
    ASSERT_FALSE(answer) << rows;
    EXPECT_EQ(answer.error().code, ErrorCode::exhausted) << rows << ": " << answer.error().message;
    EXPECT_TRUE(database->query({"SELECT different(range::INTEGER) FROM range(10)", {}}));
  }
}

}  // namespace
}  // namespace prism::duck
