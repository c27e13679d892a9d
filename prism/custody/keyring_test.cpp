#include "prism/custody/keyring.h"

#include <sys/resource.h>

#include <csignal>
#include <set>

#include "prism/custody/internal/keyring_file.h"
#include "prism/custody/internal/test_support.h"
#include "prism/wire/artefact.h"

namespace prism::custody {
namespace {

using namespace testing_support;
using KeyringTest = CustodyTest;

TEST_F(KeyringTest, OpenFindsWhatCreateMade) {
  for (const bool guarded : {false, true}) {
    const std::string dir = path(guarded ? "guarded/" : "open");
    const Passphrase pass = guarded ? Passphrase(as_bytes("correct horse")) : std::nullopt;
    const auto made = Keyring::create(dir, random_, clock_, pass, cheap_);
    ASSERT_TRUE(made) << made.error().message;
    const auto opened = Keyring::open(dir, pass);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->id(), made->id());
    EXPECT_EQ(opened->description().created, clock_.wall());
    EXPECT_EQ(opened->description().protection, guarded ? Protection::passphrase : Protection::none);
    EXPECT_EQ(hex_of(opened->table_secret(table(1))), hex_of(made->table_secret(table(1))));
  }
}

TEST_F(KeyringTest, DescriptionNeedsNoPassphrase) {
  const auto made = Keyring::create(path("k"), random_, clock_, as_bytes("secret"), cheap_);
  ASSERT_TRUE(made);
  const auto described = describe_keyring(slurp(path("k/keyring.prism")));
  ASSERT_TRUE(described);
  EXPECT_EQ(described->version, 1);
  EXPECT_EQ(described->id, made->id());
  EXPECT_EQ(described->created, clock_.wall());
  EXPECT_EQ(described->protection, Protection::passphrase);
  EXPECT_EQ(described->cost, cheap_);
}

// Keys outlive programs: these bytes must open for ever.
TEST_F(KeyringTest, FileOfVersion1IsWrittenDown) {
  ASSERT_TRUE(Keyring::create(path("k"), random_, clock_));
  EXPECT_EQ(to_hex(slurp(path("k/keyring.prism"))),
            "505249534d000300010059000000000000000405060708090a0b0c0d0e0f1011121300f1536500000000001415161718"
            "191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132331a5d1beca2ecc2b7a938e4be341bfd4d127ac3e2ed"
            "26251a972a0bc0c970ecbe");
}

// Computed from the header's formula with Python's hmac: seed 14..33, key id 04..13.
TEST_F(KeyringTest, DerivationIsTheOneWrittenDown) {
  const auto keyring = Keyring::create(path("k"), random_, clock_);
  ASSERT_TRUE(keyring);
  EXPECT_EQ(keyring->id().hex(), "0405060708090a0b0c0d0e0f10111213");
  EXPECT_EQ(hex_of(keyring->table_secret(table(0xab))),
            "977a195d3e904b4bb4125e7a32b04ba1f92f4584ade3ff4c699681f9558cb3bd");
  EXPECT_EQ(hex_of(keyring->derive("x", {})), "0e2852b1a53c20ce60ab5efd47f4ea709abc0ec81c4774c480cdcd2273422cb8");
}

TEST_F(KeyringTest, DerivedSecretsDifferByPurposeIdAndKey) {
  const auto keyring = Keyring::create(path("k"), random_, clock_);
  const auto other = Keyring::create(path("l"), random_, clock_);
  ASSERT_TRUE(keyring && other);
  std::set<std::string> seen;
  for (std::uint8_t i = 0; i < 100; ++i) {
    seen.insert(hex_of(keyring->table_secret(table(i))));
    seen.insert(hex_of(other->table_secret(table(i))));
  }
  // No purpose and id read like another purpose and id.
  seen.insert(hex_of(keyring->derive("ab", as_bytes("c"))));
  seen.insert(hex_of(keyring->derive("a", as_bytes("bc"))));
  seen.insert(hex_of(keyring->derive("abc", {})));
  EXPECT_EQ(seen.size(), 203u);
  for (const std::string& hex : seen) EXPECT_EQ(hex.size(), 64u) << hex;
}

TEST_F(KeyringTest, OddPurposesAreRefused) {
  const auto keyring = Keyring::create(path("k"), random_, clock_);
  ASSERT_TRUE(keyring);
  for (const std::string& purpose :
       {std::string(), std::string("a b"), std::string("a\0b", 3), std::string(65, 'a'), std::string("caf\xc3\xa9")})
    EXPECT_FALSE(keyring->derive(purpose, {})) << purpose;
  EXPECT_TRUE(keyring->derive(std::string(64, 'a'), Bytes(256)));
  EXPECT_FALSE(keyring->derive("a", Bytes(257)));
}

TEST_F(KeyringTest, FilesAreForTheOwnerOnlyWhateverTheUmask) {
  const mode_t before = ::umask(0);
  const auto keyring = Keyring::create(path("k"), random_, clock_);
  ASSERT_TRUE(keyring);
  ASSERT_TRUE(keyring->store_manifest(table(1), as_bytes("m"), random_));
  ::umask(before);
  EXPECT_EQ(mode_of(path("k")), 0700u);
  EXPECT_EQ(mode_of(path("k/keyring.prism")), 0600u);
  EXPECT_EQ(mode_of(path("k/tables")), 0700u);
  EXPECT_EQ(mode_of(path("k/tables/" + table(1).hex() + ".manifest")), 0600u);
}

TEST_F(KeyringTest, WhatOthersMayTouchIsRefusedWithTheWayOut) {
  ASSERT_TRUE(Keyring::create(path("k"), random_, clock_));
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u}) {
    ASSERT_EQ(::chmod(path("k/keyring.prism").c_str(), mode), 0);
    const auto opened = Keyring::open(path("k"));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::insecure);
    EXPECT_NE(opened.error().message.find("chmod 600 " + path("k/keyring.prism")), std::string::npos);
  }
  ASSERT_EQ(::chmod(path("k/keyring.prism").c_str(), 0400), 0);
  EXPECT_TRUE(Keyring::open(path("k")));
  ASSERT_EQ(::chmod(path("k").c_str(), 0750), 0);
  EXPECT_EQ(Keyring::open(path("k")).error().code, ErrorCode::insecure);
}

TEST_F(KeyringTest, NothingIsOverwritten) {
  ASSERT_TRUE(Keyring::create(path("k"), random_, clock_));
  const Bytes before = slurp(path("k/keyring.prism"));
  ASSERT_EQ(::mkdir(path("empty").c_str(), 0700), 0);
  spit(path("file"), as_bytes("mine"));
  ASSERT_EQ(::symlink("nowhere", path("dangling").c_str()), 0);
  for (const char* name : {"k", "k/", "empty", "file", "dangling"}) {
    const auto made = Keyring::create(path(name), random_, clock_);
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, ErrorCode::refused) << made.error().message;
  }
  EXPECT_EQ(slurp(path("k/keyring.prism")), before);
  EXPECT_EQ(left(), (std::vector<std::string>{"dangling", "empty", "file", "k", "k/keyring.prism", "k/tables"}));
}

TEST_F(KeyringTest, NothingIsLeftBehindWhenCreationFails) {
  for (int good = 0; good < 5; ++good) {
    FailingRandom random(good);
    EXPECT_FALSE(Keyring::create(path("k"), random, clock_, as_bytes("p"), cheap_)) << good;
    EXPECT_EQ(left(), std::vector<std::string>{}) << good;
  }
  FailingRandom enough(5);
  EXPECT_TRUE(Keyring::create(path("enough"), enough, clock_, as_bytes("p"), cheap_));
  std::filesystem::remove_all(path("enough"));
  EXPECT_FALSE(Keyring::create(path("k"), random_, clock_, as_bytes(""), cheap_));
  EXPECT_FALSE(Keyring::create(path("k"), random_, clock_, as_bytes("p"), {30, 8, 1}));
  EXPECT_FALSE(Keyring::create(path("no/such/parent"), random_, clock_));
  EXPECT_FALSE(Keyring::create("", random_, clock_));
  EXPECT_FALSE(Keyring::create("/", random_, clock_));
  EXPECT_FALSE(Keyring::create(path(".."), random_, clock_));
  EXPECT_EQ(left(), std::vector<std::string>{});
}

TEST_F(KeyringTest, NothingIsLeftBehindWhenTheDiskTakesNoMore) {
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto signal_before = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto made = Keyring::create(path("k"), random_, clock_);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, signal_before);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::io);
  EXPECT_EQ(left(), std::vector<std::string>{});
}

TEST_F(KeyringTest, PassphrasesThatDoNotFitAreNamed) {
  ASSERT_TRUE(Keyring::create(path("guarded"), random_, clock_, as_bytes("hunter22"), cheap_));
  ASSERT_TRUE(Keyring::create(path("plain"), random_, clock_));
  const auto wrong = Keyring::open(path("guarded"), as_bytes("hunter23"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::unauthorised);
  EXPECT_EQ(wrong.error().message.find("hunter"), std::string::npos);
  const auto missing = Keyring::open(path("guarded"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::unauthorised);
  EXPECT_NE(missing.error().message, wrong.error().message);
  const auto superfluous = Keyring::open(path("plain"), as_bytes("hunter22"));
  ASSERT_FALSE(superfluous);
  EXPECT_EQ(superfluous.error().code, ErrorCode::invalid_argument);
}

TEST_F(KeyringTest, WhatIsNoKeyDirectoryIsNamed) {
  EXPECT_EQ(Keyring::open(path("none")).error().code, ErrorCode::not_found);
  ASSERT_EQ(::mkdir(path("empty").c_str(), 0700), 0);
  const auto empty = Keyring::open(path("empty"));
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::not_found);
  EXPECT_NE(empty.error().message.find("is not a key directory"), std::string::npos);
  spit(path("file"), as_bytes("text"));
  EXPECT_EQ(Keyring::open(path("file")).error().code, ErrorCode::not_found);
}

TEST_F(KeyringTest, OtherVersionsAndKindsAreNamed) {
  ASSERT_TRUE(Keyring::create(path("k"), random_, clock_));
  const Bytes good = slurp(path("k/keyring.prism"));
  Bytes later = good;
  later[8] = 2;
  EXPECT_EQ(describe_keyring(with_fresh_checksum(later)).error().code, ErrorCode::unsupported);
  Bytes answer = good;
  answer[6] = static_cast<std::uint8_t>(wire::Kind::answer);
  const auto refused = describe_keyring(with_fresh_checksum(answer));
  EXPECT_EQ(refused.error().code, ErrorCode::mismatch);
  EXPECT_NE(refused.error().message.find("an answer"), std::string::npos);
}

/// What Keyring::open does once it has the file's bytes; thousands of files would take the disk seconds.
Result<Seed> open_bytes(ByteView bytes, const Passphrase& passphrase) {
  PRISM_TRY(const internal::KeyringFile file, internal::parse_keyring(bytes, "the key"));
  return internal::open_seed_box(file.box, wire::Kind::master_key, 1, file.before_box, passphrase, "the key");
}

TEST_F(KeyringTest, EveryFlippedBitAndEveryCutIsRefused) {
  for (const bool guarded : {false, true}) {
    const std::string dir = path(guarded ? "guarded" : "open");
    const Passphrase pass = guarded ? Passphrase(as_bytes("p")) : std::nullopt;
    ASSERT_TRUE(Keyring::create(dir, random_, clock_, pass, cheap_));
    const Bytes good = slurp(dir + "/keyring.prism");
    ASSERT_TRUE(open_bytes(good, pass));
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit)
      EXPECT_FALSE(open_bytes(flipped(good, bit), pass)) << "bit " << bit;
    for (std::size_t bit = 0; bit < 8 * good.size(); bit += 61) {
      spit(dir + "/keyring.prism", flipped(good, bit));
      EXPECT_FALSE(Keyring::open(dir, pass)) << "bit " << bit;
    }
    for (std::size_t size = 0; size < good.size(); ++size)
      EXPECT_FALSE(describe_keyring(ByteView(good).first(size))) << size;
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(describe_keyring(longer));
    spit(dir + "/keyring.prism", Bytes(1 << 16));
    EXPECT_FALSE(Keyring::open(dir, pass));
  }
}

// Under a passphrase every field is authenticated, so making the checksum right does not help.
TEST_F(KeyringTest, EveryFlippedBitUnderAFreshChecksumIsRefused) {
  ASSERT_TRUE(Keyring::create(path("k"), random_, clock_, as_bytes("p"), cheap_));
  const Bytes good = slurp(path("k/keyring.prism"));
  for (std::size_t bit = 0; bit < 8 * (good.size() - 32); ++bit)
    EXPECT_FALSE(open_bytes(with_fresh_checksum(flipped(good, bit)), as_bytes("p"))) << "bit " << bit;
  EXPECT_TRUE(open_bytes(with_fresh_checksum(good), as_bytes("p")));
}

TEST_F(KeyringTest, SeedIsNotInAFileUnderAPassphrase) {
  ASSERT_TRUE(Keyring::create(path("k"), random_, clock_, as_bytes("p"), cheap_));
  const std::string file = to_hex(slurp(path("k/keyring.prism")));
  EXPECT_EQ(file.find("1415161718191a1b"), std::string::npos);
}

TEST(TableIdTest, HexIsReadBackAndNothingElse) {
  TableId id;
  for (std::size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(17 * i);
  EXPECT_EQ(table_id_from_hex(id.hex()), id);
  for (const char* text :
       {"", "00112233445566778899aabbccddee", "00112233445566778899aabbccddeeFF", "00112233445566778899aabbccddeeff0",
        "00112233445566778899aabbccddee/.", " 0112233445566778899aabbccddeeff"})
    EXPECT_FALSE(table_id_from_hex(text)) << text;
}

}  // namespace
}  // namespace prism::custody
