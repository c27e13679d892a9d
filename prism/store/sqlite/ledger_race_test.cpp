// Many submitters at once, and queries that fail after they touched data: laws that every ledger must keep, and broken
// ledgers that show that the laws can tell.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <latch>
#include <mutex>
#include <thread>

#include "prism/store/sqlite/internal/ledger_test_support.h"
#include "prism/store/sqlite/ledger_file.h"

namespace prism::store::sqlite {
namespace {

using internal::kTestTime;
using internal::test_charge;
using internal::test_grant;
using internal::test_ledger;
using internal::TestFolder;
using policy::Ledger;
using policy::ReservationId;

constexpr int kSubmitters = 200;
constexpr int kRoom = 10;  // a budget of 1 and queries of 0.1

struct Outcomes {
  int admitted = 0;
  int quota = 0;
  int other = 0;
};

/// Each submitter reserves once; all of them start together.
Outcomes race(int submitters, const std::function<Result<ReservationId>(int submitter)>& reserve) {
  std::atomic<int> admitted{0};
  std::atomic<int> quota{0};
  std::atomic<int> other{0};
  std::latch start(submitters);
  std::vector<std::thread> threads;
  for (int i = 0; i < submitters; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      const auto id = reserve(i);
      ++(id ? admitted : id.error().code == ErrorCode::quota ? quota : other);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return {admitted, quota, other};
}

bool keeps_its_room(const Outcomes& outcomes) {
  return outcomes.admitted == kRoom && outcomes.quota == kSubmitters - kRoom && outcomes.other == 0;
}

TEST(LedgerRace, TwoHundredThreadsWithRoomForTenLetTenIn) {
  const TestFolder folder;
  const policy::Grant grant = test_grant("1");
  LedgerFile book = test_ledger(folder, grant);
  const Outcomes outcomes = race(kSubmitters, [&](int) -> Result<ReservationId> {
    PRISM_TRY(LedgerFile mine, LedgerFile::open(folder.ledger(), folder.options()));
    return mine.reserve(test_charge(grant, "0.1"), kTestTime);
  });
  EXPECT_TRUE(keeps_its_room(outcomes)) << outcomes.admitted << " " << outcomes.quota << " " << outcomes.other;
  EXPECT_EQ(book.read()->balance().dataset.left.nano(), 0);
  EXPECT_EQ(book.read()->reservations().size(), static_cast<std::size_t>(kRoom));
}

TEST(LedgerRace, TwoHundredSubmittersInTwentyProcessesWithRoomForTenLetTenIn) {
  constexpr int kProcesses = 20;
  const TestFolder folder;
  const policy::Grant grant = test_grant("1");
  {
    test_ledger(folder, grant);
  }
  int start[2];
  int results[2];
  ASSERT_EQ(::pipe(start), 0);
  ASSERT_EQ(::pipe(results), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(start[1]);
      char nothing = 0;
      (void)!::read(start[0], &nothing, 1);  // returns when the parent closes its end
      const Outcomes outcomes = race(kSubmitters / kProcesses, [&](int) -> Result<ReservationId> {
        PRISM_TRY(LedgerFile mine, LedgerFile::open(folder.ledger(), folder.options()));
        return mine.reserve(test_charge(grant, "0.1"), kTestTime);
      });
      (void)!::write(results[1], &outcomes, sizeof outcomes);
      ::_exit(0);
    }
    children.push_back(child);
  }
  ::close(start[0]);
  ::close(start[1]);
  ::close(results[1]);
  Outcomes sum;
  Outcomes one;
  while (::read(results[0], &one, sizeof one) == static_cast<ssize_t>(sizeof one)) {
    sum.admitted += one.admitted;
    sum.quota += one.quota;
    sum.other += one.other;
  }
  ::close(results[0]);
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(keeps_its_room(sum)) << sum.admitted << " " << sum.quota << " " << sum.other;
  LedgerFile book = LedgerFile::open(folder.ledger(), folder.options()).value();
  EXPECT_EQ(book.read()->balance().dataset.left.nano(), 0);
}

TEST(LedgerRace, ChargesCommitsAndRollbacksOfManyThreadsAddUp) {
  const TestFolder folder;
  policy::Grant grant = test_grant("1000");
  LedgerFile book = test_ledger(folder, grant);
  std::atomic<int> kept{0};
  const Outcomes outcomes = race(16, [&](int submitter) -> Result<ReservationId> {
    PRISM_TRY(LedgerFile mine, LedgerFile::open(folder.ledger(), folder.options()));
    for (int i = 0; i < 6; ++i) {
      PRISM_TRY(const ReservationId id, mine.reserve(test_charge(grant, "0.1"), kTestTime));
      switch ((submitter + i) % 3) {
        case 0:
          PRISM_CHECKED(mine.rollback(id, kTestTime));
          break;
        case 1:
          PRISM_CHECKED(mine.commit(id, kTestTime));
          ++kept;
          break;
        default:
          ++kept;
      }
    }
    return ReservationId{0};
  });
  EXPECT_EQ(outcomes.admitted, 16);
  EXPECT_EQ(book.read()->balance().dataset.spent.nano(), 100'000'000LL * kept);
  EXPECT_EQ(book.read()->reservations().size(), 96U);
}

// The broken ledger looks first and charges afterwards, in two steps.
TEST(LedgerRace, ALedgerThatChecksThenActsIsCaught) {
  const policy::Grant grant = test_grant("1");
  const policy::MemoryBook empty = policy::MemoryBook::make(grant).value();
  std::mutex mutex;
  policy::MemoryBook shared = empty;
  std::uint64_t charged = 0;
  std::latch looked(kSubmitters);  // the unlucky moment, made certain
  const Outcomes outcomes = race(kSubmitters, [&](int) -> Result<ReservationId> {
    const Ledger now = [&] {
      const std::lock_guard guard(mutex);
      return shared.read().value();
    }();
    const auto looks_fine = now.reserve(test_charge(grant, "0.1"), kTestTime);
    looked.arrive_and_wait();
    if (!looks_fine) return looks_fine.error();
    const std::lock_guard guard(mutex);
    return ReservationId{++charged};
  });
  EXPECT_FALSE(keeps_its_room(outcomes));
  EXPECT_EQ(outcomes.admitted, kSubmitters);
}

/// How often data was touched by queries that all fail afterwards, each followed by a restart. A budget for ten lets
/// ten touch it.
int touches_before_refusal(const std::function<Result<ReservationId>()>& reserve,
                           const std::function<void(ReservationId failed)>& fail_and_restart) {
  constexpr int kEnough = 1'000;
  int touches = 0;
  while (touches < kEnough) {
    const auto id = reserve();
    if (!id) {
      EXPECT_EQ(id.error().code, ErrorCode::quota);
      break;
    }
    ++touches;
    fail_and_restart(*id);
  }
  return touches;
}

TEST(LedgerRefund, QueriesThatFailAfterTheyTouchedDataStayCharged) {
  const TestFolder folder;
  const policy::Grant grant = test_grant("1");
  std::optional<LedgerFile> book = test_ledger(folder, grant);
  const int touches = touches_before_refusal([&] { return book->reserve(test_charge(grant, "0.1"), kTestTime); },
                                             [&](ReservationId failed) {
                                               book.reset();
                                               book = LedgerFile::open(folder.ledger(), folder.options()).value();
                                               // Somebody tidies up what the crash left: not by giving budget back.
                                               EXPECT_FALSE(book->rollback(failed, kTestTime));
                                             });
  EXPECT_EQ(touches, kRoom);
}

// The broken ledger takes a reservation that nobody ended for one that touched nothing.
TEST(LedgerRefund, ALedgerThatRefundsAfterAFailureIsCaught) {
  const policy::Grant grant = test_grant("1");
  policy::MemoryBook book = policy::MemoryBook::make(grant).value();
  const int touches =
      touches_before_refusal([&] { return book.reserve(test_charge(grant, "0.1"), kTestTime); },
                             [&](ReservationId failed) { EXPECT_TRUE(book.rollback(failed, kTestTime)); });
  EXPECT_NE(touches, kRoom);
}

// The broken ledger charges when the answer is released, so that failed queries are free.
TEST(LedgerRefund, ALedgerThatChargesAfterwardsIsCaught) {
  const policy::Grant grant = test_grant("1");
  policy::MemoryBook book = policy::MemoryBook::make(grant).value();
  const int touches = touches_before_refusal(
      [&]() -> Result<ReservationId> {
        PRISM_TRY(const Ledger now, book.read());
        PRISM_TRY(const policy::LedgerEvent would, now.reserve(test_charge(grant, "0.1"), kTestTime));
        return ReservationId{would.sequence};
      },
      [](ReservationId) { /* no answer, no charge */ });
  EXPECT_NE(touches, kRoom);
}

}  // namespace
}  // namespace prism::store::sqlite
