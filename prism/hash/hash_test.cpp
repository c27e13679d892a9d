#include <gtest/gtest.h>

#include <random>

#include "prism/hash/chacha20.h"
#include "prism/hash/hkdf.h"
#include "prism/hash/sha256.h"

namespace prism::hash {
namespace {

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(16 * digit(hex[i]) + digit(hex[i + 1])));
  }
  return bytes;
}

TEST(Sha256Test, AgreesWithFips180) {
  EXPECT_EQ(to_hex(sha256(as_bytes(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(
      to_hex(sha256(as_bytes("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopq"
                             "rlmnopqrsmnopqrstnopqrstu"))),
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(to_hex(sha256(Bytes(1000000, 'a'))), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PiecesDoNotMatter) {
  std::mt19937_64 random(1);
  Bytes data(1000);
  for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
  for (std::size_t size = 0; size < 200; ++size) {
    const ByteView all = ByteView(data).first(size);
    const Digest whole = sha256(all);
    for (std::size_t cut = 0; cut <= size; cut += 7) {
      Sha256 h;
      h.update(all.first(cut)).update(all.subspan(cut));
      ASSERT_EQ(h.finish(), whole) << size << " cut at " << cut;
      ASSERT_EQ(h.update(all).finish(), whole) << "after finish() the object must be as new";
    }
  }
}

TEST(Sha256Test, TagsSeparateDomains) {
  EXPECT_NE(tagged_sha256("a").update("bc").finish(), tagged_sha256("ab").update("c").finish());
  EXPECT_EQ(tagged_sha256("ab").update("c").finish(), sha256(from_hex("0200000000000000616263")));
}

TEST(HmacTest, AgreesWithRfc4231) {
  const Bytes key1(20, 0x0b);
  EXPECT_EQ(to_hex(hmac_sha256(key1, as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const Bytes key6(131, 0xaa);
  HmacSha256 hmac(key6);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(to_hex(hmac.update("Test Using Larger Than Block-Size Key - Hash Key First").finish()),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  }
}

struct HkdfCase {
  const char *material, *salt, *info, *key, *output;
};

TEST(HkdfTest, AgreesWithRfc5869) {
  const HkdfCase cases[] = {
      {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
       "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363"
       "73839"
       "3a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
       "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969"
       "79899"
       "9a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
       "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e"
       "7e8e9"
       "eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
       "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b"
       "8367793"
       "a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
       "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
  };
  for (const HkdfCase& c : cases) {
    const auto key = hkdf_extract(from_hex(c.salt), from_hex(c.material));
    EXPECT_EQ(to_hex(key.reveal(secret::RevealKey())), c.key);
    Bytes out(from_hex(c.output).size());
    ASSERT_TRUE(hkdf_sha256(from_hex(c.salt), from_hex(c.material), from_hex(c.info), out).has_value());
    EXPECT_EQ(to_hex(out), c.output);
  }
}

TEST(HkdfTest, RefusesMoreThanTheStandardAllows) {
  const auto key = hkdf_extract({}, as_bytes("key"));
  Bytes most(255 * 32), more(255 * 32 + 1);
  EXPECT_TRUE(hkdf_expand(key, {}, most).has_value());
  const Status refused = hkdf_expand(key, {}, more);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
}

ChaCha20Key counting_key() {
  ChaCha20Key key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

TEST(ChaCha20Test, AgreesWithRfc8439) {
  // Section 2.3.2.
  ChaCha20Stream block(counting_key(), {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0}, 1);
  Bytes out(64);
  block.read(MutableByteView(out));
  EXPECT_EQ(to_hex(out),
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de"
            "164eb9cbd0"
            "83e8a2503c4e");
  // Section 2.4.2: the text's exclusive or with the stream.
  const std::string_view text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  const secret::Secret<ChaCha20Key> key(counting_key());
  ChaCha20Stream stream(key, {0, 0, 0, 0, 0, 0, 0, 0x4a, 0, 0, 0, 0}, 1);
  Bytes cipher(text.size());
  stream.read(MutableByteView(cipher));
  for (std::size_t i = 0; i < text.size(); ++i) cipher[i] ^= static_cast<std::uint8_t>(text[i]);
  EXPECT_EQ(to_hex(cipher),
            "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e6"
            "5152ab8f53"
            "0c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e"
            "42874d");
}

TEST(ChaCha20Test, CutsDoNotMatter) {
  constexpr std::uint64_t kSeed = 3;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  Bytes whole(40000);
  ChaCha20Stream(counting_key(), {}).read(MutableByteView(whole));
  ChaCha20Stream pieces(counting_key(), {});
  std::size_t at = 0;
  while (at + 5008 < whole.size()) {
    if (random() % 4 == 0) {
      const std::uint64_t word = pieces.next_word();
      for (std::size_t i = 0; i < 8; ++i) ASSERT_EQ(whole[at + i], static_cast<std::uint8_t>(word >> (8 * i)));
      at += 8;
      continue;
    }
    Bytes part(random() % (random() % 2 == 0 ? 100 : 5000));
    pieces.read(MutableByteView(part));
    ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(at)));
    at += part.size();
  }
}

TEST(ChaCha20Test, TheLastBlockIsServedAndNothingAfterIt) {
  ChaCha20Stream stream(counting_key(), {}, 0xffffffff);
  Bytes last(64);
  stream.read(MutableByteView(last));
  EXPECT_NE(last, Bytes(64));
  EXPECT_DEATH(stream.next_word(), "used up");
}

}  // namespace
}  // namespace prism::hash
