// OpenSSL keeps a queue of errors per thread, and TLS code reads it to learn whether a call failed. What this room
// leaves in it would look like a broken connection.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "prism/crypto/chunked.h"
#include "prism/crypto/key_file.h"
#include "prism/crypto/self_test.h"
#include "tests/support/vectors.h"

namespace prism::crypto {
namespace {

using testing_support::RepeatableRandom;

class ErrorQueueTest : public testing::Test {
 protected:
  void SetUp() override { ERR_clear_error(); }
  static void expect_empty(const char* after) {
    const unsigned long error = ERR_get_error();
    char text[256] = "";
    ERR_error_string_n(error, text, sizeof text);
    EXPECT_EQ(error, 0u) << "after " << after << ": " << text;
    ERR_clear_error();
  }
  RepeatableRandom random_{1};
};

TEST_F(ErrorQueueTest, IsEmptyAfterWhatWorks) {
  ASSERT_TRUE(self_test());
  expect_empty("the self-test");
  const auto key = SigningKey::generate(SignatureAlgorithm::ml_dsa_65, random_);
  const auto file = secret_key_file(*key, as_bytes("p"), random_, {4, 8, 1});
  expect_empty("writing a key");
  ASSERT_TRUE(read_signing_key(file->reveal(secret::RevealKey{}), as_bytes("p")));
  expect_empty("reading a key");
  for (const Kem kem : {Kem::ml_kem_768, Kem::ml_kem_1024, Kem::mlkem768_x25519, Kem::mlkem1024_p384}) {
    const auto secret = KemSecretKey::generate(kem, random_);
    expect_empty("making a KEM key");
    ASSERT_TRUE(encapsulate(kem, secret->public_key(), random_));
    expect_empty("encapsulating");
  }
}

TEST_F(ErrorQueueTest, IsEmptyAfterWhatIsRefused) {
  const auto key = SigningKey::generate(SignatureAlgorithm::ml_dsa_65, random_);
  auto signature = *key->sign(as_bytes("m"), "c", random_);
  signature[100] ^= 1;
  EXPECT_FALSE(key->verify_key().verify(as_bytes("m"), "c", signature));
  expect_empty("a bad signature");
  EXPECT_FALSE(aead_open(Key256{}, Nonce{}, {}, Bytes(100)));
  expect_empty("a bad tag");
  EXPECT_FALSE(chunked_open(Key256{}, {}, Bytes(100)));
  expect_empty("a bad head");
  for (const Kem kem : {Kem::ml_kem_768, Kem::ml_kem_1024, Kem::mlkem768_x25519, Kem::mlkem1024_p384}) {
    EXPECT_FALSE(encapsulate(kem, Bytes(sizes_of(kem).public_key, 0xff), random_));
    expect_empty("a bad public key");
    const auto secret = KemSecretKey::generate(kem, random_);
    static_cast<void>(secret->decapsulate(Bytes(sizes_of(kem).ciphertext)));
    expect_empty("a ciphertext of zeros");
  }
  EXPECT_FALSE(KemSecretKey::from_expanded(Kem::ml_kem_768, Bytes(2400, 1)));
  expect_empty("a bad expanded KEM key");
  static_cast<void>(SigningKey::from_expanded(SignatureAlgorithm::ml_dsa_65, Bytes(4032, 0xff)));
  expect_empty("a bad expanded signing key");
  const auto file = secret_key_file(*key, as_bytes("p"), random_, {4, 8, 1});
  EXPECT_FALSE(read_signing_key(file->reveal(secret::RevealKey{}), as_bytes("q")));
  expect_empty("a wrong passphrase");
  EXPECT_FALSE(describe_key_file(
      as_bytes("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAB\n-----END ENCRYPTED PRIVATE KEY-----\n")));
  expect_empty("a protected key that does not parse");
}

}  // namespace
}  // namespace prism::crypto
