#include "prism/custody/backup.h"

#include "prism/custody/internal/test_support.h"

namespace prism::custody {
namespace {

using namespace testing_support;

class BackupTest : public CustodyTest {
 protected:
  Keyring make(const std::string& name, const Passphrase& passphrase = std::nullopt) {
    auto made = Keyring::create(path(name), random_, clock_, passphrase, cheap_);
    check(made.has_value(), "the test's keyring was not made");
    for (const std::uint8_t number : std::vector<std::uint8_t>{3, 1, 2}) {
      const Status stored = made->store_manifest(table(number), Bytes(number * 10u, number), random_);
      check(stored.has_value(), "the test's manifest was not stored");
    }
    return std::move(*made);
  }
  void expect_same(const Keyring& a, const Keyring& b) {
    EXPECT_EQ(a.id(), b.id());
    EXPECT_EQ(a.description().created, b.description().created);
    EXPECT_EQ(hex_of(a.table_secret(table(1))), hex_of(b.table_secret(table(1))));
    const auto tables = a.list_manifests(), same = b.list_manifests();
    ASSERT_TRUE(tables && same);
    ASSERT_EQ(*tables, *same);
    for (const TableId& id : *tables) EXPECT_EQ(*a.load_manifest(id), *b.load_manifest(id));
  }
};

TEST_F(BackupTest, RestoreGivesBackTheWholeDirectory) {
  const Passphrase none = std::nullopt, old = as_bytes("old"), fresh = as_bytes("fresh");
  struct Case {
    Passphrase keyring, given, needed;
  };
  int number = 0;
  for (const Case& c :
       {Case{none, none, none}, Case{old, none, old}, Case{none, fresh, fresh}, Case{old, fresh, fresh}}) {
    const std::string name = std::to_string(number++);
    const Keyring keyring = make(name, c.keyring);
    const std::string file = path(name + ".backup");
    ASSERT_TRUE(Backup::write(keyring, file, random_, clock_, c.given, cheap_));
    EXPECT_EQ(mode_of(file), 0600u);
    const auto restored = Backup::restore(file, path(name + ".again"), random_, c.needed);
    ASSERT_TRUE(restored) << restored.error().message;
    expect_same(keyring, *restored);
    const auto opened = Keyring::open(path(name + ".again"), c.needed);
    ASSERT_TRUE(opened) << opened.error().message;
    expect_same(keyring, *opened);
    EXPECT_EQ(mode_of(path(name + ".again")), 0700u);
    EXPECT_EQ(mode_of(path(name + ".again/keyring.prism")), 0600u);
    const auto described = describe_backup(slurp(file));
    ASSERT_TRUE(described);
    EXPECT_EQ(described->keyring.id, keyring.id());
    EXPECT_EQ(described->created, clock_.wall());
    EXPECT_EQ(described->keyring.protection, c.needed ? Protection::passphrase : Protection::none);
  }
}

TEST_F(BackupTest, AnEmptyDirectoryIsBackedUpToo) {
  const auto keyring = Keyring::create(path("k"), random_, clock_);
  ASSERT_TRUE(keyring);
  ASSERT_TRUE(Backup::write(*keyring, path("b"), random_, clock_));
  const auto restored = Backup::restore(path("b"), path("again"), random_);
  ASSERT_TRUE(restored);
  expect_same(*keyring, *restored);
}

TEST_F(BackupTest, NothingIsOverwritten) {
  const Keyring keyring = make("k");
  spit(path("b"), as_bytes("mine"));
  EXPECT_EQ(Backup::write(keyring, path("b"), random_, clock_).error().code, ErrorCode::refused);
  EXPECT_EQ(as_text(slurp(path("b"))), "mine");
  ASSERT_TRUE(Backup::write(keyring, path("c"), random_, clock_));
  const Bytes before = slurp(path("k/keyring.prism"));
  EXPECT_EQ(Backup::restore(path("c"), path("k"), random_).error().code, ErrorCode::refused);
  EXPECT_EQ(slurp(path("k/keyring.prism")), before);
}

TEST_F(BackupTest, NothingIsLeftBehindOnFailure) {
  const Keyring keyring = make("k", as_bytes("p"));
  auto before = left();
  for (int good = 0; good < 3; ++good) {
    FailingRandom random(good);
    EXPECT_FALSE(Backup::write(keyring, path("b"), random, clock_, as_bytes("q"), cheap_)) << good;
  }
  EXPECT_FALSE(Backup::write(keyring, path("no/b"), random_, clock_));
  const std::string damaged = path("k/tables/" + table(2).hex() + ".manifest");
  const Bytes manifest = slurp(damaged);
  spit(damaged, flipped(manifest, 700));
  EXPECT_EQ(Backup::write(keyring, path("b"), random_, clock_).error().code, ErrorCode::integrity);
  spit(damaged, manifest);
  EXPECT_EQ(left(), before);

  ASSERT_TRUE(Backup::write(keyring, path("b"), random_, clock_));
  before = left();
  EXPECT_EQ(Backup::restore(path("b"), path("again"), random_, as_bytes("wrong")).error().code,
            ErrorCode::unauthorised);
  EXPECT_EQ(Backup::restore(path("b"), path("again"), random_).error().code, ErrorCode::unauthorised);
  EXPECT_EQ(Backup::restore(path("none"), path("again"), random_, as_bytes("p")).error().code, ErrorCode::not_found);
  EXPECT_EQ(Backup::restore(path("k/keyring.prism"), path("again"), random_, as_bytes("p")).error().code,
            ErrorCode::mismatch);
  for (int good = 0; good < 4; ++good) {  // one name, three manifests
    FailingRandom random(good);
    EXPECT_FALSE(Backup::restore(path("b"), path("again"), random, as_bytes("p"))) << good;
  }
  EXPECT_EQ(left(), before);
  FailingRandom enough(4);
  EXPECT_TRUE(Backup::restore(path("b"), path("again"), enough, as_bytes("p")));
}

TEST_F(BackupTest, EveryFlippedBitAndEveryCutIsRefused) {
  const Keyring keyring = make("k");
  ASSERT_TRUE(Backup::write(keyring, path("b"), random_, clock_));
  const Bytes good = slurp(path("b"));
  const auto tables = Backup::verify(good);
  ASSERT_TRUE(tables);
  EXPECT_EQ(*tables, 3u);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    EXPECT_FALSE(describe_backup(flipped(good, bit))) << bit;
    // Whoever knows the format makes the outer checksum right.
    if (bit < 8 * (good.size() - 32)) {
      EXPECT_FALSE(Backup::verify(with_fresh_checksum(flipped(good, bit)))) << bit;
    }
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(Backup::verify(ByteView(good).first(size))) << size;
  }
  const auto before = left();
  for (std::size_t bit = 0; bit < 8 * good.size(); bit += 61) {
    spit(path("b"), flipped(good, bit));
    EXPECT_FALSE(Backup::restore(path("b"), path("again"), random_)) << bit;
  }
  spit(path("b"), ByteView(good).first(good.size() - 1));
  const auto cut = Backup::restore(path("b"), path("again"), random_);
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message.find("cut short"), std::string::npos) << cut.error().message;
  EXPECT_EQ(left(), before);
}

// The key file inside has a checksum of its own; with that made right too, the seed and its id still open nothing.
TEST_F(BackupTest, AChangedKeyUnderFreshChecksumsIsRefused) {
  const Keyring keyring = make("k");
  ASSERT_TRUE(Backup::write(keyring, path("b"), random_, clock_));
  const Bytes good = slurp(path("b"));
  const std::size_t start = 18 + 8 + 8, size = slurp(path("k/keyring.prism")).size();
  for (std::size_t bit = 8 * start; bit < 8 * (start + size - 32); ++bit) {
    Bytes bad = flipped(good, bit);
    const Bytes inner = with_fresh_checksum(Bytes(bad.begin() + static_cast<std::ptrdiff_t>(start),
                                                  bad.begin() + static_cast<std::ptrdiff_t>(start + size)));
    std::copy(inner.begin(), inner.end(), bad.begin() + static_cast<std::ptrdiff_t>(start));
    EXPECT_FALSE(Backup::verify(with_fresh_checksum(bad))) << bit;
  }
}

}  // namespace
}  // namespace prism::custody
