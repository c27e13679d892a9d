#include <gtest/gtest.h>

#include <string>

#include "prism/crypto/aead.h"
#include "prism/crypto/kdf.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;

Bytes unhex(std::string_view text) {
  Bytes out;
  std::string digits;
  for (const char c : text)
    if (c != ' ') digits += c;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return out;
}
Key256 key_of(const Bytes& bytes) {
  Key256 key;
  EXPECT_EQ(bytes.size(), 32u);
  std::copy_n(bytes.begin(), 32, key.reveal(RevealKey{}).begin());
  return key;
}
Nonce nonce_of(const Bytes& bytes) {
  Nonce nonce{};
  std::copy_n(bytes.begin(), nonce.size(), nonce.begin());
  return nonce;
}

struct GcmCase {
  const char *key, *nonce, *aad, *plaintext, *sealed;
};
// "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, appendix B, cases 13 to 16.
const GcmCase kGcmCases[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
     "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"}};

TEST(AeadTest, MatchesThePublishedCases) {
  for (const GcmCase& c : kGcmCases) {
    const Key256 key = key_of(unhex(c.key));
    const auto sealed = aead_seal(key, nonce_of(unhex(c.nonce)), unhex(c.aad), unhex(c.plaintext));
    ASSERT_TRUE(sealed);
    EXPECT_EQ(to_hex(*sealed), c.sealed);
    const auto opened = aead_open(key, nonce_of(unhex(c.nonce)), unhex(c.aad), *sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, unhex(c.plaintext));
  }
}

TEST(AeadTest, RefusesEveryFlippedBitInTheSameWords) {
  const GcmCase& c = kGcmCases[2];
  const Bytes key = unhex(c.key), nonce = unhex(c.nonce), aad = unhex(c.aad), sealed = unhex(c.sealed);
  std::string words;
  for (int part = 0; part < 4; ++part) {
    const std::size_t bits = 8 * (part == 0 ? key : part == 1 ? nonce : part == 2 ? aad : sealed).size();
    for (std::size_t bit = 0; bit < bits; ++bit) {
      Bytes parts[4] = {key, nonce, aad, sealed};
      parts[part][bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
      Bytes out(sealed.size() - kTagBytes, 0xee);
      const auto status = aead_open_into(key_of(parts[0]), nonce_of(parts[1]), parts[2], parts[3], out);
      ASSERT_FALSE(status) << "part " << part << " bit " << bit;
      EXPECT_EQ(status.error().code, ErrorCode::unauthorised);
      EXPECT_EQ(out, Bytes(out.size(), 0)) << "unauthenticated plaintext was left behind";
      if (words.empty()) words = status.error().message;
      EXPECT_EQ(status.error().message, words);
    }
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(aead_open(key_of(key), nonce_of(nonce), aad, ByteView(sealed).first(size))) << size;
}

// RFC 5869 has no SHA-384 cases; these were computed with Python's hmac module, following the RFC's text.
TEST(HkdfTest, MatchesCasesComputedElsewhere) {
  const auto basic =
      hkdf_sha384(Bytes(22, 0x0b), unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9"), 42);
  ASSERT_TRUE(basic);
  EXPECT_EQ(to_hex(basic->reveal(RevealKey{})),
            "9b5097a86038b805309076a44b3a9f38063e25b516dcbf369f394cfab43685f748b6457763e4f0204fc5");
  const auto no_salt = hkdf_sha384(Bytes(22, 0x0b), {}, {}, 42);
  ASSERT_TRUE(no_salt);
  EXPECT_EQ(to_hex(no_salt->reveal(RevealKey{})),
            "c8c96e710f89b0d7990bca68bcdec8cf854062e54c73a7abc743fade9b242daacc1cea5670415b52849c");
  const auto no_key = hkdf_sha384({}, {}, {}, 100);
  ASSERT_TRUE(no_key);
  EXPECT_EQ(to_hex(no_key->reveal(RevealKey{})),
            "470cc65387ca4a10c7a68a3b5148c8e513daa63101000739c4c6659b8611888413b4617b1e75cf30370c2865d6d5eb499931fffca5"
            "3cb44bc9bf8dfd7c2e9f12fe8c3aed4eee08b5cb076a526973f166c5a153fcb6df17d31d95928f0ddfbb9d10fcbf53");
}

TEST(HkdfTest, KeyIsTheFirst32Bytes) {
  const auto key = hkdf_sha384_key(Bytes(32, 7), Bytes(3, 1), as_bytes("label"));
  const auto longer = hkdf_sha384(Bytes(32, 7), Bytes(3, 1), as_bytes("label"), 96);
  ASSERT_TRUE(key && longer);
  EXPECT_EQ(to_hex(key->reveal(RevealKey{})), to_hex(longer->reveal(RevealKey{}).first(32)));
}

TEST(HkdfTest, RefusesWhatTheStandardDoes) {
  EXPECT_TRUE(hkdf_sha384(Bytes(32), {}, {}, kMaxHkdfBytes));
  EXPECT_FALSE(hkdf_sha384(Bytes(32), {}, {}, kMaxHkdfBytes + 1));
  EXPECT_FALSE(hkdf_sha384(Bytes(32), {}, {}, 0));
  EXPECT_FALSE(hkdf_sha384(Bytes(32), {}, {}, std::size_t{1} << 60));
  EXPECT_TRUE(hkdf_sha384(Bytes(32), {}, Bytes(kMaxHkdfInfoBytes), 32));
  EXPECT_FALSE(hkdf_sha384(Bytes(32), {}, Bytes(kMaxHkdfInfoBytes + 1), 32));
}

// RFC 7914, section 12, cut to our 32 bytes. The case with p = 16 is outside what we take, the one with N = 2^20 takes
// seconds: the same code runs it.
TEST(ScryptTest, MatchesRfc7914) {
  const auto small = scrypt(as_bytes("pleaseletmein"), as_bytes("SodiumChloride"), {14, 8, 1});
  ASSERT_TRUE(small);
  EXPECT_EQ(to_hex(small->reveal(RevealKey{})), "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
}

TEST(ScryptTest, EveryInputMatters) {
  const auto base = scrypt(as_bytes("a"), as_bytes("salt"), {4, 2, 1});
  ASSERT_TRUE(base);
  const std::string first = to_hex(base->reveal(RevealKey{}));
  const auto differs = [&](const char* pass, const char* salt, ScryptCost cost) {
    const auto other = scrypt(as_bytes(pass), as_bytes(salt), cost);
    return other.has_value() && to_hex(other->reveal(RevealKey{})) != first;
  };
  EXPECT_FALSE(differs("a", "salt", {4, 2, 1}));
  EXPECT_TRUE(differs("b", "salt", {4, 2, 1}));
  EXPECT_TRUE(differs("a", "salu", {4, 2, 1}));
  EXPECT_TRUE(differs("a", "salt", {5, 2, 1}));
  EXPECT_TRUE(differs("a", "salt", {4, 3, 1}));
  EXPECT_TRUE(differs("a", "salt", {4, 2, 2}));
}

TEST(ScryptTest, RefusesCostsBeforePayingThem) {
  EXPECT_EQ(scrypt_bytes({17, 8, 1}), (std::uint64_t{1} << 27) + 3 * 1024);
  EXPECT_TRUE(check_cost({20, 8, 4}));
  for (const ScryptCost cost :
       {ScryptCost{21, 8, 1}, ScryptCost{20, 16, 1}, ScryptCost{17, 17, 1}, ScryptCost{17, 8, 5}, ScryptCost{0, 8, 1},
        ScryptCost{17, 0, 1}, ScryptCost{17, 8, 0}, ScryptCost{255, 255, 255}}) {
    const auto key = scrypt(as_bytes("p"), as_bytes("s"), cost);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::unsupported);
  }
  EXPECT_FALSE(scrypt({}, as_bytes("s"), {4, 1, 1}));
}

}  // namespace
}  // namespace prism::crypto
