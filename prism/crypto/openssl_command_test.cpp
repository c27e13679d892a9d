// Keys, signatures and ciphertexts of ours in the `openssl` command, and its own in ours.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "prism/crypto/key_file.h"
#include "tests/support/vectors.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;
using testing_support::RepeatableRandom;

class OpensslCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "prism-openssl-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    if (!openssl("list -kem-algorithms > kems") || text("kems").find("ML-KEM-768") == std::string::npos)
      GTEST_SKIP() << "the openssl command here (" PRISM_OPENSSL_COMMAND ") has no ML-KEM";
    write("message", "what is signed");
    write("pass", "pass phrase with spaces\n");
    write("pass2", text("pass"));  // the command reads one line for each use of one file
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  /// Runs in the test's directory; whether it went well.
  bool openssl(const std::string& arguments) const {
    const std::string command = "cd '" + dir_ + "' && '" PRISM_OPENSSL_COMMAND "' " + arguments + " 2>> errors";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  Bytes bytes(const std::string& name) const {
    std::ifstream in(dir_ + "/" + name, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(in), {});
  }
  std::string text(const std::string& name) const { return std::string(as_text(bytes(name))); }
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(dir_ + "/" + name, std::ios::binary) << content;
  }
  void write(const std::string& name, ByteView content) const { write(name, as_text(content)); }

  static constexpr std::string_view kPassText = "pass phrase with spaces";
  std::string dir_;
  RepeatableRandom random_{20};
};

constexpr SignatureAlgorithm kSignatures[] = {SignatureAlgorithm::ml_dsa_65, SignatureAlgorithm::ml_dsa_87};
constexpr Kem kKems[] = {Kem::ml_kem_768, Kem::ml_kem_1024};
/// What genpkey writes: both parts by default, or one of them.
constexpr const char* kForms[] = {"seed-priv", "seed-only", "priv-only"};

std::string provider_form(const std::string& name, const char* form) {
  const std::string family = name.substr(0, 6) == "ML-KEM" ? "ml-kem" : "ml-dsa";
  return " -provparam " + family + ".output_formats=" + form;
}

TEST_F(OpensslCommandTest, OurIdentitySignsThereAndHere) {
  for (const auto algorithm : kSignatures) {
    const std::string name(name_of(algorithm));
    const auto key = SigningKey::generate(algorithm, random_);
    ASSERT_TRUE(key);
    const auto secret = secret_key_file(*key, std::nullopt, random_);
    ASSERT_TRUE(secret);
    write("our.key", secret->reveal(RevealKey{}));
    write("our.pub", public_key_file(key->verify_key()));

    ASSERT_TRUE(openssl("pkeyutl -sign -inkey our.key -rawin -in message -out theirs.sig -pkeyopt context-string:ctx"))
        << text("errors");
    EXPECT_TRUE(key->verify_key().verify(bytes("message"), "ctx", bytes("theirs.sig"))) << name;
    EXPECT_FALSE(key->verify_key().verify(bytes("message"), "", bytes("theirs.sig"))) << name;

    const auto signature = key->sign(bytes("message"), "ctx", random_);
    ASSERT_TRUE(signature);
    write("ours.sig", *signature);
    EXPECT_TRUE(
        openssl("pkeyutl -verify -pubin -inkey our.pub -rawin -in message -sigfile ours.sig "
                "-pkeyopt context-string:ctx > out"))
        << text("errors");
    EXPECT_FALSE(
        openssl("pkeyutl -verify -pubin -inkey our.pub -rawin -in message -sigfile ours.sig "
                "-pkeyopt context-string:other > out"));
    // The same bytes as their own encoder writes.
    ASSERT_TRUE(openssl("pkey -in our.key -pubout -out again.pub") && openssl("pkey -in our.key -out again.key"));
    EXPECT_EQ(text("again.pub"), public_key_file(key->verify_key()));
    EXPECT_EQ(text("again.key"), as_text(secret->reveal(RevealKey{})));
  }
}

TEST_F(OpensslCommandTest, TheirIdentitySignsHereInEveryForm) {
  for (const auto algorithm : kSignatures)
    for (const char* form : kForms) {
      const std::string name(name_of(algorithm));
      ASSERT_TRUE(openssl("genpkey -algorithm " + name + provider_form(name, form) + " -out t.key") &&
                  openssl("pkey -in t.key -pubout -out t.pub"))
          << text("errors");
      const auto key = read_signing_key(bytes("t.key"));
      ASSERT_TRUE(key) << name << " " << form << ": " << key.error().message;
      const auto open = read_verify_key(bytes("t.pub"));
      ASSERT_TRUE(open) << open.error().message;
      EXPECT_EQ(*open, key->verify_key());
      const auto signature = key->sign(bytes("message"), "ctx", random_);
      ASSERT_TRUE(signature);
      write("ours.sig", *signature);
      EXPECT_TRUE(
          openssl("pkeyutl -verify -pubin -inkey t.pub -rawin -in message -sigfile ours.sig "
                  "-pkeyopt context-string:ctx > out"))
          << name << " " << form << text("errors");
      const auto info = describe_key_file(bytes("t.key"));
      ASSERT_TRUE(info);
      using Form = KeyFileInfo::Form;
      EXPECT_EQ(*info->form, form == kForms[0]   ? Form::seed_and_expanded
                             : form == kForms[1] ? Form::seed
                                                 : Form::expanded);
      EXPECT_EQ(*info->fingerprint, open->fingerprint());
      // Written again it keeps what it has: both halves when there is a seed.
      const auto again = secret_key_file(*key, std::nullopt, random_);
      ASSERT_TRUE(again);
      const auto reread = read_signing_key(again->reveal(RevealKey{}));
      ASSERT_TRUE(reread);
      EXPECT_EQ(reread->verify_key(), *open);
    }
}

TEST_F(OpensslCommandTest, SecretsAgreeBothWaysInEveryForm) {
  for (const Kem kem : kKems)
    for (const char* form : kForms) {
      const std::string name(name_of(kem));
      ASSERT_TRUE(openssl("genpkey -algorithm " + name + provider_form(name, form) + " -out t.key") &&
                  openssl("pkey -in t.key -pubout -out t.pub") &&
                  openssl("pkeyutl -encap -pubin -inkey t.pub -out t.ct -secret t.ss"))
          << text("errors");
      const auto key = read_kem_key(bytes("t.key"));
      ASSERT_TRUE(key) << name << " " << form << ": " << key.error().message;
      const auto secret = key->decapsulate(bytes("t.ct"));
      ASSERT_TRUE(secret);
      EXPECT_EQ(to_hex(secret->reveal(RevealKey{})), to_hex(bytes("t.ss"))) << name << " " << form;

      const auto open = read_kem_public_key(bytes("t.pub"));
      ASSERT_TRUE(open);
      EXPECT_EQ(open->kem, kem);
      const auto made = encapsulate(open->kem, open->bytes, random_);
      ASSERT_TRUE(made);
      write("o.ct", made->ciphertext);
      ASSERT_TRUE(openssl("pkeyutl -decap -inkey t.key -in o.ct -secret o.ss")) << text("errors");
      EXPECT_EQ(to_hex(made->secret.reveal(RevealKey{})), to_hex(bytes("o.ss"))) << name << " " << form;
    }
}

TEST_F(OpensslCommandTest, OurKemKeysAreTheirs) {
  for (const Kem kem : kKems) {
    const auto key = KemSecretKey::generate(kem, random_);
    ASSERT_TRUE(key);
    const auto secret = secret_key_file(*key, std::nullopt, random_);
    const auto open = public_key_file(kem, key->public_key());
    ASSERT_TRUE(secret && open);
    write("our.key", secret->reveal(RevealKey{}));
    ASSERT_TRUE(openssl("pkey -in our.key -pubout -out again.pub") && openssl("pkey -in our.key -out again.key"))
        << text("errors");
    EXPECT_EQ(text("again.pub"), *open);
    EXPECT_EQ(text("again.key"), as_text(secret->reveal(RevealKey{})));
  }
}

TEST_F(OpensslCommandTest, ProtectedKeysOpenOnBothSides) {
  const auto key = SigningKey::generate(SignatureAlgorithm::ml_dsa_65, random_);
  ASSERT_TRUE(key);
  const auto secret = secret_key_file(*key, as_bytes(kPassText), random_);
  ASSERT_TRUE(secret) << secret.error().message;
  write("our.key", secret->reveal(RevealKey{}));
  ASSERT_TRUE(openssl("pkey -in our.key -passin file:pass -pubout -out again.pub")) << text("errors");
  EXPECT_EQ(text("again.pub"), public_key_file(key->verify_key()));
  write("wrong", "another\n");
  EXPECT_FALSE(openssl("pkey -in our.key -passin file:wrong -pubout -out never.pub"));

  // What genpkey does with a cipher (PBKDF2), and what pkcs8 does with -scrypt.
  ASSERT_TRUE(
      openssl("genpkey -algorithm ML-DSA-65 -aes-256-cbc -pass file:pass -out t1.key") &&
      openssl("pkey -in t1.key -passin file:pass -pubout -out t.pub") &&
      openssl("pkcs8 -topk8 -in t1.key -passin file:pass -scrypt -passout file:pass2 -out t2.key") &&
      openssl("pkcs8 -topk8 -in t1.key -passin file:pass -v2 aes128 -iter 10000 -passout file:pass2 -out t3.key"))
      << text("errors");
  const auto open = read_verify_key(bytes("t.pub"));
  ASSERT_TRUE(open);
  using Protection = KeyFileInfo::Protection;
  const std::pair<const char*, Protection> files[] = {
      {"t1.key", Protection::pbkdf2}, {"t2.key", Protection::scrypt}, {"t3.key", Protection::pbkdf2}};
  for (const auto& [file, protection] : files) {
    const auto opened = read_signing_key(bytes(file), as_bytes(kPassText));
    ASSERT_TRUE(opened) << file << ": " << opened.error().message;
    EXPECT_EQ(opened->verify_key(), *open);
    EXPECT_EQ(read_signing_key(bytes(file)).error().code, ErrorCode::unauthorised);
    EXPECT_EQ(read_signing_key(bytes(file), as_bytes("wrong")).error().code, ErrorCode::unauthorised);
    const auto outside = describe_key_file(bytes(file));
    ASSERT_TRUE(outside);
    EXPECT_EQ(outside->protection, protection);
    EXPECT_FALSE(outside->fingerprint);
    const auto inside = describe_key_file(bytes(file), as_bytes(kPassText));
    ASSERT_TRUE(inside);
    EXPECT_EQ(*inside->fingerprint, open->fingerprint());
  }
  // Costs that would hold the reader up are refused before they are paid.
  ASSERT_TRUE(
      openssl("pkcs8 -topk8 -in t1.key -passin file:pass -v2 aes256 -iter 2000001 -passout file:pass2 -out t4.key"));
  EXPECT_EQ(read_signing_key(bytes("t4.key"), as_bytes(kPassText)).error().code, ErrorCode::unsupported);
  ASSERT_TRUE(
      openssl("pkcs8 -topk8 -in t1.key -passin file:pass -scrypt -scrypt_N 1024 -scrypt_p 17 -passout file:pass2 "
              "-out t6.key"));
  EXPECT_EQ(read_signing_key(bytes("t6.key"), as_bytes(kPassText)).error().code, ErrorCode::unsupported);
  // Ciphers of the last century are not opened.
  ASSERT_TRUE(openssl("pkcs8 -topk8 -in t1.key -passin file:pass -v2 des3 -passout file:pass2 -out t5.key"));
  EXPECT_EQ(read_signing_key(bytes("t5.key"), as_bytes(kPassText)).error().code, ErrorCode::unsupported);
}

TEST_F(OpensslCommandTest, X25519KeysAgree) {
  ASSERT_TRUE(openssl("genpkey -algorithm X25519 -out a.key") && openssl("genpkey -algorithm X25519 -out b.key") &&
              openssl("pkey -in b.key -pubout -out b.pub") &&
              openssl("pkey -in b.key -pubout -outform DER -out b.der") &&
              openssl("pkeyutl -derive -inkey a.key -peerkey b.pub -out ss"))
      << text("errors");
  const auto key = read_x25519_key(bytes("a.key"));
  ASSERT_TRUE(key) << key.error().message;
  const auto secret = key->agree(ByteView(bytes("b.der")).last(32));
  ASSERT_TRUE(secret);
  EXPECT_EQ(to_hex(secret->reveal(RevealKey{})), to_hex(bytes("ss")));
  const auto info = describe_key_file(bytes("b.pub"));
  ASSERT_TRUE(info);
  EXPECT_EQ(*info->algorithm, KeyAlgorithm::x25519);
}

TEST_F(OpensslCommandTest, FingerprintsAreWhatTheirDigestSays) {
  ASSERT_TRUE(openssl("genpkey -algorithm ML-DSA-65 -out t.key") && openssl("pkey -in t.key -pubout -out t.pub") &&
              openssl("pkey -in t.key -pubout -outform DER -out t.der") &&
              openssl("dgst -sha256 -binary -out digest t.der"));
  const auto open = read_verify_key(bytes("t.pub"));
  ASSERT_TRUE(open);
  EXPECT_EQ(to_hex(open->fingerprint()), to_hex(bytes("digest")));
  EXPECT_EQ(open->spki(), bytes("t.der"));
}

TEST_F(OpensslCommandTest, OtherKindsOfKeysAreNamedAsSuch) {
  ASSERT_TRUE(openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key") &&
              openssl("genpkey -algorithm ML-DSA-44 -out small.key") &&
              openssl("pkey -in ec.key -pubout -out ec.pub") && openssl("genpkey -algorithm ML-KEM-768 -out kem.key"))
      << text("errors");
  EXPECT_EQ(read_signing_key(bytes("ec.key")).error().code, ErrorCode::unsupported);
  EXPECT_EQ(read_signing_key(bytes("small.key")).error().code, ErrorCode::unsupported);
  EXPECT_EQ(read_verify_key(bytes("ec.pub")).error().code, ErrorCode::unsupported);
  EXPECT_EQ(read_signing_key(bytes("kem.key")).error().code, ErrorCode::mismatch);
  EXPECT_EQ(read_verify_key(bytes("kem.key")).error().code, ErrorCode::mismatch);
}

}  // namespace
}  // namespace prism::crypto
