#include "prism/store/sqlite/ledger_file.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "prism/host/file.h"
#include "prism/store/sqlite/internal/ledger_test_support.h"
#include "prism/store/sqlite/internal/mark.h"

namespace prism::store::sqlite {
namespace {

namespace fs = std::filesystem;
using internal::kTestTime;
using internal::test_charge;
using internal::test_grant;
using internal::test_ledger;
using internal::TestFolder;
using policy::ReservationId;
using policy::ReservationState;

constexpr auto kOver = fs::copy_options::overwrite_existing;

std::int64_t spent(LedgerFile& book) { return book.read().value().balance().dataset.spent.nano(); }

/// Runs SQL on the file as somebody with a shell would.
void edit(const std::string& path, const char* sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &connection), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(connection, sql, nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_free(message);
  sqlite3_close(connection);
}

TEST(LedgerFile, KeepsWhatHappenedAcrossOpenings) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  ReservationId b{0};
  {
    LedgerFile book = test_ledger(folder, grant);
    const ReservationId a = book.reserve(test_charge(grant, "0.3"), kTestTime).value();
    b = book.reserve(test_charge(grant, "0.2"), kTestTime).value();
    const ReservationId c = book.reserve(test_charge(grant, "0.4"), kTestTime).value();
    ASSERT_TRUE(book.commit(a, kTestTime));
    ASSERT_TRUE(book.rollback(c, kTestTime));
  }
  auto book = LedgerFile::open(folder.ledger(), folder.options());
  ASSERT_TRUE(book) << book.error().message;
  const policy::Ledger ledger = book->read().value();
  EXPECT_EQ(ledger.grant(), grant);
  EXPECT_EQ(ledger.balance().dataset.spent.nano(), 500'000'000);
  ASSERT_EQ(ledger.reservations().size(), 3U);
  EXPECT_EQ(ledger.reservations()[0].state, ReservationState::committed);
  EXPECT_EQ(ledger.reservations()[1].state, ReservationState::reserved);
  EXPECT_EQ(ledger.reservations()[2].state, ReservationState::rolled_back);
  EXPECT_EQ(ledger.reservations()[1].charge, test_charge(grant, "0.2"));
  EXPECT_EQ(ledger.reservations()[1].at, kTestTime);
  // Whether the one that nobody ended touched the data is not known any more.
  EXPECT_EQ(book->rollback(b, kTestTime).error().code, ErrorCode::refused);
  EXPECT_EQ(book->read()->balance().dataset.spent.nano(), 500'000'000);
  EXPECT_TRUE(book->commit(b, kTestTime));
  // One file: no journal is left.
  std::vector<std::string> names = host::list_directory((folder.root() / "data").string()).value();
  EXPECT_EQ(names, std::vector<std::string>{"t.csv.budget"});
}

TEST(LedgerFile, AGrantIsFixedOnce) {
  const TestFolder folder;
  LedgerFile book = test_ledger(folder, test_grant("1"));
  host::SystemRandom random;
  const auto second = LedgerFile::create(folder.ledger(), test_grant("100"), folder.options(), random, kTestTime);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::refused);
  EXPECT_EQ(book.read()->grant().epsilon.text(), "1");
  EXPECT_EQ(host::list_directory(folder.marks())->size(), 1U);
  // A dangling link in its place is not followed either.
  fs::create_symlink(folder.root() / "elsewhere", folder.root() / "data" / "u.csv.budget");
  EXPECT_FALSE(LedgerFile::create((folder.root() / "data" / "u.csv.budget").string(), test_grant(), folder.options(),
                                  random, kTestTime));
  EXPECT_FALSE(fs::exists(folder.root() / "elsewhere"));
}

TEST(LedgerFile, AJournalThatIsLeftFromALedgerThatIsGoneIsNotTakenForTheNewOnes) {
  const TestFolder folder;
  host::SystemRandom random;
  std::ofstream(folder.ledger() + "-journal") << "left";
  const auto refused = LedgerFile::create(folder.ledger(), test_grant(), folder.options(), random, kTestTime);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_FALSE(fs::exists(folder.ledger()));
  fs::remove(folder.ledger() + "-journal");
  EXPECT_TRUE(LedgerFile::create(folder.ledger(), test_grant(), folder.options(), random, kTestTime));
}

TEST(LedgerFile, TwoBooksSeeEachOthersCharges) {
  const TestFolder folder;
  const policy::Grant grant = test_grant("0.3");
  LedgerFile one = test_ledger(folder, grant);
  LedgerFile two = LedgerFile::open(folder.ledger(), folder.options()).value();
  const ReservationId a = one.reserve(test_charge(grant), kTestTime).value();
  EXPECT_EQ(spent(two), 100'000'000);
  ASSERT_TRUE(two.reserve(test_charge(grant), kTestTime));
  ASSERT_TRUE(one.reserve(test_charge(grant), kTestTime));
  const auto refused = two.reserve(test_charge(grant), kTestTime);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::quota);
  EXPECT_EQ(two.rollback(a, kTestTime).error().code, ErrorCode::refused);
  ASSERT_TRUE(one.rollback(a, kTestTime));
  EXPECT_TRUE(two.reserve(test_charge(grant), kTestTime));
}

TEST(LedgerFile, ABackupThatIsPutBackIsRefused) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  const fs::path backup = folder.root() / "backup";
  {
    LedgerFile book = test_ledger(folder, grant);
    ASSERT_TRUE(book.reserve(test_charge(grant, "0.2"), kTestTime));
  }
  fs::copy_file(folder.ledger(), backup);
  const fs::path newer = folder.root() / "newer";
  {
    LedgerFile book = LedgerFile::open(folder.ledger(), folder.options()).value();
    ASSERT_TRUE(book.reserve(test_charge(grant, "0.5"), kTestTime));
  }
  fs::copy_file(folder.ledger(), newer);
  fs::copy_file(backup, folder.ledger(), kOver);
  const auto refused = LedgerFile::open(folder.ledger(), folder.options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_NE(refused.error().message.find("restored from a backup"), std::string::npos);

  // The first way out: the newer ledger comes back, and goes on.
  fs::copy_file(newer, folder.ledger(), kOver);
  ASSERT_TRUE(LedgerFile::open(folder.ledger(), folder.options()));
  EXPECT_EQ(LedgerFile::acknowledge(folder.ledger(), folder.options(), kTestTime).error().code,
            ErrorCode::invalid_argument);

  // The second one: nobody has it any more, so what it may have spent counts as spent, and it can never come back.
  fs::copy_file(backup, folder.ledger(), kOver);
  const auto kind = LedgerFile::acknowledge(folder.ledger(), folder.options(), kTestTime);
  ASSERT_TRUE(kind) << kind.error().message;
  EXPECT_EQ(*kind, policy::Acknowledged::Kind::restored);
  LedgerFile book = LedgerFile::open(folder.ledger(), folder.options()).value();
  EXPECT_EQ(book.read()->balance().dataset.left.nano(), 0);
  EXPECT_EQ(book.reserve(test_charge(grant), kTestTime).error().code, ErrorCode::quota);
  fs::copy_file(newer, folder.ledger(), kOver);
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::refused);
}

TEST(LedgerFile, AnOpenBookNoticesABackupThatIsPutBackUnderIt) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  LedgerFile book = test_ledger(folder, grant);
  const Bytes backup = host::read_file(folder.ledger(), 1 << 20).value();
  ASSERT_TRUE(book.reserve(test_charge(grant, "0.9"), kTestTime));
  std::ofstream(folder.ledger(), std::ios::binary)
      .write(reinterpret_cast<const char*>(backup.data()), static_cast<std::streamsize>(backup.size()));
  EXPECT_FALSE(book.read());
  EXPECT_FALSE(book.reserve(test_charge(grant, "0.9"), kTestTime));
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::refused);
}

TEST(LedgerFile, AnotherBranchIsRefusedEvenWhenItIsLonger) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  {
    test_ledger(folder, grant);
  }
  const fs::path start = folder.root() / "start";
  const fs::path longer = folder.root() / "longer";
  fs::copy_file(folder.ledger(), start);
  // With another user's marks, a copy of the ledger goes its own way.
  LedgerOptions theirs{.marks = (folder.root() / "theirs").string()};
  ASSERT_TRUE(LedgerFile::acknowledge(folder.ledger(), theirs, kTestTime, LedgerFile::Claim::moved));
  {
    LedgerFile book = LedgerFile::open(folder.ledger(), theirs).value();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(book.reserve(test_charge(grant), kTestTime));
  }
  fs::copy_file(folder.ledger(), longer);
  fs::copy_file(start, folder.ledger(), kOver);
  {
    LedgerFile book = LedgerFile::open(folder.ledger(), folder.options()).value();
    ASSERT_TRUE(book.reserve(test_charge(grant, "0.7"), kTestTime));
  }
  fs::copy_file(longer, folder.ledger(), kOver);
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::refused);
}

// On a new machine an old copy looks like one that was moved: without the owner's word, nothing of it can be spent.
TEST(LedgerFile, ALedgerWithoutItsMarkHasNothingLeftUnlessItsOwnerClaimsAMove) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  const fs::path backup = folder.root() / "backup";
  {
    LedgerFile book = test_ledger(folder, grant);
    fs::copy_file(folder.ledger(), backup);
    ASSERT_TRUE(book.reserve(test_charge(grant, "0.9"), kTestTime));
  }
  fs::copy_file(backup, folder.ledger(), kOver);
  const LedgerOptions here{.marks = (folder.root() / "here").string()};
  const auto kind = LedgerFile::acknowledge(folder.ledger(), here, kTestTime);
  ASSERT_TRUE(kind) << kind.error().message;
  EXPECT_EQ(*kind, policy::Acknowledged::Kind::unmarked);
  LedgerFile book = LedgerFile::open(folder.ledger(), here).value();
  EXPECT_TRUE(book.read()->forfeited());
  EXPECT_EQ(book.reserve(test_charge(grant, "0.1"), kTestTime).error().code, ErrorCode::quota);
  // Where a mark knows better, nobody's word counts.
  fs::copy_file(backup, folder.ledger(), kOver);
  EXPECT_EQ(
      LedgerFile::acknowledge(folder.ledger(), folder.options(), kTestTime, LedgerFile::Claim::moved).error().code,
      ErrorCode::refused);
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::refused);
}

// Journals go by name: a crash under one name would not be undone under the other.
TEST(LedgerFile, ALedgerWithASecondNameIsRefusedUnderBoth) {
  const TestFolder folder;
  {
    test_ledger(folder, test_grant());
  }
  const fs::path other = folder.root() / "other.budget";
  fs::create_hard_link(folder.ledger(), other);
  for (const std::string& name : {folder.ledger(), other.string()}) {
    const auto refused = LedgerFile::open(name, folder.options());
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::insecure);
    EXPECT_NE(refused.error().message.find("hard links"), std::string::npos);
  }
  fs::remove(other);
  EXPECT_TRUE(LedgerFile::open(folder.ledger(), folder.options()));
}

TEST(LedgerFile, AChargeThatCouldNotBeginSaysThatThereIsNone) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  LedgerFile book = test_ledger(folder, grant);
  fs::remove_all(folder.options().marks);  // no place for the lock
  const auto refused = book.reserve(test_charge(grant), kTestTime);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, "charge=none");
}

TEST(LedgerFile, AMovedLedgerIsAcknowledgedOnceAndKeepsItsBudget) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  {
    LedgerFile book = test_ledger(folder, grant);
    ASSERT_TRUE(book.reserve(test_charge(grant, "0.2"), kTestTime));
    EXPECT_EQ(LedgerFile::acknowledge(folder.ledger(), folder.options(), kTestTime).error().code,
              ErrorCode::invalid_argument);
  }
  const LedgerOptions here{.marks = (folder.root() / "here").string()};
  const auto refused = LedgerFile::open(folder.ledger(), here);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_NE(refused.error().message.find("is missing"), std::string::npos);
  const auto kind = LedgerFile::acknowledge(folder.ledger(), here, kTestTime, LedgerFile::Claim::moved);
  ASSERT_TRUE(kind) << kind.error().message;
  EXPECT_EQ(*kind, policy::Acknowledged::Kind::moved);
  LedgerFile book = LedgerFile::open(folder.ledger(), here).value();
  EXPECT_EQ(book.read()->times_moved(), 1U);
  EXPECT_EQ(book.read()->balance().dataset.left.text(), "0.8");
  // Where it came from, its mark still stands on the same branch.
  EXPECT_TRUE(LedgerFile::open(folder.ledger(), folder.options()));
}

TEST(LedgerFile, ADamagedMarkCountsAsTheWorst) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  std::string mark;
  {
    LedgerFile book = test_ledger(folder, grant);
    mark = book.mark_path();
  }
  for (const char* bad : {"", "prism budget mark 1\n", "\n"}) {
    std::ofstream(mark) << bad;
    EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::refused);
  }
  std::ofstream(mark) << std::string(5'000, 'x');
  EXPECT_EQ(LedgerFile::acknowledge(folder.ledger(), folder.options(), kTestTime).value(),
            policy::Acknowledged::Kind::restored);
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options())->read()->balance().dataset.left.nano(), 0);
}

TEST(LedgerFile, MarksReadBackAndEveryChangedByteShows) {
  internal::Mark mark;
  mark.ledger = {1, 2, 3};
  mark.sequence = 1'234;
  mark.chain[31] = 9;
  const std::string text = internal::to_text(mark);
  EXPECT_EQ(internal::mark_from_text(text).value(), mark);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == '1' ? '2' : '1';
    EXPECT_FALSE(internal::mark_from_text(changed)) << i;
    EXPECT_FALSE(internal::mark_from_text(text.substr(0, i))) << i;
  }
  EXPECT_FALSE(internal::mark_from_text(text + "\n"));
}

TEST(LedgerFile, EditsShow) {
  const policy::Grant grant = test_grant();
  for (const char* sql : {
           "DELETE FROM events WHERE sequence = 3",
           "DELETE FROM events WHERE sequence = 2",
           "DELETE FROM events WHERE sequence = 1",
           "UPDATE events SET body = (SELECT body FROM events WHERE sequence = 3) WHERE sequence = 2",
           "UPDATE events SET sequence = 9 WHERE sequence = 3",
           "UPDATE events SET chain = zeroblob(32) WHERE sequence = 3",
           "UPDATE events SET chain = zeroblob(0) WHERE sequence = 3",
           "UPDATE events SET body = zeroblob(17000000) WHERE sequence = 3",
           "INSERT INTO events VALUES (4, x'01', zeroblob(32))",
           "INSERT INTO events VALUES (-1, x'01', zeroblob(32))",
           "CREATE TABLE more (a)",
           "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events WHERE sequence = 2; END",
           "CREATE VIEW v AS SELECT * FROM events",
           "DROP TABLE events",
           "DROP TABLE events; CREATE TABLE events (sequence INTEGER PRIMARY KEY, body, chain)",
           "PRAGMA application_id = 7",
           "PRAGMA user_version = 2",
       }) {
    const TestFolder folder;
    {
      LedgerFile book = test_ledger(folder, grant);
      ASSERT_TRUE(book.reserve(test_charge(grant, "0.2"), kTestTime));
      ASSERT_TRUE(book.reserve(test_charge(grant, "0.3"), kTestTime));
    }
    edit(folder.ledger(), sql);
    const auto opened = LedgerFile::open(folder.ledger(), folder.options());
    ASSERT_FALSE(opened) << sql;
    EXPECT_NE(opened.error().code, ErrorCode::io) << sql << ": " << opened.error().message;
  }
}

TEST(LedgerFile, WhatIsNoLedgerIsRefused) {
  const TestFolder folder;
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::not_found);
  std::ofstream(folder.ledger()) << "";
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::malformed);
  std::ofstream(folder.ledger()) << std::string(10'000, 'x');
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::malformed);
  fs::remove(folder.ledger());
  edit(folder.ledger(), "CREATE TABLE a (b)");
  ::chmod(folder.ledger().c_str(), 0600);
  EXPECT_EQ(LedgerFile::open(folder.ledger(), folder.options()).error().code, ErrorCode::malformed);
}

TEST(LedgerFile, FilesThatOthersMayChangeAreRefused) {
  const TestFolder folder;
  {
    test_ledger(folder, test_grant());
  }
  const std::string ledger = folder.ledger();
  const auto opens = [&](const std::string& path) { return LedgerFile::open(path, folder.options()); };
  struct stat info{};
  ASSERT_EQ(::stat(ledger.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  for (const mode_t mode : {mode_t{0620}, mode_t{0602}, mode_t{0666}}) {
    ::chmod(ledger.c_str(), mode);
    EXPECT_EQ(opens(ledger).error().code, ErrorCode::insecure);
  }
  ::chmod(ledger.c_str(), 0644);
  EXPECT_TRUE(opens(ledger));
  ::chmod((folder.root() / "data").c_str(), 0777);
  EXPECT_EQ(opens(ledger).error().code, ErrorCode::insecure);
  ::chmod((folder.root() / "data").c_str(), 0755);
  const std::string link = (folder.root() / "link").string();
  fs::create_symlink(ledger, link);
  EXPECT_EQ(opens(link).error().code, ErrorCode::insecure);
  // A link on the way to the folder is the user's own business.
  fs::create_directory_symlink(folder.root() / "data", folder.root() / "way");
  EXPECT_TRUE(opens((folder.root() / "way" / "t.csv.budget").string()));
  ::chmod(folder.marks().c_str(), 0755);
  EXPECT_EQ(opens(ledger).error().code, ErrorCode::insecure);
}

TEST(LedgerFile, SomebodyWhoHoldsItLockedIsWaitedForOnlySoLong) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  {
    test_ledger(folder, grant);
  }
  LedgerOptions options = folder.options();
  options.patience = std::chrono::milliseconds(30);
  LedgerFile book = LedgerFile::open(folder.ledger(), options).value();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(folder.ledger().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(book.reserve(test_charge(grant), kTestTime).error().code, ErrorCode::exhausted);
  EXPECT_EQ(book.read().error().code, ErrorCode::exhausted);
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_TRUE(book.reserve(test_charge(grant), kTestTime));
}

TEST(LedgerFile, AMarkThatCannotBeRaisedMeansThatNothingIsCharged) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  {
    test_ledger(folder, grant);
  }
  LedgerOptions options = folder.options();
  options.on_mark_step = [](std::string_view step) -> Status {
    if (step == "sync") return fail(ErrorCode::io, "the disk is full");
    return {};
  };
  LedgerFile book = LedgerFile::open(folder.ledger(), options).value();
  const auto refused = book.reserve(test_charge(grant), kTestTime);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::io);
  EXPECT_NE(refused.error().message.find("nothing was charged"), std::string::npos) << refused.error().message;
  EXPECT_EQ(refused.error().detail, "charge=none");
  LedgerFile good = LedgerFile::open(folder.ledger(), folder.options()).value();
  EXPECT_EQ(spent(good), 0);
  EXPECT_EQ(good.read()->reservations().at(0).state, ReservationState::rolled_back);
}

// Two at once could write their marks in the wrong order, and the mark would go down.
TEST(LedgerFile, WhoRaisesAMarkIsAlone) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  {
    test_ledger(folder, grant);
  }
  LedgerOptions impatient = folder.options();
  impatient.patience = std::chrono::milliseconds(0);
  LedgerFile other = LedgerFile::open(folder.ledger(), impatient).value();
  LedgerOptions options = folder.options();
  int tried = 0;
  options.on_mark_step = [&](std::string_view) -> Status {
    ++tried;
    const auto refused = other.reserve(test_charge(grant), kTestTime);
    EXPECT_FALSE(refused);
    EXPECT_TRUE(refused || refused.error().code == ErrorCode::exhausted);
    EXPECT_TRUE(other.read());  // reading waits for nobody
    return {};
  };
  LedgerFile book = LedgerFile::open(folder.ledger(), options).value();
  ASSERT_TRUE(book.reserve(test_charge(grant), kTestTime));
  EXPECT_EQ(tried, 5);
  EXPECT_TRUE(other.reserve(test_charge(grant), kTestTime));
}

TEST(LedgerFile, CommandsThatTheLedgerRefusesLeaveNoTrace) {
  const TestFolder folder;
  const policy::Grant grant = test_grant();
  LedgerFile book = test_ledger(folder, grant);
  const Bytes before = host::read_file(folder.ledger(), 1 << 20).value();
  EXPECT_FALSE(book.reserve(test_charge(grant, "2"), kTestTime));
  EXPECT_FALSE(book.reserve(test_charge(test_grant("2")), kTestTime));
  EXPECT_FALSE(book.commit(ReservationId{1}, kTestTime));
  EXPECT_FALSE(book.commit(ReservationId{2}, kTestTime));
  EXPECT_EQ(host::read_file(folder.ledger(), 1 << 20).value(), before);
  EXPECT_EQ(book.read()->events(), 1U);
}

}  // namespace
}  // namespace prism::store::sqlite
