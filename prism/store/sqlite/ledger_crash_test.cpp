// The machine dies at every write, sync, truncate, delete and rename of the ledger, its journal and its mark.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include "prism/store/sqlite/internal/faulty_disk.h"
#include "prism/store/sqlite/internal/ledger_test_support.h"
#include "prism/store/sqlite/internal/mark.h"
#include "prism/store/sqlite/ledger_file.h"

namespace prism::store::sqlite {
namespace {

namespace fs = std::filesystem;
using internal::FaultyDisk;
using internal::kTestTime;
using internal::test_charge;
using internal::test_grant;
using internal::test_ledger;
using internal::TestFolder;
using policy::ReservationId;
using policy::ReservationState;
using Fault = FaultyDisk::Fault;
using Loss = FaultyDisk::Loss;

/// What somebody who used the ledger was told before the machine died.
struct Told {
  struct One {
    dp::Epsilon epsilon;
    std::optional<ReservationId> id{};  ///< none: reserve() did not come back
    bool committed = false;
    bool rollback_began = false;
    bool rolled_back = false;
  };
  std::vector<One> all;
};

/// What the folder of marks held when a mark was last about to be raised.
std::map<std::string, std::string>& marks_before() {
  static std::map<std::string, std::string> files;
  return files;
}

std::map<std::string, std::string> marks_in(const TestFolder& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder.marks())) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().string()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

/// Died before the sync of a mark: what was written to it is not on the disk, or half of it is.
void lose_unsynced_mark(const TestFolder& folder, const std::map<std::string, std::string>& before, bool half) {
  for (const auto& [path, content] : marks_in(folder)) {
    const auto same = before.find(path);
    if (same != before.end() && same->second == content) continue;
    fs::resize_file(path, half ? content.size() / 2 : 0);
  }
}

LedgerOptions faulty_options(const TestFolder& folder) {
  LedgerOptions options = folder.options();
  options.vfs = FaultyDisk::kName;
  options.on_mark_step = [&folder](std::string_view step) {
    if (step == "open") marks_before() = marks_in(folder);
    return FaultyDisk::instance().mark_step(step);
  };
  options.patience = std::chrono::milliseconds(0);
  return options;
}

/// Reserves, commits, rolls back, until the end or the machine's.
Told use(const TestFolder& folder, const policy::Grant& grant) {
  Told told;
  auto book = LedgerFile::open(folder.ledger(), faulty_options(folder));
  if (!book) return told;
  const auto reserve = [&](std::string_view epsilon) {
    told.all.push_back({.epsilon = dp::Epsilon::parse(epsilon).value()});
    const auto id = book->reserve(test_charge(grant, epsilon), kTestTime);
    if (id) told.all.back().id = *id;
    return id.has_value();
  };
  if (!reserve("0.1")) return told;
  if (!book->commit(*told.all[0].id, kTestTime)) return told;
  told.all[0].committed = true;
  if (!reserve("0.2")) return told;
  told.all[1].rollback_began = true;
  if (!book->rollback(*told.all[1].id, kTestTime)) return told;
  told.all[1].rolled_back = true;
  if (!reserve("0.4")) return told;
  reserve("0.8");
  return told;
}

/// Every amount that was told is there; what was in flight may be, and then it is charged.
void expect_kept(const policy::Ledger& ledger, const Told& told) {
  std::int64_t sum = 0;
  std::size_t unknown = 0;
  for (const policy::Reservation& found : ledger.reservations()) {
    if (found.state != ReservationState::rolled_back) sum += found.charge.epsilon.nano();
    if (found.charge.epsilon.text() == "1.6") continue;  // was there before
    const auto one = std::find_if(told.all.begin(), told.all.end(),
                                  [&](const Told::One& t) { return t.epsilon == found.charge.epsilon; });
    ASSERT_NE(one, told.all.end()) << "a charge that nobody made";
    if (!one->id) ++unknown;
    if (found.state == ReservationState::rolled_back) {
      EXPECT_TRUE(one->rollback_began || !one->id);
    }
  }
  EXPECT_LE(unknown, 1U);
  EXPECT_EQ(ledger.balance().dataset.spent.nano(), sum);
  for (const Told::One& one : told.all) {
    if (!one.id) continue;
    const auto found = std::find_if(ledger.reservations().begin(), ledger.reservations().end(),
                                    [&](const policy::Reservation& r) { return r.id == *one.id; });
    ASSERT_NE(found, ledger.reservations().end()) << "a charge of epsilon " << one.epsilon.text() << " is lost";
    EXPECT_EQ(found->charge.epsilon, one.epsilon);
    EXPECT_TRUE(!one.committed || found->state == ReservationState::committed);
    EXPECT_TRUE(!one.rolled_back || found->state == ReservationState::rolled_back);
    EXPECT_TRUE(one.rollback_began || found->state != ReservationState::rolled_back);
  }
}

/// Starts the machine again: the ledger opens, keeps what was told, and goes on.
void restart(const TestFolder& folder, const policy::Grant& grant, const Told& told) {
  FaultyDisk::instance().start(0);
  auto book = LedgerFile::open(folder.ledger(), faulty_options(folder));
  ASSERT_TRUE(book) << book.error().message;
  const policy::Ledger ledger = book->read().value();
  expect_kept(ledger, told);
  const auto next = book->reserve(test_charge(grant, "0.3"), kTestTime);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(book->read()->balance().dataset.left.nano(), ledger.balance().dataset.left.nano() - 300'000'000);
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open_v2(folder.ledger().c_str(), &connection, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  sqlite3_exec(
      connection, "PRAGMA integrity_check",
      [](void*, int, char** values, char**) {
        EXPECT_STREQ(values[0], "ok");
        return 0;
      },
      nullptr, nullptr);
  sqlite3_close(connection);
}

void replace_by(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

TEST(LedgerCrash, NoChargeThatWasToldIsLostWhereverTheMachineDies) {
  const TestFolder folder;
  const policy::Grant grant = test_grant("10");
  {
    LedgerFile book = test_ledger(folder, grant);
    ASSERT_TRUE(book.reserve(test_charge(grant, "1.6"), kTestTime));
  }
  const fs::path start = folder.root() / "start";
  const fs::path crashed = folder.root() / "crashed";
  const auto save = [&](const fs::path& where) {
    replace_by(folder.root() / "data", where / "data");
    replace_by(folder.marks(), where / "marks");
  };
  const auto load = [&](const fs::path& where) {
    replace_by(where / "data", folder.root() / "data");
    replace_by(where / "marks", folder.marks());
  };
  fs::create_directories(start);
  fs::create_directories(crashed);
  save(start);

  FaultyDisk& disk = FaultyDisk::instance();
  const int shuffles = std::getenv("PRISM_LONG") != nullptr ? 50 : 2;
  std::set<std::string> places;
  std::set<int> writes;  // which operations can be half done
  for (const bool half_writes : {false, true}) {
    bool finished = false;
    for (int n = 1; !finished; ++n) {
      ASSERT_LT(n, 1'000);
      if (half_writes && n <= *writes.rbegin() && !writes.contains(n)) continue;
      load(start);
      disk.start(n, half_writes ? Fault::death_halfway : Fault::death);
      const Told told = use(folder, grant);
      finished = !disk.dead();
      const std::string where = disk.last();
      SCOPED_TRACE("dies at operation " + std::to_string(n) + ": " + where);
      if (!finished) places.insert(where);
      if (!half_writes && where.starts_with("write")) writes.insert(n);
      save(crashed);
      const FaultyDisk::Files files = disk.files();
      const auto marks = marks_before();
      for (int i = 0; i < 2 + shuffles; ++i) {
        const Loss loss = i == 0 ? Loss::nothing : i == 1 ? Loss::all_unsynced : Loss::some_unsynced;
        SCOPED_TRACE("then loses, way " + std::to_string(i));
        load(crashed);
        std::mt19937_64 random(static_cast<std::uint64_t>(1'000 * n + i));
        FaultyDisk::power_loss(files, loss, random);
        if (loss != Loss::nothing && where == "mark sync") lose_unsynced_mark(folder, marks, i % 2 == 0);
        restart(folder, grant, told);
        if (testing::Test::HasFailure()) return;
      }
      EXPECT_TRUE(!finished || told.all.size() == 4U);
    }
  }
  // All kinds of places were tried.
  for (const char* place : {"create t.csv.budget-journal", "write t.csv.budget-journal", "sync t.csv.budget-journal",
                            "write t.csv.budget", "sync t.csv.budget", "delete t.csv.budget-journal", "mark open",
                            "mark write", "mark sync", "mark rename", "mark done"})
    EXPECT_TRUE(places.contains(place)) << place;
}

// The disk fails once and the program goes on: it must not believe anything that the file does not say.
TEST(LedgerCrash, AnErrorOfTheDiskLosesNothingAndTheSameBookGoesOn) {
  const TestFolder folder;
  const policy::Grant grant = test_grant("10");
  {
    test_ledger(folder, grant);
  }
  FaultyDisk& disk = FaultyDisk::instance();
  const fs::path start = folder.root() / "start";
  replace_by(folder.root() / "data", start);
  const fs::path marks = folder.root() / "start.marks";
  replace_by(folder.marks(), marks);
  for (const Fault fault : {Fault::error, Fault::false_error}) {
    bool met = true;
    for (int n = 1; met; ++n) {
      ASSERT_LT(n, 1'000);
      replace_by(start, folder.root() / "data");
      replace_by(marks, folder.marks());
      disk.start(0);
      auto book = LedgerFile::open(folder.ledger(), faulty_options(folder));
      ASSERT_TRUE(book);
      disk.set_fault(n, fault);
      Told told;
      int errors = 0;
      for (const std::string_view epsilon : {"0.1", "0.2", "0.4"}) {
        const auto id = book->reserve(test_charge(grant, epsilon), kTestTime);
        told.all.push_back({.epsilon = dp::Epsilon::parse(epsilon).value()});
        if (!id) {
          EXPECT_EQ(id.error().code, ErrorCode::io) << id.error().message;
          told.all.back().rollback_began = true;  // what is in the ledger by then is given back
          ++errors;
          continue;
        }
        told.all.back().id = *id;
        if (epsilon == "0.2") continue;
        told.all.back().committed = book->commit(*id, kTestTime).has_value();
        if (!told.all.back().committed) ++errors;
      }
      met = disk.operations() >= n;
      SCOPED_TRACE("fails at operation " + std::to_string(n));
      EXPECT_LE(errors, 1);
      disk.set_fault(0);
      const auto seen = book->read();
      ASSERT_TRUE(seen) << seen.error().message;
      expect_kept(*seen, told);
      auto again = LedgerFile::open(folder.ledger(), faulty_options(folder));
      ASSERT_TRUE(again) << again.error().message;
      EXPECT_EQ(again->read()->head(), seen->head());
      if (HasFailure()) return;
    }
  }
}

TEST(LedgerCrash, AGrantIsMadeWholeOrNotAtAll) {
  const policy::Grant grant = test_grant();
  host::SystemRandom random;
  for (const std::string_view dies_at : {"open", "write", "sync", "rename", "done"}) {
    SCOPED_TRACE(dies_at);
    const TestFolder folder;
    LedgerOptions options = folder.options();
    options.on_mark_step = [&](std::string_view step) -> Status {
      if (step == dies_at) return fail(ErrorCode::io, "the machine is dead");
      return {};
    };
    EXPECT_FALSE(LedgerFile::create(folder.ledger(), grant, options, random, kTestTime));
    EXPECT_FALSE(fs::exists(folder.ledger()));
    EXPECT_TRUE(LedgerFile::create(folder.ledger(), grant, folder.options(), random, kTestTime));
  }
}

// A moved ledger whose acknowledgement dies half-way is acknowledged again, or is right; a restored one never gets its
// budget back by it.
TEST(LedgerCrash, AcknowledgingHalfwayGivesNothingAway) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  const fs::path backup = folder.root() / "backup";
  {
    LedgerFile book = test_ledger(folder, grant);
    fs::copy_file(folder.ledger(), backup);
    ASSERT_TRUE(book.reserve(test_charge(grant, "0.6"), kTestTime));
  }
  const std::string mark = LedgerFile::open(folder.ledger(), folder.options())->mark_path();
  const fs::path kept_mark = folder.root() / "kept.mark";
  fs::copy_file(mark, kept_mark);
  FaultyDisk& disk = FaultyDisk::instance();
  for (int n = 1;; ++n) {
    ASSERT_LT(n, 200);
    fs::remove(folder.ledger() + "-journal");
    fs::copy_file(backup, folder.ledger(), fs::copy_options::overwrite_existing);
    fs::copy_file(kept_mark, mark, fs::copy_options::overwrite_existing);
    disk.start(n);
    const auto kind = LedgerFile::acknowledge(folder.ledger(), faulty_options(folder), kTestTime);
    const bool died = disk.dead();
    std::mt19937_64 random(1);
    FaultyDisk::power_loss(disk.files(), Loss::all_unsynced, random);
    disk.start(0);
    auto book = LedgerFile::open(folder.ledger(), faulty_options(folder));
    if (book) {
      EXPECT_EQ(book->read()->balance().dataset.left.nano(), 0) << n;
    } else {
      EXPECT_EQ(book.error().code, ErrorCode::refused) << n << ": " << book.error().message;
      EXPECT_FALSE(kind);
    }
    if (!died) break;
  }
}

// The same with the real thing: a process that is killed wherever it happens to be.
TEST(LedgerCrash, AKilledProcessLosesNoChargeItWasTold) {
  const TestFolder folder;
  policy::Grant grant = test_grant("1000");
  grant.query_least = dp::Epsilon::from_nano(1);  // room for as many charges as a fast disk makes
  {
    test_ledger(folder, grant);
  }
  const int kills = std::getenv("PRISM_LONG") != nullptr ? 200 : 8;
  std::set<std::uint64_t> told;
  for (int i = 0; i < kills; ++i) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      auto book = LedgerFile::open(folder.ledger(), folder.options());
      while (book) {
        const auto id = book->reserve(test_charge(grant, "0.00001"), kTestTime);
        if (!id) {
          std::fprintf(stderr, "%s\n", id.error().message.c_str());
          break;
        }
        const std::uint64_t number = id->value;
        if (::write(ends[1], &number, sizeof number) != sizeof number) break;
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(20'000 + 1'777 * (i % 50)));
    ::kill(child, SIGKILL);
    std::uint64_t number = 0;
    while (::read(ends[0], &number, sizeof number) == sizeof number) told.insert(number);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child stopped by itself";
    auto book = LedgerFile::open(folder.ledger(), folder.options());
    ASSERT_TRUE(book) << book.error().message;
    const policy::Ledger ledger = book->read().value();
    std::set<std::uint64_t> found;
    for (const policy::Reservation& reservation : ledger.reservations()) found.insert(reservation.id.value);
    EXPECT_TRUE(std::includes(found.begin(), found.end(), told.begin(), told.end()));
    EXPECT_LE(found.size(), told.size() + static_cast<std::size_t>(i) + 1);  // at most one in flight each time
    EXPECT_EQ(ledger.balance().dataset.spent.nano(), static_cast<std::int64_t>(10'000 * found.size()));
  }
  EXPECT_GT(told.size(), 0U);
}

}  // namespace
}  // namespace prism::store::sqlite
