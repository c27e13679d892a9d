#include "prism/crypto/key_file.h"

#include <gtest/gtest.h>

#include "prism/crypto/internal/pem.h"
#include "tests/support/vectors.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;
using testing_support::RepeatableRandom;

std::string text_of(const SecretText& text) { return std::string(as_text(text.reveal(RevealKey{}))); }
/// Little work, for tests that are not about it.
constexpr ScryptCost kCheap{4, 8, 1};

TEST(PemTest, GivesBackWhatItWasGivenAndIsLaidOutAsOthersDo) {
  RepeatableRandom random(1);
  for (std::size_t size = 1; size < 200; ++size) {
    Bytes der(size);
    ASSERT_TRUE(random.fill(der));
    const std::string pem = text_of(internal::write_pem("X Y", der));
    const auto back = internal::read_pem(as_bytes(pem));
    ASSERT_TRUE(back) << size << ": " << back.error().message;
    EXPECT_EQ(back->label, "X Y");
    EXPECT_EQ(to_hex(back->der.reveal(RevealKey{})), to_hex(der));
    for (std::size_t at = 0, line; (line = pem.find('\n', at)) != std::string::npos; at = line + 1)
      EXPECT_LE(line - at, 64u);
  }
  // RFC 4648, section 10.
  EXPECT_EQ(text_of(internal::write_pem("A", as_bytes("foobar"))), "-----BEGIN A-----\nZm9vYmFy\n-----END A-----\n");
  EXPECT_EQ(text_of(internal::write_pem("A", as_bytes("fooba"))), "-----BEGIN A-----\nZm9vYmE=\n-----END A-----\n");
  EXPECT_EQ(text_of(internal::write_pem("A", as_bytes("foob"))), "-----BEGIN A-----\nZm9vYg==\n-----END A-----\n");
}

TEST(PemTest, HasOneEncodingOfEachContent) {
  const auto reads = [](std::string_view body) {
    return internal::read_pem(as_bytes("-----BEGIN A-----\n" + std::string(body) + "\n-----END A-----\n")).has_value();
  };
  EXPECT_TRUE(reads("Zm9vYg=="));
  EXPECT_TRUE(reads("Zm9v\r\nYg=="));
  EXPECT_TRUE(reads("+/+/"));
  for (const char* bad : {"", "Zm9vYh==", "Zm9vYmF=", "Zm9vYg=", "Zm9vYg", "Zm9v=Yg=", "Zm9vY===", "====", "Zm9v*g==",
                          "Zm9v-g==", "Zm9v\x01g==", "Zm9v\xe9g==", "Proc-Type: 4,ENCRYPTED\n\nZm9v"})
    EXPECT_FALSE(reads(bad)) << bad;
  for (const char* file :
       {"", "-----BEGIN ", "-----BEGIN A-----", "-----BEGIN A-----\nZm9v\n",
        "-----BEGIN A-----\nZm9v\n-----END B-----\n", "-----BEGIN A-----\nZm9v\n-----END A-----\nmore", "Zm9v",
        "-----BEGIN A-----\nZm9v\n-----END A-----\n-----BEGIN A-----\nZm9v\n-----END A-----\n"})
    EXPECT_EQ(internal::read_pem(as_bytes(file)).error().code, ErrorCode::malformed) << file;
  EXPECT_TRUE(internal::read_pem(as_bytes("a comment\n-----BEGIN A-----\nZm9v\n-----END A-----\n \n")));
  // Every character of the alphabet, and no other.
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int c = 33; c < 256; ++c) {
    if (c == '=') continue;
    const std::string body = std::string("AAA") + static_cast<char>(c);
    const auto block = internal::read_pem(as_bytes("-----BEGIN A-----\n" + body + "\n-----END A-----\n"));
    const std::size_t value = alphabet.find(static_cast<char>(c));
    EXPECT_EQ(block.has_value(), value != std::string::npos) << c;
    if (block) {
      EXPECT_EQ(block->der.reveal(RevealKey{})[2], value) << c;
    }
  }
}

TEST(KeyFileTest, EveryKeySurvivesItsFile) {
  RepeatableRandom random(2);
  for (const auto algorithm : {SignatureAlgorithm::ml_dsa_65, SignatureAlgorithm::ml_dsa_87})
    for (const bool hidden : {false, true}) {
      const auto key = SigningKey::generate(algorithm, random);
      ASSERT_TRUE(key);
      const KeyPassphrase passphrase = hidden ? KeyPassphrase(as_bytes("p")) : std::nullopt;
      const auto file = secret_key_file(*key, passphrase, random, kCheap);
      ASSERT_TRUE(file);
      const auto back = read_signing_key(file->reveal(RevealKey{}), passphrase);
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(back->verify_key(), key->verify_key());
      EXPECT_EQ(to_hex(back->reveal_seed(RevealKey{})), to_hex(key->reveal_seed(RevealKey{})));
      const auto open = read_verify_key(as_bytes(public_key_file(key->verify_key())));
      ASSERT_TRUE(open);
      EXPECT_EQ(*open, key->verify_key());
    }
  for (const Kem kem : {Kem::ml_kem_768, Kem::ml_kem_1024, Kem::mlkem768_x25519})
    for (const bool hidden : {false, true}) {
      const auto key = KemSecretKey::generate(kem, random);
      ASSERT_TRUE(key);
      const KeyPassphrase passphrase = hidden ? KeyPassphrase(as_bytes("p")) : std::nullopt;
      const auto file = secret_key_file(*key, passphrase, random, kCheap);
      ASSERT_TRUE(file);
      const auto back = read_kem_key(file->reveal(RevealKey{}), passphrase);
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(back->kem(), kem);
      EXPECT_EQ(back->public_key(), key->public_key());
      const auto text = public_key_file(kem, key->public_key());
      ASSERT_TRUE(text);
      const auto open = read_kem_public_key(as_bytes(*text));
      ASSERT_TRUE(open);
      EXPECT_EQ(open->bytes, key->public_key());
      EXPECT_EQ(open->kem, kem);
      const auto info = describe_key_file(as_bytes(*text));
      ASSERT_TRUE(info);
      EXPECT_EQ(*info->fingerprint, *fingerprint_of(kem, key->public_key()));
    }
  const auto short_lived = KemSecretKey::generate(Kem::mlkem1024_p384, random);
  ASSERT_TRUE(short_lived);
  EXPECT_EQ(secret_key_file(*short_lived, std::nullopt, random).error().code, ErrorCode::unsupported);
  EXPECT_EQ(public_key_file(Kem::mlkem1024_p384, short_lived->public_key()).error().code, ErrorCode::unsupported);
}

TEST(KeyFileTest, HalvesThatDoNotBelongTogetherAreRefused) {
  RepeatableRandom random(3);
  const auto check_mix = [&](const auto& a, const auto& b, const auto& read) {
    const auto file = secret_key_file(a, std::nullopt, random), other = secret_key_file(b, std::nullopt, random);
    ASSERT_TRUE(file && other);
    auto block = internal::read_pem(file->reveal(RevealKey{})), second = internal::read_pem(other->reveal(RevealKey{}));
    ASSERT_TRUE(block && second);
    // The last 100 bytes of the expanded key are of another key: this one's seed does not give them.
    const auto from = second->der.reveal(RevealKey{}).last(100);
    std::copy(from.begin(), from.end(), block->der.reveal(RevealKey{}).last(100).begin());
    const auto mixed = internal::write_pem("PRIVATE KEY", block->der.reveal(RevealKey{}));
    const auto key = read(mixed.reveal(RevealKey{}));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::integrity);
  };
  check_mix(*SigningKey::generate(SignatureAlgorithm::ml_dsa_65, random),
            *SigningKey::generate(SignatureAlgorithm::ml_dsa_65, random),
            [](ByteView file) { return read_signing_key(file); });
  check_mix(*KemSecretKey::generate(Kem::ml_kem_768, random), *KemSecretKey::generate(Kem::ml_kem_768, random),
            [](ByteView file) { return read_kem_key(file); });
}

TEST(KeyFileTest, ChangedFilesAreNeverTakenForTheKey) {
  RepeatableRandom random(4);
  const auto key = SigningKey::generate(SignatureAlgorithm::ml_dsa_65, random);
  ASSERT_TRUE(key);
  for (const bool hidden : {false, true}) {
    const KeyPassphrase passphrase = hidden ? KeyPassphrase(as_bytes("p")) : std::nullopt;
    const auto file = secret_key_file(*key, passphrase, random, kCheap);
    ASSERT_TRUE(file);
    const std::string good = text_of(*file);
    for (int i = 0; i < 150; ++i) {
      std::string bad = good;
      const std::size_t at = i < 75 ? random.below(300) : random.below(bad.size());
      bad[at] = static_cast<char>(bad[at] ^ (1 << random.below(7)));
      const auto opened = read_signing_key(as_bytes(bad), passphrase);
      // Line breaks, and the file's first line as a comment, are not part of a key. Nor does a changed cipher
      // parameter that decrypts to the same exist; so whatever opens is the key itself.
      if (opened) {
        EXPECT_EQ(opened->verify_key(), key->verify_key()) << at;
      }
      EXPECT_FALSE(read_signing_key(as_bytes(bad.substr(0, at)), passphrase));
    }
  }
}

TEST(KeyFileTest, PassphrasesAreNeededExactlyWhenTheyProtect) {
  RepeatableRandom random(5);
  const auto key = KemSecretKey::generate(Kem::mlkem768_x25519, random);
  ASSERT_TRUE(key);
  const auto hidden = secret_key_file(*key, as_bytes("p"), random, kCheap);
  const auto open = secret_key_file(*key, std::nullopt, random);
  ASSERT_TRUE(hidden && open);
  EXPECT_EQ(read_kem_key(hidden->reveal(RevealKey{})).error().code, ErrorCode::unauthorised);
  EXPECT_EQ(read_kem_key(hidden->reveal(RevealKey{}), as_bytes("q")).error().code, ErrorCode::unauthorised);
  EXPECT_EQ(read_kem_key(hidden->reveal(RevealKey{}), as_bytes("")).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(read_kem_key(open->reveal(RevealKey{}), as_bytes("p")).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(secret_key_file(*key, as_bytes(""), random).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(secret_key_file(*key, as_bytes(std::string(1025, 'p')), random).error().code, ErrorCode::invalid_argument);
  // The same key and passphrase, other bytes: the salt is fresh.
  EXPECT_NE(text_of(*secret_key_file(*key, as_bytes("p"), random, kCheap)), text_of(*hidden));
  for (const ScryptCost cost : {ScryptCost{18, 8, 1}, ScryptCost{14, 8, 17}, ScryptCost{0, 8, 1}, ScryptCost{14, 0, 1}})
    EXPECT_EQ(secret_key_file(*key, as_bytes("p"), random, cost).error().code, ErrorCode::unsupported);
}

TEST(KeyFileTest, DescriptionsHoldNoSecret) {
  RepeatableRandom random(6);
  const auto key = SigningKey::generate(SignatureAlgorithm::ml_dsa_87, random);
  ASSERT_TRUE(key);
  const auto hidden = secret_key_file(*key, as_bytes("p"), random);
  ASSERT_TRUE(hidden);
  const auto outside = describe_key_file(hidden->reveal(RevealKey{}));
  ASSERT_TRUE(outside);
  EXPECT_EQ(outside->kind, KeyFileInfo::Kind::secret_key);
  EXPECT_EQ(outside->protection, KeyFileInfo::Protection::scrypt);
  EXPECT_EQ(outside->cost, kKeyFileCost);
  EXPECT_FALSE(outside->algorithm || outside->fingerprint || outside->form);
  const auto inside = describe_key_file(hidden->reveal(RevealKey{}), as_bytes("p"));
  ASSERT_TRUE(inside);
  EXPECT_EQ(*inside->algorithm, KeyAlgorithm::ml_dsa_87);
  EXPECT_EQ(*inside->fingerprint, key->verify_key().fingerprint());
  EXPECT_EQ(inside->public_key_bytes, 2592u);
}

TEST(KeyFileTest, FilesBeyondTheBoundAreRefusedUnread) {
  const std::string big =
      "-----BEGIN PUBLIC KEY-----\n" + std::string(kMaxKeyFileBytes, 'A') + "\n-----END PUBLIC KEY-----\n";
  EXPECT_EQ(read_verify_key(as_bytes(big)).error().code, ErrorCode::malformed);
  EXPECT_EQ(describe_key_file(as_bytes(big)).error().code, ErrorCode::malformed);
}

TEST(FingerprintTest, HasOneTextAndForgivingReaders) {
  Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::uint8_t>(i * 7 + 1);
  const std::string text = fingerprint_text(digest);
  EXPECT_EQ(text, "SHA256:01080f16-1d242b32-3940474e-555c636a-71787f86-8d949ba2-a9b0b7be-c5ccd3da");
  EXPECT_EQ(*fingerprint_from(text), digest);
  EXPECT_EQ(*fingerprint_from(to_hex(digest)), digest);
  EXPECT_EQ(*fingerprint_from("sha256:" + to_hex(digest)), digest);
  for (const std::string& bad :
       {std::string(), text + "0", text.substr(0, text.size() - 1), "SHA1:" + to_hex(digest), text + "\n", text + "x"})
    EXPECT_EQ(fingerprint_from(bad).error().code, ErrorCode::invalid_argument) << bad;
}

TEST(KeyAlgorithmTest, NamesAreReadInAnyCase) {
  for (const auto algorithm : {KeyAlgorithm::ml_kem_768, KeyAlgorithm::ml_kem_1024, KeyAlgorithm::x_wing,
                               KeyAlgorithm::ml_dsa_65, KeyAlgorithm::ml_dsa_87, KeyAlgorithm::x25519}) {
    std::string name(name_of(algorithm));
    EXPECT_EQ(*key_algorithm_from(name), algorithm);
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(*key_algorithm_from(name), algorithm);
  }
  EXPECT_FALSE(key_algorithm_from("ML-DSA-44"));
  EXPECT_FALSE(key_algorithm_from(""));
}

}  // namespace
}  // namespace prism::crypto
