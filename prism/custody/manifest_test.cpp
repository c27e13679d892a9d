#include "prism/custody/internal/manifest_box.h"
#include "prism/custody/internal/test_support.h"
#include "prism/custody/keyring.h"
#include "prism/wire/writer.h"

namespace prism::custody {
namespace {

using namespace testing_support;

class ManifestTest : public CustodyTest {
 protected:
  void SetUp() override {
    CustodyTest::SetUp();
    auto made = Keyring::create(path("k"), random_, clock_);
    ASSERT_TRUE(made);
    keyring_.emplace(std::move(*made));
  }
  std::string file(std::uint8_t number) const { return path("k/tables/" + table(number).hex() + ".manifest"); }
  Status store(std::uint8_t number, ByteView bytes) { return keyring_->store_manifest(table(number), bytes, random_); }
  Result<Bytes> load(std::uint8_t number) const { return keyring_->load_manifest(table(number)); }

  std::optional<Keyring> keyring_;
};

TEST_F(ManifestTest, LoadGivesWhatWasStoredLast) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, std::size_t{1} << 20}) {
    const Bytes manifest(size, 0x5a);
    ASSERT_TRUE(store(1, manifest));
    const auto loaded = load(1);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(*loaded, manifest);
    const auto reopened = Keyring::open(path("k"));
    ASSERT_TRUE(reopened);
    EXPECT_EQ(*reopened->load_manifest(table(1)), manifest);
  }
}

TEST_F(ManifestTest, ContentIsNotInTheFile) {
  ASSERT_TRUE(store(1, as_bytes("dictionary: Springfield, Shelbyville")));
  const Bytes bytes = slurp(file(1));
  EXPECT_EQ(as_text(bytes).find("Springfield"), std::string_view::npos);
}

TEST_F(ManifestTest, ListIsSortedAndIgnoresStrangers) {
  EXPECT_TRUE(keyring_->list_manifests()->empty());
  for (const std::uint8_t number : std::vector<std::uint8_t>{9, 2, 200}) ASSERT_TRUE(store(number, as_bytes("m")));
  spit(path("k/tables/notes.txt"), as_bytes("mine"));
  spit(path("k/tables/abc.manifest"), as_bytes("mine"));
  EXPECT_EQ(*keyring_->list_manifests(), (std::vector<TableId>{table(2), table(9), table(200)}));
  EXPECT_TRUE(keyring_->remove_manifest(table(9)));
  EXPECT_EQ(keyring_->remove_manifest(table(9)).error().code, ErrorCode::not_found);
  EXPECT_EQ(load(9).error().code, ErrorCode::not_found);
  EXPECT_EQ(*keyring_->list_manifests(), (std::vector<TableId>{table(2), table(200)}));
}

TEST_F(ManifestTest, EveryFlippedBitAndEveryCutIsRefused) {
  ASSERT_TRUE(store(1, as_bytes("columns and their roles")));
  const Bytes good = slurp(file(1));
  const auto secret = keyring_->table_secret(table(1));
  ASSERT_TRUE(secret);
  const auto opens = [&](ByteView bytes) {
    return internal::open_manifest(*secret, keyring_->id(), table(1), bytes, "it").has_value();
  };
  ASSERT_TRUE(opens(good));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) EXPECT_FALSE(opens(flipped(good, bit))) << "bit " << bit;
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(opens(ByteView(good).first(size))) << size;
  for (std::size_t bit = 0; bit < 8 * good.size(); bit += 61) {
    spit(file(1), flipped(good, bit));
    EXPECT_FALSE(load(1)) << "bit " << bit;
  }
  Bytes longer = good;
  longer.push_back(0);
  spit(file(1), longer);
  EXPECT_FALSE(load(1));
  spit(file(1), good);
  EXPECT_TRUE(load(1));
}

TEST_F(ManifestTest, AManifestOfAnotherTableIsRefused) {
  ASSERT_TRUE(store(1, as_bytes("one")));
  ASSERT_TRUE(store(2, as_bytes("two")));
  Bytes swapped = slurp(file(1));
  spit(file(2), swapped);
  EXPECT_EQ(load(2).error().code, ErrorCode::mismatch);
  // The same with the name inside changed too.
  std::fill_n(swapped.begin() + 18 + 16, 16, std::uint8_t{2});
  spit(file(2), swapped);
  EXPECT_EQ(load(2).error().code, ErrorCode::integrity);
}

TEST_F(ManifestTest, AManifestOfAnotherKeyIsRefused) {
  const auto other = Keyring::create(path("other"), random_, clock_);
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->store_manifest(table(1), as_bytes("one"), random_));
  Bytes foreign = slurp(path("other/tables/" + table(1).hex() + ".manifest"));
  spit(file(1), foreign);
  EXPECT_EQ(load(1).error().code, ErrorCode::mismatch);
  std::copy_n(keyring_->id().bytes.begin(), 16, foreign.begin() + 18);
  spit(file(1), foreign);
  EXPECT_EQ(load(1).error().code, ErrorCode::integrity);
}

TEST_F(ManifestTest, AFailedStoreKeepsTheOldOne) {
  ASSERT_TRUE(store(1, as_bytes("old")));
  FailingRandom random(0);
  EXPECT_FALSE(keyring_->store_manifest(table(1), as_bytes("new"), random));
  EXPECT_EQ(*load(1), Bytes({'o', 'l', 'd'}));
  EXPECT_EQ(left().size(), 4u);  // k, the key, tables, the manifest
}

TEST_F(ManifestTest, StoringTwiceNeverUsesANonceTwice) {
  ASSERT_TRUE(store(1, as_bytes("same")));
  const Bytes first = slurp(file(1));
  ASSERT_TRUE(store(1, as_bytes("same")));
  const Bytes second = slurp(file(1));
  EXPECT_FALSE(std::equal(first.begin() + 50, first.begin() + 62, second.begin() + 50));
}

Bytes list_of(const std::vector<std::pair<std::uint8_t, std::string>>& tables) {
  wire::Writer writer;
  writer.count(tables.size());
  for (const auto& [number, text] : tables) {
    writer.raw(table(number).view());
    writer.bytes(as_bytes(text));
  }
  return std::move(writer).take();
}

TEST(ManifestListTest, TakesAscendingTablesOnly) {
  const Bytes good = list_of({{1, "a"}, {2, ""}, {7, "ccc"}});
  const auto list = internal::read_manifest_list(good, "the list");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[2].table, table(7));
  EXPECT_EQ(as_text((*list)[2].manifest), "ccc");
  EXPECT_FALSE(internal::read_manifest_list(list_of({{2, "a"}, {1, "b"}}), "the list"));
  EXPECT_FALSE(internal::read_manifest_list(list_of({{1, "a"}, {1, "b"}}), "the list"));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(internal::read_manifest_list(ByteView(good).first(size), "the list")) << size;
  EXPECT_FALSE(internal::read_manifest_list(Bytes(8, 0xff), "the list"));
}

}  // namespace
}  // namespace prism::custody
