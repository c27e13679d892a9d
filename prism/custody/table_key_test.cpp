#include "prism/custody/table_key.h"

#include "prism/custody/internal/test_support.h"

namespace prism::custody {
namespace {

using namespace testing_support;

class TableKeyTest : public CustodyTest {
 protected:
  void SetUp() override {
    CustodyTest::SetUp();
    auto made = Keyring::create(path("k"), random_, clock_);
    ASSERT_TRUE(made);
    keyring_.emplace(std::move(*made));
    ASSERT_TRUE(keyring_->store_manifest(table(1), as_bytes("manifest one"), random_));
  }
  Status export_key(std::uint8_t number, const Passphrase& passphrase = std::nullopt) {
    return keyring_->export_table_key(table(number), path("t.key"), random_, clock_, passphrase, cheap_);
  }

  std::optional<Keyring> keyring_;
};

TEST_F(TableKeyTest, OpensWhatTheKeyringOpensAndNothingElse) {
  for (const bool guarded : {false, true}) {
    const Passphrase pass = guarded ? Passphrase(as_bytes("p")) : std::nullopt;
    ASSERT_TRUE(export_key(1, pass));
    EXPECT_EQ(mode_of(path("t.key")), 0600u);
    const auto key = TableKey::open(path("t.key"), pass);
    ASSERT_TRUE(key) << key.error().message;
    const KeySource& source = *key;
    EXPECT_EQ(source.id(), keyring_->id());
    EXPECT_EQ(hex_of(source.table_secret(table(1))), hex_of(keyring_->table_secret(table(1))));
    EXPECT_EQ(*source.load_manifest(table(1)), *keyring_->load_manifest(table(1)));
    EXPECT_EQ(source.table_secret(table(2)).error().code, ErrorCode::mismatch);
    EXPECT_EQ(source.load_manifest(table(2)).error().code, ErrorCode::mismatch);
    const auto described = describe_table_key(slurp(path("t.key")));
    ASSERT_TRUE(described);
    EXPECT_EQ(described->table, table(1));
    EXPECT_EQ(described->id, keyring_->id());
    EXPECT_EQ(described->created, clock_.wall());
    EXPECT_EQ(described->protection, guarded ? Protection::passphrase : Protection::none);
    EXPECT_TRUE(described->has_manifest);
    std::filesystem::remove(path("t.key"));
  }
}

TEST_F(TableKeyTest, WithoutAManifestItIsStillAKey) {
  ASSERT_TRUE(export_key(5));
  const auto key = TableKey::open(path("t.key"));
  ASSERT_TRUE(key);
  EXPECT_EQ(hex_of(key->table_secret(table(5))), hex_of(keyring_->table_secret(table(5))));
  EXPECT_EQ(key->load_manifest(table(5)).error().code, ErrorCode::not_found);
}

TEST_F(TableKeyTest, NothingIsOverwrittenOrLeftBehind) {
  const auto before = left();
  FailingRandom random(1);
  EXPECT_FALSE(keyring_->export_table_key(table(1), path("t.key"), random, clock_, as_bytes("p"), cheap_));
  EXPECT_FALSE(keyring_->export_table_key(table(1), path("no/t.key"), random_, clock_));
  spit(path("k/tables/" + table(1).hex() + ".manifest"), as_bytes("damaged"));
  EXPECT_FALSE(export_key(1));
  EXPECT_EQ(left(), before);
  spit(path("t.key"), as_bytes("mine"));
  EXPECT_EQ(export_key(2).error().code, ErrorCode::refused);
  EXPECT_EQ(as_text(slurp(path("t.key"))), "mine");
}

TEST_F(TableKeyTest, WrongPassphrasesAndOpenModesAreNamed) {
  ASSERT_TRUE(export_key(1, as_bytes("right")));
  EXPECT_EQ(TableKey::open(path("t.key"), as_bytes("wrong")).error().code, ErrorCode::unauthorised);
  EXPECT_EQ(TableKey::open(path("t.key")).error().code, ErrorCode::unauthorised);
  EXPECT_EQ(TableKey::open(path("none")).error().code, ErrorCode::not_found);
  ASSERT_EQ(::chmod(path("t.key").c_str(), 0644), 0);
  EXPECT_EQ(TableKey::open(path("t.key"), as_bytes("right")).error().code, ErrorCode::insecure);
}

TEST_F(TableKeyTest, EveryFlippedBitAndEveryCutIsRefused) {
  ASSERT_TRUE(export_key(1));
  const Bytes good = slurp(path("t.key"));
  ASSERT_TRUE(TableKey::decode(good));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) EXPECT_FALSE(TableKey::decode(flipped(good, bit))) << bit;
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(TableKey::decode(ByteView(good).first(size))) << size;
  // The secret and all names are bound to the manifest, so a fresh checksum hides no change that matters; only the date
  // of an unprotected key is a note.
  const std::size_t created = 18 + 1 + 16 + 16;
  for (std::size_t bit = 0; bit < 8 * (good.size() - 32); ++bit) {
    if (bit / 8 >= created && bit / 8 < created + 8) continue;
    const auto key = TableKey::decode(with_fresh_checksum(flipped(good, bit)));
    EXPECT_FALSE(key && key->load_manifest(table(1))) << bit;
  }
}

}  // namespace
}  // namespace prism::custody
