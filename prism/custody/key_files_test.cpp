#include "prism/custody/key_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "prism/host/file.h"
#include "prism/host/system.h"

namespace prism::custody {
namespace {

using crypto::KeyAlgorithm;

class KeyFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "prism-key-files-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  static unsigned mode_of(const std::string& file) {
    struct stat info{};
    EXPECT_EQ(::stat(file.c_str(), &info), 0);
    return info.st_mode & 0777;
  }

  std::string dir_;
  host::SystemRandom random_;
};

TEST_F(KeyFilesTest, WhatIsWrittenIsReadAndSignsForItsPublicHalf) {
  for (const auto algorithm : {KeyAlgorithm::ml_dsa_65, KeyAlgorithm::ml_dsa_87}) {
    const std::string name(crypto::name_of(algorithm));
    const auto made = make_key_files(algorithm, path(name + ".pub"), path(name + ".key"), std::nullopt, random_);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(mode_of(path(name + ".key")), 0600u);
    const auto secret = load_signing_key(path(name + ".key"));
    const auto open = load_verify_key(path(name + ".pub"));
    ASSERT_TRUE(secret && open);
    EXPECT_EQ(open->fingerprint(), *made);
    EXPECT_EQ(secret->verify_key(), *open);
    const auto signature = secret->sign(as_bytes("m"), "c", random_);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(open->verify(as_bytes("m"), "c", *signature));
  }
}

TEST_F(KeyFilesTest, EveryKemKeyOpensWhatItsPublicHalfSealed) {
  for (const auto algorithm : {KeyAlgorithm::ml_kem_768, KeyAlgorithm::ml_kem_1024, KeyAlgorithm::x_wing}) {
    const std::string name(crypto::name_of(algorithm));
    const bool hidden = algorithm == KeyAlgorithm::x_wing;  // one is enough: scrypt takes its time
    const Passphrase passphrase = hidden ? Passphrase(as_bytes("correct horse")) : std::nullopt;
    ASSERT_TRUE(make_key_files(algorithm, path(name + ".pub"), path(name + ".key"), passphrase, random_));
    const auto open = load_kem_public_key(path(name + ".pub"));
    const auto secret = load_kem_key(path(name + ".key"), passphrase);
    ASSERT_TRUE(secret && open) << secret.error().message;
    const auto made = crypto::encapsulate(open->kem, open->bytes, random_);
    ASSERT_TRUE(made);
    const auto back = secret->decapsulate(made->ciphertext);
    ASSERT_TRUE(back);
    EXPECT_TRUE(secret::equal(back->reveal(secret::RevealKey{}), made->secret.reveal(secret::RevealKey{})));
    if (!hidden) continue;
    EXPECT_EQ(load_kem_key(path(name + ".key")).error().code, ErrorCode::unauthorised);
    EXPECT_EQ(load_kem_key(path(name + ".key"), as_bytes("wrong horse")).error().code, ErrorCode::unauthorised);
  }
}

TEST_F(KeyFilesTest, NothingIsOverwrittenUnlessAsked) {
  ASSERT_TRUE(make_key_files(KeyAlgorithm::ml_dsa_65, path("a.pub"), path("a.key"), std::nullopt, random_));
  const auto before = host::read_file(path("a.key"), 1 << 20);
  ASSERT_TRUE(before);
  for (const char* other : {"a.key", "b.key"}) {
    const auto again = make_key_files(KeyAlgorithm::ml_dsa_65, path("a.pub"), path(other), std::nullopt, random_);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::refused);
  }
  EXPECT_FALSE(host::exists(path("b.key"))) << "a secret key was left behind";
  EXPECT_EQ(*host::read_file(path("a.key"), 1 << 20), *before);
  EXPECT_EQ(make_key_files(KeyAlgorithm::ml_dsa_65, path("c"), path("c"), std::nullopt, random_).error().code,
            ErrorCode::refused);
  EXPECT_TRUE(make_key_files(KeyAlgorithm::ml_dsa_65, path("a.pub"), path("a.key"), std::nullopt, random_,
                             host::AtomicFile::IfExists::replace));
  EXPECT_NE(*host::read_file(path("a.key"), 1 << 20), *before);
}

TEST_F(KeyFilesTest, ASecretKeyIsTakenBackWhenItsPublicHalfCannotBeWritten) {
  EXPECT_FALSE(make_key_files(KeyAlgorithm::ml_dsa_65, path("no/such/a.pub"), path("a.key"), std::nullopt, random_));
  EXPECT_FALSE(host::exists(path("a.key")));
}

TEST_F(KeyFilesTest, KeysThatOthersMayReadAreNotUsed) {
  ASSERT_TRUE(make_key_files(KeyAlgorithm::ml_dsa_65, path("a.pub"), path("a.key"), std::nullopt, random_));
  ASSERT_EQ(::chmod(path("a.key").c_str(), 0640), 0);
  EXPECT_EQ(load_signing_key(path("a.key")).error().code, ErrorCode::insecure);
  EXPECT_TRUE(describe_key_file(path("a.key")));
}

TEST_F(KeyFilesTest, ErrorsNameTheFileAndTheMix) {
  ASSERT_TRUE(make_key_files(KeyAlgorithm::ml_dsa_65, path("s.pub"), path("s.key"), std::nullopt, random_));
  ASSERT_TRUE(make_key_files(KeyAlgorithm::x_wing, path("k.pub"), path("k.key"), std::nullopt, random_));
  for (const Error& error : {load_kem_key(path("s.key")).error(), load_signing_key(path("k.key")).error(),
                             load_verify_key(path("k.pub")).error(), load_verify_key(path("s.key")).error(),
                             load_kem_public_key(path("s.pub")).error(), load_signing_key(path("s.pub")).error()})
    EXPECT_TRUE(error.code == ErrorCode::mismatch || error.code == ErrorCode::insecure) << error.message;
  EXPECT_NE(load_kem_key(path("s.key")).error().message.find("s.key"), std::string::npos);
  EXPECT_EQ(load_verify_key(path("none")).error().code, ErrorCode::not_found);
}

TEST(SecretPathTest, StandsBesideThePublicOne) {
  EXPECT_EQ(secret_path_beside("a/client.pub"), "a/client.key");
  EXPECT_EQ(secret_path_beside("client"), "client.key");
  EXPECT_EQ(secret_path_beside(".pub"), ".pub.key");
}

}  // namespace
}  // namespace prism::custody
