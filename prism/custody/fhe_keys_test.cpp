#include "prism/custody/fhe_keys.h"

#include <map>

#include "prism/custody/backup.h"
#include "prism/custody/internal/test_support.h"
#include "prism/fhe/intent.h"

namespace prism::custody {
namespace {

using namespace testing_support;
using FheKeysTest = CustodyTest;

std::shared_ptr<const ckks::Parameters> parameters() {
  static const auto made = fhe::parameters_for(fhe::ApproximateIntent{.depth = 0, .precision_bits = 8}).value();
  return made;
}

/// Reads environments out of a map.
Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

TEST_F(FheKeysTest, KeyHoldersComeBackByTheirIdentity) {
  CountingRandom random;
  const Keyring keyring = Keyring::create(path("k"), random, clock_).value();
  const FheKeys keys(keyring);
  EXPECT_TRUE(keys.list().value().empty());
  std::vector<Bytes> data;
  for (int i = 0; i < 2; ++i) {
    const auto holder = keys.create(parameters(), 1 << i, random);
    ASSERT_TRUE(holder) << holder.error().message;
    data.push_back(std::get<0>(*holder).encrypt_to_bytes(std::vector<double>{0.5 + i}).value());
  }
  EXPECT_EQ(keys.list().value().size(), 2u);
  const Keyring later = Keyring::open(path("k")).value();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto holder = FheKeys(later).open(fhe::named_identity(data[i]).value(), random);
    ASSERT_TRUE(holder) << holder.error().message;
    const auto& mine = std::get<0>(*holder);
    EXPECT_NEAR(mine.decrypt_private(mine.public_part().decode_vector(data[i])).value()[0],
                0.5 + static_cast<double>(i), 0.01);
  }
  EXPECT_EQ(keys.open(Digest{}, random).error().code, ErrorCode::not_found);
}

TEST_F(FheKeysTest, ExactKeysDeclareTheLargestInput) {
  CountingRandom random;
  const Keyring keyring = Keyring::create(path("k"), random, clock_).value();
  const auto whole = fhe::parameters_for(fhe::ExactIntent{.depth = 0, .largest_value = 1000}).value();
  ASSERT_TRUE(FheKeys(keyring).create(whole, 7, random));
  const auto stored = FheKeys(Keyring::open(path("k")).value()).list().value();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(std::get<fhe::Exact::Context>(stored[0].context).largest_magnitude(), 7);
}

TEST_F(FheKeysTest, ABackupBringsThemBack) {
  CountingRandom random;
  const Keyring keyring = Keyring::create(path("k"), random, clock_).value();
  ASSERT_TRUE(keyring.store_manifest(table(1), Bytes(10, 1), random));
  std::vector<Bytes> data;
  for (int i = 0; i < 3; ++i) {
    const auto holder = FheKeys(keyring).create(parameters(), 1, random).value();
    data.push_back(std::get<0>(holder).encrypt_to_bytes(std::vector<double>{0.5}).value());
  }
  ASSERT_TRUE(Backup::write(keyring, path("b"), random, clock_));
  const auto restored = Backup::restore(path("b"), path("again"), random);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->list_manifests().value().size(), 1u);
  const Keyring later = Keyring::open(path("again")).value();
  EXPECT_EQ(FheKeys(later).files().value().size(), 3u);
  for (const Bytes& bytes : data) {
    const auto holder = FheKeys(later).open(fhe::named_identity(bytes).value(), random);
    ASSERT_TRUE(holder) << holder.error().message;
    const auto& mine = std::get<0>(*holder);
    EXPECT_NEAR(mine.decrypt_private(mine.public_part().decode_vector(bytes)).value()[0], 0.5, 0.01);
  }
}

TEST_F(FheKeysTest, AnotherSeedIsNotTakenForTheKey) {
  CountingRandom random, other(99);
  const Keyring mine = Keyring::create(path("mine"), random, clock_).value();
  const Keyring yours = Keyring::create(path("yours"), other, clock_).value();
  const auto holder = FheKeys(mine).create(parameters(), 1, random).value();
  const Digest identity = std::get<0>(holder).public_part().identity();
  std::filesystem::copy(path("mine/fhe"), path("yours/fhe"));
  EXPECT_EQ(FheKeys(yours).open(identity, other).error().code, ErrorCode::unauthorised);
}

TEST_F(FheKeysTest, NothingSecretIsStoredAndDamageIsNamed) {
  CountingRandom random;
  const Keyring keyring = Keyring::create(path("k"), random, clock_).value();
  ASSERT_TRUE(FheKeys(keyring).create(parameters(), 1, random));
  const auto stored = FheKeys(keyring).list().value();
  const std::string file = path("k/fhe/" + stored[0].id + ".context");
  Bytes bytes = slurp(file);
  const auto table_like = table_id_from_hex(stored[0].id);
  ASSERT_TRUE(table_like);
  const Seed seed = keyring.derive("fhe", table_like->bytes).value();
  const auto& secret = seed.reveal(secret::RevealKey{});
  EXPECT_EQ(std::search(bytes.begin(), bytes.end(), secret.begin(), secret.begin() + 16), bytes.end());
  bytes.resize(bytes.size() / 2);
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  const auto damaged = FheKeys(keyring).list();
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::malformed);
  EXPECT_NE(damaged.error().message.find(stored[0].id), std::string::npos);
}

TEST_F(FheKeysTest, FoldersAreFoundByPathThenByName) {
  const auto home = environment({{"HOME", "/home/a"}});
  EXPECT_EQ(key_folders(home).value(), "/home/a/.local/share/prism/keys");
  EXPECT_EQ(key_folders(environment({{"HOME", "/h"}, {"XDG_DATA_HOME", "/data"}})).value(), "/data/prism/keys");
  EXPECT_EQ(key_folders(environment({{"HOME", "/h"}, {"XDG_DATA_HOME", "relative"}})).value(),
            "/h/.local/share/prism/keys");
  EXPECT_EQ(key_folders(environment({})).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(find_key_folder("", home).value(), "/home/a/.local/share/prism/keys/default");
  EXPECT_EQ(find_key_folder("alice-of-no-directory", home).value(),
            "/home/a/.local/share/prism/keys/alice-of-no-directory");
  EXPECT_EQ(find_key_folder("./alice", home).value(), "./alice");
  EXPECT_EQ(find_key_folder(root_, home).value(), root_);
  ASSERT_TRUE(make_parents(path("a/b/c/keys")));
  EXPECT_TRUE(std::filesystem::is_directory(path("a/b/c")));
  EXPECT_FALSE(std::filesystem::exists(path("a/b/c/keys")));
}

}  // namespace
}  // namespace prism::custody
